"""Every statement about orders' links: sql/queries/links, a function each."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tasks.core.database import Source, fetch, run


def begin_attempt(
    source: Source,
    *,
    idempotency_key: object,
    request: str,
    now: datetime,
    token: UUID,
    order_id: int,
    session_id: str,
    amount: object,
    currency: object,
) -> Sequence[Row[Any]]:
    """Write down that a session is about to be asked for, only if the order is still as it was judged and its lease is still ours."""
    return fetch(
        source,
        "links/begin_attempt",
        idempotency_key=idempotency_key,
        request=request,
        now=now,
        token=token,
        order_id=order_id,
        session_id=session_id,
        amount=amount,
        currency=currency,
    )


def clear_set_aside(source: Source, *, now: datetime, order_id: int) -> Sequence[Row[Any]]:
    """Take an order out of the set-aside ones, since its cause has gone."""
    return fetch(source, "links/clear_set_aside", now=now, order_id=order_id)


def close_attempt(source: Source, *, state: str, now: datetime, attempt_id: int, token: UUID) -> Sequence[Row[Any]]:
    """Write down that an attempt made no session: Stripe refused it, has none of it, or has not said; only under our lease on its order."""
    return fetch(source, "links/close_attempt", state=state, now=now, attempt_id=attempt_id, token=token)


def drop_kept_seen_sessions(
    source: Source, *, order_ids: Sequence[int], seen_ats: Sequence[datetime], token: UUID
) -> Sequence[Row[Any]]:
    """Forget what list calls have shown of orders that are as they should be, only while their leases are ours; what a later call has shown stays, or is just about to show: that is what a row is locked for."""
    return fetch(source, "links/drop_kept_seen_sessions", order_ids=order_ids, seen_ats=seen_ats, token=token)


def drop_taken_seen_sessions(source: Source, *, order_id: int, token: UUID) -> Sequence[Row[Any]]:
    """Forget what was taken of an order's sightings and has been acted on since, only while the order's lease is ours; what a list call has shown again meanwhile stays."""
    return fetch(source, "links/drop_taken_seen_sessions", order_id=order_id, token=token)


def extend_lease(source: Source, *, lease_seconds: object, order_id: int, token: UUID) -> Sequence[Row[Any]]:
    """Keep a lease on an order for another while, if it is still ours."""
    return fetch(source, "links/extend_lease", lease_seconds=lease_seconds, order_id=order_id, token=token)


def find_payment_link_after(source: Source, *, link_id: int, beyond: object) -> Sequence[Row[Any]]:
    """The payment link that was made so many links after this one: Stripe lists it before those that were made at about the same time."""
    return fetch(source, "links/find_payment_link_after", link_id=link_id, beyond=beyond)


def find_payment_link_before(source: Source, *, moment: datetime) -> Sequence[Row[Any]]:
    """The newest payment link that was made before a moment (NULL: ever): what was made since stands before it in Stripe's list."""
    return fetch(source, "links/find_payment_link_before", moment=moment)


def find_sweep(source: Source, *, account: str) -> Sequence[Row[Any]]:
    """When the last whole sweep of an account's completed sessions began."""
    return fetch(source, "links/find_sweep", account=account)


def forget_seen_sessions(source: Source) -> None:
    """Forget what was seen so long ago and never acted on that a season has passed."""
    run(source, "links/forget_seen_sessions")


def forget_unknown_sessions(source: Source, *, now: datetime, session_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Count sessions that Stripe does not know, and that a person has dealt with, among those that can be paid no more: they would stand in the way of another."""
    return fetch(source, "links/forget_unknown_sessions", now=now, session_ids=session_ids)


def is_attempt_answered(source: Source, *, attempt_id: int, session_id: object) -> Sequence[Row[Any]]:
    """Whether a session is what an attempt has made, as another worker has written down."""
    return fetch(source, "links/is_attempt_answered", attempt_id=attempt_id, session_id=session_id)


def is_payment_of_another(source: Source, *, session_id: object, order_id: int) -> Sequence[Row[Any]]:
    """Whether what was paid through a session is on record as the payment of another order."""
    return fetch(source, "links/is_payment_of_another", session_id=session_id, order_id=order_id)


def is_session_closed(source: Source, *, session_id: object) -> Sequence[Row[Any]]:
    """Whether the ledger knows that a session has come to its end: Stripe never takes that back, so it need not be asked again."""
    return fetch(source, "links/is_session_closed", session_id=session_id)


def lease_orders(source: Source, *, token: UUID, lease_seconds: object, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Lease orders' links: whoever holds the token may work on them; an expired lease is taken over with a new token."""
    return fetch(source, "links/lease_orders", token=token, lease_seconds=lease_seconds, order_ids=order_ids)


def list_live_attempts(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Of each of these orders the one attempt through which somebody may still pay, or that may have made such a session; and beside it every other session of it through which a slow payment may be under way (state complete)."""
    return fetch(source, "links/list_live_attempts", order_ids=order_ids)


def list_payments_to_look_at(source: Source, *, order_ids: Sequence[int] | None, most: object) -> Sequence[Row[Any]]:
    """Payments that the treasurer has to look at, as long as their order waits for a person."""
    return fetch(source, "links/list_payments_to_look_at", order_ids=order_ids, most=most)


def list_seen_sessions(source: Source, *, most_seconds: object, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """What list calls have shown of these orders' sessions, left where it is."""
    return fetch(source, "links/list_seen_sessions", most_seconds=most_seconds, order_ids=order_ids)


def list_sessions_to_verify(source: Source, *, order_ids: Sequence[int], most_seconds: object) -> Sequence[Row[Any]]:
    """The sessions of these orders that Stripe has to be asked about: neither known to have come to their end, nor just seen in a list."""
    return fetch(source, "links/list_sessions_to_verify", order_ids=order_ids, most_seconds=most_seconds)


def list_set_asides(source: Source, *, order_ids: Sequence[int] | None, most: object) -> Sequence[Row[Any]]:
    """The orders that wait for a person."""
    return fetch(source, "links/list_set_asides", order_ids=order_ids, most=most)


def mark_order_paid(
    source: Source,
    *,
    paid_at: datetime,
    new_session_id: object,
    payment_intent_id: str,
    order_id: int,
    session_id: str,
    amount: Decimal,
    currency: str,
) -> Sequence[Row[Any]]:
    """Mark an order paid through Stripe, only if it is still as it was judged."""
    return fetch(
        source,
        "links/mark_order_paid",
        paid_at=paid_at,
        new_session_id=new_session_id,
        payment_intent_id=payment_intent_id,
        order_id=order_id,
        session_id=session_id,
        amount=amount,
        currency=currency,
    )


def note_seen_sessions(
    source: Source, *, session_ids: Sequence[str], order_ids: Sequence[int], sessions: Sequence[str], seen_at: datetime
) -> Sequence[Row[Any]]:
    """Note sessions that a list call has shown, each for the orders that it may be of: the one that stores it, the one that the ledger has it for, and the one that its metadata or reference names."""
    return fetch(
        source,
        "links/note_seen_sessions",
        session_ids=session_ids,
        order_ids=order_ids,
        sessions=sessions,
        seen_at=seen_at,
    )


def read_orders(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Orders as they stand now; whatever types and gaps the club's columns have, an amount that is none is NaN and a missing text is empty, while what Stripe knows it by is NULL where the club stores an empty text, and without the blanks of a padded column."""
    return fetch(source, "links/read_orders", order_ids=order_ids)


def record_answer(
    source: Source,
    *,
    state: str,
    session_id: object,
    url: str,
    expires_at: datetime,
    created: datetime,
    now: datetime,
    attempt_id: int,
) -> Sequence[Row[Any]]:
    """Write down what Stripe answered to an attempt: the session that it made."""
    return fetch(
        source,
        "links/record_answer",
        state=state,
        session_id=session_id,
        url=url,
        expires_at=expires_at,
        created=created,
        now=now,
        attempt_id=attempt_id,
    )


def record_payment(
    source: Source,
    *,
    session_id: object,
    order_id: int,
    payment_intent_id: str,
    amount: object,
    currency: object,
    finding: object,
    now: datetime,
    settles: object,
) -> Sequence[Row[Any]]:
    """Write down a payment that Stripe took, once; one that was for a person to look at can settle its order later."""
    return fetch(
        source,
        "links/record_payment",
        session_id=session_id,
        order_id=order_id,
        payment_intent_id=payment_intent_id,
        amount=amount,
        currency=currency,
        finding=finding,
        now=now,
        settles=settles,
    )


def record_session(
    source: Source,
    *,
    origin: object,
    created: datetime,
    state: str,
    session_id: object,
    url: str,
    amount: int,
    currency: str,
    expires_at: datetime,
    payment_status: object,
    payment_intent_id: str,
    rival_closed_at: datetime,
    now: datetime,
    order_id: int,
    token: UUID,
) -> Sequence[Row[Any]]:
    """Write down how Stripe describes a session now, only if the order's lease is still ours: a description that a lost worker has carried about may be stale."""
    return fetch(
        source,
        "links/record_session",
        origin=origin,
        created=created,
        state=state,
        session_id=session_id,
        url=url,
        amount=amount,
        currency=currency,
        expires_at=expires_at,
        payment_status=payment_status,
        payment_intent_id=payment_intent_id,
        rival_closed_at=rival_closed_at,
        now=now,
        order_id=order_id,
        token=token,
    )


def record_sweep(source: Source, *, account: str, now: datetime) -> Sequence[Row[Any]]:
    """Note that an account's completed sessions were swept."""
    return fetch(source, "links/record_sweep", account=account, now=now)


def release_set_asides(
    source: Source, *, now: datetime, released_by: object, note: str, order_ids: Sequence[int]
) -> Sequence[Row[Any]]:
    """Let the pipeline judge orders again that a person has dealt with; who and when is kept."""
    return fetch(source, "links/release_set_asides", now=now, released_by=released_by, note=note, order_ids=order_ids)


def repeat_attempt(source: Source, *, now: datetime, attempt_id: int, token: UUID) -> Sequence[Row[Any]]:
    """Write down that an attempt's request is about to be sent again, only under our lease on its order: from now on it may be on its way."""
    return fetch(source, "links/repeat_attempt", now=now, attempt_id=attempt_id, token=token)


def return_leases(source: Source, *, order_ids: Sequence[int], token: UUID) -> Sequence[Row[Any]]:
    """Give orders' leases back."""
    return fetch(source, "links/return_leases", order_ids=order_ids, token=token)


def set_order_aside(
    source: Source, *, order_id: int, session_id: str, reason: str, detail: str | None, now: datetime
) -> Sequence[Row[Any]]:
    """Set an order aside for a person, once."""
    return fetch(
        source, "links/set_order_aside", order_id=order_id, session_id=session_id, reason=reason, detail=detail, now=now
    )


def set_order_link(
    source: Source,
    *,
    new_session_id: object,
    new_url: object,
    order_id: int,
    session_id: str,
    amount: Decimal,
    currency: str,
    token: UUID,
) -> Sequence[Row[Any]]:
    """Store an order's link, only if the order is still as it was judged, since the club's own system writes there too, and our lease alive."""
    return fetch(
        source,
        "links/set_order_link",
        new_session_id=new_session_id,
        new_url=new_url,
        order_id=order_id,
        session_id=session_id,
        amount=amount,
        currency=currency,
        token=token,
    )


def take_seen_sessions(source: Source, *, order_id: int, most_seconds: object) -> Sequence[Row[Any]]:
    """Take what list calls have shown of an order's sessions."""
    return fetch(source, "links/take_seen_sessions", order_id=order_id, most_seconds=most_seconds)
