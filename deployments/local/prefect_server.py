"""Prefect's server and web interface, with its state in PostgreSQL and nothing sent to anybody."""

from __future__ import annotations

import sys
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

from deployments.local.home import close_to_others
from deployments.local.ports import free_port, last_port, remember_port
from deployments.local.prefect_login import AT_ITS_CLIENTS, AT_THE_SERVER, NAME
from deployments.local.processes import Child, ChildFailedError, ChildProcesses

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 3


def prefect_server(children: ChildProcesses, database_url: str, login: str) -> str:
    """Start a server on `database_url` (a `postgresql+asyncpg://` one), wait until it answers, and return its URL.

    It answers whoever knows `login`, and no page of another origin. Its command takes a port instead of choosing one;
    if somebody else gets that port first, another one is tried.
    """
    for left in reversed(range(_TRIES)):
        port = last_port(children.home, NAME) or free_port()
        url = f"http://127.0.0.1:{port}"
        child = _start(children, database_url, url, login)
        try:
            child.wait_until(partial(_is_healthy, url))
        except ChildFailedError:
            if left == 0 or not _lost_its_port(child):
                raise
            child.stop()
        else:
            remember_port(children.home, NAME, port)
            close_to_others(children.home / "prefect")  # its pages' folders are copied with their modes
            return url
    raise AssertionError("the last try returns or raises")


def prefect_client_environment(home: Path, url: str | None, login: str | None) -> dict[str, str]:
    """Return the settings of a process that talks to the server at `url`, and is let in there by `login`."""
    quiet = {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }
    return {**quiet, "PREFECT_API_URL": f"{url}/api", AT_ITS_CLIENTS: login} if url and login else quiet


def _start(children: ChildProcesses, database_url: str, url: str, login: str) -> Child:
    home = children.home / "prefect"
    home.mkdir(exist_ok=True)
    port = url.rpartition(":")[2]
    return children.start(
        NAME,
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
        folder=home,  # in the repository it would read .env, which is about another server
        environment={
            **prefect_client_environment(children.home, url, login),
            AT_THE_SERVER: login,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            # The UI's own pages. Not by the name localhost: on [::1] that can be another user's server.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": url,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_UI_ENABLED": "true",
            "PREFECT_SERVER_UI_API_URL": f"{url}/api",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            # The root leads to its first UI: the second one asks a host of an analytics firm, whatever is set.
            "PREFECT_SERVER_UI_V2_ENABLED": "false",
            # The default is inside the installed package, which another user may own.
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        },
    )


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=5) as answer:  # noqa: S310 -- our own http:// URL
            return bool(answer.read() == b"true")
    except OSError:
        return False


def _lost_its_port(child: Child) -> bool:
    return "already in use" in child.log.read_text(errors="replace")
