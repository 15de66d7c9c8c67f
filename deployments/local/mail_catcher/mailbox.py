"""Caught messages as files: `000001.eml`, `000002.eml`, … in order of arrival, each written whole or not at all."""

from __future__ import annotations

import email
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENVELOPE_FROM = "X-Envelope-From"
ENVELOPE_TO = "X-Envelope-To"
_READING = policy.SMTPUTF8.clone(utf8=True)


@dataclass(frozen=True)
class Caught:
    """One message, as much of it as a list shows."""

    number: int
    recipients: str
    sender: str
    subject: str
    date: str
    short_date: str
    text: str
    has_html: bool


class MailFolder:
    """The folder of one catcher, which alone writes there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._last = max(numbers(folder), default=0)

    def store(self, sender: str, recipients: Sequence[str], content: bytes) -> Path:
        """Write a message and return its file; once this returns, neither a crash nor a power cut loses it.

        The content is kept byte for byte, below header lines that tell its envelope and when it came (UTC).
        """
        file = self.folder / _name(self._last + 1)
        draft = file.with_suffix(".draft")
        with draft.open("wb") as out:
            out.write(_envelope(sender, recipients) + content)
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)
        _sync(self.folder)
        self._last += 1
        return file


def numbers(folder: Path) -> list[int]:
    """Return the numbers of the messages in a folder, oldest first."""
    with os.scandir(folder) as entries:  # Paths take their time, and there may be thousands
        stems = [entry.name.removesuffix(".eml") for entry in entries if entry.name.endswith(".eml")]
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def message_file(folder: Path, number: int) -> Path:
    """Return where a message is kept."""
    return folder / _name(number)


def read(folder: Path, number: int) -> Caught:
    """Read one message for a list. Raises FileNotFoundError."""
    message = _parse(message_file(folder, number))
    html = message.get_body(("html",))
    return Caught(
        number=number,
        recipients=_header(message, "To") or _header(message, ENVELOPE_TO),
        sender=_header(message, "From") or _header(message, ENVELOPE_FROM),
        subject=_header(message, "Subject") or "(no subject)",
        date=_header(message, "Date"),
        short_date=_short_date(_header(message, "Date")),
        text=_content(message.get_body(("plain",))),
        has_html=html is not None,
    )


def read_html(folder: Path, number: int) -> str:
    """Return the HTML part of a message, empty where it has none. Raises FileNotFoundError."""
    return _content(_parse(message_file(folder, number)).get_body(("html",)))


def _parse(file: Path) -> EmailMessage:
    return email.message_from_bytes(file.read_bytes(), EmailMessage, policy=_READING)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # noqa: BLE001 -- what the standard library's header parser meets in a hostile one is not bounded
        return "(unreadable)"


def _short_date(date: str) -> str:
    try:
        return f"{parsedate_to_datetime(date):%d %b %H:%M}"
    except ValueError:
        return ""


def _content(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset or transfer encoding: show what can be shown
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def _envelope(sender: str, recipients: Sequence[str]) -> bytes:
    lines = [
        (ENVELOPE_FROM, sender),
        *((ENVELOPE_TO, recipient) for recipient in recipients),
        ("X-Caught-At", datetime.now(UTC).isoformat(timespec="milliseconds")),
    ]
    return "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines).encode(errors="surrogateescape")


def _one_line(value: str) -> str:
    return value.translate(dict.fromkeys((*range(32), 127)))


def _name(number: int) -> str:
    return f"{number:06}.eml"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
