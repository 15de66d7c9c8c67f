"""The secret without which Prefect's server answers nobody: whoever reaches it runs any command as its worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deployments.local.kept_secrets import kept_secret, secret_file
from deployments.local.ports import last_port
from tasks.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AT_THE_SERVER = "PREFECT_SERVER_API_AUTH_STRING"
AT_ITS_CLIENTS = "PREFECT_API_AUTH_STRING"

NAME = "prefect"
"""The name under which the server's port and its secret are kept."""

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
    """Return the secret of the stack in this folder, which is made at random the first time.

    Where somebody else has the server's port of last time, it is made anew: a browser may have handed it to them.
    Who had the port for a while in between is not noticed.
    """
    return kept_secret(home, NAME, prefix="admin:", renew=last_port(home, NAME) == 0)


def how_to_log_in(stack_home: Path, login: str, given: Mapping[str, str]) -> str:
    """Return what a person types into Prefect's page, and where that is kept."""
    if given_login(given):
        return f"with your {AT_ITS_CLIENTS}"
    return f"{login}   once in a browser; kept in {secret_file(stack_home, NAME)}, which only you can read"
