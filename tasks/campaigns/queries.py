"""Every statement about campaigns and their queue: sql/queries/campaigns, a function each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from tasks.campaigns.message import Owed, Skipped
from tasks.campaigns.options import DEFAULT_LINK_KIND
from tasks.core.database import Source, fetch, run

CampaignState = Literal["draft", "awaiting_approval", "sending", "done", "stopped"]


class OpenedCampaign(NamedTuple):
    """A campaign whose row is locked until the transaction ends."""

    id: int
    state: CampaignState


class Recipient(NamedTuple):
    """A row of the snapshot: a committed player, one of its orders, and the mailbox to write to."""

    order_id: int | None
    order_status: str | None
    player_id: int
    parent_id: int
    mailbox: str
    family: str
    address: str | None
    problem: str | None
    """Why nothing can be mailed to the address."""
    chosen: bool
    """Whether the run is about it."""


class OwedIds(NamedTuple):
    """The ids of the messages that are owed now, in their order."""

    free: Sequence[int]
    awaiting: Sequence[int]
    """Those that wait for an approval."""


class MessageOrder(NamedTuple):
    """An order that a message is about, and the kind of the message."""

    message_id: int
    kind: str
    order_id: int


class MessageInLog(NamedTuple):
    """A message that the mail server's log has, and the ledger does not call sent."""

    id: int
    campaign_id: int


class Wait(NamedTuple):
    """Messages that wait for a later time, why, and when the first and the last of them are due (UTC)."""

    reason: str
    messages: int
    first_due: datetime
    last_due: datetime


class FoundProblem(NamedTuple):
    """Something that a person should look at, as the ledger has it: the address and the detail are not masked."""

    message_id: int
    parent_id: int
    order_id: int | None
    """None where it is about the message."""
    address: str | None
    status: str
    reason: str | None
    detail: str | None
    in_all: int
    """How many problems the campaign has."""


class ReminderHistory(NamedTuple):
    """What a reminder's limits are compared with; the reminder itself, and the one that it replaces, do not count."""

    tournament_id: int
    mailed_at: datetime | None
    """When its mailbox was last mailed by us, whatever about."""
    reminders: int
    """How many reminders its family has had for the tournament."""


# The campaign


def open_campaign(
    connection: Connection, *, tournament_id: int, kind: str, sequence: str, parameters: str, now: datetime
) -> OpenedCampaign:
    """Open the campaign of this natural key, or find it, and keep its parameters (JSON) as those last chosen.

    Its row stays locked until the transaction ends, so two runs take turns.
    """
    (row,) = fetch(
        connection,
        "campaigns/open_campaign",
        tournament_id=tournament_id,
        kind=kind,
        sequence=sequence,
        parameters=parameters,
        now=now,
    )
    return OpenedCampaign(row.id, row.state)


def find_campaign(source: Source, *, tournament_id: int, kind: str, sequence: str) -> int | None:
    """Return the id of the campaign of this natural key; None: there is none."""
    rows = fetch(source, "campaigns/find_campaign", tournament_id=tournament_id, kind=kind, sequence=sequence)
    return int(rows[0].id) if rows else None


def list_latest_campaigns(source: Source) -> dict[int, CampaignState]:
    """Return the state of each tournament's newest campaign, by tournament id."""
    return {row.tournament_id: row.state for row in fetch(source, "campaigns/list_latest_campaigns")}


def find_mailed_options(source: Source, *, tournament_id: int) -> Mapping[str, object] | None:
    """Return what was chosen for the campaign that mailed a tournament's parents last, reminders aside.

    None: it has no campaign but reminders. It is JSON as it was kept, maybe by an earlier version with other options.
    """
    rows = fetch(source, "campaigns/find_mailed_options", tournament_id=tournament_id)
    return dict(rows[0].parameters) if rows else None


def lock_mailed_link_kind(connection: Connection, *, tournament_id: int, kind: str, sequence: str) -> str | None:
    """Return the kind of link that a campaign was last opened with; None: it has mailed nobody, or there is none.

    The row of a campaign that has mailed somebody stays locked until the transaction ends. One from before there was a
    choice has the default kind.
    """
    rows = fetch(
        connection, "campaigns/lock_mailed_link_kind", tournament_id=tournament_id, kind=kind, sequence=sequence
    )
    return str(rows[0].link_kind or DEFAULT_LINK_KIND) if rows else None


def set_campaign_state(source: Source, *, state: CampaignState, now: datetime, campaign_id: int) -> bool:
    """Move a campaign on; False: it was stopped, which is for good."""
    return bool(fetch(source, "campaigns/set_campaign_state", state=state, now=now, campaign_id=campaign_id))


def close_campaign(source: Source, *, now: datetime, campaign_id: int) -> None:
    """Call a campaign done where none of its messages is owed any more."""
    fetch(source, "campaigns/close_campaign", now=now, campaign_id=campaign_id)


# The snapshot of the club's recipients: a temporary table, which lives as long as the transaction


def create_snapshot(connection: Connection) -> None:
    """Make the snapshot's table, empty."""
    run(connection, "campaigns/create_snapshot")


def fill_snapshot(connection: Connection, *, recipients: Sequence[Recipient]) -> None:
    """Add rows to the snapshot."""
    run(
        connection,
        "campaigns/fill_snapshot",
        order_id=[row.order_id for row in recipients],
        order_status=[row.order_status for row in recipients],
        player_id=[row.player_id for row in recipients],
        parent_id=[row.parent_id for row in recipients],
        mailbox=[row.mailbox for row in recipients],
        family=[row.family for row in recipients],
        address=[row.address for row in recipients],
        problem=[row.problem for row in recipients],
        chosen=[row.chosen for row in recipients],
    )


def index_snapshot(connection: Connection) -> None:
    """Let a message find its family in the snapshot without reading all of it."""
    run(connection, "campaigns/index_snapshot")


def analyze_snapshot(connection: Connection) -> None:
    """Tell PostgreSQL how many recipients there are, which nobody else does for a temporary table."""
    run(connection, "campaigns/analyze_snapshot")


def keep_due_in_snapshot(
    connection: Connection,
    *,
    now: datetime,
    tournament_id: int,
    after_days: int,
    dead_links: bool,
    gap_hours: float,
    most: int,
) -> int:
    """Leave in the snapshot only what to remind of, and return how many orders were left out."""
    (row,) = fetch(
        connection,
        "campaigns/keep_due_in_snapshot",
        now=now,
        tournament_id=tournament_id,
        after_days=after_days,
        dead_links=dead_links,
        gap_hours=gap_hours,
        most=most,
    )
    return int(row.orders)


# The queue, brought up to date with the snapshot


def return_expired_claims(source: Source, *, now: datetime, campaign_id: int | None) -> None:
    """Queue again what a lost worker had claimed, of one campaign or (None) of all: nothing of it was on the wire."""
    fetch(source, "campaigns/return_expired_claims", now=now, campaign_id=campaign_id)


def mark_lost_sendings_uncertain(source: Source, *, now: datetime, campaign_id: int | None) -> list[int]:
    """Call uncertain what a lost worker had on the wire, of one campaign or (None) of all, and return the messages."""
    return [row.id for row in fetch(source, "campaigns/mark_lost_sendings_uncertain", now=now, campaign_id=campaign_id)]


def lock_queue(connection: Connection, *, campaign_id: int) -> None:
    """Keep batches from claiming a campaign's unsent messages until the transaction ends."""
    fetch(connection, "campaigns/lock_queue", campaign_id=campaign_id)


def detach_orders(connection: Connection, *, campaign_id: int, from_sent: bool) -> list[int]:
    """Take orders off unsent messages that they do not belong to any more, and return them.

    With `from_sent`, also off sent messages that carried no link for them: they get a message of their own.
    """
    rows = fetch(connection, "campaigns/detach_orders", campaign_id=campaign_id, from_sent=from_sent)
    return [row.order_id for row in rows]


def queue_messages(
    connection: Connection,
    *,
    order_ids: Sequence[int] | None,
    campaign_id: int,
    kind: str,
    domain: str,
    now: datetime,
) -> None:
    """Make a message for each family in the snapshot whose orders, or those of `order_ids`, have none to join.

    `domain` is that of our own address: the Message-IDs carry it.
    """
    run(
        connection,
        "campaigns/queue_messages",
        order_ids=order_ids,
        campaign_id=campaign_id,
        kind=kind,
        domain=domain,
        now=now,
    )


def assign_orders(connection: Connection, *, campaign_id: int, order_ids: Sequence[int] | None) -> None:
    """Give each chosen order, or those of `order_ids`, that no message carries yet to its family's unsent message."""
    run(connection, "campaigns/assign_orders", campaign_id=campaign_id, order_ids=order_ids)


def update_unsent_messages(
    connection: Connection, *, campaign_id: int, statuses: Sequence[Literal["queued", "skipped"]], now: datetime
) -> None:
    """Skip unsent messages of these statuses with a reason, or queue them again, as the snapshot calls for."""
    run(connection, "campaigns/update_unsent_messages", campaign_id=campaign_id, statuses=statuses, now=now)


def list_messages_in_log(connection: Connection, *, campaign_id: int | None) -> list[MessageInLog]:
    """Return and lock the messages, of one campaign or (None) of all, that only the mail server's log calls sent."""
    rows = fetch(connection, "campaigns/list_messages_in_log", campaign_id=campaign_id)
    return [MessageInLog(row.id, row.campaign_id) for row in rows]


def mark_messages_sent(source: Source, *, now: datetime, message_ids: Sequence[int], reason: str) -> None:
    """Call messages sent that are not: a person has found that they were, or the mail server's log says so."""
    fetch(source, "campaigns/mark_messages_sent", now=now, message_ids=message_ids, reason=reason)


# What is owed now


def list_owed_ids(source: Source, *, campaign_id: int, now: datetime) -> OwedIds:
    """Return which messages of a campaign are owed now."""
    (row,) = fetch(source, "campaigns/list_owed_ids", campaign_id=campaign_id, now=now)
    return OwedIds(row.free, row.awaiting)


def list_owed_messages(
    source: Source, *, campaign_id: int, now: datetime, message_ids: Sequence[int] | None = None
) -> list[Owed]:
    """Return the messages of a campaign, or those of `message_ids`, that are owed now; also what awaits an approval."""
    rows = fetch(source, "campaigns/list_owed_messages", campaign_id=campaign_id, now=now, message_ids=message_ids)
    return [Owed(**row._asdict()) for row in rows]


def list_message_orders(source: Source, *, message_ids: Sequence[int]) -> list[MessageOrder]:
    """Return the orders of these messages, by message."""
    rows = fetch(source, "campaigns/list_message_orders", message_ids=message_ids)
    return [MessageOrder(row.message_id, row.kind, row.order_id) for row in rows]


# Approvals


def require_approval(source: Source, *, campaign_id: int) -> None:
    """Let a campaign send only what a person has approved, from now on and for good."""
    fetch(source, "campaigns/require_approval", campaign_id=campaign_id)


def mark_unapproved_messages(connection: Connection, *, digests: str, campaign_id: int, now: datetime) -> None:
    """Mark the queued messages that wait for an approval, and take the mark off those that are covered.

    `digests` is a JSON object of each message kind's template digest.
    """
    run(connection, "campaigns/mark_unapproved_messages", digests=digests, campaign_id=campaign_id, now=now)


def record_proposal(source: Source, *, campaign_id: int, run_id: UUID, messages: int, now: datetime) -> int:
    """Keep that a person is asked to approve so many messages, and return the approval's id."""
    (row,) = fetch(
        source, "campaigns/record_proposal", campaign_id=campaign_id, run_id=run_id, messages=messages, now=now
    )
    return int(row.id)


def record_proposed_orders(
    source: Source,
    *,
    approval_id: int,
    order_ids: Sequence[int],
    mailboxes: Sequence[str],
    amounts: Sequence[Decimal],
    currencies: Sequence[str],
    digests: Sequence[str],
) -> None:
    """Keep what an approval is about, one sequence a column; `digests` are those of the templates."""
    fetch(
        source,
        "campaigns/record_proposed_orders",
        approval_id=approval_id,
        order_ids=order_ids,
        mailboxes=mailboxes,
        amounts=amounts,
        currencies=currencies,
        digests=digests,
    )


def await_approval(source: Source, *, now: datetime, campaign_id: int) -> None:
    """Let a campaign of which nothing has been sent yet wait for an approval; any other stays as it is."""
    fetch(source, "campaigns/await_approval", now=now, campaign_id=campaign_id)


def list_open_proposals(source: Source, *, run_id: UUID, campaign_id: int) -> list[int]:
    """Return the ids of what a flow run has asked people to approve and nobody has decided, the oldest first."""
    rows = fetch(source, "campaigns/list_open_proposals", run_id=run_id, campaign_id=campaign_id)
    return [row.id for row in rows]


def record_decision(
    source: Source,
    *,
    state: Literal["approved", "rejected"],
    by_whom: str,
    note: str | None,
    now: datetime,
    approval_id: int,
) -> int | None:
    """Keep what a person decided, and return how many messages that is about; None: it was decided before."""
    rows = fetch(
        source, "campaigns/record_decision", state=state, by_whom=by_whom, note=note, now=now, approval_id=approval_id
    )
    return int(rows[0].messages) if rows else None


# Reminders


def find_reminder_history(source: Source, *, message_id: int) -> ReminderHistory:
    """Return what a reminder's mailbox and family were mailed before it."""
    (row,) = fetch(source, "campaigns/find_reminder_history", message_id=message_id)
    return ReminderHistory(row.tournament_id, row.mailed_at, row.reminders)


def list_restores(source: Source, *, since: datetime) -> list[int]:
    """Return the ids of the restores from a backup since then."""
    return [row.id for row in fetch(source, "campaigns/list_restores", since=since)]


# What a campaign came to


def count_campaign_links(source: Source, *, campaign_id: int) -> dict[str | None, int]:
    """Count a campaign's orders by how their links stood when last looked at; None: not looked at yet."""
    rows = fetch(source, "campaigns/count_campaign_links", campaign_id=campaign_id)
    return {row.link: row.orders for row in rows}


def count_campaign_messages(source: Source, *, campaign_id: int) -> dict[tuple[str, str], int]:
    """Count a campaign's messages by status and reason; the reason is empty where there is none."""
    rows = fetch(source, "campaigns/count_campaign_messages", campaign_id=campaign_id)
    return {(row.status, row.reason or ""): row.messages for row in rows}


def count_run_deliveries(source: Source, *, campaign_id: int, run_id: UUID | None) -> dict[str, int]:
    """Count one flow run's delivery attempts by outcome; a run of None has none."""
    rows = fetch(source, "campaigns/count_run_deliveries", campaign_id=campaign_id, run_id=run_id)
    return {row.outcome: row.attempts for row in rows}


def list_campaign_waits(source: Source, *, campaign_id: int, now: datetime) -> list[Wait]:
    """Return what of a campaign waits for a later time; the reason is empty where there is none."""
    rows = fetch(source, "campaigns/list_campaign_waits", campaign_id=campaign_id, now=now)
    return [Wait(row.reason or "", row.messages, row.first_due, row.last_due) for row in rows]


def list_campaign_problems(source: Source, *, campaign_id: int, most: int) -> list[FoundProblem]:
    """Return what of a campaign a person should look at, the oldest first, `most` at most."""
    rows = fetch(source, "campaigns/list_campaign_problems", campaign_id=campaign_id, most=most)
    return [FoundProblem(**row._asdict()) for row in rows]


def list_campaign_duplicates(source: Source, *, campaign_id: int, most: int) -> list[int]:
    """Return orders, `most` at most, that had a second session of the club's own system, closed since the opening."""
    rows = fetch(source, "campaigns/list_campaign_duplicates", campaign_id=campaign_id, most=most)
    return [row.order_id for row in rows]


def list_skipped_messages(source: Source, *, campaign_id: int) -> list[Skipped]:
    """Return who of a campaign is skipped as it stands, and why."""
    rows = fetch(source, "campaigns/list_skipped_messages", campaign_id=campaign_id)
    return [Skipped(row.parent_id, row.address or "", row.reason) for row in rows]
