"""What payers and banks do: pay at once, pay slowly, and a slow payment's end."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.local.stripe_standin import objects
from deployments.local.stripe_standin.link_visits import LinkVisits
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.session_table import SessionTable

_PAYER = ("payer@example.com", "Robin Payer")
_PAYMENT_FAILED = {
    "type": "invalid_request_error",
    "code": "payment_intent_payment_attempt_failed",
    "message": "The payment attempt failed: the bank returned the debit.",
}


class PaymentRefusedError(Exception):
    """The session is not in a state in which that can happen."""


@dataclass(frozen=True)
class Payments:
    """Pay sessions from outside the API, as a payer does on the hosted page."""

    sessions: SessionTable
    visits: LinkVisits

    def pay(self, id_: str, *, slow: bool = False, amount_total: int | None = None) -> Json:
        """Complete an open session: paid at once, or unpaid for now where `slow`.

        `amount_total` (smallest unit) stages a payment of another amount, as a discount or a tax on the page makes it;
        a total of 0 needs no payment. Raises KeyError for an unknown session, PaymentRefusedError for one not open.
        """
        with self.sessions.store.transaction():
            session = self._find(id_)
            if session["status"] != "open":
                msg = f"This session is {session['status']}; only an open session can be paid."
                raise PaymentRefusedError(msg)
            if problem := self.visits.problem_of(session):
                raise PaymentRefusedError(problem)
            if amount_total is not None:
                _change_total(session, amount_total)
            session |= {"status": "complete", "url": None}
            session["customer_details"] = objects.customer_details(session["customer_email"] or _PAYER[0], _PAYER[1])
            if session["amount_total"] == 0:
                session["payment_status"] = "no_payment_required"
            else:
                session["payment_intent"] = self._start_payment(session)["id"]
                if not slow:
                    self._succeed(session)
            self.sessions.update(session)
            self.visits.completed(session)
            return session

    def settle(self, id_: str) -> Json:
        """Let a slow payment succeed: the session becomes paid."""
        with self.sessions.store.transaction():
            session = self._processing(id_)
            self._succeed(session)
            self.sessions.update(session)
            return session

    def fail(self, id_: str, *, canceled: bool = False) -> Json:
        """Let a slow payment fail: the session stays complete and unpaid, only its payment intent tells."""
        with self.sessions.store.transaction():
            session = self._processing(id_)
            intent = self._intent(session)
            if canceled:
                now = self.sessions.clock.epoch()
                intent |= {"status": "canceled", "canceled_at": now, "cancellation_reason": "abandoned"}
            else:
                intent |= {"status": "requires_payment_method", "last_payment_error": _PAYMENT_FAILED}
            self.sessions.put_payment_intent(intent)
            self.visits.payment_failed(session)
            return session

    def _start_payment(self, session: Json) -> Json:
        data = self.sessions.payment_intent_data(session["id"])
        now = self.sessions.clock.epoch()
        intent = objects.payment_intent_object(session, data, amount=session["amount_total"], now=now)
        intent |= {"status": "processing", "latest_charge": objects.new_id("ch_3")}
        self.sessions.put_payment_intent(intent)
        return intent

    def _succeed(self, session: Json) -> None:
        intent = self._intent(session)
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        self.sessions.put_payment_intent(intent)
        session["payment_status"] = "paid"

    def _processing(self, id_: str) -> Json:
        session = self._find(id_)
        if session["payment_intent"] is None or self._intent(session)["status"] != "processing":
            msg = f"This session is {session['status']} and {session['payment_status']}; no slow payment is under way."
            raise PaymentRefusedError(msg)
        return session

    def _intent(self, session: Json) -> Json:
        intent = self.sessions.find_payment_intent(session["payment_intent"])
        if intent is None:
            raise KeyError(session["payment_intent"])
        return intent

    def _find(self, id_: str) -> Json:
        session = self.sessions.find(id_)
        if session is None:
            raise KeyError(id_)
        return session


def _change_total(session: Json, amount_total: int) -> None:
    difference = amount_total - session["amount_subtotal"]
    session["amount_total"] = amount_total
    session["total_details"] |= {"amount_discount": max(-difference, 0), "amount_tax": max(difference, 0)}
