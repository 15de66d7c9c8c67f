"""Reads the settings from the environment or .env, and says all that is wrong with them in one line."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from tasks.core.errors import ConfigurationError
from tasks.core.settings import ScheduleSettings, Settings

ENV_FILE = "TOURNAMENT_FEES_ENV_FILE"


def load_settings(given: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings, from `given` if there is such, else from the environment and env_file().

    Raises one ConfigurationError that names each wrong setting, and shows the value of none.
    """
    with _told():
        if given is None:
            return Settings(_env_file=env_file())
        fields = {name.lower(): value for name, value in given.items() if name.lower() in Settings.model_fields}
        return Settings(_env_file=None, **fields)  # type: ignore[arg-type] # pydantic turns the texts into what it wants


def load_schedule_settings() -> ScheduleSettings:
    """Read and check what deploying needs, as load_settings() does."""
    with _told():
        return ScheduleSettings(_env_file=env_file())


@contextmanager
def _told() -> Iterator[None]:
    """Name each wrong setting in one ConfigurationError, and show the value of none."""
    try:
        yield
    except ValidationError as error:
        problems = [
            _sentence(str(problem["loc"][0]).upper() if problem["loc"] else "", problem["type"], problem["msg"])
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("; ".join(problems) + " (see .env.example)") from None


def env_file() -> Path | None:
    """Return the file that holds settings: the one that TOURNAMENT_FEES_ENV_FILE names, else .env in this folder.

    Raises a ConfigurationError where it is no readable UTF-8 file, or was named and is not there.
    """
    chosen = os.environ.get(ENV_FILE)
    file = Path(chosen or ".env")
    if chosen and not file.exists():
        raise ConfigurationError(f"{ENV_FILE} names {file}, which is not there")
    if not file.exists() or file == Path(os.devnull):
        return None
    try:
        file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{file} is not a readable file in UTF-8: save it as one") from None
    return file


def _sentence(name: str, kind: str, message: str) -> str:
    if kind == "missing":
        return f"{name} is not set"
    return f"{name} {message.removeprefix('Value error, ')}".strip()
