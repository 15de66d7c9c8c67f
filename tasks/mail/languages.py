"""The languages that emails are written in: English stands in the templates, each other one in a gettext catalogue.

A catalogue, templates/locale/es/LC_MESSAGES/messages.po, is compiled in memory each time it is read: a compiled file
beside it could be older than the words that were reviewed, and the digest of an approval would have to cover both.
"""

import io
import re
from gettext import GNUTranslations, NullTranslations

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from tasks.core.errors import ConfigurationError

ENGLISH = "en"
CATALOGUE = re.compile(r"locale/([^/]+)/LC_MESSAGES/messages\.po")


class Languages:
    """Know the translations, and which of them a reader gets.

    `default` is the language of readers whose own is not known or not there.

    Raises:
        ConfigurationError: if a catalogue cannot be read, or there is none for `default`.
    """

    def __init__(self, sources: dict[str, str], default: str) -> None:
        self._translations: dict[str, NullTranslations] = {ENGLISH: NullTranslations()}
        for name, source in sources.items():
            if found := CATALOGUE.fullmatch(name):
                self._translations[_code(found[1])] = _compiled(read_catalogue(source, name))
        self.default = _code(default)
        if self.default not in self._translations:
            raise ConfigurationError(
                f"There are no emails in the language {default!r} (CLUB_LANGUAGE): choose one of "
                f"{', '.join(self.known)}, or add it with `make translations LANGUAGE={self.default}`."
            )

    @property
    def known(self) -> list[str]:
        """Return the codes of all languages."""
        return sorted(self._translations)

    def choose(self, wanted: str | None) -> str:
        """Return the language that a reader gets who wants this one, such as "es-MX"; see `is_missing`."""
        code = _code(wanted or "")
        return code if code in self._translations else self.default

    def is_missing(self, wanted: str | None) -> bool:
        """Return True if a reader's language is known, but not there, so that they get the default one."""
        return bool(wanted and wanted.strip()) and _code(wanted or "") not in self._translations

    def translations(self, code: str) -> NullTranslations:
        """Return the words of one language."""
        return self._translations[code]


def read_catalogue(source: str, name: str) -> Catalog:
    """Read a catalogue from the text of its .po file, named as under templates/.

    Raises:
        ConfigurationError: if it is broken, or its folder is not named for a language.
    """
    file, found = f"templates/{name}", CATALOGUE.fullmatch(name)
    if found is None:
        raise ConfigurationError(f"{file} should be templates/locale/<language>/LC_MESSAGES/messages.po.")
    try:
        return read_po(io.StringIO(source), locale=Locale.parse(found[1]), abort_invalid=True)
    except (UnknownLocaleError, ValueError, PoFileError) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}): mend it there.") from error


def _code(language: str) -> str:
    """Return the first part of a language tag: one Spanish, and one English, is enough for everybody."""
    return re.split("[-_]", language.strip().lower())[0]


def _compiled(catalogue: Catalog) -> GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
