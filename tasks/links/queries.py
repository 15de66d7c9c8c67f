"""Every statement about orders' links: sql/queries/links, a function each.

`order` is an order as it was judged: what changes it, or asks Stripe for it, first checks that it still stands so.
`token` is that of our lease on an order: without a lease in force, nothing is written.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection

from tasks.core.database import Source, fetch, run
from tasks.links.model import Attempt, Order, StripeLink

_SESSION = TypeAdapter(StripeLink)


class SeenSession(NamedTuple):
    """A session that a list call has shown for an order."""

    order_id: int
    session: StripeLink
    seen_at: datetime
    fresh: bool
    """It was seen recently, by PostgreSQL's clock."""

    known: bool
    """The order stores it, or the ledger has it for the order."""


class NotedSession(NamedTuple):
    """A session that was just noted for an order; `known` as in SeenSession."""

    order_id: int
    session_id: str
    known: bool


class SessionToVerify(NamedTuple):
    """A session that Stripe has to be asked about, and the orders that need it."""

    session_id: str
    created: datetime | None
    """By Stripe's clock, or nearly; None: the ledger does not know."""

    order_ids: Sequence[int]


class SetAside(NamedTuple):
    """An order that waits for a person."""

    order_id: int
    reason: str
    detail: str
    set_aside_at: datetime


class ReleasedSetAside(NamedTuple):
    """An order that a person has released, and what it was set aside for."""

    order_id: int
    session_id: str | None
    reason: str


class PaymentToLookAt(NamedTuple):
    """A payment that the treasurer has to look at; `amount` is in the smallest unit of `currency`."""

    order_id: int
    amount: int
    currency: str
    finding: str
    payment_intent_id: str | None
    recorded_at: datetime


# Leases


def lease_orders(source: Source, *, order_ids: Sequence[int], token: UUID, lease_seconds: int) -> list[int]:
    """Lease orders under a token and return the ids of those that are leased now.

    Another worker has the lease on the others. A lease that has run out is taken over.
    """
    rows = fetch(source, "links/lease_orders", order_ids=order_ids, token=token, lease_seconds=lease_seconds)
    return [row.order_id for row in rows]


def extend_lease(source: Source, *, order_id: int, token: UUID, lease_seconds: int) -> bool:
    """Extend a lease on an order; False where it is not ours any more."""
    return bool(fetch(source, "links/extend_lease", order_id=order_id, token=token, lease_seconds=lease_seconds))


def return_leases(source: Source, *, order_ids: Sequence[int], token: UUID) -> None:
    """Return the leases on orders, as far as they are still ours."""
    fetch(source, "links/return_leases", order_ids=order_ids, token=token)


# Orders


def read_orders(source: Source, *, order_ids: Sequence[int], committed: bool) -> list[Order]:
    """Read those of the orders that there are, as they stand now.

    `committed` says whether their players are, since that is not in the orders. An amount that is none is NaN.
    """
    rows = fetch(source, "links/read_orders", order_ids=order_ids)
    return [Order(committed=committed, **row._asdict()) for row in rows]


def set_order_link(source: Source, *, order: Order, session: StripeLink, token: UUID) -> bool:
    """Store a session in its order; False where the order or our lease is not as it was any more."""
    rows = fetch(
        source,
        "links/set_order_link",
        new_session_id=session.id,
        new_url=session.url,
        order_id=order.id,
        session_id=order.session_id,
        amount=order.amount,
        currency=order.currency,
        token=token,
    )
    return bool(rows)


def mark_order_paid(connection: Connection, *, order: Order, session: StripeLink, paid_at: datetime) -> bool:
    """Mark an order paid through a session; False where the order is not as it was judged any more."""
    rows = fetch(
        connection,
        "links/mark_order_paid",
        paid_at=paid_at,
        new_session_id=session.id,
        payment_intent_id=session.payment_intent_id,
        order_id=order.id,
        session_id=order.session_id,
        amount=order.amount,
        currency=order.currency,
    )
    return bool(rows)


# Attempts: sessions that we asked Stripe for


def begin_attempt(
    source: Source, *, order: Order, idempotency_key: UUID, request: Mapping[str, Any], token: UUID, now: datetime
) -> int | None:
    """Record that a session is about to be asked for and return the attempt's id.

    None where the order or our lease is not as it was any more. `request` holds the parameters as the SDK takes them.
    """
    rows = fetch(
        source,
        "links/begin_attempt",
        idempotency_key=idempotency_key,
        request=json.dumps(request),
        now=now,
        token=token,
        order_id=order.id,
        session_id=order.session_id,
        amount=order.amount,
        currency=order.currency,
    )
    return rows[0].id if rows else None


def repeat_attempt(source: Source, *, attempt_id: int, token: UUID, now: datetime) -> bool:
    """Record that an attempt's request is about to be sent again; False where it must not be."""
    return bool(fetch(source, "links/repeat_attempt", attempt_id=attempt_id, token=token, now=now))


def record_answer(
    source: Source,
    *,
    attempt_id: int,
    session: StripeLink,
    created: datetime,
    state: Literal["open", "expired"],
    now: datetime,
) -> bool:
    """Record the session that an attempt made; False where the attempt was given up, or has another answer.

    Of one that was given up, only that its session is closed (`expired`) can be recorded.
    """
    rows = fetch(
        source,
        "links/record_answer",
        attempt_id=attempt_id,
        state=state,
        session_id=session.id,
        url=session.url,
        expires_at=session.expires_at,
        created=created,
        now=now,
    )
    return bool(rows)


def close_attempt(
    source: Source, *, attempt_id: int, state: Literal["refused", "absent", "unknown"], token: UUID, now: datetime
) -> bool:
    """Record that an attempt made no session, or that nobody knows (`unknown`).

    False where our lease is lost, or the attempt's answer has come.
    """
    return bool(fetch(source, "links/close_attempt", attempt_id=attempt_id, state=state, token=token, now=now))


def is_attempt_answered(source: Source, *, attempt_id: int, session_id: str) -> bool:
    """Return True if the ledger has this session as the answer to this attempt."""
    return bool(fetch(source, "links/is_attempt_answered", attempt_id=attempt_id, session_id=session_id))


def list_live_attempts(source: Source, *, order_ids: Sequence[int]) -> list[Attempt]:
    """List the attempts through which money may still come, by order.

    An order's first can be paid, or may have made a session that can be; through the others, slow payments may be
    under way.
    """
    rows = fetch(source, "links/list_live_attempts", order_ids=order_ids)
    return [Attempt(**row._asdict()) for row in rows]


# Sessions and payment links in the ledger


def record_session(
    source: Source,
    *,
    order_id: int,
    session: StripeLink,
    origin: Literal["club", "payer"],
    state: str,
    payment_status: str,
    created: datetime,
    rival_closed_at: datetime | None,
    token: UUID,
    now: datetime,
) -> bool:
    """Record how Stripe describes a session now; False where our lease on the order is lost.

    `origin` is who had it made, where the ledger does not have it yet. `rival_closed_at`: it was a duplicate, and was
    closed for that.
    """
    rows = fetch(
        source,
        "links/record_session",
        origin=origin,
        created=created,
        state=state,
        session_id=session.id,
        url=session.url,
        amount=session.amount_total,
        currency=session.currency,
        expires_at=session.expires_at,
        payment_status=payment_status,
        payment_intent_id=session.payment_intent_id,
        rival_closed_at=rival_closed_at,
        now=now,
        order_id=order_id,
        token=token,
    )
    return bool(rows)


def find_session_end(source: Source, *, session_id: str) -> Literal["expired", "complete"] | None:
    """Return how a session has ended; None where the ledger does not know that it has.

    Stripe never takes an end back. One whose slow payment may still be under way has not ended.
    """
    rows = fetch(source, "links/find_session_end", session_id=session_id)
    return rows[0].state if rows else None


def list_sessions_to_verify(source: Source, *, order_ids: Sequence[int], most_seconds: int) -> list[SessionToVerify]:
    """List the orders' sessions that neither have ended nor were seen in a list in the last `most_seconds`."""
    rows = fetch(source, "links/list_sessions_to_verify", order_ids=order_ids, most_seconds=most_seconds)
    return [SessionToVerify(**row._asdict()) for row in rows]


def forget_unknown_sessions(source: Source, *, session_ids: Sequence[str], now: datetime) -> None:
    """Count sessions that Stripe does not know as expired, so that they stand in the way of no other."""
    fetch(source, "links/forget_unknown_sessions", session_ids=session_ids, now=now)


def find_payment_link_after(source: Source, *, link_id: str, beyond: int) -> str | None:
    """Return the id of the first payment link made after this one and `beyond` others; None where there is none."""
    rows = fetch(source, "links/find_payment_link_after", link_id=link_id, beyond=beyond)
    return rows[0].session_id if rows else None


def find_payment_link_before(source: Source, *, moment: datetime | None) -> str | None:
    """Return the id of the newest payment link made before a moment (None: ever)."""
    rows = fetch(source, "links/find_payment_link_before", moment=moment)
    return rows[0].session_id if rows else None


# What list calls have shown


def note_seen_sessions(
    source: Source, *, sessions: Sequence[StripeLink], order_ids: Sequence[int | None], seen_at: datetime
) -> list[NotedSession]:
    """Note sessions that a list call has shown, each for the orders that it may be of, and return what was noted.

    `order_ids` has, for each session, the order that it names. One that has ended and changes nothing is left out.
    """
    rows = fetch(
        source,
        "links/note_seen_sessions",
        session_ids=[session.id for session in sessions],
        order_ids=order_ids,
        sessions=[_SESSION.dump_json(session).decode() for session in sessions],
        seen_at=seen_at,
    )
    return [NotedSession(**row._asdict()) for row in rows]


def list_seen_sessions(source: Source, *, order_ids: Sequence[int], most_seconds: int) -> list[SeenSession]:
    """List what list calls have shown of orders' sessions, by order; fresh is what is no older than `most_seconds`."""
    rows = fetch(source, "links/list_seen_sessions", order_ids=order_ids, most_seconds=most_seconds)
    return [
        SeenSession(row.order_id, _SESSION.validate_python(row.session), row.seen_at, row.fresh, row.known)
        for row in rows
    ]


def take_seen_sessions(source: Source, *, order_id: int, most_seconds: int) -> list[SeenSession]:
    """Take what list calls have shown of an order's sessions: each is fresh once, no more when it is read again."""
    rows = fetch(source, "links/take_seen_sessions", order_id=order_id, most_seconds=most_seconds)
    return [
        SeenSession(order_id, _SESSION.validate_python(row.session), row.seen_at, row.fresh, row.known) for row in rows
    ]


def drop_taken_seen_sessions(source: Source, *, order_id: int, token: UUID) -> None:
    """Forget what was taken of an order's sessions, but not what a list has shown again since."""
    fetch(source, "links/drop_taken_seen_sessions", order_id=order_id, token=token)


def drop_kept_seen_sessions(source: Source, *, seen_ats: Mapping[int, datetime], token: UUID) -> None:
    """Forget what lists had shown of orders by then, each order at its time; what was shown later stays."""
    fetch(
        source,
        "links/drop_kept_seen_sessions",
        order_ids=list(seen_ats),
        seen_ats=list(seen_ats.values()),
        token=token,
    )


def forget_seen_sessions(connection: Connection) -> None:
    """Forget what was seen a season ago and never acted on."""
    run(connection, "links/forget_seen_sessions")


def find_sweep(source: Source, *, account: str) -> datetime | None:
    """Return when the last whole sweep of an account's completed sessions began; None before the first."""
    rows = fetch(source, "links/find_sweep", account=account)
    return rows[0].swept_at if rows else None


def record_sweep(source: Source, *, account: str, now: datetime) -> None:
    """Record that a sweep of an account's completed sessions, begun at `now`, is through."""
    fetch(source, "links/record_sweep", account=account, now=now)


# Payments


def record_payment(
    source: Source, *, order: Order, session: StripeLink, finding: str, settles: bool, now: datetime
) -> None:
    """Record a payment that Stripe took, once; where it `settles` its order now, its finding becomes the given one."""
    fetch(
        source,
        "links/record_payment",
        session_id=session.id,
        order_id=order.id,
        payment_intent_id=session.payment_intent_id,
        amount=session.amount_total,
        currency=session.currency,
        finding=finding,
        now=now,
        settles=settles,
    )


def is_payment_of_another(source: Source, *, session_id: str, order_id: int) -> bool:
    """Return True if what was paid through a session is on record as another order's payment."""
    return bool(fetch(source, "links/is_payment_of_another", session_id=session_id, order_id=order_id))


def list_payments_to_look_at(source: Source, *, order_ids: Sequence[int] | None, most: int) -> list[PaymentToLookAt]:
    """List the payments that wait for the treasurer, the oldest first: of these orders, or of all (None)."""
    rows = fetch(
        source,
        "links/list_payments_to_look_at",
        order_ids=order_ids,
        most=most,
    )
    return [PaymentToLookAt(**row._asdict()) for row in rows]


# Orders that wait for a person


def set_order_aside(
    source: Source, *, order_id: int, session_id: str | None, reason: str, detail: str, now: datetime
) -> None:
    """Set an order aside for a person, once; what is said of money gives way only to what is said of money."""
    fetch(
        source, "links/set_order_aside", order_id=order_id, session_id=session_id, reason=reason, detail=detail, now=now
    )


def clear_set_aside(source: Source, *, order_id: int, now: datetime) -> None:
    """End an order's wait for a person, since its cause has gone; money that has to go back goes on waiting."""
    fetch(source, "links/clear_set_aside", order_id=order_id, now=now)


def list_set_asides(source: Source, *, order_ids: Sequence[int] | None, most: int) -> list[SetAside]:
    """List the orders that wait for a person, the longest waiting first: of these, or of all (None)."""
    rows = fetch(source, "links/list_set_asides", order_ids=order_ids, most=most)
    return [SetAside(**row._asdict()) for row in rows]


def release_set_asides(
    source: Source, *, order_ids: Sequence[int], released_by: str, note: str | None, now: datetime
) -> list[ReleasedSetAside]:
    """Let orders be judged again that a person has dealt with, and return those that were set aside."""
    rows = fetch(
        source,
        "links/release_set_asides",
        order_ids=order_ids,
        released_by=released_by,
        note=note,
        now=now,
    )
    return [ReleasedSetAside(**row._asdict()) for row in rows]
