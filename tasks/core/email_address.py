"""Mailboxes: which stored addresses are one and the same, and which are no address at all."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.policy import SMTP

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

MOST_NAME = 100
"""Characters of the club's own name in a header: a line of one may have 998 (RFC 5322), a reader sees a few dozen."""
GMAIL = frozenset({"gmail.com", "googlemail.com"})


def parse_address(stored: str | None) -> ValidatedEmail | None:
    """Return the one usable address in `stored`, or None (RFC 5321 and 6531 syntax; no name server is asked)."""
    try:
        return validate_email((stored or "").strip(), check_deliverability=False)
    except EmailNotValidError:
        return None


def wire_address(address: ValidatedEmail) -> str:
    """Return an address as mail servers are told it: its domain in ASCII, also where the local part is not."""
    return f"{address.local_part}@{address.ascii_domain}"


def mailbox_of(address: ValidatedEmail) -> str:
    """Fold an address to its mailbox: casefolded, and for Gmail without dots and +tags in the local part."""
    local, domain = address.local_part.casefold(), address.domain.lower()  # to casefold, ß is ss: another domain (IDNA)
    if domain in GMAIL:
        local = local.partition("+")[0].replace(".", "") or local
        domain = "gmail.com"
    return f"{local}@{domain}"


def mask(address: str | None) -> str:
    """Hide an address for logs and reports: its first letter and domain stay, and nothing of what is no address."""
    parsed = parse_address(address)
    return f"{parsed.local_part[:1]}…@{parsed.domain}" if parsed else "…"


def mask_in(text: str) -> str:
    """Hide every address in a text, such as a mail server's reply."""
    return re.sub(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+", lambda found: mask(found[0].rstrip(".")), text)


def own_address(text: str) -> Address:
    """Read the club's own `Name <address>` as it goes into a header; raises ValueError unless it is one in ASCII."""
    try:
        header = SMTP.header_factory("From", text) if text.isprintable() else None
    except (IndexError, MessageError):  # how the standard library's parser meets some half addresses
        header = None
    if header is None or header.defects or len(header.addresses) != 1 or not header.addresses[0].domain:
        raise ValueError('is not a mail address, one alone, such as "Example Hoops Club <fees@example.org>"')
    address: Address = header.addresses[0]
    if len(address.display_name) > MOST_NAME:
        raise ValueError(f"has a name of more than {MOST_NAME} characters: shorten it")
    if not address.addr_spec.isascii():
        raise ValueError("is not a mail address in ASCII: write its domain in its xn-- form")
    return address


def family_of(surname: str) -> str:
    """Fold a surname, so that one family's rows are merged and two families that share a mailbox are not."""
    return " ".join(surname.casefold().split())
