import hashlib
import re
from binascii import b2a_qp
from collections.abc import Iterator
from datetime import datetime
from email.base64mime import body_encode
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from tasks.core.email_address import own_address
from tasks.core.errors import ConfigurationError, PermanentError
from tasks.mail.display_names import display_safe
from tasks.mail.renderer import RenderedMail

# RFC 5322 section 2.1.1, without the line end.
_MAX_LINE = 998
# RFC 2045 section 6.7 and RFC 2047 section 2. Given more room, the standard library writes quoted-printable lines and
# encoded words that long, which a server may rewrap and so break.
_MAX_ENCODED_LINE = 76
# A longer display name helps nobody, and encoded it would fill several header lines.
_MAX_DISPLAY_NAME = 60

MESSAGE_PLACE = "{message}"
"""What the address for unsubscribing has where the message is to be named."""


# What every header field may hold as it stands: no encoded word to decode, no space that folding could move.
_PLAIN = re.compile(r"(?!.*=\?)[!-~]+( [!-~]+)*")
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_PLAIN_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


def build_message(  # noqa: PLR0913 - the parts of one envelope and letter; a bag for them would only move the list
    rendered: RenderedMail,
    *,
    sender: str,
    reply_to: str | None,
    to_address: str,
    to_name: str,
    message_id: str,
    date: datetime,
    unsubscribe_url: str | None = None,
) -> bytes:
    """Build the message as it goes over the wire, with CRLF line ends; the same arguments give the same bytes.

    `sender` and `reply_to` are "Name <address>" or an address; the brand's own reply address goes before `reply_to`.
    `to_address` comes with its domain in ASCII
    (`mailbox.wire_address`); a local part beyond ASCII makes a message that needs the server's SMTPUTF8
    (RFC 6531), as `needs_smtputf8` tells. `message_id` includes its angle brackets, `date` knows its zone. A kind that
    may be unsubscribed from says so in its headers, with `unsubscribe_url` too where that is given: an https address in
    which `{message}` stands for the Message-ID.

    Raises:
        ConfigurationError: if `sender` or `reply_to` is not one mail address.
        PermanentError: if `to_address` is not a mail address.
    """
    if date.tzinfo is None:
        raise ValueError("date must know its zone, or the header would claim that it is unknown")
    headers = dict(_headers(rendered, sender, reply_to, unsubscribe_url, message_id))
    recipient = _recipient(to_name, to_address)
    boundary = _boundary(message_id)
    fields = {
        "From": str(_own_mailbox(sender, "sender")),
        "To": str(recipient),
        **headers,
        "Date": format_datetime(date),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation notices, please
        "X-Auto-Response-Suppress": "All",  # the same for Exchange
        "Content-Language": rendered.language,
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    utf8 = needs_smtputf8(to_address)
    head = b"".join(_folded(name, value, utf8=utf8) for name, value in fields.items())
    parts = (_part("plain", rendered.text), _part("html", rendered.html))
    delimiter = f"\r\n--{boundary}".encode()
    return head + b"".join(delimiter + b"\r\n" + part for part in parts) + delimiter + b"--\r\n"


def needs_smtputf8(address: str) -> bool:
    """Tell whether an address can only be mailed to through servers that know SMTPUTF8."""
    return not address.isascii()


def _headers(
    rendered: RenderedMail, sender: str, reply_to: str | None, url: str | None, message_id: str
) -> Iterator[tuple[str, str]]:
    """Give what is the brand's and the kind's: who answers, the subject, and a way out of further mails of this kind.

    That is an email to a person and, by RFC 8058, one click.
    """
    answers = rendered.reply_to or reply_to
    if answers is not None:
        yield "Reply-To", str(_own_mailbox(answers, "reply-to"))
    yield "Subject", rendered.subject
    if not rendered.unsubscribe:
        return
    ways = [f"<mailto:{quote(_own_mailbox(answers or sender, 'reply-to').addr_spec, safe='@')}?subject=unsubscribe>"]
    if url is not None:
        ways.insert(0, f"<{url.replace(MESSAGE_PLACE, quote(message_id.strip('<>'), safe=''))}>")
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Unsubscribe", ", ".join(ways)


def _folded(name: str, value: str, *, utf8: bool) -> bytes:
    """Write a header so that it parses back as it was, which EmailPolicy's own folding does not.

    It can add a space where it folds or encodes a part of a subject, and it encodes a long URL as if it were text: so
    ASCII is left on one line and a subject encoded whole. Only encoded names are folded.
    """
    if len(name) + len(value) < _MAX_LINE - 2 and _PLAIN.fullmatch(value):
        return f"{name}: {value}\r\n".encode()
    if name == "Subject" and not value.isascii():
        encoded = Header(value, "utf-8", maxlinelen=_MAX_ENCODED_LINE, header_name=name).encode(linesep="\r\n")
        return f"{name}: {encoded}\r\n".encode()
    width = _MAX_LINE if value.isascii() else _MAX_ENCODED_LINE
    policy = (SMTPUTF8 if utf8 else SMTP).clone(max_line_length=width)
    return policy.fold_binary(*policy.header_store_parse(name, value))


@lru_cache(maxsize=64)
def _own_mailbox(text: str, setting: str) -> Address:
    try:
        return own_address(text)
    except ValueError as error:
        raise ConfigurationError(f"The {setting} {text!r} {error}.") from None


def _recipient(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    shown = display_safe(name, _MAX_DISPLAY_NAME)
    if _PLAIN_ADDRESS.fullmatch(address):
        return Address(shown, local, domain)  # the standard library's parser would take a tenth of all our time for it
    try:
        # Address() refuses a local part beyond ASCII when it is given whole.
        mailbox = Address(shown, local, domain) if needs_smtputf8(local) else Address(shown, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise PermanentError("The recipient's address is not a mail address: correct it in the club's data.") from error
    if not mailbox.domain.isascii() or mailbox.addr_spec != address:
        raise PermanentError(
            "The recipient's address is not in a form that servers take: correct it in the club's data."
        )
    return mailbox


def _part(subtype: str, body: str) -> bytes:
    """Keep plain ASCII readable on the wire; else take the shorter of the two encodings that every server passes on."""
    lines = body.encode().splitlines()
    data = b"\r\n".join(lines) + b"\r\n"
    encoding = "7bit"
    if not data.isascii() or max(map(len, lines), default=0) > _MAX_LINE:
        # Quoted-printable spends two bytes more on each byte beyond ASCII, base64 a third more on all.
        beyond_ascii = len(data) - len(data.decode("ascii", "ignore"))
        encoding = "base64" if beyond_ascii * 6 > len(data) else "quoted-printable"
        if encoding == "base64":
            data = body_encode(data, _MAX_ENCODED_LINE, "\r\n").encode()
        else:
            data = b2a_qp(data, istext=True)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + data


def _boundary(message_id: str) -> str:
    # "=_" cannot occur in quoted-printable or base64 (RFC 2045 section 6.7).
    return "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:40]
