"""The ledger of links: what was asked of Stripe, what it said, how the order stands. No call to Stripe here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from tasks.core.database import Database
from tasks.links import queries
from tasks.links.decision import DELETED
from tasks.links.model import Attempt, Order, StripeLink, Verdict

LEASE_SECONDS = 180
"""Outlives the calls of one look at an order, and is renewed at each; a lost worker's order is free again after it."""


class LeaseLostError(Exception):
    """Our lease on an order has run out: what we know of it may be stale, and another worker may be at work on it."""


class LinkLedger:
    """Reads and writes of one pipeline about orders and their sessions; each is a transaction of its own.

    What is learnt and decided about an order is written under a lease on it alone, `lease` gives a ledger for that.
    """

    def __init__(self, database: Database, token: UUID | None = None) -> None:
        self._database = database
        self._token = token or uuid4()
        """Without a lease it is nobody's: nothing is written under it."""

    @contextmanager
    def lease(self, order_id: int) -> Iterator["LinkLedger | None"]:
        """Lease an order while its link is worked on, through the ledger given; None where another worker has it."""
        with self.lease_all([order_id]) as (ledger, leased):
            yield ledger if leased else None

    @contextmanager
    def lease_all(self, order_ids: Sequence[int]) -> Iterator[tuple["LinkLedger", Sequence[int]]]:
        """Lease those of the orders that no other worker has leased, through the ledger given beside their ids."""
        token = uuid4()
        leased = queries.lease_orders(self._database, order_ids=order_ids, token=token, lease_seconds=LEASE_SECONDS)
        try:
            yield LinkLedger(self._database, token), leased
        finally:
            if leased:
                queries.return_leases(self._database, order_ids=leased, token=token)

    def extend_lease(self, order_id: int) -> None:
        """Extend the lease; raises LeaseLostError where it is not ours any more."""
        if not queries.extend_lease(self._database, order_id=order_id, token=self._token, lease_seconds=LEASE_SECONDS):
            raise LeaseLostError

    def order(self, order_id: int, *, committed: bool) -> Order:
        """Read an order as it stands now; one that the club has deleted is owed by nobody."""
        found = self.orders([order_id], committed=committed)
        if not found:
            return Order(order_id, DELETED, Decimal(0), "", None, None, None, None, committed=False, has_twin=False)
        return found[0]

    def orders(self, order_ids: Sequence[int], *, committed: bool) -> list[Order]:
        """Read those of the orders that there are, all of players who are committed, or none."""
        return queries.read_orders(self._database, order_ids=order_ids, committed=committed)

    def live_attempts(self, *order_ids: int) -> list[Attempt]:
        """Read the attempts through which money may still come; of an order its first can be paid, at most."""
        return queries.list_live_attempts(self._database, order_ids=order_ids)

    def knows_closed(self, session_id: str) -> bool:
        """Return True if a session is known to have come to its end."""
        return queries.find_session_end(self._database, session_id=session_id) is not None

    def knows_expired(self, session_id: str) -> bool:
        """Return True if Stripe has said that a session is expired: it stays so."""
        return queries.find_session_end(self._database, session_id=session_id) == "expired"

    def drop_taken(self, order_id: int) -> None:
        """Forget what list calls have shown of an order, now that it is acted on."""
        queries.drop_taken_seen_sessions(self._database, order_id=order_id, token=self._token)

    def drop_kept(self, seen_ats: Mapping[int, datetime]) -> None:
        """Forget what list calls had shown of orders by then, since nothing has to be done about it."""
        queries.drop_kept_seen_sessions(self._database, seen_ats=seen_ats, token=self._token)

    def begin(self, order: Order, key: UUID, request: Mapping[str, Any], *, now: datetime) -> int | None:
        """Commit the attempt that is about to be made; None where the order or the lease changed meanwhile."""
        return queries.begin_attempt(
            self._database, order=order, idempotency_key=key, request=request, token=self._token, now=now
        )

    def ask_again(self, attempt: Attempt, *, now: datetime) -> None:
        """Commit that an attempt's request is about to be sent again; raises LeaseLostError."""
        if not queries.repeat_attempt(self._database, attempt_id=attempt.id, token=self._token, now=now):
            raise LeaseLostError

    def record_answer(
        self, attempt_id: int, session: StripeLink, *, now: datetime, state: Literal["open", "expired"] = "open"
    ) -> bool:
        """Commit the session that an attempt made; False where another worker has answered it, or given it up.

        Of one that was given up, only that its session is closed (`expired`) can be committed.
        """
        created = session.created or now
        return queries.record_answer(
            self._database, attempt_id=attempt_id, session=session, created=created, state=state, now=now
        )

    def has_answer(self, attempt_id: int, session_id: str) -> bool:
        """Return True if this is what an attempt has made; else it was given up, or has made something else too."""
        return queries.is_attempt_answered(self._database, attempt_id=attempt_id, session_id=session_id)

    def link_after(self, link_id: str, *, beyond: int) -> str | None:
        """Return the payment link that was made so many after this one; None where there is none so new."""
        return queries.find_payment_link_after(self._database, link_id=link_id, beyond=beyond)

    def link_before(self, moment: datetime | None) -> str | None:
        """Return the newest payment link that was asked for before then (None: ever)."""
        return queries.find_payment_link_before(self._database, moment=moment)

    def close(self, attempt_id: int, state: Literal["refused", "absent", "unknown"], *, now: datetime) -> None:
        """Commit that an attempt made no session (`refused`, `absent`) or that nobody knows yet (`unknown`).

        Raises LeaseLostError, also where its answer has come meanwhile.
        """
        if not queries.close_attempt(self._database, attempt_id=attempt_id, state=state, token=self._token, now=now):
            raise LeaseLostError

    def observe(self, order_id: int, session: StripeLink, *, now: datetime, duplicate: bool = False) -> None:
        """Commit how Stripe describes a session now; takes over one that the club's own system made.

        A `duplicate` is beside the order's one live session, so it is written as Stripe's status alone. Raises
        LeaseLostError: then the description may be older than what another worker has written.
        """
        written = queries.record_session(
            self._database,
            order_id=order_id,
            session=session,
            origin="payer" if session.payment_link else "club",
            state=_state(session, duplicate=duplicate),
            payment_status="failed" if session.payment_failed else session.payment_status,
            created=session.created or now,
            rival_closed_at=now if duplicate and session.status == "expired" else None,
            token=self._token,
            now=now,
        )
        if not written:
            raise LeaseLostError

    def set_link(self, order: Order, session: StripeLink) -> bool:
        """Store a session in its order; False where the order or our lease is not as it was any more."""
        return queries.set_order_link(self._database, order=order, session=session, token=self._token)

    def mark_paid(self, order: Order, session: StripeLink, *, now: datetime) -> bool:
        """Mark an order paid and record its payment; False where the order is not as it was judged any more."""
        with self._database.transaction() as connection:
            marked = queries.mark_order_paid(connection, order=order, session=session, paid_at=now)
            if marked:
                queries.record_payment(
                    connection, order=order, session=session, finding="settled", settles=True, now=now
                )
            return marked

    def is_anothers_payment(self, order: Order, session: StripeLink) -> bool:
        """Return True if what was paid through a session is on record for another order."""
        return queries.is_payment_of_another(self._database, order_id=order.id, session_id=session.id)

    def record_payment(self, order: Order, session: StripeLink, finding: str, *, now: datetime) -> None:
        """Record a payment, once: `settled` where the club has its order as paid, else why it is for a person."""
        queries.record_payment(self._database, order=order, session=session, finding=finding, settles=False, now=now)

    def set_aside(self, order: Order, session_id: str | None, verdict: Verdict, *, now: datetime) -> None:
        """Set an order aside for a person, with the reason."""
        queries.set_order_aside(
            self._database,
            order_id=order.id,
            session_id=session_id,
            reason=verdict.reason,
            detail=verdict.detail,
            now=now,
        )

    def clear_set_aside(self, order_id: int, *, now: datetime) -> None:
        """Note that an order's trouble is over."""
        queries.clear_set_aside(self._database, order_id=order_id, now=now)


def _state(session: StripeLink, *, duplicate: bool) -> str:
    """Return the ledger's word for a session; a status that Stripe has added since is `unknown`."""
    if session.slow_payment and not duplicate:
        return "processing"
    return session.status if session.status in {"open", "complete", "expired"} else "unknown"
