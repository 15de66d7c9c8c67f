"""Every statement about what people decide: sql/queries/operations, a function each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from tasks.core.database import Source, fetch
from tasks.operations.order_status import Mailing

Action = Literal["retry", "resend", "mark_sent", "put_back", "hold", "stop", "purge"]
"""What a person has decided, as it is stored."""


@dataclass(frozen=True)
class CampaignMessage:
    """A message, and the campaign that it is of."""

    id: int
    campaign_id: int


@dataclass(frozen=True)
class ChosenMessage(CampaignMessage):
    """A message that a person may mean; `fits` says whether it is of the statuses, states and tournament meant."""

    status: str
    campaign_state: str
    tournament_id: int
    fits: bool


class CampaignToSend(NamedTuple):
    """A campaign that has messages to send now."""

    id: int
    kind: str
    tournament_id: int
    parameters: Mapping[str, Any]
    """The fields of CampaignOptions, as JSON has them."""


class UncertainMessage(NamedTuple):
    """An uncertain message, and what is known of its last attempt; the address and the reply are to be masked."""

    id: int
    tournament_id: int
    kind: str
    sequence: str
    campaign_state: str
    message_id: str
    address: str
    sent_at: datetime | None
    phase: str | None
    smtp_code: int | None
    reply: str | None
    run_id: UUID | None


class TournamentCampaign(NamedTuple):
    """A campaign, as a person names it."""

    id: int
    kind: str
    sequence: str
    state: str


class MessageMailbox(NamedTuple):
    """The mailbox that a message is to; without an address, it could not be mailed or was purged."""

    id: int
    mailbox: str
    address: str | None


class ListedSuppression(NamedTuple):
    """An entry of the suppression list; the address and the reason are to be masked."""

    id: int
    address: str
    reason: str
    source: str
    since: datetime
    by_whom: str


class TroubledMessage(NamedTuple):
    """A message that waits for a person; the address and the detail are to be masked."""

    message_id: int
    parent_id: int
    kind: str
    status: str
    reason: str | None
    address: str | None
    detail: str


class News(NamedTuple):
    """Something to announce: its event, the resource that it is about, and words with ids and counts, no names."""

    key: str
    event: str
    about: str
    said: str


class RestoreState(NamedTuple):
    """Whether a restore is not settled yet, and whether the ledger is at a place that it does not know as its home."""

    open: bool
    moved: bool


class CampaignToPurge(NamedTuple):
    """A campaign, whether it was purged before, its uncertain messages, and when it or one of them last changed."""

    id: int
    tournament_id: int
    kind: str
    sequence: str
    state: str
    purged: bool
    uncertain: int
    changed_at: datetime


# What people decide about messages and campaigns


def lock_chosen_messages(
    connection: Connection,
    *,
    statuses: Sequence[str],
    campaign_states: Sequence[str],
    tournament_id: int | None,
    message_ids: Sequence[int] | None,
) -> list[ChosenMessage]:
    """Find and lock, with their campaigns, the messages that a person means.

    With `message_ids`, those are returned whether they fit or not; without, all that fit. No tournament: any.
    """
    rows = fetch(
        connection,
        "operations/lock_chosen_messages",
        statuses=statuses,
        campaign_states=campaign_states,
        tournament_id=tournament_id,
        message_ids=message_ids,
    )
    return [ChosenMessage(**row._asdict()) for row in rows]


def requeue_messages(source: Source, *, now: datetime, message_ids: Sequence[int]) -> None:
    """Queue failed and uncertain messages again; those that may have been delivered are marked so."""
    fetch(source, "operations/requeue_messages", now=now, message_ids=message_ids)


def reopen_campaigns(source: Source, *, now: datetime, campaign_ids: Sequence[int]) -> None:
    """Let those of these campaigns that are done go on."""
    fetch(source, "operations/reopen_campaigns", now=now, campaign_ids=campaign_ids)


def list_campaigns_to_send(source: Source, *, tournament_id: int | None, now: datetime) -> list[CampaignToSend]:
    """List the campaigns of a tournament (None: of all) that are being sent and have messages that are due."""
    rows = fetch(source, "operations/list_campaigns_to_send", tournament_id=tournament_id, now=now)
    return [CampaignToSend(**row._asdict()) for row in rows]


def list_uncertain_messages(
    source: Source, *, tournament_id: int | None, message_ids: Sequence[int] | None
) -> list[UncertainMessage]:
    """List the uncertain messages of a tournament (None: of all), all of them or (not None) those of these ids."""
    rows = fetch(source, "operations/list_uncertain_messages", tournament_id=tournament_id, message_ids=message_ids)
    return [UncertainMessage(**row._asdict()) for row in rows]


def list_tournament_campaigns(source: Source, *, tournament_id: int) -> list[TournamentCampaign]:
    """List the campaigns of a tournament, the newest first."""
    rows = fetch(source, "operations/list_tournament_campaigns", tournament_id=tournament_id)
    return [TournamentCampaign(**row._asdict()) for row in rows]


def stop_campaign(source: Source, *, now: datetime, campaign_id: int) -> bool:
    """Stop a campaign for good; False where it was stopped already."""
    return bool(fetch(source, "operations/stop_campaign", now=now, campaign_id=campaign_id))


def cancel_messages(source: Source, *, now: datetime, campaign_id: int) -> None:
    """Cancel what a stopped campaign has not sent; what may have been delivered before is uncertain again."""
    fetch(source, "operations/cancel_messages", now=now, campaign_id=campaign_id)


def record_action(
    source: Source,
    *,
    action: Action,
    campaign_id: int,
    by_whom: str,
    note: str | None,
    now: datetime,
    message_ids: Sequence[int | None],
) -> None:
    """Keep who decided what about these messages, or about the campaign as a whole ([None])."""
    fetch(
        source,
        "operations/record_action",
        action=action,
        campaign_id=campaign_id,
        by_whom=by_whom,
        note=note,
        now=now,
        message_ids=message_ids,
    )


# What comes back, and who is not mailed


def find_message_by_rfc_id(source: Source, *, message_ids: Sequence[str]) -> MessageMailbox | None:
    """Find the message of ours that one of these Message-IDs (RFC 5322) names."""
    rows = fetch(source, "operations/find_message_by_rfc_id", message_ids=message_ids)
    return MessageMailbox(**rows[0]._asdict()) if rows else None


def add_bounce(
    source: Source,
    *,
    report_digest: str,
    recipient_number: int,
    message_id: int | None,
    action: str,
    status: str,
    diagnostic: str | None,
    finding: str,
    now: datetime,
) -> bool:
    """Keep what a delivery report says of one recipient; False where it was taken in before."""
    return bool(
        fetch(
            source,
            "operations/add_bounce",
            report_digest=report_digest,
            recipient_number=recipient_number,
            message_id=message_id,
            action=action,
            status=status,
            diagnostic=diagnostic,
            finding=finding,
            now=now,
        )
    )


def list_message_mailboxes(source: Source, *, message_ids: Sequence[int]) -> list[MessageMailbox]:
    """List the mailboxes that messages are to."""
    rows = fetch(source, "operations/list_message_mailboxes", message_ids=message_ids)
    return [MessageMailbox(**row._asdict()) for row in rows]


def list_suppressions(source: Source) -> list[ListedSuppression]:
    """List whom is not mailed, the newest first."""
    return [ListedSuppression(**row._asdict()) for row in fetch(source, "operations/list_suppressions")]


def lift_suppressions(
    source: Source, *, now: datetime, by_whom: str, ids: Sequence[int] | None, mailbox: str | None
) -> list[int]:
    """Take entries off the suppression list, by their ids or by the mailbox, and return the ids that were on it."""
    rows = fetch(source, "operations/lift_suppressions", now=now, by_whom=by_whom, ids=ids, mailbox=mailbox)
    return [row.id for row in rows]


# How a tournament stands, and what is new


def list_order_mailings(source: Source, *, order_ids: Sequence[int], now: datetime) -> dict[int, Mailing]:
    """Return by order when it was last mailed with a link, and how that link stands: an entry for each order given."""
    rows = fetch(source, "operations/list_order_mailings", order_ids=order_ids, now=now)
    return {
        row.order_id: Mailing(row.mailed_at, row.uncertain, row.link_live, row.processing, row.mailings) for row in rows
    }


def list_tournament_troubles(source: Source, *, tournament_id: int) -> list[TroubledMessage]:
    """List the messages of a tournament that wait for a person: uncertain, failed, and not approved, in this order."""
    rows = fetch(source, "operations/list_tournament_troubles", tournament_id=tournament_id)
    return [TroubledMessage(**row._asdict()) for row in rows]


def list_news(source: Source, *, now: datetime) -> list[News]:
    """List what has happened in the last week that somebody should hear of, and has not been announced."""
    return [News(**row._asdict()) for row in fetch(source, "operations/list_news", now=now)]


def note_news(source: Source, *, now: datetime, keys: Sequence[str]) -> None:
    """Note what was announced."""
    fetch(source, "operations/note_news", now=now, keys=keys)


# A restore from a backup


def find_restore_state(source: Source) -> RestoreState:
    """Find out whether the ledger was restored or moved, and what went out since is not settled."""
    return RestoreState(**fetch(source, "operations/find_restore_state")[0]._asdict())


def set_home(source: Source, *, now: datetime) -> None:
    """Let the ledger be at home where it is now."""
    fetch(source, "operations/set_home", now=now)


def record_restore(source: Source, *, backup_at: datetime, now: datetime, by_whom: str) -> datetime:
    """Write down that the ledger was restored, and return of when the backup is that counts: the earliest."""
    rows = fetch(source, "operations/record_restore", backup_at=backup_at, now=now, by_whom=by_whom)
    backup_that_counts: datetime = rows[0].backup_at
    return backup_that_counts


def hold_messages(source: Source, *, now: datetime, detail: str) -> list[CampaignMessage]:
    """Call uncertain what could have gone out since the backup, and return it."""
    return [
        CampaignMessage(**row._asdict()) for row in fetch(source, "operations/hold_messages", now=now, detail=detail)
    ]


def list_held_messages(connection: Connection) -> list[CampaignMessage]:
    """List the messages that a restore holds, and lock them."""
    return [CampaignMessage(**row._asdict()) for row in fetch(connection, "operations/list_held_messages")]


def list_forgotten_sessions(source: Source, *, session_ids: Sequence[str]) -> list[str]:
    """List those of these sessions that the ledger does not have."""
    rows = fetch(source, "operations/list_forgotten_sessions", session_ids=session_ids)
    return [row.session_id for row in rows]


def note_mail_log(source: Source, *, now: datetime, message_ids: Sequence[str]) -> None:
    """Keep the Message-IDs (RFC 5322) that the mail server's log has."""
    fetch(source, "operations/note_mail_log", now=now, message_ids=message_ids)


def put_back_messages(source: Source, *, message_ids: Sequence[int], now: datetime) -> None:
    """Queue again what a restore held and the mail server never took; of a stopped campaign, cancel it."""
    fetch(source, "operations/put_back_messages", message_ids=message_ids, now=now)


def settle_restore(source: Source, *, now: datetime, by_whom: str) -> bool:
    """Let messages be sent again; False where no restore was to settle."""
    return bool(fetch(source, "operations/settle_restore", now=now, by_whom=by_whom))


# A season's end: people's data is taken away, and each function returns from how many records


def lock_campaigns_to_purge(connection: Connection) -> list[CampaignToPurge]:
    """List all campaigns, and lock them."""
    rows = fetch(connection, "operations/lock_campaigns_to_purge")
    return [CampaignToPurge(**row._asdict()) for row in rows]


def close_purged_campaigns(source: Source, *, now: datetime, campaign_ids: Sequence[int]) -> None:
    """Close campaigns for good whose people's data goes, and forget the notes that they were begun with."""
    fetch(source, "operations/close_purged_campaigns", now=now, campaign_ids=campaign_ids)


def list_orders_to_purge(source: Source, *, campaign_ids: Sequence[int], tournament_ids: Sequence[int]) -> list[int]:
    """List the orders of these campaigns and tournaments that no other is about whose data stays."""
    rows = fetch(source, "operations/list_orders_to_purge", campaign_ids=campaign_ids, tournament_ids=tournament_ids)
    return [row.order_id for row in rows]


def purge_messages(source: Source, *, campaign_ids: Sequence[int]) -> int:
    """Take who it went to off messages; what became of them stays."""
    return len(fetch(source, "operations/purge_messages", campaign_ids=campaign_ids))


def purge_details(source: Source, *, campaign_ids: Sequence[int]) -> int:
    """Forget what was said about the links in messages."""
    return len(fetch(source, "operations/purge_details", campaign_ids=campaign_ids))


def purge_replies(source: Source, *, campaign_ids: Sequence[int]) -> int:
    """Forget in which words mail servers answered: they repeat addresses."""
    return len(fetch(source, "operations/purge_replies", campaign_ids=campaign_ids))


def purge_notes(source: Source, *, campaign_ids: Sequence[int]) -> int:
    """Forget what people wrote beside their decisions; who decided what, and when, stays."""
    return len(fetch(source, "operations/purge_notes", campaign_ids=campaign_ids))


def purge_approved(source: Source, *, campaign_ids: Sequence[int]) -> int:
    """Take the mailboxes off what was approved; which order at which price stays."""
    return len(fetch(source, "operations/purge_approved", campaign_ids=campaign_ids))


def purge_bounces(source: Source, *, before: datetime, campaign_ids: Sequence[int]) -> int:
    """Forget in which words mail of these campaigns came back, and what came before that moment and was not ours."""
    return len(fetch(source, "operations/purge_bounces", before=before, campaign_ids=campaign_ids))


def purge_requests(source: Source, *, order_ids: Sequence[int], before: datetime) -> int:
    """Take names and links off what was asked of Stripe before that moment; sessions, amounts and states stay."""
    return len(fetch(source, "operations/purge_requests", order_ids=order_ids, before=before))


def purge_traces(source: Source, *, order_ids: Sequence[int]) -> int:
    """Forget what lists have shown, runs have said, and people have written of these orders."""
    return len(fetch(source, "operations/purge_traces", order_ids=order_ids))


def purge_lifted(source: Source, *, before: datetime) -> int:
    """Take the addresses off suppressions that were lifted before that moment; who is on the list stays."""
    return len(fetch(source, "operations/purge_lifted", before=before))
