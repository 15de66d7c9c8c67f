"""Every statement about campaigns and their queue: sql/queries/campaigns, a function each."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tasks.core.database import Source, fetch, run


def analyze_snapshot(source: Source) -> None:
    """Tell PostgreSQL how many recipients there are, and how many of them share a mailbox: nobody else does for a temporary table."""
    run(source, "campaigns/analyze_snapshot")


def assign_orders(source: Source, *, campaign_id: int, order_ids: Sequence[int] | None) -> None:
    """Give each order that the run is about, and that no message of the campaign carries yet, to its family's unsent message."""
    run(source, "campaigns/assign_orders", campaign_id=campaign_id, order_ids=order_ids)


def await_approval(source: Source, *, now: datetime, campaign_id: int) -> Sequence[Row[Any]]:
    """Let a campaign of which nothing has been sent yet wait for an approval."""
    return fetch(source, "campaigns/await_approval", now=now, campaign_id=campaign_id)


def close_campaign(source: Source, *, now: datetime, campaign_id: int) -> Sequence[Row[Any]]:
    """Call a campaign done when none of its messages is owed any more; one of skips only is done without ever having been sent."""
    return fetch(source, "campaigns/close_campaign", now=now, campaign_id=campaign_id)


def count_campaign_links(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """How the links of a campaign's orders stand, as last looked at."""
    return fetch(source, "campaigns/count_campaign_links", campaign_id=campaign_id)


def count_campaign_messages(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """How a campaign's messages stand."""
    return fetch(source, "campaigns/count_campaign_messages", campaign_id=campaign_id)


def count_run_deliveries(source: Source, *, campaign_id: int, run_id: UUID | None) -> Sequence[Row[Any]]:
    """What one flow run's delivery attempts came to."""
    return fetch(source, "campaigns/count_run_deliveries", campaign_id=campaign_id, run_id=run_id)


def create_snapshot(source: Source) -> None:
    """The tournament's recipients as the club's tables have them now; lives as long as the transaction."""
    run(source, "campaigns/create_snapshot")


def detach_orders(source: Source, *, campaign_id: int, from_sent: object) -> Sequence[Row[Any]]:
    """Take orders off unsent messages to a mailbox that is theirs no more (an address was corrected), and off sent ones that carried no link for them (it was under review, or a slow payment has failed since): they get a message of their own."""
    return fetch(source, "campaigns/detach_orders", campaign_id=campaign_id, from_sent=from_sent)


def fill_snapshot(
    source: Source,
    *,
    order_id: Sequence[int],
    order_status: Sequence[str],
    player_id: Sequence[int],
    parent_id: Sequence[int],
    mailbox: Sequence[str],
    family: Sequence[str],
    address: Sequence[str],
    problem: Sequence[str],
    chosen: Sequence[bool],
) -> None:
    """Add rows to the snapshot, one array a column."""
    run(
        source,
        "campaigns/fill_snapshot",
        order_id=order_id,
        order_status=order_status,
        player_id=player_id,
        parent_id=parent_id,
        mailbox=mailbox,
        family=family,
        address=address,
        problem=problem,
        chosen=chosen,
    )


def find_campaign(source: Source, *, tournament_id: int, kind: str, sequence: str) -> Sequence[Row[Any]]:
    """A campaign by its natural key."""
    return fetch(source, "campaigns/find_campaign", tournament_id=tournament_id, kind=kind, sequence=sequence)


def find_mailed_options(source: Source, *, tournament_id: int) -> Sequence[Row[Any]]:
    """What was chosen for the campaign that has mailed a tournament's parents last, reminders aside: they go on with what they remind of."""
    return fetch(source, "campaigns/find_mailed_options", tournament_id=tournament_id)


def find_reminder_standing(source: Source, *, message_id: int) -> Sequence[Row[Any]]:
    """What stands against a reminder: when its mailbox was last mailed by us, whatever about, and how many reminders its family has had for the tournament."""
    return fetch(source, "campaigns/find_reminder_standing", message_id=message_id)


def index_snapshot(source: Source) -> None:
    """Let a message find its family in the snapshot without reading all of it: for a hundred thousand of each that takes a quarter of an hour."""
    run(source, "campaigns/index_snapshot")


def keep_due_in_snapshot(
    source: Source,
    *,
    now: datetime,
    tournament_id: int,
    after_days: object,
    dead_links: object,
    gap_hours: object,
    most: object,
) -> Sequence[Row[Any]]:
    """Leave in the snapshot only what to remind of: unpaid orders that were mailed, of families one of whose orders is due."""
    return fetch(
        source,
        "campaigns/keep_due_in_snapshot",
        now=now,
        tournament_id=tournament_id,
        after_days=after_days,
        dead_links=dead_links,
        gap_hours=gap_hours,
        most=most,
    )


def list_campaign_duplicates(source: Source, *, campaign_id: int, most: object) -> Sequence[Row[Any]]:
    """Orders of a campaign beside whose session another one of the club's own system could be paid; it was closed since the campaign was opened."""
    return fetch(source, "campaigns/list_campaign_duplicates", campaign_id=campaign_id, most=most)


def list_campaign_problems(source: Source, *, campaign_id: int, most: object) -> Sequence[Row[Any]]:
    """What of a campaign a person should look at, the oldest first."""
    return fetch(source, "campaigns/list_campaign_problems", campaign_id=campaign_id, most=most)


def list_campaign_waits(source: Source, *, campaign_id: int, now: datetime) -> Sequence[Row[Any]]:
    """What of a campaign waits for a later time, and from when to when it may go."""
    return fetch(source, "campaigns/list_campaign_waits", campaign_id=campaign_id, now=now)


def list_latest_campaigns(source: Source) -> Sequence[Row[Any]]:
    """The newest campaign of each tournament that has one."""
    return fetch(source, "campaigns/list_latest_campaigns")


def list_message_orders(source: Source, *, message_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """The orders of these messages."""
    return fetch(source, "campaigns/list_message_orders", message_ids=message_ids)


def list_messages_in_log(source: Source, *, campaign_id: int | None) -> Sequence[Row[Any]]:
    """The messages that are not sent as far as the ledger knows, and were by the mail server's log; of one campaign or (NULL) of all."""
    return fetch(source, "campaigns/list_messages_in_log", campaign_id=campaign_id)


def list_open_proposals(source: Source, *, run_id: UUID | None, campaign_id: int) -> Sequence[Row[Any]]:
    """What a flow run has asked people to approve, and nobody has decided yet."""
    return fetch(source, "campaigns/list_open_proposals", run_id=run_id, campaign_id=campaign_id)


def list_owed_ids(source: Source, *, campaign_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Which messages of a campaign are owed now."""
    return fetch(source, "campaigns/list_owed_ids", campaign_id=campaign_id, now=now)


def list_owed_messages(
    source: Source, *, campaign_id: int, now: datetime, message_ids: Sequence[int] | None
) -> Sequence[Row[Any]]:
    """The messages of a campaign that are owed now, and what they are about."""
    return fetch(source, "campaigns/list_owed_messages", campaign_id=campaign_id, now=now, message_ids=message_ids)


def list_restores(source: Source, *, since: datetime) -> Sequence[Row[Any]]:
    """Restores from a backup since then."""
    return fetch(source, "campaigns/list_restores", since=since)


def list_skipped_messages(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """Who of a campaign is skipped as it stands, and why."""
    return fetch(source, "campaigns/list_skipped_messages", campaign_id=campaign_id)


def lock_mailed_link_kind(source: Source, *, tournament_id: int, kind: str, sequence: str) -> Sequence[Row[Any]]:
    """The kind of link that a campaign was last opened with, where it has mailed somebody; its row stays locked until the transaction ends."""
    return fetch(source, "campaigns/lock_mailed_link_kind", tournament_id=tournament_id, kind=kind, sequence=sequence)


def lock_queue(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """Keep batches from claiming a campaign's unsent messages while the queue is brought up to date."""
    return fetch(source, "campaigns/lock_queue", campaign_id=campaign_id)


def mark_lost_sendings_uncertain(source: Source, *, now: datetime, campaign_id: int | None) -> Sequence[Row[Any]]:
    """Call uncertain what a lost worker had in hand on the wire; a person decides."""
    return fetch(source, "campaigns/mark_lost_sendings_uncertain", now=now, campaign_id=campaign_id)


def mark_messages_sent(source: Source, *, now: datetime, message_ids: Sequence[int], reason: str) -> Sequence[Row[Any]]:
    """Call messages sent that are not: a person has found that they were, or the mail server's log says so."""
    return fetch(source, "campaigns/mark_messages_sent", now=now, message_ids=message_ids, reason=reason)


def mark_unapproved_messages(source: Source, *, digests: str, campaign_id: int, now: datetime) -> None:
    """Mark those of a campaign's unsent messages that wait for an approval, since an order of theirs is not covered as it stands now, and take the mark off those that are covered."""
    run(source, "campaigns/mark_unapproved_messages", digests=digests, campaign_id=campaign_id, now=now)


def open_campaign(
    source: Source, *, tournament_id: int, kind: str, sequence: str, parameters: str, now: datetime
) -> Sequence[Row[Any]]:
    """Open the campaign of this natural key, or find it; its row stays locked until the transaction ends, so two runs take turns."""
    return fetch(
        source,
        "campaigns/open_campaign",
        tournament_id=tournament_id,
        kind=kind,
        sequence=sequence,
        parameters=parameters,
        now=now,
    )


def queue_messages(
    source: Source, *, order_ids: Sequence[int] | None, campaign_id: int, kind: str, domain: object, now: datetime
) -> None:
    """Make a message for each family whose orders have none to join: the first, or a supplement where the earlier one has left the queue."""
    run(
        source,
        "campaigns/queue_messages",
        order_ids=order_ids,
        campaign_id=campaign_id,
        kind=kind,
        domain=domain,
        now=now,
    )


def record_decision(
    source: Source, *, state: str, by_whom: str, note: str | None, now: datetime, approval_id: int
) -> Sequence[Row[Any]]:
    """Keep what a person has decided about a proposal, once."""
    return fetch(
        source, "campaigns/record_decision", state=state, by_whom=by_whom, note=note, now=now, approval_id=approval_id
    )


def record_proposal(
    source: Source, *, campaign_id: int, run_id: UUID | None, messages: object, now: datetime
) -> Sequence[Row[Any]]:
    """Keep that a person is asked to approve so many messages."""
    return fetch(
        source, "campaigns/record_proposal", campaign_id=campaign_id, run_id=run_id, messages=messages, now=now
    )


def record_proposed_orders(
    source: Source,
    *,
    approval_id: int,
    order_ids: Sequence[int],
    mailboxes: Sequence[str],
    amounts: Sequence[Decimal],
    currencies: Sequence[str],
    digests: Sequence[str],
) -> Sequence[Row[Any]]:
    """Keep what an approval is about, one array a column."""
    return fetch(
        source,
        "campaigns/record_proposed_orders",
        approval_id=approval_id,
        order_ids=order_ids,
        mailboxes=mailboxes,
        amounts=amounts,
        currencies=currencies,
        digests=digests,
    )


def require_approval(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """Let a campaign send only what a person has approved, from now on and for good."""
    return fetch(source, "campaigns/require_approval", campaign_id=campaign_id)


def return_expired_claims(source: Source, *, now: datetime, campaign_id: int | None) -> Sequence[Row[Any]]:
    """Queue again what a lost worker had claimed: nothing of it was on the wire."""
    return fetch(source, "campaigns/return_expired_claims", now=now, campaign_id=campaign_id)


def set_campaign_state(source: Source, *, state: str, now: datetime, campaign_id: int) -> Sequence[Row[Any]]:
    """Move a campaign on, unless it was stopped, which is for good."""
    return fetch(source, "campaigns/set_campaign_state", state=state, now=now, campaign_id=campaign_id)


def update_unsent_messages(source: Source, *, campaign_id: int, statuses: Sequence[str], now: datetime) -> None:
    """Bring unsent messages to the state that the snapshot calls for: skipped with a reason, or queued again where a cause was mended."""
    run(source, "campaigns/update_unsent_messages", campaign_id=campaign_id, statuses=statuses, now=now)
