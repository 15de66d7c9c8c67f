"""The templates folder as it was when it was read, what its files refer to, and what an error in one of them means."""

import tomllib
import traceback
from collections.abc import Iterable
from pathlib import Path

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

from tasks.core.errors import ConfigurationError

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

_ENDINGS = {".txt", ".html", ".jinja", ".css", ".toml", ".po"}


def file_name(name: str) -> str:
    """Return what errors call a template."""
    return f"templates/{name}"


def read_folder(folder: Path) -> dict[str, str]:
    """Return the text of each file that emails are made of, by its path under the folder.

    Raises:
        ConfigurationError: if there is no such folder, or a file is not UTF-8.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"There is no templates folder {folder}: run from the repository's root.")
    files = sorted(path for path in folder.rglob("*") if path.suffix in _ENDINGS)
    try:
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"A file of {folder} is not UTF-8 ({error}): save it as UTF-8.") from error


def kinds(sources: Iterable[str]) -> list[str]:
    """Return the kinds of message: the folders with a subject."""
    return sorted(name.removesuffix("/subject.txt") for name in sources if name.endswith("/subject.txt"))


def wants_unsubscribe(sources: dict[str, str], kind: str) -> bool:
    """Return True if a kind offers to be left out of further mails: `unsubscribe = true` in its kind.toml.

    Raises:
        ConfigurationError: if that file says anything else.
    """
    name = f"{kind}/kind.toml"
    try:
        table = tomllib.loads(sources.get(name, ""))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file_name(name)} is not valid TOML ({error}): mend it there.") from error
    wanted = table.pop("unsubscribe", False)
    if table or not isinstance(wanted, bool):
        raise ConfigurationError(f"{file_name(name)} may say `unsubscribe = true` or `false`, and nothing else.")
    return wanted


def explain(error: Exception, sources: dict[str, str]) -> ConfigurationError:
    """Say which file, line and variable of a template is wrong, and what to do."""
    if isinstance(error, TemplateNotFound):
        return ConfigurationError(
            f"{file_name(str(error.name))} is missing: add it (a kind needs all its three parts)."
        )
    if isinstance(error, TemplateSyntaxError):
        return ConfigurationError(f"{error.filename}, line {error.lineno}: {error.message}. Correct the template.")
    said = error.message if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
    files = {file_name(name) for name in sources}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    if not frames:
        return ConfigurationError(f"A template cannot be rendered: {said}.")
    where = frames[-1]
    source = sources[where.filename.removeprefix("templates/")].splitlines()[(where.lineno or 1) - 1].strip()
    return ConfigurationError(
        f"{where.filename}, line {where.lineno}: {said} in `{source}`. Correct it: templates see "
        "letter, brand, brands, signature, language and local (what a letter has is in tasks/mail/letter.py)."
    )
