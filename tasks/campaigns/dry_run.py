"""What a campaign's messages would say if they went out now: Stripe and the club's tables are only read."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from tasks.campaigns.charges import charges_for
from tasks.campaigns.letters import PAYABLE, compose, skip_reason
from tasks.campaigns.message import Owed
from tasks.campaigns.options import Campaign
from tasks.club import queries as club_queries
from tasks.club.model import CommittedPlayer, Tournament
from tasks.club.players import players_with_orders
from tasks.core.email_address import family_of
from tasks.core.errors import ConfigurationError, PermanentError
from tasks.links.decision import DIES_SOON
from tasks.links.dry_run import dry_run_link
from tasks.links.model import LinkKind, LinkOutcome, LinkResult
from tasks.mail.letter import Letter
from tasks.mail.letter_warnings import letter_warnings
from tasks.mail.renderer import RenderedMail
from tasks.services import Services

AT_ONCE = 8
"""Orders that are read at Stripe at the same time; after a list call most need no read."""

STAND_IN_LINK = "https://payment-link.invalid/order-{order}"
"""What stands in place of a payment link that is only to be looked at; no browser finds `.invalid` (RFC 2606).

Also where a live link exists: what is shown around, or forwarded, must not lead to a page on which somebody can pay
for, and read about, another family's child."""

SOON = timedelta(hours=12)
TWO_SURNAMES = "another family with the same mailbox gets a message of its own"
MERGED_SURNAMES = "families of different surnames get it together"
LINK_DIES_SOON = f"a link in it dies within {SOON.seconds // 3600} hours"
LINK_IS_REPLACED = "a link that dies soon is replaced, also in an earlier email"


@dataclass(frozen=True)
class Fee:
    """An order that somebody may owe, as an approval compares it; the amount in the currency's smallest unit."""

    order_id: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class DryRun:
    """A message as it would go out now, its links replaced; without a letter where it would not."""

    message: Owed
    links: Sequence[LinkResult]
    fees: Sequence[Fee]
    skip: str = ""
    """Why it would not go out."""
    detail: str = ""
    letter: Letter | None = None
    mail: RenderedMail | None = None
    warnings: Sequence[str] = ()


def dry_run(services: Services, campaign: Campaign, owed: Sequence[Owed]) -> Iterator[DryRun]:
    """Yield what each message would be, a batch of them read at a time.

    Raises TransientError where Stripe or the database is out of reach, ConfigurationError for a broken template.
    """
    tournament = club_queries.find_tournament(services.database, tournament_id=campaign.tournament_id)
    size = services.settings.batch_size
    for start in range(0, len(owed), size):
        batch = owed[start : start + size]
        order_ids = [order_id for message in batch for order_id in message.order_ids]
        with services.database.transaction() as connection:
            players = players_with_orders(connection, tournament.id, order_ids)
            pending = club_queries.list_pending_orders(connection, order_ids=order_ids)
        fees = {row.order_id: _fee(Fee(**row._asdict()), players.get(row.order_id)) for row in pending}
        services.stripe_lists.look_for(order_ids, mailing=False)
        links = _dry_run_links(services, tournament, campaign, order_ids, players)
        for message in batch:
            yield _MessageDryRun(services, campaign, tournament, players).of(
                message,
                [links[order_id] for order_id in message.order_ids],
                [fees[order_id] for order_id in message.order_ids if order_id in fees],
            )


def check_cap(messages: int, at_most: int) -> None:
    """Raise a ConfigurationError where more messages would go out than a person has allowed."""
    if messages > at_most:
        raise ConfigurationError(
            f"{messages} messages would go out, more than the {at_most} allowed in this run (at_most): "
            "nothing was sent. Check the tournament, or allow more"
        )


def _dry_run_links(
    services: Services,
    tournament: Tournament,
    campaign: Campaign,
    order_ids: Sequence[int],
    players: Mapping[int, CommittedPlayer],
) -> dict[int, LinkResult]:
    """Say how each order's link would stand once it is made ready to be mailed."""
    zone, kind = services.settings.club_time_zone, LinkKind(campaign.link_kind)
    with services.database.transaction() as connection:
        charges = charges_for(connection, tournament, players, zone)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dry-run") as pool:
        futures = {
            order_id: pool.submit(
                dry_run_link, services.keeper, order_id, charges.get(order_id), renew=True, mailing=True, kind=kind
            )
            for order_id in order_ids
        }
        try:
            return {order_id: future.result() for order_id, future in futures.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fee(fee: Fee, player: CommittedPlayer | None) -> Fee:
    """Take the amount that the letter shows, where the order was changed between two looks."""
    if player is None or player.amount is None or player.currency is None:
        return fee
    return replace(fee, amount=player.amount, currency=player.currency.lower())


@dataclass(frozen=True)
class _MessageDryRun:
    """Writes one message of a tournament as it would go out."""

    services: Services
    campaign: Campaign
    tournament: Tournament
    players: Mapping[int, CommittedPlayer]

    def of(self, message: Owed, links: Sequence[LinkResult], fees: Sequence[Fee]) -> DryRun:
        """Say what a message would be; `fees` are those of its orders that somebody may owe."""
        if any(link.outcome is LinkOutcome.UNDER_REVIEW for link in links):
            return DryRun(message, links, fees, "link_under_review", _details(links))
        if not any(link.outcome in PAYABLE for link in links):
            return DryRun(message, links, fees, skip_reason(links), _details(links))
        shown = [self.shown(link) for link in links]
        try:
            letter = compose(message.kind, self.tournament, self.players, shown, self.campaign.note)
            mail = self.services.renderer.render(letter)
        except PermanentError as error:
            return DryRun(message, links, fees, "cannot_be_written", str(error))
        said = [*letter_warnings(letter, mail, self.services.renderer.languages), *self.link_warnings(message, shown)]
        return DryRun(message, links, fees, letter=letter, mail=mail, warnings=said)

    def shown(self, link: LinkResult) -> LinkResult:
        """Put the stand-in where the address to pay at would be."""
        return replace(link, url=STAND_IN_LINK.format(order=link.order_id)) if link.outcome in PAYABLE else link

    def link_warnings(self, message: Owed, links: Sequence[LinkResult]) -> Iterator[str]:
        """Say what may not be meant about the mailbox and the links."""
        surnames = {
            family_of(self.players[order].parent_surname) for order in message.order_ids if order in self.players
        }
        if len(surnames) > 1:
            yield MERGED_SURNAMES
        elif message.shares_mailbox:
            yield TWO_SURNAMES
        if any(link.expires_at and link.expires_at - self.services.clock() < SOON for link in links):
            yield LINK_DIES_SOON
        if any(DIES_SOON.detail in link.detail for link in links):
            yield LINK_IS_REPLACED


def _details(links: Sequence[LinkResult]) -> str:
    return "; ".join(dict.fromkeys(link.detail for link in links if link.detail))
