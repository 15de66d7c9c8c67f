"""Every statement about what people decide: sql/queries/operations, a function each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tasks.core.database import Source, fetch


def add_bounce(
    source: Source,
    *,
    report_digest: object,
    recipient_number: object,
    message_id: int,
    action: object,
    status: object,
    diagnostic: str,
    finding: object,
    now: datetime,
) -> Sequence[Row[Any]]:
    """Keep what a delivery report says of one recipient, once."""
    return fetch(
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


def cancel_messages(source: Source, *, now: datetime, campaign_id: int) -> Sequence[Row[Any]]:
    """Cancel what a stopped campaign has not sent; what is on the wire at this moment comes to its own end."""
    return fetch(source, "operations/cancel_messages", now=now, campaign_id=campaign_id)


def close_purged_campaigns(source: Source, *, now: datetime, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Close campaigns for good whose people's data goes: they could not be mailed any more."""
    return fetch(source, "operations/close_purged_campaigns", now=now, campaign_ids=campaign_ids)


def find_message_by_rfc_id(source: Source, *, message_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The message of ours that one of these Message-IDs (RFC 5322) names."""
    return fetch(source, "operations/find_message_by_rfc_id", message_ids=message_ids)


def find_restore_state(source: Source) -> Sequence[Row[Any]]:
    """Whether the ledger was restored from a backup, and what went out since is not settled."""
    return fetch(source, "operations/find_restore_state")


def hold_messages(source: Source, *, now: datetime, detail: str | None) -> Sequence[Row[Any]]:
    """Call uncertain, after a restore, what could have gone out since the backup: a person, or the mail server's log, says what became of it."""
    return fetch(source, "operations/hold_messages", now=now, detail=detail)


def lift_suppressions(
    source: Source, *, now: datetime, by_whom: str, ids: Sequence[int], mailbox: str
) -> Sequence[Row[Any]]:
    """Take entries off the suppression list: those of these ids, or the one of a mailbox; the other is NULL."""
    return fetch(source, "operations/lift_suppressions", now=now, by_whom=by_whom, ids=ids, mailbox=mailbox)


def list_campaigns_to_send(source: Source, *, tournament_id: int, now: datetime) -> Sequence[Row[Any]]:
    """The campaigns that are being sent and have messages that are due, of one tournament or (NULL) of all."""
    return fetch(source, "operations/list_campaigns_to_send", tournament_id=tournament_id, now=now)


def list_forgotten_sessions(source: Source, *, session_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Those of these sessions that the ledger does not have."""
    return fetch(source, "operations/list_forgotten_sessions", session_ids=session_ids)


def list_held_messages(source: Source) -> Sequence[Row[Any]]:
    """The messages that a restore holds."""
    return fetch(source, "operations/list_held_messages")


def list_message_mailboxes(source: Source, *, message_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """The mailboxes that messages are to."""
    return fetch(source, "operations/list_message_mailboxes", message_ids=message_ids)


def list_news(source: Source, *, now: datetime) -> Sequence[Row[Any]]:
    """What has happened in the last week that a person or an automation should hear of, and has not been announced: messages that are uncertain, orders that are set aside, sending limits that hold messages back (once a day and campaign), campaigns that are finished."""
    return fetch(source, "operations/list_news", now=now)


def list_order_mailings(source: Source, *, order_ids: Sequence[int], now: datetime) -> Sequence[Row[Any]]:
    """When orders were last mailed with a link, whatever the campaign, and how that link stands."""
    return fetch(source, "operations/list_order_mailings", order_ids=order_ids, now=now)


def list_orders_to_purge(
    source: Source, *, campaign_ids: Sequence[int], tournament_ids: Sequence[int]
) -> Sequence[Row[Any]]:
    """The orders of these campaigns and tournaments, but for those that another campaign or tournament is about, too, of which the data stays."""
    return fetch(source, "operations/list_orders_to_purge", campaign_ids=campaign_ids, tournament_ids=tournament_ids)


def list_suppressions(source: Source) -> Sequence[Row[Any]]:
    """Whom is not mailed, the newest first."""
    return fetch(source, "operations/list_suppressions")


def list_tournament_campaigns(source: Source, *, tournament_id: int) -> Sequence[Row[Any]]:
    """The campaigns of a tournament, the newest first."""
    return fetch(source, "operations/list_tournament_campaigns", tournament_id=tournament_id)


def list_tournament_troubles(source: Source, *, tournament_id: int) -> Sequence[Row[Any]]:
    """The messages of a tournament that wait for a person: uncertain ones, failed ones one of whose orders is owed and unmailed since, and those that no approval covers, last."""
    return fetch(source, "operations/list_tournament_troubles", tournament_id=tournament_id)


def list_uncertain_messages(
    source: Source, *, tournament_id: int, message_ids: Sequence[int] | None
) -> Sequence[Row[Any]]:
    """The uncertain messages of a tournament (NULL: of all), or those of these ids (NULL: all), each with what is known of its last attempt."""
    return fetch(source, "operations/list_uncertain_messages", tournament_id=tournament_id, message_ids=message_ids)


def lock_campaigns_to_purge(source: Source) -> Sequence[Row[Any]]:
    """All campaigns, locked until the transaction ends."""
    return fetch(source, "operations/lock_campaigns_to_purge")


def lock_chosen_messages(
    source: Source,
    *,
    statuses: Sequence[str],
    campaign_states: Sequence[str],
    tournament_id: int,
    message_ids: Sequence[int],
) -> Sequence[Row[Any]]:
    """The messages that a person means, locked: those of these statuses, campaign states and tournament (NULL: any), or those of these ids (NULL: all), whatever they are."""
    return fetch(
        source,
        "operations/lock_chosen_messages",
        statuses=statuses,
        campaign_states=campaign_states,
        tournament_id=tournament_id,
        message_ids=message_ids,
    )


def note_mail_log(source: Source, *, now: datetime, message_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Keep the Message-IDs that the mail server's log has."""
    return fetch(source, "operations/note_mail_log", now=now, message_ids=message_ids)


def note_news(source: Source, *, now: datetime, keys: Sequence[str]) -> Sequence[Row[Any]]:
    """Note what was announced."""
    return fetch(source, "operations/note_news", now=now, keys=keys)


def purge_approved(source: Source, *, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Take the mailboxes off what was approved; which order at which price stays."""
    return fetch(source, "operations/purge_approved", campaign_ids=campaign_ids)


def purge_bounces(source: Source, *, before: datetime, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Forget in which words mail came back: of these campaigns, and of what was none of ours and is older than that."""
    return fetch(source, "operations/purge_bounces", before=before, campaign_ids=campaign_ids)


def purge_details(source: Source, *, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Forget what was said about the links in messages."""
    return fetch(source, "operations/purge_details", campaign_ids=campaign_ids)


def purge_lifted(source: Source, *, before: datetime) -> Sequence[Row[Any]]:
    """Take the addresses off entries of the suppression list that were lifted before that day; who is on the list stays."""
    return fetch(source, "operations/purge_lifted", before=before)


def purge_messages(source: Source, *, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Take who it went to off messages; what became of them stays."""
    return fetch(source, "operations/purge_messages", campaign_ids=campaign_ids)


def purge_notes(source: Source, *, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Forget what people wrote beside what they decided about these campaigns; who decided what, and when, stays."""
    return fetch(source, "operations/purge_notes", campaign_ids=campaign_ids)


def purge_replies(source: Source, *, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Forget in which words mail servers answered: they repeat addresses."""
    return fetch(source, "operations/purge_replies", campaign_ids=campaign_ids)


def purge_requests(source: Source, *, order_ids: Sequence[int], before: datetime) -> Sequence[Row[Any]]:
    """Take players' names and payment links off what was asked of Stripe; sessions, amounts and states stay."""
    return fetch(source, "operations/purge_requests", order_ids=order_ids, before=before)


def purge_traces(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Forget what lists have shown and runs have said of these orders, and what people wrote when they released them."""
    return fetch(source, "operations/purge_traces", order_ids=order_ids)


def put_back_messages(source: Source, *, message_ids: Sequence[int], now: datetime) -> Sequence[Row[Any]]:
    """Queue again what a restore held and the mail server never took: as it was in the backup, under its Message-ID."""
    return fetch(source, "operations/put_back_messages", message_ids=message_ids, now=now)


def record_action(
    source: Source,
    *,
    action: object,
    campaign_id: int,
    by_whom: str,
    note: str,
    now: datetime,
    message_ids: Sequence[int],
) -> Sequence[Row[Any]]:
    """Keep who decided what about these messages, or about a campaign as a whole where message_ids holds one NULL."""
    return fetch(
        source,
        "operations/record_action",
        action=action,
        campaign_id=campaign_id,
        by_whom=by_whom,
        note=note,
        now=now,
        message_ids=message_ids,
    )


def record_restore(source: Source, *, backup_at: datetime, now: datetime, by_whom: str) -> Sequence[Row[Any]]:
    """Write down that the ledger was restored; of two at once, the earlier backup counts."""
    return fetch(source, "operations/record_restore", backup_at=backup_at, now=now, by_whom=by_whom)


def reopen_campaigns(source: Source, *, now: datetime, campaign_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Let campaigns that are done go on, since a person sends some of their messages again."""
    return fetch(source, "operations/reopen_campaigns", now=now, campaign_ids=campaign_ids)


def requeue_messages(source: Source, *, now: datetime, message_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Queue messages again that a person sends on their way: with all attempts before them, and those that may have been delivered marked so."""
    return fetch(source, "operations/requeue_messages", now=now, message_ids=message_ids)


def set_home(source: Source, *, now: datetime) -> Sequence[Row[Any]]:
    """Let the ledger be at home where it is now."""
    return fetch(source, "operations/set_home", now=now)


def settle_restore(source: Source, *, now: datetime, by_whom: str) -> Sequence[Row[Any]]:
    """Let messages be sent again: what went out between the backup and the restore is known as well as it can be."""
    return fetch(source, "operations/settle_restore", now=now, by_whom=by_whom)


def stop_campaign(source: Source, *, now: datetime, campaign_id: int) -> Sequence[Row[Any]]:
    """Stop a campaign for good."""
    return fetch(source, "operations/stop_campaign", now=now, campaign_id=campaign_id)
