"""Ports that stay the same from one run to the next, so that a link in a caught message still leads somewhere."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from tasks.core.private_files import whole_file

if TYPE_CHECKING:
    from pathlib import Path


def last_port(home: Path, name: str) -> int:
    """Return the port that `name` had last time; 0, which means any free one, where it had none or it is taken now."""
    port = _remembered(home).get(name, 0)
    return port if _is_free(port) else 0


def free_port() -> int:
    """Return a port that is free now; for a program that cannot choose one itself, and with a retry around it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def remember_port(home: Path, name: str, port: int | None) -> None:
    """Note the port for the next run."""
    with whole_file(home / "ports.json") as file:
        file.write(json.dumps({**_remembered(home), name: port}).encode())


def _remembered(home: Path) -> dict[str, int]:
    try:
        return dict(json.loads((home / "ports.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
