"""Mailboxes: which stored addresses are one and the same, and which are no address at all."""

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

GMAIL = frozenset({"gmail.com", "googlemail.com"})


def parse_address(stored: str | None) -> ValidatedEmail | None:
    """Return the one usable address in `stored`, or None (RFC 5321 and 6531 syntax; no name server is asked)."""
    try:
        return validate_email((stored or "").strip(), check_deliverability=False)
    except EmailNotValidError:
        return None


def mailbox_of(address: ValidatedEmail) -> str:
    """Fold an address to its mailbox: casefolded, and for Gmail without dots and +tags in the local part."""
    local, domain = address.local_part.casefold(), address.domain.casefold()
    if domain in GMAIL:
        local = local.partition("+")[0].replace(".", "")
        domain = "gmail.com"
    return f"{local}@{domain}"


def mask(address: str | None) -> str:
    """Hide an address for logs and reports: the first letter and the domain stay."""
    local, at, domain = (address or "").strip().rpartition("@")
    return f"{local[:1]}…@{domain}" if at else "…"


def family_of(surname: str) -> str:
    """Fold a surname, so that one family's rows are merged and two families that share a mailbox are not."""
    return " ".join(surname.casefold().split())
