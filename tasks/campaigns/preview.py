"""What a person is shown before anything is sent: counts, sums, who is skipped and why, a page with all messages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from tasks.campaigns import queries
from tasks.campaigns.dry_run import DryRun, dry_run
from tasks.campaigns.message import Owed, Skipped
from tasks.campaigns.open import open_in
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.campaigns.preview_page import preview_page
from tasks.club.players import find_tournament
from tasks.core.email_address import mask
from tasks.mail.local_format import LocalFormat
from tasks.services import Services

EXCLUDED = "excluded"
MOST_ROWS = 100
"""Of the messages and of the skipped ones, in what Prefect keeps; the page has all."""
MAYBE_DELIVERED = frozenset({"sent", "sending", "uncertain", "resent"})


@dataclass(frozen=True)
class Row:
    """A message that would go out: ids of the club's tables, and the address masked."""

    parent_id: int
    address: str
    orders: str
    money: str
    said: str


@dataclass(frozen=True)
class Preview:
    """What would be sent, without names, addresses or payment URLs; `page` is the file that has those."""

    campaign: Campaign
    messages: int = 0
    orders: int = 0
    money: str = ""
    """The sums of all fees to pay, one a currency."""
    rows: tuple[Row, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    skips: tuple[Skipped, ...] = ()
    """Who they are, but those that are left out by choice; their addresses masked."""
    waiting: int = 0
    """Due at a later time."""
    sent_before: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class Progress:
    """How a campaign's messages stand beside those that are owed now."""

    skipped: tuple[Skipped, ...]
    waiting: int
    sent: int


def preview_campaign(services: Services, tournament_name: str, options: CampaignOptions) -> Preview:
    """Render every message that would go out, and return what there is to say of them.

    Raises ConfigurationError as open_campaign does, and for a broken template; TransientError where Stripe or the
    database is out of reach.
    """
    campaign, owed, progress = try_open(services, tournament_name, options)
    services.stripe_lists.sweep()
    return gather(services, campaign, dry_run(services, campaign, owed), progress)


def try_open(
    services: Services, tournament_name: str, options: CampaignOptions
) -> tuple[Campaign, list[Owed], Progress]:
    """Open the campaign, see what it owes, and take it all back: what a send would do first, by the same statements."""
    tournament = find_tournament(services.database, tournament_name)
    with services.database.trial() as connection:
        campaign = open_in(connection, services, tournament, options.kind, options, require_approval=False)
        now = services.clock()  # not before it was opened: what is queued is due from then on
        owed = queries.list_owed_messages(connection, campaign_id=campaign.id, now=now)
        return campaign, owed, read_progress(connection, campaign.id, now)


def read_progress(connection: Connection, campaign_id: int, now: datetime) -> Progress:
    """Return how a campaign stands; those that may be delivered already count as sent."""
    messages = queries.count_campaign_messages(connection, campaign_id=campaign_id)
    waits = queries.list_campaign_waits(connection, campaign_id=campaign_id, now=now)
    return Progress(
        tuple(queries.list_skipped_messages(connection, campaign_id=campaign_id)),
        sum(wait.messages for wait in waits),
        sum(count for (status, _), count in messages.items() if status in MAYBE_DELIVERED),
    )


def gather(services: Services, campaign: Campaign, dry_runs: Iterable[DryRun], progress: Progress) -> Preview:
    """Look at each message that would go out, write the page, and return what there is to say without its names.

    Raises ConfigurationError for a broken template, and where the page cannot be written.
    """
    settings, now = services.settings, services.clock()
    local = LocalFormat.of(settings.club_language, settings.club_time_zone)
    gathered = _Gathering(local, list(progress.skipped))
    with preview_page() as page:
        for one in dry_runs:
            gathered.add(one)
            if not one.skip:
                page.add(gathered.messages, one)
        preview = gathered.preview(campaign, progress)
        file = page.write(settings.preview_folder, campaign, preview, gathered.skipped, now)
    return replace(preview, page=str(file))


@dataclass
class _Gathering:
    """Counts messages as they are looked at."""

    local: LocalFormat
    skipped: list[Skipped]
    messages: int = 0
    orders: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)

    def add(self, dry_run: DryRun) -> None:
        message, letter = dry_run.message, dry_run.letter
        if letter is None:
            self.skipped.append(Skipped(message.parent_id, message.address, dry_run.skip, dry_run.detail))
            return
        self.messages += 1
        self.orders += len(letter.payable)
        own = Counter[str]()
        for line in letter.payable:
            own[line.currency.upper()] += line.amount
        self.totals += own
        self.warnings.update(dry_run.warnings)
        if len(self.rows) < MOST_ROWS:
            links = ", ".join(f"{link.order_id} {link.outcome.value}" for link in dry_run.links)
            said = "; ".join(dry_run.warnings)
            self.rows.append(Row(message.parent_id, mask(message.address), links, self.money(own), said))

    def money(self, totals: Mapping[str, int]) -> str:
        return " + ".join(self.local.money(amount, currency) for currency, amount in sorted(totals.items()))

    def preview(self, campaign: Campaign, progress: Progress) -> Preview:
        return Preview(
            campaign,
            self.messages,
            self.orders,
            self.money(self.totals),
            tuple(self.rows),
            Counter(one.reason for one in self.skipped),
            tuple(replace(one, address=mask(one.address)) for one in self.skipped if one.reason != EXCLUDED)[
                :MOST_ROWS
            ],
            progress.waiting,
            progress.sent,
            self.warnings,
        )
