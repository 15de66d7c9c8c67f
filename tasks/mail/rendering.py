import hashlib
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tasks.errors import ConfigurationError
from tasks.mail.brands import Brand, read_brand
from tasks.mail.display import display_letter, display_safe
from tasks.mail.letter import DEFAULT_LANGUAGE, Letter
from tasks.mail.local_format import LocalFormat

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# Inboxes show 40 to 70 characters; beyond this a subject is noise, and long headers invite trouble on the way.
MAX_SUBJECT = 150

_PARTS = (("subject", "txt"), ("body", "txt"), ("body", "html"))


@dataclass(frozen=True)
class RenderedMail:
    """Hold a letter's subject (one line) and its two bodies, which end in one line feed."""

    subject: str
    text: str
    html: str


class Renderer:
    """Turn letters into mail. Make one a process.

    The templates folder is read once, here, so that what an approval's digest covers is what is sent, also when a file
    changes while a campaign runs. A kind is a folder with subject.txt, body.txt and body.html in English; a translation
    stands beside them as subject.es.txt, body.es.txt and body.es.html.

    Raises:
        ConfigurationError: if the folder or a brand in it cannot be read.
    """

    def __init__(self, templates: Path = TEMPLATES) -> None:
        self._sources = _read_folder(templates)
        self._brands = {
            Path(name).stem: read_brand(source, _file(name))
            for name, source in self._sources.items()
            if name.startswith("brands/") and name.endswith(".toml")
        }
        # One for each ending, with escaping on or off for all that it loads: Jinja takes what an imported macro returns
        # for safe by its caller's setting, so that a macro compiled for text would put names into HTML unescaped.
        self._environments = {".txt": self._environment(escape=False), ".html": self._environment(escape=True)}

    def render(self, letter: Letter) -> RenderedMail:
        """Render a letter; the same letter gives the same text every time.

        A letter in a language that its kind is not written in is in English throughout, dates and money included.

        Raises:
            ConfigurationError: if a template is missing or broken, or there is no such brand or time zone.
        """
        language, names = self._version(letter.kind, letter.language)
        context = {
            "letter": display_letter(letter),
            "brand": self._brand(letter.brand),
            "language": language,
            "local": LocalFormat.of(language, letter.time_zone),
        }
        subject, text, html = (self._fill(name, context) for name in names)
        return RenderedMail(display_safe(subject, MAX_SUBJECT), _tidy(text), _tidy(html))

    @property
    def kinds(self) -> list[str]:
        """The kinds of message that there are: the folders with a body."""
        return sorted(name.partition("/")[0] for name in self._sources if name.endswith("/body.txt"))

    @property
    def brands(self) -> list[str]:
        """The brands that there are."""
        return sorted(self._brands)

    def digest(self, kind: str) -> str:
        """Return the SHA-256, in hexadecimal, of all files that a kind uses, in all languages, and of all brands.

        Every one of them is compiled on the way, so that a broken template shows before a campaign is approved.

        Raises:
            ConfigurationError: if a template is missing or broken.
        """
        written = [name for name in self._sources if name.startswith(f"{kind}/")]
        _, parts = self._version(kind, DEFAULT_LANGUAGE)
        used = self._with_references({*written, *parts})
        brands = {name for name in self._sources if name.startswith("brands/")}
        digest = hashlib.sha256()
        for name in sorted(used | brands):
            for piece in (name.encode(), self._sources[name].encode()):
                digest.update(len(piece).to_bytes(8, "big") + piece)
        return digest.hexdigest()

    def _environment(self, *, escape: bool) -> ImmutableSandboxedEnvironment:
        return ImmutableSandboxedEnvironment(
            loader=FunctionLoader(self._load),
            undefined=StrictUndefined,
            autoescape=escape,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def _load(self, name: str) -> tuple[str, str, None] | None:
        return (self._sources[name], _file(name), None) if name in self._sources else None

    def _version(self, kind: str, language: str) -> tuple[str, list[str]]:
        """Return the language a kind will be rendered in and the names of its subject, text and HTML template."""
        code = re.split("[-_]", language.strip().lower())[0]
        translated = [f"{kind}/{part}.{code}.{ending}" for part, ending in _PARTS]
        missing = [name for name in translated if name not in self._sources]
        if len(missing) == len(_PARTS):
            return DEFAULT_LANGUAGE, [f"{kind}/{part}.{ending}" for part, ending in _PARTS]
        if missing:
            raise ConfigurationError(f"{_file(missing[0])} is missing: a translation needs {', '.join(translated)}.")
        return code, translated

    def _brand(self, name: str) -> Brand:
        if name not in self._brands:
            raise ConfigurationError(
                f"There is no brand {name!r}: add {_file(f'brands/{name}.toml')} or correct the team's brand "
                f"(known: {', '.join(sorted(self._brands)) or 'none'})."
            )
        return self._brands[name]

    def _fill(self, name: str, context: dict[str, Any]) -> str:
        try:
            return self._environments[Path(name).suffix].get_template(name).render(context)
        except TemplateError as error:
            raise self._explain(error) from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._explain_use(error, f"{type(error).__name__}: {error}") from error

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
            environment = self._environments[".txt"]
            environment.get_template(name)
            found = list(find_referenced_templates(environment.parse(self._sources[name], name, _file(name))))
        except TemplateError as error:
            raise self._explain(error) from error
        if None in found:
            raise ConfigurationError(f"{_file(name)} includes or imports a template by a variable: name it literally.")
        return [reference for reference in found if reference is not None]

    def _explain(self, error: TemplateError) -> ConfigurationError:
        """Say which file, line and variable, and what to do."""
        if isinstance(error, TemplateNotFound):
            return ConfigurationError(
                f"{_file(str(error.name))} is missing: add it (a kind needs all its three parts)."
            )
        if isinstance(error, TemplateSyntaxError):
            return ConfigurationError(f"{error.filename}, line {error.lineno}: {error.message}. Correct the template.")
        return self._explain_use(error, error.message or "")

    def _explain_use(self, error: Exception, said: str) -> ConfigurationError:
        """Say where a template does with its variables what cannot be done."""
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in self._files()][-1]
        source = self._sources[where.filename.removeprefix("templates/")].splitlines()[(where.lineno or 1) - 1].strip()
        return ConfigurationError(
            f"{where.filename}, line {where.lineno}: {said} in `{source}`. Correct it: templates see "
            "letter, brand, language and local (what a letter has is in tasks/mail/letter.py)."
        )

    def _files(self) -> set[str]:
        return {_file(name) for name in self._sources}


def _file(name: str) -> str:
    return f"templates/{name}"


def _read_folder(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ConfigurationError(f"There is no templates folder {folder}: run from the repository's root.")
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".txt", ".html", ".jinja", ".toml"})
    try:
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"A file of {folder} is not UTF-8 ({error}): save it as UTF-8.") from error


def _tidy(body: str) -> str:
    lines = "\n".join(line.rstrip() for line in body.splitlines())
    return re.sub("\n{3,}", "\n\n", lines).strip() + "\n"
