"""Deliver a batch: for each message make its links live, render, send and record, one after the other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from itertools import takewhile
from uuid import UUID

from tasks.campaign import Batch, Campaign
from tasks.charges import charge_for
from tasks.club import CommittedPlayer, Tournament, find_tournament_by_id, players_with_orders
from tasks.compose import compose
from tasks.errors import PermanentError
from tasks.links.model import Link, LinkOutcome
from tasks.mail.mime import build_message
from tasks.mail.smtp import Delivery, DeliveryOutcome, Envelope, Mailer
from tasks.outbox import Claim, Message, Outbox
from tasks.services import Services

MAX_CHECKS = 3
"""How often a message's links are checked again, where an order changed between check and send."""

REVIEW_AGAIN = timedelta(minutes=10)


def deliver_batch(
    services: Services,
    campaign: Campaign,
    batch: Batch,
    run_id: UUID | None,
    stop_wanted: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Deliver those of the messages that are due and nobody else holds; return how many came to which status.

    `stop_wanted` is asked between messages; what is left then is given back.

    Raises TransientError where Stripe, the mail server or the database is out of reach: what was not begun is queued
    again and a later call takes it up. Raises ConfigurationError where going on would fail every message alike.
    """
    outbox = Outbox(
        services.database,
        campaign.id,
        services.clock,
        services.settings.max_attempts,
        services.settings.smtp_reply_timeout_seconds,
        run_id,
    )
    tournament = find_tournament_by_id(services.database, campaign.tournament_id)
    statuses: Counter[str] = Counter()
    with outbox.claim(batch.message_ids) as claim, services.mailer() as mailer:
        orders = services.database.fetch("queued_orders", message_ids=claim.ids)
        services.survey.look_for([row.order_id for row in orders])
        for message_id in takewhile(lambda _: not stop_wanted(), claim.ids):
            statuses[_Desk(services, tournament, claim, mailer).deliver(message_id)] += 1
    return statuses


@dataclass(frozen=True)
class _Desk:
    """Where one message after the other is worked on."""

    services: Services
    tournament: Tournament
    claim: Claim
    mailer: Mailer

    def deliver(self, message_id: int) -> str:
        """Bring one message to a status with a reason."""
        for _ in range(MAX_CHECKS):
            message = self.claim.take(message_id)
            if message is None:
                return "lost"
            players = self.players(message)
            links = self.tend_links(message, players)
            status = self.hold_back(message, links)
            if status is not None:
                return status
            try:
                envelope = self.write(message, players, links)
            except PermanentError as error:
                return self.claim.put_off(message_id, "failed", "cannot_be_written", error=str(error))
            delivery = self.send(message, links, envelope)
            if delivery.outcome is not DeliveryOutcome.WITHDRAWN:
                return self.claim.record(message, delivery)
        return self.claim.put_off(message_id, "queued", "order_changes", due=self.services.clock() + REVIEW_AGAIN)

    def players(self, message: Message) -> Mapping[int, CommittedPlayer]:
        """Read whom the message is about, as the club's tables say now."""
        with self.services.database.transaction() as connection:
            return players_with_orders(connection, self.tournament.id, message.order_ids)

    def tend_links(self, message: Message, players: Mapping[int, CommittedPlayer]) -> list[Link]:
        """Make each order's link live, and note how it stands."""
        charges = {order_id: charge_for(self.tournament, player) for order_id, player in players.items()}
        links = [
            self.services.keeper.tend(order_id, charges.get(order_id), mailing=True) for order_id in message.order_ids
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

    def write(self, message: Message, players: Mapping[int, CommittedPlayer], links: Sequence[Link]) -> Envelope:
        """Render the message with its links, as it goes to its one recipient."""
        letter = compose(message.kind, self.tournament, players, links)
        settings = self.services.settings
        content = build_message(
            self.services.renderer.render(letter),
            sender=settings.mail_from,
            reply_to=settings.mail_reply_to,
            to_address=message.address,
            to_name=letter.parent,
            message_id=message.message_id,
            date=self.services.clock(),
        )
        return Envelope(parseaddr(settings.mail_from)[1], message.address, content)

    def send(self, message: Message, links: Sequence[Link], envelope: Envelope) -> Delivery:
        """Hand the message to the mail server; its body goes out only once the ledger has it in `sending`."""
        payable = [link for link in links if link.url]
        return self.mailer.deliver(envelope, lambda: self.claim.enter_sending(message, payable))


def skip_reason(links: Sequence[Link]) -> str:
    """Say why a message without any payable link is skipped; what a person should look at comes first."""
    outcomes = {link.outcome for link in links}
    if LinkOutcome.SET_ASIDE in outcomes:
        return "link_under_review"
    if LinkOutcome.PROCESSING in outcomes:
        return "processing"
    if LinkOutcome.FOUND_PAID in outcomes or any(link.order_status in {"paid", "waived"} for link in links):
        return "paid"
    return "not_committed" if any(link.order_status == "pending" for link in links) else "no_order"
