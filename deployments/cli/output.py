"""How the verbs speak to a terminal."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tasks.core.errors import ConfigurationError, PermanentError, TransientError
from tasks.core.private_files import whole_file

if TYPE_CHECKING:  # Prefect takes seconds to import
    from prefect.client.schemas.objects import State

Tournament = Annotated[str, typer.Option("--tournament", "-t", help="its name; without it, all of them")]
By = Annotated[str, typer.Option(help="your name, kept beside what you decide", default_factory=getpass.getuser)]

ACTED_ON_BY_PEOPLE = (ConfigurationError, PermanentError, TransientError)


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """Turn an error that a person can act on into one line and exit code 2; anything else is a bug and stays loud."""
    try:
        yield
    except ACTED_ON_BY_PEOPLE as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def end_as(state: State[Any]) -> NoReturn:
    """Print a run's last line and end: 0 where it is done, 1 where a person has to act, 2 where it could not run."""
    print(f"{state.name}: {state.message}")
    if state.is_completed():
        raise typer.Exit(0)
    raise typer.Exit(2 if isinstance(state.data, ACTED_ON_BY_PEOPLE) else 1)


def write_private(file: Path, content: bytes) -> None:
    """Write a file that nobody else on this machine can read; raises a ConfigurationError where that cannot be."""
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise ConfigurationError(f"{file} is no ordinary file, and is not replaced by one: name another")
    try:
        with whole_file(file) as opened:
            opened.write(content)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None


def check_prefect() -> None:
    """Raise a ConfigurationError where no Prefect server keeps our runs; Prefect itself waits, or shows a traceback."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415  Prefect takes seconds to import

    from deployments.access import answers  # noqa: PLC0415  as above

    url = PREFECT_API_URL.value()
    if url is None:
        raise ConfigurationError("PREFECT_API_URL is not set: name a Prefect server, such as http://127.0.0.1:4200/api")
    if not answers(url.rstrip("/")):
        raise ConfigurationError(f"No Prefect server answers at {url} (PREFECT_API_URL)")
    check_let_in()


def check_let_in() -> None:
    """Raise a ConfigurationError where Prefect's server, which answers, does not take our secret."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415  Prefect takes seconds to import
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415
    from prefect.settings import PREFECT_API_AUTH_STRING  # noqa: PLC0415

    secret = PREFECT_API_AUTH_STRING.value() or ""
    if not secret.isascii():  # Prefect's server fails over one, with a traceback
        raise ConfigurationError("PREFECT_API_AUTH_STRING has letters with accents: make another, as .env.example says")
    with get_client(sync_client=True) as client:
        try:
            client.api_version()
        except PrefectHTTPStatusError as error:
            if error.response.status_code not in {401, 403}:
                raise
            wrong = "is not the one" if secret else "is not set: set it to the one"
            raise ConfigurationError(
                f"Prefect's server at {client.api_url} does not let us in: PREFECT_API_AUTH_STRING {wrong} that it was "
                "started with (PREFECT_SERVER_API_AUTH_STRING)"
            ) from None
