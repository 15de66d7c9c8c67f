"""Works on one message after the other: makes its links live, writes it, hands it to the mail server, records."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parseaddr
from time import monotonic
from typing import Any

from tasks.campaign import Campaign
from tasks.charges import charges_for
from tasks.club import CommittedPlayer, Tournament, players_with_orders
from tasks.compose import compose, skip_reason
from tasks.errors import ConfigurationError, PermanentError, TransientError
from tasks.links.glance import kept_links
from tasks.links.model import Charge, Link, LinkKind, LinkOutcome
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

READ_AHEAD = 10
"""So many messages are read at once, with all that they are written from: that costs as many statements as one does."""

READ_SECONDS = 10.0
"""What was read so long ago is read again before it is used: people correct addresses, and parents pay."""


@dataclass(frozen=True)
class Ready:
    """A message and what it is written from, as the tables said at a moment of our own clock."""

    message: Message
    players: Mapping[int, CommittedPlayer]
    charges: Mapping[int, Charge]
    links: Mapping[int, Link]
    """Those of its orders that need nothing done; the others have to be looked after."""

    read_at: float
    draft: Future[Draft] | None = None
    """The message, where all of its links are right: it is being written already."""

    @property
    def is_old(self) -> bool:
        """Whether it has to be read again."""
        return monotonic() - self.read_at > READ_SECONDS


@dataclass(frozen=True)
class Desk:
    """One campaign, what is claimed of it, and a line to the mail server."""

    services: Services
    campaign: Campaign
    tournament: Tournament
    claim: Claim
    mailer: Mailer
    writer: Executor
    """Writes the next message while the mail server is waited for."""

    ahead: dict[int, Ready] = field(default_factory=dict)
    """The next messages, as they were read at once."""

    def deliver(self, message_id: int) -> str:
        """Bring one message to a status with a reason."""
        ready = self.next_one(message_id)
        for _ in range(MAX_CHECKS):
            status = "lost" if ready is None else self.deliver_as_it_stands(ready)
            if status is not None:
                return status
            ready = self.read([message_id]).get(message_id)
        return self.claim.put_off(message_id, "queued", "order_changes", due=self.services.clock() + REVIEW_AGAIN)

    def next_one(self, message_id: int) -> Ready | None:
        """Return a message as it was read a moment ago; where it was not, read it, and with it some that follow."""
        ready = self.ahead.pop(message_id, None)
        if ready is None or ready.is_old:
            self.ahead.clear()
            self.ahead.update(self.read_on(message_id))
            ready = self.ahead.pop(message_id, None)
        return ready

    def read_on(self, message_id: int) -> dict[int, Ready]:
        """Read a message and some that follow, or it alone where one of those cannot be read: that is none of its."""
        following = [other for other in self.claim.ids if other > message_id][: READ_AHEAD - 1]
        try:
            ahead = self.read([message_id, *following])
        except (ConfigurationError, TransientError):
            raise
        except Exception:  # noqa: BLE001  it comes again with the message that it is about
            return self.read([message_id])
        return {id_: replace(ready, draft=self.begin_writing(ready)) for id_, ready in ahead.items()}

    def begin_writing(self, ready: Ready) -> Future[Draft] | None:
        """Let a message be written that is sure to go out as it was read."""
        if not ready.links or ready.links.keys() != set(ready.message.order_ids):
            return None
        return self.writer.submit(self.write, ready, list(ready.links.values()))

    def read(self, message_ids: Sequence[int]) -> dict[int, Ready]:
        """Read those of the messages that are still ours, whom they are about, and which of their links are right."""
        read_at, zone = monotonic(), self.services.settings.club_time_zone
        messages = self.claim.take(*message_ids)
        orders = [order for message in messages if not message.suppressed for order in message.order_ids]
        with self.services.database.transaction() as connection:
            players = players_with_orders(connection, self.tournament.id, orders) if orders else {}
            charges = charges_for(connection, self.tournament, players, zone) if players else {}
        kept = kept_links(self.services.keeper, charges, LinkKind(self.campaign.link_kind)) if charges else {}
        if kept:
            self.claim.record_links(list(kept.values()))

        def own(message: Message, of_all: Mapping[int, Any]) -> dict[int, Any]:
            return {order: of_all[order] for order in message.order_ids if order in of_all}

        return {
            message.id: Ready(message, own(message, players), own(message, charges), own(message, kept), read_at)
            for message in messages
        }

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
        links = self.tend_links(ready)
        status = self.hold_back(message, links)
        if status is not None:
            return status
        if not message.approved:
            return self.claim.put_off(message.id, "queued", "awaiting_approval")
        try:
            draft = ready.draft.result() if ready.draft else self.write(ready, links)
        except PermanentError as error:
            return self.claim.put_off(message.id, "failed", "cannot_be_written", error=str(error))
        if message.maybe_delivered and not is_unchanged(message, ready.players, draft):
            return self.deliver_renewed(ready)
        delivery = self.mailer.deliver(draft.envelope, lambda: self.begin_body(ready, draft))
        return None if delivery.outcome is DeliveryOutcome.WITHDRAWN else self.claim.record(message, delivery)

    def begin_body(self, ready: Ready, draft: Draft) -> bool:
        """Say whether the body may go out now, after the server's 354; True counts as sent until more is known.

        A server may take minutes to come to its 354 (RFC 5321, 4.5.3.2), longer than a link may be unchecked.
        """
        if monotonic() - ready.read_at > FRESH_SECONDS:
            again = self.read([ready.message.id]).get(ready.message.id)
            if again is None or not draft.carries([link for link in self.tend_links(again) if link.url]):
                return False
        return self.claim.enter_sending(ready.message, draft)

    def keep_waiting(self, message: Message) -> str | None:
        """Skip a message to a suppressed mailbox, and put off what is over the limits until they allow it."""
        if message.suppressed:
            return self.claim.put_off(message.id, "skipped", "suppressed")
        hold = self.claim.reminder_hold(message)
        if hold is not None:
            return self.claim.put_off(message.id, "queued" if hold.due else "skipped", hold.reason, due=hold.due)
        due = self.claim.quota_due()
        return None if due is None else self.claim.put_off(message.id, "queued", "quota", due=due)

    def tend_links(self, ready: Ready) -> list[Link]:
        """Make each order's link live that is not, and note how it stands."""
        kind = LinkKind(self.campaign.link_kind)
        tended = {
            order_id: self.services.keeper.tend(order_id, ready.charges.get(order_id), mailing=True, kind=kind)
            for order_id in ready.message.order_ids
            if order_id not in ready.links
        }
        if tended:
            self.claim.record_links(list(tended.values()))
        return [ready.links.get(order_id) or tended[order_id] for order_id in ready.message.order_ids]

    def hold_back(self, message: Message, links: Sequence[Link]) -> str | None:
        """Skip or put off a message that cannot go out now; None where it can."""
        if any(link.outcome is LinkOutcome.UNDER_REVIEW for link in links):
            due = self.services.clock() + REVIEW_AGAIN
            return self.claim.put_off(message.id, "queued", "link_under_review", due=due)
        if not any(link.url for link in links):
            return self.claim.put_off(message.id, "skipped", skip_reason(links))
        return None

    def write(self, ready: Ready, links: Sequence[Link]) -> Draft:
        """Render the message with its links, as it goes to its one recipient."""
        message, settings = ready.message, self.services.settings
        letter = compose(message.kind, self.tournament, ready.players, links, self.campaign.note)
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

    def deliver_renewed(self, ready: Ready) -> str:
        """Deliver the same orders in a message of its own, to the address that the club has now."""
        message = ready.message
        address = parse_address(next(iter(ready.players.values())).email)
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
