import hashlib
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from urllib.parse import quote

from tasks.errors import ConfigurationError, PermanentError
from tasks.mail.display import display_safe
from tasks.mail.rendering import RenderedMail
from tasks.mailbox import own_address

# RFC 5322 section 2.1.1, without the line end.
_MAX_LINE = 998
# RFC 2045 section 6.7 and RFC 2047 section 2. Given more room, the standard library writes quoted-printable lines and
# encoded words that long, which a server may rewrap and so break.
_MAX_ENCODED_LINE = 76
# A longer display name helps nobody, and encoded it would fill several header lines.
_MAX_DISPLAY_NAME = 60

MESSAGE_PLACE = "{message}"
"""What the address for unsubscribing has where the message is to be named."""


class _WirePolicy(EmailPolicy):
    """Write headers so that they parse back as they were, which EmailPolicy's own folding does not.

    It can add a space where it folds or encodes a part of a subject, and it encodes a long URL as if it were text.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """Leave ASCII on one line, encode a subject whole, and fold encoded names."""
        if name == "Subject" and not value.isascii():
            encoded = Header(value, "utf-8", maxlinelen=_MAX_ENCODED_LINE, header_name=name).encode(
                linesep=self.linesep
            )
            return f"{name}: {encoded}{self.linesep}".encode()
        width = _MAX_LINE if value.isascii() else _MAX_ENCODED_LINE
        return (SMTPUTF8 if self.utf8 else SMTP).clone(max_line_length=width).fold_binary(name, value)


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
    utf8 = needs_smtputf8(to_address)
    message = EmailMessage(_WirePolicy(linesep="\r\n", max_line_length=_MAX_ENCODED_LINE, utf8=utf8))
    message["From"] = _own_mailbox(sender, "sender")
    message["To"] = _recipient(to_name, to_address)
    answers = rendered.reply_to or reply_to
    if answers is not None:
        message["Reply-To"] = _own_mailbox(answers, "reply-to")
    message["Subject"] = rendered.subject
    message["Date"] = date
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notices, please
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    if rendered.unsubscribe:
        _add_unsubscribe(message, _own_mailbox(answers or sender, "reply-to"), unsubscribe_url)
    message.set_content(rendered.text, cte=_transfer_encoding(rendered.text))
    message.add_alternative(rendered.html, subtype="html", cte=_transfer_encoding(rendered.html))
    message["Content-Language"] = rendered.language  # set earlier, it would be the text part's alone
    message.set_boundary(_boundary(message_id))
    return message.as_bytes()


def needs_smtputf8(address: str) -> bool:
    """Tell whether an address can only be mailed to through servers that know SMTPUTF8."""
    return not address.isascii()


def _add_unsubscribe(message: EmailMessage, person: Address, url: str | None) -> None:
    """Offer a way out of further mails of this kind: an email to a person and, by RFC 8058, one click."""
    ways = [f"<mailto:{quote(person.addr_spec, safe='@')}?subject=unsubscribe>"]
    if url is not None:
        ways.insert(0, f"<{url.replace(MESSAGE_PLACE, quote(str(message['Message-ID']).strip('<>'), safe=''))}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Unsubscribe"] = ", ".join(ways)


def _own_mailbox(text: str, setting: str) -> Address:
    try:
        return own_address(text)
    except ValueError as error:
        raise ConfigurationError(f"The {setting} {text!r} {error}.") from None


def _recipient(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    shown = display_safe(name, _MAX_DISPLAY_NAME)
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


def _transfer_encoding(body: str) -> str:
    """Keep plain ASCII readable on the wire; else take the shorter of the two encodings that every server passes on."""
    data = body.encode()
    if data.isascii() and max(map(len, data.splitlines()), default=0) <= _MAX_LINE:
        return "7bit"
    # Quoted-printable spends two bytes more on each byte beyond ASCII, base64 a third more on all.
    beyond_ascii = len(data) - len(data.decode("ascii", "ignore"))
    return "base64" if beyond_ascii * 6 > len(data) else "quoted-printable"


def _boundary(message_id: str) -> str:
    # "=_" cannot occur in quoted-printable or base64 (RFC 2045 section 6.7).
    return "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:40]
