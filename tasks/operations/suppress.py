"""The suppression list by hand: whom not to mail any more, and whom to mail again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.core.email_address import mailbox_of, mask, mask_in, parse_address, wire_address
from tasks.core.errors import ConfigurationError
from tasks.mail.suppressions import Suppression
from tasks.operations import queries
from tasks.operations.options import SuppressChoice
from tasks.operations.suppression_csv import read_suppressions
from tasks.services import Services


@dataclass(frozen=True)
class Suppressed:
    """An entry of the list, its address masked."""

    id: int
    address: str
    reason: str
    source: str
    since: datetime
    by_whom: str


SUPPRESSED_HEAD = ("Number", "Address", "Reason", "From", "Since", "By")


def suppressions(services: Services) -> list[Suppressed]:
    """Return whom is not mailed, the newest first."""
    rows = queries.list_suppressions(services.database)
    return [
        Suppressed(row.id, mask(row.address), mask_in(row.reason), row.source, row.since, row.by_whom) for row in rows
    ]


def suppressed_rows(entries: Sequence[Suppressed]) -> list[tuple[str, ...]]:
    """Return the list as the cells of a table, under SUPPRESSED_HEAD."""
    return [(str(one.id), one.address, one.reason, one.source, f"{one.since:%Y-%m-%d}", one.by_whom) for one in entries]


def change(services: Services, choice: SuppressChoice) -> int:
    """Suppress or lift as a person has chosen, and return how many entries that changed."""
    choice.check()
    by = choice.by.strip()
    if choice.action == "suppress":
        return suppress_messages(services, choice.message_ids, reason=choice.reason.strip(), by=by)
    return lift(services, choice.suppression_ids, by=by)


def suppress_messages(services: Services, message_ids: Sequence[int], *, reason: str, by: str) -> int:
    """Suppress the mailboxes that these messages are to, and return how many were not on the list yet.

    Raises a ConfigurationError, with nothing done, for an id that is none or whose message has no address.
    """
    with services.database.transaction() as connection:
        rows = queries.list_message_mailboxes(connection, message_ids=list(message_ids))
        _all_found("message with an address", message_ids, [row.id for row in rows if parse_address(row.address)])
        mailboxes = {row.mailbox: row.address for row in rows if row.address is not None}
        entries = [Suppression(mailbox, address, reason, "hand", by) for mailbox, address in mailboxes.items()]
        return sum(entry.add(connection, services.clock()) for entry in entries)


def suppress_address(services: Services, address: str, *, reason: str, by: str) -> bool:
    """Suppress the mailbox of an address; False where it is on the list. Raises a ConfigurationError for no address."""
    mailbox, usable = _mailbox(address)
    with services.database.transaction() as connection:
        return Suppression(mailbox, usable, reason, "hand", by).add(connection, services.clock())


def import_suppressions(services: Services, content: bytes, *, by: str) -> tuple[int, int]:
    """Take over a CSV file; return how many lines it has, and how many of their mailboxes are new on the list.

    Raises one ConfigurationError, with nothing taken over, that names every line that is wrong.
    """
    lines = read_suppressions(content, services.clock())
    with services.database.transaction() as connection:
        new = sum(
            Suppression(line.mailbox, line.address, line.reason, "csv", by).add(connection, line.since)
            for line in lines
        )
    return len(lines), new


def lift(services: Services, suppression_ids: Sequence[int], *, by: str) -> int:
    """Take entries off the list; the next run of a campaign mails their owners again.

    Raises a ConfigurationError, with nothing done, for a number that is not on the list.
    """
    with services.database.transaction() as connection:
        lifted = queries.lift_suppressions(
            connection,
            ids=list(suppression_ids),
            mailbox=None,
            by_whom=by,
            now=services.clock(),
        )
        _all_found("active suppression", suppression_ids, lifted)
    return len(lifted)


def lift_address(services: Services, address: str, *, by: str) -> None:
    """Take the mailbox of an address off the list; raises a ConfigurationError where it is not on it."""
    mailbox, _ = _mailbox(address)
    if not queries.lift_suppressions(services.database, ids=None, mailbox=mailbox, by_whom=by, now=services.clock()):
        raise ConfigurationError("This mailbox is not on the suppression list: nothing was done")


def _mailbox(address: str) -> tuple[str, str]:
    parsed = parse_address(address)
    if parsed is None:
        raise ConfigurationError("This is not a mail address, one alone: nothing was done")
    return mailbox_of(parsed), wire_address(parsed)


def _all_found(what: str, wanted: Sequence[int], found: Sequence[int]) -> None:
    missing = sorted(set(wanted) - set(found))
    if missing or not wanted:
        numbers = ", ".join(map(str, missing[:20])) or "is given"
        raise ConfigurationError(f"No {what} {numbers}: nothing was done")
