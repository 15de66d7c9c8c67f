"""Secrets of the stack's own: made at random, and kept in its home, so that a bookmark with one goes on to work."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tasks.core.private_files import make_private_folder, whole_file


def kept_secret(home: Path, name: str, *, prefix: str = "", renew: bool = False) -> str:
    """Return `prefix` and 32 hexadecimal digits: those of last time, where they are still ours alone, or new ones.

    Only for the holder of `home`. `renew` makes new ones in any case.
    """
    file = secret_file(home, name)
    kept = None if renew else _read(file)
    return kept or _make(file, f"{prefix}{secrets.token_hex(16)}")


def secret_file(home: Path, name: str) -> Path:
    """Return where a secret is kept."""
    return home / "secrets" / name


def _read(file: Path) -> str | None:
    try:
        state = file.stat()
        is_ours_alone = state.st_uid == os.geteuid() and not state.st_mode & 0o077
        return file.read_text().strip() if is_ours_alone else None
    except FileNotFoundError:
        return None


def _make(file: Path, secret: str) -> str:
    make_private_folder(file.parent)
    with whole_file(file) as opened:
        opened.write(secret.encode())
    return secret
