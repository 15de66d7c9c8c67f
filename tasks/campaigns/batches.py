"""Cut what is owed into batches, once it is known that all of it can be rendered."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from tasks.campaigns import queries
from tasks.campaigns.approvals import Approvals
from tasks.campaigns.dry_run import DryRun, check_cap, dry_run
from tasks.campaigns.letters import compose, sample_link, template_digests
from tasks.campaigns.options import Batch, Campaign
from tasks.club import queries as club_queries
from tasks.club.players import players_with_orders
from tasks.core.errors import ConfigurationError, PermanentError
from tasks.mail.letter_warnings import letter_warnings
from tasks.mail.sample_letters import variants
from tasks.services import Services


def plan_batches(
    services: Services, campaign: Campaign, at_most: int, warn: Callable[[str], None] = lambda _: None
) -> list[Batch]:
    """Return the messages that are owed now, in batches; from here on the campaign is sending.

    Every one of them is rendered first: a broken template stops the campaign before the first send. `warn` is told
    what a person should know of them, without names and addresses. Raises ConfigurationError for a broken template,
    for more messages than `at_most` that would go out, and where the campaign was stopped meanwhile.
    """
    due = _due(services, campaign, at_most)
    size = services.settings.batch_size
    batches = [Batch(start + 1, tuple(due[start : start + size])) for start in range(0, len(due), size)]
    rendered: set[tuple[str, str, str | None]] = set()
    warnings: Counter[str] = Counter()
    for batch in batches:
        warnings += _render_samples(services, campaign, batch.message_ids, rendered)
    for warning, count in warnings.items():
        warn(f"{count} of {len(due)} messages: {warning}")
    if batches:
        _start_sending(services, campaign)
    return batches


def _due(services: Services, campaign: Campaign, at_most: int) -> list[int]:
    """Return the messages to look at; what waits for an approval is among them only where it will not go out anyway."""
    digests, now = template_digests(services.renderer, campaign.kind, campaign.note), services.clock()
    with services.database.transaction() as connection:
        Approvals(connection, campaign.id, digests, now).mark_unapproved()
        owed = queries.list_owed_ids(connection, campaign_id=campaign.id, now=now)
    if len(owed.free) > at_most:  # only then is it worth to ask Stripe who has paid
        check_cap(len(owed.free) - sum(bool(one.skip) for one in _dry_runs(services, campaign, owed.free)), at_most)
    skipped = [one.message.id for one in _dry_runs(services, campaign, owed.awaiting) if one.skip]
    return sorted((*owed.free, *skipped))


def _dry_runs(services: Services, campaign: Campaign, message_ids: Sequence[int]) -> Iterator[DryRun]:
    """Yield what each message would be; no more than a batch of them is in memory, however many there are."""
    size = services.settings.batch_size
    for start in range(0, len(message_ids), size):
        owed = queries.list_owed_messages(
            services.database,
            campaign_id=campaign.id,
            now=services.clock(),
            message_ids=message_ids[start : start + size],
        )
        yield from dry_run(services, campaign, owed)


def _start_sending(services: Services, campaign: Campaign) -> None:
    now = services.clock()
    if not queries.set_campaign_state(services.database, campaign_id=campaign.id, state="sending", now=now):
        raise ConfigurationError("The campaign was stopped for good while it was being opened: nothing was sent")


def _render_samples(
    services: Services, campaign: Campaign, message_ids: Sequence[int], rendered: set[tuple[str, str, str | None]]
) -> Counter[str]:
    """Render messages with links of the right shape; what is wrong with one order alone is left to its delivery.

    How a link stands is known only when it is delivered: for each kind, brand and language in use, letters with all
    that they could say are rendered too. Returns how many messages each warning is about.
    """
    warnings: Counter[str] = Counter()
    tournament = club_queries.find_tournament(services.database, tournament_id=campaign.tournament_id)
    with services.database.transaction() as connection:
        rows = queries.list_message_orders(connection, message_ids=message_ids)
        players = players_with_orders(connection, campaign.tournament_id, [row.order_id for row in rows])
    for (_, kind), orders in groupby(rows, key=lambda row: (row.message_id, row.kind)):
        links = [sample_link(players[row.order_id]) for row in orders if row.order_id in players]
        if links:
            try:
                letter = compose(kind, tournament, players, links, campaign.note)
                mail = services.renderer.render(letter)
            except PermanentError:
                continue
            for like in [] if (kind, letter.brand, letter.language) in rendered else variants(letter):
                services.renderer.render(like)
            rendered.add((kind, letter.brand, letter.language))
            warnings.update(letter_warnings(letter, mail, services.renderer.languages))
    return warnings
