"""A restore from a backup: hold what could have gone out since, send nothing, settle it by the mail server's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import Connection

from tasks.campaigns import queries as campaigns_queries
from tasks.club import queries as club_queries
from tasks.core.club_time import find_zone
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.links.seen_sessions import is_of_our_link
from tasks.operations import queries
from tasks.operations.chosen_messages import Chosen
from tasks.operations.mail_log import taken_messages
from tasks.operations.queries import CampaignMessage
from tasks.services import Services

MARGIN = timedelta(minutes=10)
"""Between our clock and Stripe's."""


@dataclass(frozen=True)
class Held:
    """What a restore left open: how many messages are held, and of which orders Stripe knows and the club does not."""

    backup_at: datetime
    messages: int
    campaigns: int
    forgotten_sessions: int
    """How many of Stripe's sessions for orders the ledger does not have."""
    forgotten_orders: tuple[int, ...]


@dataclass(frozen=True)
class Settled:
    """How many Message-IDs the log has, and what became of the ledger's messages."""

    in_log: int
    sent: int
    put_back: int
    left: int
    """How many are uncertain for the restore still."""


def hold_after_restore(services: Services, backup_at: datetime, *, by: str) -> Held:
    """Call uncertain each message that could have gone out after the backup, and let nothing be sent until settled.

    Safe to repeat. What Stripe made since is noted, so that no order gets a second session that can be paid. Raises
    ConfigurationError without a name or for a time to come; TransientError where Stripe is out of reach: then the
    messages are held, and a later call does the rest.
    """
    now, backup_at = services.clock(), _aware(services, backup_at)
    if not by.strip():
        raise ConfigurationError("Your name is missing: it is kept beside what is held, nothing was done")
    if backup_at > now:
        raise ConfigurationError(f"The backup cannot be of {backup_at:%Y-%m-%d %H:%M %Z}: that is to come")
    held, backup_at = _hold(services, backup_at, by.strip(), now)
    services.stripe_lists.sweep()
    made = chain(
        services.stripe.sessions.all_of(since=backup_at - MARGIN, until=now + MARGIN),
        services.stripe.payment_links.made_after(services.keeper.ledger.link_before(backup_at - MARGIN)),
    )
    order_of = services.stripe_lists.seen_sessions.order_of
    ours = {one.id: order for one in made if not is_of_our_link(one) and (order := order_of(one)) is not None}
    sessions = queries.list_forgotten_sessions(services.database, session_ids=list(ours))
    orders = club_queries.list_forgotten_orders(services.database, order_ids=sorted(set(ours.values())))
    campaigns = len({row.campaign_id for row in held})
    return Held(backup_at, len(held), campaigns, len(sessions), tuple(orders))


def held_words(held: Held) -> list[str]:
    """Say what is held, and what to do now, a sentence each."""
    since = f"since the backup of {held.backup_at:%Y-%m-%d %H:%M %Z}"
    said = [
        f"{held.messages} messages of {held.campaigns} campaigns are held: they may have gone out {since}",
        "Nothing is sent until the mail server's log settles them: settle-after-restore",
        f"Stripe has {held.forgotten_sessions} sessions that the ledger has forgotten; what they are for is noted",
    ]
    if held.forgotten_orders:
        said.append(
            f"The club's tables have forgotten orders that Stripe knows ({_named(held.forgotten_orders)}): make them "
            "again under these ids. Before any other order is made, their numbers must not be given to others: "
            f"SELECT setval(pg_get_serial_sequence('orders', 'id'), {max(held.forgotten_orders)})"
        )
    return said


def _hold(
    services: Services, backup_at: datetime, by: str, now: datetime
) -> tuple[Sequence[CampaignMessage], datetime]:
    """Hold the messages, and keep who said so; return them, and of what time the backup is that counts."""
    with services.database.transaction() as connection:
        queries.set_home(connection, now=now)
        backup_that_counts = queries.record_restore(connection, backup_at=backup_at, by_whom=by, now=now)
        since = backup_that_counts.astimezone(backup_at.tzinfo)
        detail = f"It may have gone out between the backup of {since:%Y-%m-%d %H:%M %Z} and {now:%Y-%m-%d %H:%M} UTC"
        held = queries.hold_messages(connection, detail=detail, now=now)
        Chosen(connection, held, by, now).keep("hold")
    return held, since


def _aware(services: Services, at: datetime) -> datetime:
    """Take a time without a time zone as the club's."""
    return at if at.tzinfo else at.replace(tzinfo=find_zone(services.settings.club_time_zone))


def _named(order_ids: Sequence[int]) -> str:
    most = 50
    more = f" and {len(order_ids) - most} more" if len(order_ids) > most else ""
    return f"ids {', '.join(map(str, order_ids[:most]))}{more}"


def check_not_restored(database: Database) -> None:
    """Raise a ConfigurationError where the ledger was restored, or copied, and what was sent since is not settled."""
    state = queries.find_restore_state(database)
    if state.moved:
        raise ConfigurationError(
            f"The pipeline's tables in {database.place} were restored or moved here, and may have forgotten what was "
            "sent: run `python -m deployments.cli hold-after-restore` (deployments/README.md), nothing was sent"
        )
    if state.open:
        raise ConfigurationError(
            "The database was restored from a backup, and what was sent since is not settled: run `python -m "
            "deployments.cli settle-after-restore` with the mail server's log (deployments/README.md), nothing was sent"
        )


def settle_after_restore(
    services: Services, logs: Sequence[bytes], *, by: str, rest_was_not_sent: bool, count: int
) -> Settled:
    """Call sent what the logs have, and let messages be sent again; what they have is never sent, forgotten or not.

    A person who knows that the logs are whole, or that nothing was sent, can have the rest, `count` messages, queued as
    the backup had it; else it stays uncertain. Raises ConfigurationError, with nothing done,
    for logs without any message of ours, for another count, without a name, and where there is nothing to settle.
    """
    taken = set().union(*map(taken_messages, logs))
    if not by.strip():
        raise ConfigurationError("Your name is missing: it is kept beside what is settled, nothing was done")
    if logs and not taken:
        raise ConfigurationError(
            "There is no message of ours in this log: give the one of the mail server of SMTP_URL, from the backup on. "
            "Nothing was done"
        )
    now = services.clock()
    with services.database.transaction() as connection:
        queries.note_mail_log(connection, message_ids=sorted(taken), now=now)
        in_log = campaigns_queries.list_messages_in_log(connection, campaign_id=None)
        found = Chosen(connection, [CampaignMessage(row.id, row.campaign_id) for row in in_log], by, now)
        found.mark_sent("found_in_log")
        held = Chosen(connection, queries.list_held_messages(connection), by, now)
        if rest_was_not_sent:
            _put_back(held, count)
        _open_again(connection, by.strip(), now, anew=bool(taken))
    back = len(held.rows) if rest_was_not_sent else 0
    return Settled(len(taken), len(found.rows), back, len(held.rows) - back)


def settled_words(settled: Settled) -> str:
    """Say in a line what became of what was held."""
    said = (
        f"{settled.in_log} of our messages are in the log; {settled.sent} called sent, {settled.put_back} queued again"
    )
    return f"{said}; {settled.left} uncertain: decide about each in settle-uncertain" if settled.left else said


def _put_back(held: Chosen, count: int) -> None:
    if count != len(held.rows):
        raise ConfigurationError(
            f"{len(held.rows)} messages are held and not in the log, not {count}: look at them again, nothing was done"
        )
    if held.rows:
        held.put_back()


def _open_again(connection: Connection, by: str, now: datetime, *, anew: bool) -> None:
    """Let messages be sent; another log may be read later, but nothing at all needs something to settle."""
    if not queries.settle_restore(connection, by_whom=by, now=now) and not anew:
        raise ConfigurationError("There is no restore to settle: run hold-after-restore first. Nothing was done")
