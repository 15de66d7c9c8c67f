"""Bring the catalogues of templates/locale up to date with the templates: `make translations`."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import write_po

from tasks.core.errors import ConfigurationError
from tasks.mail.languages import CATALOGUE, read_catalogue
from tasks.mail.template_files import TEMPLATES, read_folder

WIDTH = 120
NOTES_TO_TRANSLATORS = ["L10N:"]
# As tasks/mail/sandbox.py compiles them: a sentence is found in the catalogue only if both read it alike.
OPTIONS = {"newstyle_gettext": "1", "trimmed": "1", "trim_blocks": "1", "lstrip_blocks": "1", "silent": "0"}
WITH_WORDS = {".txt", ".html", ".jinja"}


def main(arguments: list[str]) -> int:
    """Update every catalogue, or begin one for the language that is given; return the exit code."""
    try:
        sources = read_folder(TEMPLATES)
        names = [_name_for(code) for code in arguments] or [name for name in sources if CATALOGUE.fullmatch(name)]
        for name in names:
            catalogue = read_catalogue(sources.get(name, ""), name)
            update(catalogue, english(sources))
            _write(catalogue, TEMPLATES / name)
            left = len(list(problems(catalogue, english(sources))))
            print(f"templates/{name}: {left or 'nothing'} to translate or look at")
    except ConfigurationError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def english(sources: dict[str, str]) -> Catalog:
    """Return the sentences of all templates, as translators get them."""
    catalogue = Catalog(project="tournament-fees")
    for name, source in sources.items():
        if PurePath(name).suffix in WITH_WORDS:
            found = extract(
                "jinja2.ext:babel_extract",
                io.BytesIO(source.encode()),
                keywords=DEFAULT_KEYWORDS,
                comment_tags=NOTES_TO_TRANSLATORS,
                options=OPTIONS,
                strip_comment_tags=True,
            )
            for _, message, comments, context in found:
                catalogue.add(message, None, [(name, 1)], auto_comments=comments, context=context)
    return catalogue


def update(catalogue: Catalog, template: Catalog) -> None:
    """Take new sentences in; one that has changed a little keeps its translation, marked as fuzzy."""
    template.creation_date = catalogue.creation_date
    catalogue.update(template, update_header_comment=False)
    catalogue.fuzzy = False
    catalogue.project, catalogue.version = "tournament-fees", "1"
    catalogue.header_comment = f"# The words of the emails, {catalogue.locale_identifier}."


def problems(catalogue: Catalog, template: Catalog) -> Iterator[str]:
    """Say what keeps a catalogue from being complete, a line a sentence."""
    known = {message.id for message in catalogue if message.id}
    for message in template:
        if message.id and message.id not in known:
            yield f"{_short(message.id)} is missing (make translations takes it in)"
    for message in catalogue:
        if not message.id:
            continue
        if message.id not in {one.id for one in template}:
            yield f"{_short(message.id)} is in no template any more (make translations drops it)"
        elif not message.string or (message.pluralizable and not all(message.string)):
            yield f"{_short(message.id)} is not translated"
        elif message.fuzzy:
            yield f"{_short(message.id)} is marked as fuzzy: read its translation again and take the mark away"
        else:
            yield from (f"{_short(message.id)}: {error}" for error in message.check(catalogue))


def _name_for(code: str) -> str:
    try:
        return f"locale/{Locale.parse(code)}/LC_MESSAGES/messages.po"
    except (UnknownLocaleError, ValueError) as error:
        raise ConfigurationError(f"LANGUAGE={code} is no language such as fr ({error})") from error


def _write(catalogue: Catalog, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    write_po(content, catalogue, width=WIDTH, include_lineno=False, ignore_obsolete=True)
    file.write_bytes(content.getvalue())


def _short(message: str | tuple[str, ...] | list[str]) -> str:
    text = message if isinstance(message, str) else message[0]
    return f"{text[:60]}…" if len(text) > 60 else text  # noqa: PLR2004  a line of an error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
