"""The ledger of links: what was asked of Stripe, what it said, how the order stands. No call to Stripe here."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from tasks.database import Database, fetch
from tasks.links.decision import DELETED
from tasks.links.model import Attempt, CheckoutSession, Order, Verdict

LEASE_SECONDS = 180
"""Outlives the calls that one order needs; a lost worker's order is free again after it."""


class LinkLedger:
    """Reads and writes of one pipeline about orders and their sessions; each is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def lease(self, order_id: int) -> Iterator[UUID | None]:
        """Hold an order while its link is worked on; gives None where another worker holds it."""
        token = uuid4()
        held = self._database.fetch("lease_order", order_id=order_id, token=token, lease_seconds=LEASE_SECONDS)
        try:
            yield token if held else None
        finally:
            if held:
                self._database.fetch("release_order", order_id=order_id, token=token)

    def order(self, order_id: int, *, committed: bool) -> Order:
        """Read an order as it stands now; one that the club has deleted is owed by nobody."""
        rows = self._database.fetch("order_state", order_id=order_id)
        if not rows:
            return Order(order_id, DELETED, Decimal(0), "", None, None, None, None, committed=False, has_twin=False)
        return Order(committed=committed, **rows[0]._asdict())

    def live_attempt(self, order_id: int) -> Attempt | None:
        """Read the attempt through which somebody may still pay, if there is one."""
        rows = self._database.fetch("live_attempt", order_id=order_id)
        return Attempt(**rows[0]._asdict()) if rows else None

    def knows_closed(self, session_id: str) -> bool:
        """Say whether a session is known to have come to its end."""
        return bool(self._database.fetch("session_is_closed", session_id=session_id))

    def knows_expired(self, session_id: str) -> bool:
        """Say whether Stripe has said that a session is expired: it stays so."""
        return any(row.state == "expired" for row in self._database.fetch("session_is_closed", session_id=session_id))

    def begin(self, order: Order, key: UUID, request: Mapping[str, Any], *, token: UUID, now: datetime) -> int | None:
        """Commit the attempt that is about to be made; None where the order or the lease changed meanwhile."""
        rows = self._database.fetch(
            "begin_attempt",
            idempotency_key=key,
            request=json.dumps(request),
            token=token,
            now=now,
            **_judged(order),
        )
        return int(rows[0].id) if rows else None

    def record_answer(self, attempt_id: int, session: CheckoutSession, *, now: datetime) -> None:
        """Commit the session that an attempt made."""
        self._database.fetch(
            "record_answer",
            attempt_id=attempt_id,
            session_id=session.id,
            url=session.url,
            expires_at=session.expires_at,
            created=session.created,
            now=now,
        )

    def close(self, attempt_id: int, state: str, *, now: datetime) -> None:
        """Commit that an attempt made no session (`refused`, `absent`) or that nobody knows yet (`unknown`)."""
        self._database.fetch("close_attempt", attempt_id=attempt_id, state=state, now=now)

    def observe(self, order_id: int, session: CheckoutSession, *, now: datetime, rival: bool = False) -> None:
        """Commit how Stripe describes a session now; takes over one that the club's own system made.

        A `rival` is beside the order's one live session, so it is written as Stripe's status alone.
        """
        self._database.fetch(
            "record_session",
            order_id=order_id,
            session_id=session.id,
            state=_state(session, rival=rival),
            created=session.created,
            url=session.url,
            amount=session.amount_total,
            currency=session.currency,
            expires_at=session.expires_at,
            payment_status=session.payment_status,
            payment_intent_id=session.payment_intent_id,
            rival_closed_at=now if rival and session.status == "expired" else None,
            now=now,
        )

    def set_link(self, order: Order, session: CheckoutSession) -> bool:
        """Store a session in its order; False where the order is not as it was judged any more."""
        return bool(
            self._database.fetch("set_order_link", new_session_id=session.id, new_url=session.url, **_judged(order)),
        )

    def mark_paid(self, order: Order, session: CheckoutSession, *, now: datetime) -> bool:
        """Mark an order paid and record its payment; False where the order is not as it was judged any more."""
        with self._database.transaction() as connection:
            marked = fetch(
                connection,
                "mark_order_paid",
                new_session_id=session.id,
                payment_intent_id=session.payment_intent_id,
                paid_at=now,
                **_judged(order),
            )
            if marked:
                fetch(connection, "record_payment", **_payment(order, session, "settled"), now=now)
            return bool(marked)

    def record_payment(self, order: Order, session: CheckoutSession, verdict: Verdict, *, now: datetime) -> None:
        """Record a payment that a person has to look at."""
        self._database.fetch("record_payment", **_payment(order, session, verdict.reason), now=now)

    def set_aside(self, order: Order, session_id: str | None, verdict: Verdict, *, now: datetime) -> None:
        """Set an order aside for a person, with the reason."""
        self._database.fetch(
            "set_aside",
            order_id=order.id,
            session_id=session_id,
            reason=verdict.reason,
            detail=verdict.detail,
            now=now,
        )

    def clear_set_aside(self, order_id: int, *, now: datetime) -> None:
        """Note that an order's trouble is over."""
        self._database.fetch("clear_set_aside", order_id=order_id, now=now)


def _state(session: CheckoutSession, *, rival: bool) -> str:
    """Return the ledger's word for a session; a status that Stripe has added since is `unknown`."""
    if session.slow_payment and not rival:
        return "processing"
    return session.status if session.status in {"open", "complete", "expired"} else "unknown"


def _judged(order: Order) -> dict[str, Any]:
    """Return the facts that must still hold when the order is written."""
    return {
        "order_id": order.id,
        "session_id": order.session_id,
        "amount": order.amount,
        "currency": order.currency,
    }


def _payment(order: Order, session: CheckoutSession, finding: str) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "order_id": order.id,
        "payment_intent_id": session.payment_intent_id,
        "amount": session.amount_total,
        "currency": session.currency,
        "finding": finding,
    }
