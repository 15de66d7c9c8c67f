import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from css_inline import CSSInliner, InlineError
from jinja2 import FunctionLoader, TemplateError
from jinja2.meta import find_referenced_templates

from tasks.core.errors import ConfigurationError
from tasks.mail.brands import Brand, read_brand
from tasks.mail.display_names import display_letter, display_safe
from tasks.mail.languages import ENGLISH, Languages
from tasks.mail.letter import DEFAULT_BRAND, Letter
from tasks.mail.local_format import LocalFormat
from tasks.mail.sandbox import TemplateSandbox
from tasks.mail.template_files import TEMPLATES, explain, file_name, kinds, read_folder, wants_unsubscribe

# Inboxes show 40 to 70 characters; beyond this a subject is noise, and long headers invite trouble on the way.
MAX_SUBJECT = 150
# A guessed zone would tell some parents a wrong hour; "6:10 PM Coordinated Universal Time" is awkward but true.
DEFAULT_TIME_ZONE = "UTC"

_PARTS = ("subject.txt", "body.txt", "body.html")
# Whatever a template does wrong when it runs: a macro that calls itself for ever, a sum of a number and a date.
_MISTAKES = (
    *(TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError),
    *(TypeError, ValueError),
)


@dataclass(frozen=True)
class RenderedMail:
    """Hold a letter's subject (one line) and its two bodies, which end in one line feed.

    `reply_to` is the brand's own, if it has one; `unsubscribe` says whether the headers offer to be left out.
    """

    subject: str
    text: str
    html: str
    language: str = ENGLISH
    reply_to: str | None = None
    unsubscribe: bool = False


class Renderer:
    """Turn letters into mail. Make one a process.

    The templates folder is read once, here, so that what an approval's digest covers is what is sent, also when a file
    changes while a campaign runs. A kind is a folder with subject.txt, body.txt and body.html in English; translations
    are gettext catalogues. `language` and `time_zone` are the club's, for letters that do not say their own.

    Raises:
        ConfigurationError: if the folder, a brand or a catalogue in it cannot be read, or there is no such `language`.
    """

    def __init__(
        self, templates: Path = TEMPLATES, *, language: str = ENGLISH, time_zone: str = DEFAULT_TIME_ZONE
    ) -> None:
        self._sources = read_folder(templates)
        self.languages = Languages(self._sources, language)
        self._time_zone = time_zone
        self.brands = {
            brand.id: brand
            for brand in (
                read_brand(source, file_name(name))
                for name, source in self._sources.items()
                if name.startswith("brands/") and name.endswith(".toml")
            )
        }
        self._sandboxes: dict[tuple[str, LocalFormat], TemplateSandbox] = {}
        self._digests: dict[str, str] = {}
        self._inliner = CSSInliner(load_remote_stylesheets=False)

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of message that can be rendered."""
        return kinds(self._sources)

    def render(self, letter: Letter) -> RenderedMail:
        """Render a letter; the same letter gives the same text every time.

        A letter in a language that there is not is in the club's throughout, dates and money included.

        Raises:
            ConfigurationError: if a template is missing or broken, or there is no such brand or time zone.
        """
        language = self.languages.choose(letter.language)
        brands = {name: self._brand(name) for name in dict.fromkeys([letter.brand, *letter.brands])}
        brand = brands[letter.brand]
        context = {
            "letter": display_letter(letter),
            "brand": brand,
            "brands": brands,
            "signature": brand.signature(language, self.languages.default),
            "language": language,
        }
        local = LocalFormat.of(language, letter.time_zone or self._time_zone)
        subject, text, html = (self._fill(f"{letter.kind}/{part}", context, local) for part in _PARTS)
        return RenderedMail(
            subject=display_safe(subject, MAX_SUBJECT),
            text=_tidy(text),
            html=_tidy(self._inline(html, letter.kind)),
            language=language,
            reply_to=brand.reply_to,
            unsubscribe=wants_unsubscribe(self._sources, letter.kind),
        )

    def digest(self, kind: str) -> str:
        """Return the SHA-256, in hexadecimal, of all files that a kind uses, of all languages and of all brands.

        Every template is compiled on the way, so that a broken one shows before a campaign is approved.

        Raises:
            ConfigurationError: if a template is missing or broken.
        """
        if kind not in self._digests:
            self._digests[kind] = self._digest(kind)
        return self._digests[kind]

    def _digest(self, kind: str) -> str:
        own = {name for name in self._sources if name.startswith(f"{kind}/")}
        used = self._with_references({name for name in own if not name.endswith(".toml")} | _parts(kind))
        common = {name for name in self._sources if name.startswith(("brands/", "locale/"))}
        wants_unsubscribe(self._sources, kind)
        digest = hashlib.sha256()
        pieces = [piece for name in sorted(own | used | common) for piece in (name, self._sources[name])]
        for piece in (self.languages.default, self._time_zone, *pieces):
            data = piece.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()

    def _sandbox(self, name: str, local: LocalFormat) -> TemplateSandbox:
        """Return where a template runs.

        There is one sandbox for each file extension, with escaping on or off for all that it loads: Jinja takes what an
        imported macro returns for safe by its caller's setting, so that a macro compiled for text would put names into
        HTML unescaped. Language and zone are the sandbox's too, and not the letter's: what a template imports is read
        once for all letters then.
        """
        key = (name.rpartition(".")[2], local)
        if key not in self._sandboxes:
            translations = self.languages.translations(local.language)
            self._sandboxes[key] = TemplateSandbox(
                FunctionLoader(self._load), translations, {"local": local}, escape=key[0] == "html"
            )
        return self._sandboxes[key]

    def _load(self, name: str) -> tuple[str, str, None] | None:
        return (self._sources[name], file_name(name), None) if name in self._sources else None

    def _brand(self, name: str) -> Brand:
        if name not in self.brands:
            raise ConfigurationError(
                f"There is no brand {name!r}: add {file_name(f'brands/{name}.toml')} or correct the team's brand "
                f"(known: {', '.join(sorted(self.brands)) or 'none'}; {DEFAULT_BRAND!r} must be there)."
            )
        return self.brands[name]

    def _fill(self, name: str, context: dict[str, Any], local: LocalFormat) -> str:
        try:
            return self._sandbox(name, local).fill(name, context)
        except _MISTAKES as error:
            raise explain(error, self._sources) from error

    def _inline(self, html: str, kind: str) -> str:
        """Move the styles to the elements that they are for: Gmail and Outlook drop style sheets or parts of them.

        It is done after rendering: an inliner takes a template's own {% for %} out of the table that it stands in.
        """
        try:
            return self._inliner.inline(html)
        except InlineError as error:
            raise ConfigurationError(
                f"The styles of {file_name(f'{kind}/body.html')} cannot be inlined ({error})."
            ) from error

    def _with_references(self, names: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self._references(name)
        return seen

    def _references(self, name: str) -> list[str]:
        try:
            sandbox = self._sandbox("any.txt", LocalFormat.of(ENGLISH, DEFAULT_TIME_ZONE))
            sandbox.get_template(name)
            found = list(find_referenced_templates(sandbox.parse(self._sources[name], name, file_name(name))))
        except TemplateError as error:
            raise explain(error, self._sources) from error
        if None in found:
            raise ConfigurationError(
                f"{file_name(name)} includes or imports a template by a variable: name it literally."
            )
        return [sandbox.join_path(reference, name) for reference in found if reference is not None]


def _parts(kind: str) -> set[str]:
    return {f"{kind}/{part}" for part in _PARTS}


def _tidy(body: str) -> str:
    """Return the body without trailing spaces and runs of empty lines, which loops and conditions leave behind."""
    lines = "\n".join(line.rstrip() for line in body.splitlines())
    return re.sub("\n{3,}", "\n\n", lines).strip() + "\n"
