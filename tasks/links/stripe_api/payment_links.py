"""Payment Links, told as a session is: what a parent opens, and the sessions that it makes for whoever opens it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from stripe.params import PaymentLinkCreateParams

from tasks.core.errors import ConfigurationError
from tasks.links.model import StripeLink
from tasks.links.stripe_api.calls import Calls, NotOpenError, UnknownSessionError
from tasks.links.stripe_api.sessions import PAGE_SIZE, Page, Sessions

PAYMENT_LINKS = "/v1/payment_links"


class PaymentLinks:
    """Payment Links of one Stripe account."""

    def __init__(self, calls: Calls, sessions: Sessions) -> None:
        self._calls = calls
        self._sessions = sessions
        self._links = calls.client.v1.payment_links

    def create(self, request: Mapping[str, Any], idempotency_key: str) -> StripeLink:
        """Make a link, or get again the one that this key made; raises as `StripeLinks.create` does."""
        with self._calls.classed():
            made = self._links.create(cast("PaymentLinkCreateParams", request), {"idempotency_key": idempotency_key})
            return read_link(made.to_dict())

    def find(self, link_id: str) -> tuple[StripeLink, ...]:
        """Read a link and its sessions: the link comes first, then those that were completed.

        The link before its sessions: one that is completed in between is among them. Raises UnknownSessionError.
        """
        fields = self._fields(link_id)
        sessions = list(self._sessions.all_of(payment_link=link_id))
        return read_link(fields, sessions), *(session for session in sessions if session.status == "complete")

    def retrieve(self, link_id: str) -> StripeLink:
        """Read a link alone; raises UnknownSessionError."""
        return read_link(self._fields(link_id))

    def switch_off(self, link: StripeLink) -> StripeLink:
        """Let nobody open a link any more, and close the sessions that are open: those could be paid still.

        Raises NotOpenError where one of them was completed since `link` was read: then read it again.
        """
        with self._calls.classed():
            fields = self._links.update(link.id, {"active": False, "expand": ["line_items"]}).to_dict()
        sessions = list(self._sessions.all_of(payment_link=link.id))
        for session in sessions:
            if session.status == "open":
                self._sessions.expire(session.id)
        if sum(session.status == "complete" for session in sessions) > link.listed:
            raise NotOpenError("a session of the payment link was completed just now")
        return replace(read_link(fields), status="expired")

    def made_after(self, link_id: str | None) -> Iterator[StripeLink]:
        """Yield the links made after this one: a list knows no times. All where there is none, or Stripe has not it."""
        try:
            page = self.page(before=link_id)
        except (UnknownSessionError, ConfigurationError):
            if link_id is None:
                raise
            link_id, page = None, self.page()
        yield from page.sessions
        while page.more and page.sessions:
            page = self.page(before=page.sessions[0].id) if link_id else self.page(after=page.sessions[-1].id)
            yield from page.sessions

    def page_after(self, link_id: str | None) -> Page:
        """List active links made before this one, or the newest where Stripe has not it.

        The ledger may know another account's, or those of another mode.
        """
        try:
            return self.page(after=link_id, active=True)
        except (UnknownSessionError, ConfigurationError):
            if link_id is None:
                raise
            return self.page(active=True)

    def page(self, *, after: str | None = None, before: str | None = None, active: bool | None = None) -> Page:
        """List up to 100 links, newest first: those made before the one `after`, or just after the one `before`."""
        asked = {
            "limit": PAGE_SIZE,
            "expand": ["data.line_items"],
            "active": active,
            "starting_after": after,
            "ending_before": before,
        }
        fields, more = self._calls.listed(PAYMENT_LINKS, {k: v for k, v in asked.items() if v is not None})
        return Page(tuple(read_link(link) for link in fields), more)

    def _fields(self, link_id: str) -> dict[str, Any]:
        with self._calls.classed():
            return self._links.retrieve(link_id, {"expand": ["line_items"]}).to_dict()


def read_link(fields: Mapping[str, Any], sessions: Sequence[StripeLink] = ()) -> StripeLink:
    """Tell a link, of whose sessions these are known, as a session is told.

    One that is switched off is closed only when none of its sessions can be paid either. Stripe's own count of
    completed sessions and the sessions that it lists may differ for a moment: the greater one counts.
    """
    restriction = (fields.get("restrictions") or {}).get("completed_sessions") or {}
    completed = sum(session.status == "complete" for session in sessions)
    completions = max(restriction.get("count") or 0, completed)
    used_up = completions >= (restriction.get("limit") or completions + 1)
    payable = fields["active"] or any(session.status == "open" for session in sessions)
    items = (fields.get("line_items") or {}).get("data") or []
    return StripeLink(
        id=fields["id"],
        status="open" if payable else "expired",
        payment_status="unpaid",
        mode="payment",
        livemode=fields["livemode"],
        url=fields["url"] if fields["active"] else None,
        amount_total=sum(item["amount_total"] for item in items),
        currency=fields["currency"],
        created=None,
        expires_at=None,
        metadata=dict(fields.get("metadata") or {}),
        payment_intent_id=None,
        payment_intent_status=None,
        completions=completions,
        listed=completed,
        used_up=used_up,
    )
