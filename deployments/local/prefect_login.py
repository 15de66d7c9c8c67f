"""The secret without which Prefect's server answers nobody: whoever reaches it runs any command as its worker."""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING

from tasks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AT_THE_SERVER = "PREFECT_SERVER_API_AUTH_STRING"
AT_ITS_CLIENTS = "PREFECT_API_AUTH_STRING"

_FILE = "prefect-login"
_PRINTABLE = re.compile(r"[!-~]{12,}")  # Prefect compares it as ASCII, and takes an empty one for none


def given_login(given: Mapping[str, str]) -> str | None:
    """Return the secret that the user has set for both sides of Prefect; None where one of them is not set.

    One alone belongs to another server, which PREFECT_API_URL may name. Raises a ConfigurationError.
    """
    server, clients = given.get(AT_THE_SERVER), given.get(AT_ITS_CLIENTS)
    if not server or not clients:
        return None
    if server != clients:
        raise ConfigurationError(f"{AT_THE_SERVER} and {AT_ITS_CLIENTS} differ: set both alike, or neither")
    if not _PRINTABLE.fullmatch(server):
        raise ConfigurationError(
            f"{AT_THE_SERVER} is no good secret: give it at least 12 characters, without spaces or accents"
        )
    return server


def kept_login(home: Path) -> str:
    """Return the secret of the stack in this folder; the first time, make it at random and keep it there (0600)."""
    file = home / _FILE
    if not file.exists():
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"admin:{secrets.token_urlsafe(24)}\n")
        draft.replace(file)  # in one step, so that a kill in between leaves no half of one
    return file.read_text().strip()


def how_to_log_in(home: Path, given: Mapping[str, str]) -> str:
    """Return what a person types into Prefect's page, and where that is kept."""
    if given_login(given):
        return f"with your {AT_ITS_CLIENTS}"
    return f"{kept_login(home)}   once in a browser; kept in {home / _FILE}, which only you can read"
