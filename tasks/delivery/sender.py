"""Works on one message after the other: makes its links live, writes it, hands it to the mail server, records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from tasks.campaigns.letters import skip_reason
from tasks.campaigns.message import Draft, Message
from tasks.campaigns.options import Campaign
from tasks.club.model import CommittedPlayer
from tasks.core.email_address import mailbox_of, parse_address, wire_address
from tasks.core.errors import PermanentError
from tasks.delivery.outbox import Claim
from tasks.delivery.read_ahead import READ_SECONDS, ReadAhead, Ready
from tasks.delivery.results import Results
from tasks.links.model import LinkKind, LinkOutcome, LinkResult
from tasks.mail.smtp import Mailer
from tasks.mail.transport import DeliveryOutcome
from tasks.services import Services

MAX_CHECKS = 3
"""How often a message's links are checked again, where an order changed between check and send."""

REVIEW_AGAIN = timedelta(minutes=10)

FRESH_SECONDS = 50
"""Longer after its check a link is checked again at the server's 354: it may be mailed for 120 seconds, and what Stripe
had listed may have been 60 old."""


@dataclass(frozen=True)
class MessageSender:
    """One campaign, what is claimed of it, and a line to the mail server."""

    services: Services
    campaign: Campaign
    claim: Claim
    read_ahead: ReadAhead
    mailer: Mailer
    results: Results

    def deliver(self, message_id: int) -> str:
        """Bring one message to a status with a reason, or to the mail server's last word on it."""
        ready = self.read_ahead.next_one(message_id)
        for _ in range(MAX_CHECKS):
            status = "lost" if ready is None else self.deliver_as_it_stands(ready)
            if status is not None:
                return status
            ready = self.read_ahead.read([message_id]).get(message_id)
        return self.claim.defer(message_id, "queued", "order_changes", due=self.services.clock() + REVIEW_AGAIN)

    def deliver_as_it_stands(self, ready: Ready) -> str | None:
        """Check, render, send and record; None where something has changed between check and send."""
        message = ready.message
        status = self.keep_waiting(message)
        if status is not None:
            return status
        before = monotonic()
        self.mailer.check()  # before the links are looked after: a server may greet us only after minutes
        if monotonic() - before > READ_SECONDS:
            return None
        links = self.ensure_links(ready)
        status = self.skip_or_defer(message, links)
        if status is not None:
            return status
        if not message.approved:
            return self.claim.defer(message.id, "queued", "awaiting_approval")
        try:
            draft = ready.draft.result() if ready.draft else self.read_ahead.write(ready, links)
        except PermanentError as error:
            return self.claim.defer(message.id, "failed", "cannot_be_written", error=str(error))
        if message.maybe_delivered and not is_unchanged(message, ready.players, draft):
            return self.deliver_renewed(ready)
        delivery = self.mailer.deliver(draft.envelope, lambda: self.begin_body(ready, draft))
        return None if delivery.outcome is DeliveryOutcome.WITHDRAWN else self.results.record(message, delivery)

    def begin_body(self, ready: Ready, draft: Draft) -> bool:
        """Return True if the body may go out now, after the server's 354; True counts as sent until more is known.

        A server may take minutes to come to its 354 (RFC 5321, 4.5.3.2), longer than a link may be unchecked.
        """
        self.results.finish_recording()
        if monotonic() - ready.read_at > FRESH_SECONDS:
            again = self.read_ahead.read([ready.message.id]).get(ready.message.id)
            if again is None or not draft.carries([link for link in self.ensure_links(again) if link.url]):
                return False
        return self.claim.enter_sending(ready.message, draft)

    def keep_waiting(self, message: Message) -> str | None:
        """Skip a message to a suppressed mailbox, and defer what is over the limits until they allow it."""
        if message.suppressed:
            return self.claim.defer(message.id, "skipped", "suppressed")
        obstacle = self.claim.reminder_obstacle(message)
        if obstacle is not None:
            status = "queued" if obstacle.due else "skipped"
            return self.claim.defer(message.id, status, obstacle.reason, due=obstacle.due)
        due = self.claim.quota_due()
        return None if due is None else self.claim.defer(message.id, "queued", "quota", due=due)

    def ensure_links(self, ready: Ready) -> list[LinkResult]:
        """Make each order's link live that is not, and note how it stands."""
        kind = LinkKind(self.campaign.link_kind)
        checked = {
            order_id: self.services.keeper.ensure_link(order_id, ready.charges.get(order_id), mailing=True, kind=kind)
            for order_id in ready.message.order_ids
            if order_id not in ready.links
        }
        if checked:
            self.claim.record_links(list(checked.values()))
        return [ready.links.get(order_id) or checked[order_id] for order_id in ready.message.order_ids]

    def skip_or_defer(self, message: Message, links: Sequence[LinkResult]) -> str | None:
        """Skip or defer a message that cannot go out now; None where it can."""
        if any(link.outcome is LinkOutcome.UNDER_REVIEW for link in links):
            due = self.services.clock() + REVIEW_AGAIN
            return self.claim.defer(message.id, "queued", "link_under_review", due=due)
        if not any(link.url for link in links):
            return self.claim.defer(message.id, "skipped", skip_reason(links))
        return None

    def deliver_renewed(self, ready: Ready) -> str:
        """Deliver the same orders in a message of its own, to the address that the club has now."""
        message = ready.message
        address = parse_address(next(iter(ready.players.values())).email)
        if address is None:
            return self.claim.defer(message.id, "skipped", "no_address")
        renewed = self.claim.renew(
            message,
            mailbox_of(address),
            wire_address(address),
            self.services.settings.mail_domain,
        )
        return "lost" if renewed is None else self.deliver(renewed)


def is_unchanged(message: Message, players: Mapping[int, CommittedPlayer], draft: Draft) -> bool:
    """Return True if the message is, byte for byte, what was on the wire before, and its mailbox still the parent's."""
    parsed = (parse_address(player.email) for player in players.values())
    return draft.digest == message.content_digest and message.mailbox in {mailbox_of(one) for one in parsed if one}
