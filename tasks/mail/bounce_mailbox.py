"""The mailbox to which undeliverable mail comes back: a maildir, or a folder on an IMAP server."""

import imaplib
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tasks.core.errors import ConfigurationError, TransientError

MOST_BYTES = 1_000_000
"""A delivery report with the message that it is about has a tenth of this; what is larger is left for a person."""

TIMEOUT_SECONDS = 60


class BounceBox(Protocol):
    """Messages that nobody has read yet, each by a key that holds until it is closed."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield key and content of each; one that is too large has no content."""

    def mark_read(self, key: str) -> None:
        """Note that a message is taken care of; it stays where it is."""


@contextmanager
def open_bounce_box(place: str) -> Iterator[BounceBox]:
    """Open `maildir:/path` or `imaps://user:password@host:993/folder`.

    Raises ConfigurationError where it does not exist or takes no login, TransientError where it is out of reach.
    """
    if place.startswith("maildir:"):
        yield Maildir(Path(place.removeprefix("maildir:")))
        return
    with _imap(place) as box:
        yield box


class Maildir:
    """A maildir; a message is read where its name has the flag S."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
            raise ConfigurationError(f"{folder} (BOUNCE_MAILBOX) is no maildir: it has no folders new and cur")

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield what is in `new`, and what is in `cur` without the flag."""
        for file in sorted([*(self.folder / "new").iterdir(), *(self.folder / "cur").iterdir()]):
            if file.is_file() and not file.name.startswith(".") and "S" not in file.name.partition(":2,")[2]:
                too_large = file.stat().st_size > MOST_BYTES
                yield f"{file.parent.name}/{file.name}", b"" if too_large else file.read_bytes()

    def mark_read(self, key: str) -> None:
        """Move it to `cur` with the flag; somebody else may have moved it meanwhile."""
        name, _, flags = Path(key).name.partition(":2,")
        with suppress(FileNotFoundError):
            (self.folder / key).rename(self.folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")


class ImapFolder:
    """An open folder on an IMAP server; a message is read where it is seen."""

    def __init__(self, server: imaplib.IMAP4) -> None:
        self.server = server

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield what is not seen yet; to look at it does not change that."""
        for uid in _data(self.server.uid("SEARCH", "UNSEEN"))[0].split():
            key = uid.decode("ascii")
            said = b" ".join(part for part in _data(self.server.uid("FETCH", key, "(RFC822.SIZE)")))
            size = re.search(rb"RFC822\.SIZE (\d+)", said)
            if size is None or int(size[1]) > MOST_BYTES:
                yield key, b""
                continue
            answer = self.server.uid("FETCH", key, "(BODY.PEEK[])")[1]
            yield key, next((part[1] for part in answer if isinstance(part, tuple)), b"")

    def mark_read(self, key: str) -> None:
        """Flag it as seen."""
        _data(self.server.uid("STORE", key, "+FLAGS.SILENT", "(\\Seen)"))


@contextmanager
def _imap(place: str) -> Iterator[BounceBox]:
    address = urlsplit(place)
    host, port = address.hostname or "", address.port
    where = f"The IMAP server {host}:{port or 993} (BOUNCE_MAILBOX)"
    try:
        if address.scheme == "imaps":
            context = ssl.create_default_context()
            server: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=TIMEOUT_SECONDS)
        else:
            server = imaplib.IMAP4(host, port or 143, timeout=TIMEOUT_SECONDS)
    except (OSError, imaplib.IMAP4.error) as error:
        raise TransientError(f"{where} cannot be reached: {error}") from error
    try:
        _enter(server, unquote(address.username or ""), unquote(address.password or ""), address.path, where)
        yield ImapFolder(server)
    except (OSError, imaplib.IMAP4.abort) as error:
        raise TransientError(f"{where} was lost: {error}") from error
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()
        with suppress(OSError):
            server.shutdown()


def _enter(server: imaplib.IMAP4, user: str, password: str, path: str, where: str) -> None:
    folder = unquote(path.strip("/")) or "INBOX"
    try:
        if (user + password).isascii():
            server.login(user, password)
        else:  # imaplib's login sends ASCII only, and its error would show the password
            server.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        # Its words may repeat the command, and with it the password.
        raise ConfigurationError(f"{where} refuses the user name or password") from None
    if server.select(_quoted(folder))[0] != "OK":
        raise ConfigurationError(f"{where} has no folder {folder!r}")


def _data(answer: tuple[str, list[bytes | None]]) -> list[bytes]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.abort(f"it answered {status}")
    return [part for part in data if isinstance(part, bytes)] or [b""]


def _quoted(folder: str) -> str:
    """Return a folder's name as IMAP wants it: in its own UTF-7 (RFC 3501, 5.1.3), quoted."""

    def encoded(found: re.Match[str]) -> str:
        return f"&{b64encode(found[0].encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"

    name = re.sub(r"[^\x20-\x7e]+", encoded, folder.replace("&", "&-"))
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
