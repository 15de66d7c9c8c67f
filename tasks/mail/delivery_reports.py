"""Delivery status notifications (RFC 3464): what a mail server says, later and in a message, about one that it took."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message

from tasks.mail.suppressions import enhanced_status


class MalformedReportError(Exception):
    """It calls itself a delivery report, but lacks what one must have; says what."""


@dataclass(frozen=True)
class ReportedRecipient:
    """What a report says of one recipient; addresses as they stand there, `status` an RFC 3463 code."""

    addresses: frozenset[str]
    action: str
    status: str
    diagnostic: str


@dataclass(frozen=True)
class DeliveryReport:
    """A report: by which ids it names the message (Message-ID or envelope id, in angle brackets), and what of whom."""

    message_ids: frozenset[str]
    recipients: tuple[ReportedRecipient, ...]


def read_report(content: bytes) -> DeliveryReport | None:
    """Read a message as a delivery report; None where it is none, such as somebody's answer.

    Raises MalformedReportError for a report that names no message, or says nothing of a recipient.
    """
    report, status = next(_status_parts(message_from_bytes(content)), (None, None))
    if report is None or status is None:
        return None
    blocks = _blocks(status)
    if not blocks:
        raise MalformedReportError("it has no fields")
    recipients = tuple(_recipient(block) for block in blocks if block["Final-Recipient"] or block["Action"])
    if not recipients:
        raise MalformedReportError("it names no recipient")
    message_ids = _message_ids(report, blocks[0])
    if not message_ids:
        raise MalformedReportError("it does not say which message it is about")
    return DeliveryReport(message_ids, recipients)


_STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
_RETURNED_PARTS = {"message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers"}
_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}


def _status_parts(message: Message) -> Iterator[tuple[Message, Message]]:
    """Yield what a report is a part of and the report itself: what scans mail on its way wraps it, adding a notice."""
    for whole in message.walk():
        inner = whole.get_payload()
        for part in inner if isinstance(inner, list) else []:
            if isinstance(part, Message) and part.get_content_type() in _STATUS_PARTS:
                yield whole, part


def _blocks(part: Message) -> list[Message]:
    """Return the groups of fields: the first about the message, each other about one recipient."""
    payload = part.get_payload()
    groups = [group for group in payload if isinstance(group, Message)] if isinstance(payload, list) else []
    if part.get_content_type() == "message/delivery-status":
        return [group for group in groups if group.keys()]
    # Python takes a message/global-delivery-status for a message: the first group for its header, the rest for its text
    text = "\n".join(_body(group, str(part["Content-Transfer-Encoding"])) for group in groups)
    rest = [message_from_string(group) for group in re.split(r"\r?\n\s*\r?\n", text) if group.strip()]
    return [group for group in [*groups, *rest] if group.keys()]


def _body(message: Message, encoding: str) -> str:
    """Return the text of what stands in a part of this transfer encoding, which RFC 6533 allows there."""
    del message["Content-Transfer-Encoding"]
    message["Content-Transfer-Encoding"] = encoding
    raw = message.get_payload(decode=True)
    return raw.decode("utf-8", "replace").lstrip() if isinstance(raw, bytes) else ""


def _recipient(block: Message) -> ReportedRecipient:
    action = _text(block, "Action").split(" ")[0].lower()
    status = enhanced_status(_text(block, "Status"))
    if not block["Final-Recipient"] or action not in _ACTIONS or status is None:
        raise MalformedReportError("a recipient lacks its Final-Recipient, Action or Status")
    diagnostic = _text(block, "Diagnostic-Code").partition(";")[2].strip()
    named = _readings(_text(block, "Final-Recipient")) | _readings(_text(block, "Original-Recipient"))
    return ReportedRecipient(named, action, _exact(status, diagnostic), diagnostic)


def _exact(status: str, diagnostic: str) -> str:
    """Return the status, or the one in the other server's words where the reporting one has only 5.0.0 to say."""
    words = re.sub(r"^\d{3}[ -]", "", diagnostic)
    return (enhanced_status(words) or status) if status.endswith(".0.0") else status


def _readings(field: str) -> frozenset[str]:
    """Return the address in a field such as `rfc822; ann@example.org`, as it stands there and decoded.

    Some servers write it as xtext (RFC 3461, 4), most do not: in `ann+2024@example.org` the plus is one of a tag.
    """
    address = field.partition(";")[2].strip().strip("<>")
    unicode = re.sub(r"\\x\{([0-9A-F]{2,5})\}", lambda found: chr(int(found[1], 16)), address)  # RFC 6533, section 3
    return frozenset({address, _decoded(address), unicode} - {""})


def _message_ids(message: Message, about: Message) -> frozenset[str]:
    named = {_decoded(_text(about, "Original-Envelope-Id"))}
    inner = message.get_payload()
    for part in inner if isinstance(inner, list) else []:
        if not isinstance(part, Message):
            continue
        payload = part.get_payload()
        if part.get_content_type() in _RETURNED_PARTS and isinstance(payload, list):
            named |= {_text(returned, "Message-ID") for returned in payload if isinstance(returned, Message)}
        elif part.get_content_type() == "text/rfc822-headers":
            raw = part.get_payload(decode=True)
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(payload)
            named.add(_text(message_from_string(text), "Message-ID"))
    bare = {re.sub(r"^.*<|>.*$", "", name) for name in named}  # a comment may follow (RFC 5322, 3.2.2)
    return frozenset(f"<{name}>" for name in bare if name)


def _text(block: Message, field: str) -> str:
    return " ".join(str(block[field] or "").split())


def _decoded(xtext: str) -> str:
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), xtext)
