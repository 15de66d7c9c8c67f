"""Works on one message after the other: makes its links live, writes it, hands it to the mail server, records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from time import monotonic

from tasks.campaign import Campaign
from tasks.charges import charges_for
from tasks.club import CommittedPlayer, Tournament, players_with_orders
from tasks.compose import compose, skip_reason
from tasks.errors import PermanentError
from tasks.links.model import Link, LinkKind, LinkOutcome
from tasks.mail.mime import build_message
from tasks.mail.smtp import DeliveryOutcome, Envelope, Mailer
from tasks.mailbox import mailbox_of, parse_address, wire_address
from tasks.message import Draft, Message
from tasks.outbox import Claim
from tasks.services import Services

MAX_CHECKS = 3
"""How often a message's links are checked again, where an order changed between check and send."""

REVIEW_AGAIN = timedelta(minutes=10)

FRESH_SECONDS = 50
"""Longer after its check a link is checked again at the server's 354: it may be mailed for 120 seconds, and what Stripe
had listed may have been 60 old."""


@dataclass(frozen=True)
class Desk:
    """One campaign, what is claimed of it, and a line to the mail server."""

    services: Services
    campaign: Campaign
    tournament: Tournament
    claim: Claim
    mailer: Mailer

    def deliver(self, message_id: int) -> str:
        """Bring one message to a status with a reason."""
        for _ in range(MAX_CHECKS):
            message = self.claim.take(message_id)
            status = "lost" if message is None else self.deliver_as_it_stands(message)
            if status is not None:
                return status
        return self.claim.put_off(message_id, "queued", "order_changes", due=self.services.clock() + REVIEW_AGAIN)

    def deliver_as_it_stands(self, message: Message) -> str | None:
        """Check, render, send and record; None where something has changed between check and send."""
        status = self.keep_waiting(message)
        if status is not None:
            return status
        self.mailer.check()  # before the links are: a server may greet us only after minutes
        players, checked = self.players(message), monotonic()
        links = self.tend_links(message, players)
        status = self.hold_back(message, links)
        if status is not None:
            return status
        if not message.approved:
            return self.claim.put_off(message.id, "queued", "awaiting_approval")
        try:
            draft = self.write(message, players, links)
        except PermanentError as error:
            return self.claim.put_off(message.id, "failed", "cannot_be_written", error=str(error))
        if message.maybe_delivered and not is_unchanged(message, players, draft):
            return self.deliver_renewed(message, players)
        delivery = self.mailer.deliver(draft.envelope, lambda: self.begin_body(message, draft, checked))
        return None if delivery.outcome is DeliveryOutcome.WITHDRAWN else self.claim.record(message, delivery)

    def begin_body(self, message: Message, draft: Draft, checked: float) -> bool:
        """Say whether the body may go out now, after the server's 354; True counts as sent until more is known.

        A server may take minutes to come to its 354 (RFC 5321, 4.5.3.2), longer than a link may be unchecked.
        """
        if monotonic() - checked > FRESH_SECONDS:
            if self.claim.take(message.id) is None:
                return False
            links = self.tend_links(message, self.players(message))
            if not draft.carries([link for link in links if link.url]):
                return False
        return self.claim.enter_sending(message, draft)

    def keep_waiting(self, message: Message) -> str | None:
        """Skip a message to a suppressed mailbox, and put off what is over the limits until they allow it."""
        if message.suppressed:
            return self.claim.put_off(message.id, "skipped", "suppressed")
        hold = self.claim.reminder_hold(message)
        if hold is not None:
            return self.claim.put_off(message.id, "queued" if hold.due else "skipped", hold.reason, due=hold.due)
        due = self.claim.quota_due()
        return None if due is None else self.claim.put_off(message.id, "queued", "quota", due=due)

    def players(self, message: Message) -> Mapping[int, CommittedPlayer]:
        """Read whom the message is about, as the club's tables say now."""
        with self.services.database.transaction() as connection:
            return players_with_orders(connection, self.tournament.id, message.order_ids)

    def tend_links(self, message: Message, players: Mapping[int, CommittedPlayer]) -> list[Link]:
        """Make each order's link live, and note how it stands."""
        zone, kind = self.services.settings.club_time_zone, LinkKind(self.campaign.link_kind)
        with self.services.database.transaction() as connection:
            charges = charges_for(connection, self.tournament, players, zone)
        links = [
            self.services.keeper.tend(order_id, charges.get(order_id), mailing=True, kind=kind)
            for order_id in message.order_ids
        ]
        self.claim.record_links(links)
        return links

    def hold_back(self, message: Message, links: Sequence[Link]) -> str | None:
        """Skip or put off a message that cannot go out now; None where it can."""
        if any(link.outcome is LinkOutcome.UNDER_REVIEW for link in links):
            due = self.services.clock() + REVIEW_AGAIN
            return self.claim.put_off(message.id, "queued", "link_under_review", due=due)
        if not any(link.url for link in links):
            return self.claim.put_off(message.id, "skipped", skip_reason(links))
        return None

    def write(self, message: Message, players: Mapping[int, CommittedPlayer], links: Sequence[Link]) -> Draft:
        """Render the message with its links, as it goes to its one recipient."""
        letter = compose(message.kind, self.tournament, players, links, self.campaign.note)
        settings = self.services.settings
        repeated = message.dated_at if message.maybe_delivered else None
        dated_at = repeated or self.services.clock().replace(microsecond=0)
        content = build_message(
            self.services.renderer.render(letter),
            sender=settings.mail_from,
            reply_to=settings.mail_reply_to,
            to_address=message.address,
            to_name=letter.parent,
            message_id=message.message_id,
            date=dated_at,
            unsubscribe_url=settings.mail_unsubscribe_url,
        )
        envelope = Envelope(parseaddr(settings.mail_from)[1], message.address, content)
        return Draft(envelope, dated_at, [link for link in links if link.url])

    def deliver_renewed(self, message: Message, players: Mapping[int, CommittedPlayer]) -> str:
        """Deliver the same orders in a message of its own, to the address that the club has now."""
        address = parse_address(next(players[order] for order in message.order_ids if order in players).email)
        if address is None:
            return self.claim.put_off(message.id, "skipped", "no_address")
        renewed = self.claim.renew(
            message,
            mailbox_of(address),
            wire_address(address),
            self.services.settings.mail_domain,
        )
        return "lost" if renewed is None else self.deliver(renewed)


def is_unchanged(message: Message, players: Mapping[int, CommittedPlayer], draft: Draft) -> bool:
    """Say whether the message is, byte for byte, what was on the wire before, and its mailbox still the parent's."""
    parsed = (parse_address(player.email) for player in players.values())
    return draft.digest == message.content_digest and message.mailbox in {mailbox_of(one) for one in parsed if one}
