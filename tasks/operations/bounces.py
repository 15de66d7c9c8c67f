"""Take in what comes back: delivery reports about messages of ours; a mailbox that does not exist is suppressed."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from tasks.core.email_address import mailbox_of, parse_address
from tasks.core.errors import ConfigurationError
from tasks.mail.bounce_mailbox import BounceBox, open_bounce_box
from tasks.mail.delivery_reports import DeliveryReport, MalformedReportError, ReportedRecipient, read_report
from tasks.mail.suppressions import NO_SUCH_MAILBOX, PIPELINE, Suppression
from tasks.operations import queries
from tasks.operations.queries import MessageMailbox
from tasks.services import Services

OURS = {"suppressed", "returned", "noted"}


@dataclass
class BounceTally:
    """How many recipients were reported with which finding; what is no report, or a malformed one, is left unread."""

    findings: Counter[str] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)
    other_mail: int = 0


def read_bounces(services: Services) -> BounceTally:
    """Read every unread message of BOUNCE_MAILBOX; a report is taken in once, however often it is read.

    A report counts only where it names a Message-ID of ours, which nobody can guess, and its own recipient. Raises
    ConfigurationError or TransientError where the mailbox cannot be opened.
    """
    place = services.settings.bounce_mailbox
    if place is None:
        raise ConfigurationError("BOUNCE_MAILBOX is not set: it names the mailbox to read (see .env.example)")
    tally = BounceTally()
    with open_bounce_box(place.get_secret_value()) as box:
        for key, content in box.unread():
            _take_in(services, box, key, content, tally)
    return tally


def _take_in(services: Services, box: BounceBox, key: str, content: bytes, tally: BounceTally) -> None:
    try:
        report = read_report(content)
    except MalformedReportError as error:
        tally.malformed.append(f"{key}: {error}")
        return
    if report is None:
        tally.other_mail += 1
        return
    findings = _record(services, report, hashlib.sha256(content).hexdigest())
    tally.findings.update(finding for finding, is_new in findings if is_new)
    if any(finding in OURS for finding, _ in findings):
        box.mark_read(key)


def _record(services: Services, report: DeliveryReport, digest: str) -> list[tuple[str, bool]]:
    """Commit what a report says; return what was found of each recipient, and whether that is new."""
    now, findings = services.clock(), []
    with services.database.transaction() as connection:
        message = queries.find_message_by_rfc_id(connection, message_ids=sorted(report.message_ids))
        for number, recipient in enumerate(report.recipients):
            finding = find(message, recipient)
            is_new = queries.add_bounce(
                connection,
                report_digest=digest,
                recipient_number=number,
                message_id=message.id if message else None,
                action=recipient.action,
                status=recipient.status,
                diagnostic=recipient.diagnostic[:500] or None,
                finding=finding,
                now=now,
            )
            if is_new and finding == "suppressed" and message is not None:
                reason = f"{recipient.status} {recipient.diagnostic}".strip()[:500]
                address = message.address or message.mailbox  # only what is purged has none, and a mailbox of nobody
                Suppression(message.mailbox, address, reason, "bounce", PIPELINE).add(connection, now)
            findings.append((finding, is_new))
    return findings


def find(message: MessageMailbox | None, recipient: ReportedRecipient) -> str:
    """Say what a report means: only what surely went to our recipient and will never arrive there suppresses."""
    if message is None:
        return "not ours"
    mailboxes = {mailbox_of(parsed) for parsed in map(parse_address, recipient.addresses) if parsed}
    if message.mailbox not in mailboxes:
        return "another recipient"
    if recipient.action != "failed" or not recipient.status.startswith("5."):
        return "noted"
    return "suppressed" if recipient.status in NO_SUCH_MAILBOX else "returned"


def tally_words(tally: BounceTally) -> str:
    """Say in one line what was read."""
    said = [f"{count} {finding}" for finding, count in sorted(tally.findings.items())]
    if tally.malformed:
        said.append(f"{len(tally.malformed)} malformed reports left unread")
    if tally.other_mail:
        said.append(f"{tally.other_mail} other messages left unread")
    return ", ".join(said) or "nothing new"
