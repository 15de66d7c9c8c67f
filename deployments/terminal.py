"""How the verbs speak to a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tasks.errors import ConfigurationError, PermanentError, TransientError


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """Turn an error that a person can act on into one line and exit code 2; anything else is a bug and stays loud."""
    try:
        yield
    except (ConfigurationError, PermanentError, TransientError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
