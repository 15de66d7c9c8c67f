"""Checkout Sessions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from stripe.params.checkout import SessionCreateParams

from tasks.links.model import StripeLink
from tasks.links.stripe_api.calls import Calls, NotOpenError

SESSIONS = "/v1/checkout/sessions"

PAGE_SIZE = 100
"""Stripe's largest."""


@dataclass(frozen=True)
class Page:
    """A page of a list, newest first; `more` says that older ones follow, or newer ones where these were asked for."""

    sessions: tuple[StripeLink, ...]
    more: bool


class Sessions:
    """Checkout Sessions of one Stripe account."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._sessions = calls.client.v1.checkout.sessions

    def create(self, request: Mapping[str, Any], idempotency_key: str) -> StripeLink:
        """Make a session, or get again the one that this key made; raises as `StripeLinks.create` does."""
        with self._calls.classed():
            made = self._sessions.create(cast("SessionCreateParams", request), {"idempotency_key": idempotency_key})
            return read_session(made.to_dict())

    def retrieve(self, session_id: str) -> StripeLink:
        """Read a session; raises UnknownSessionError."""
        with self._calls.classed():
            return read_session(self._sessions.retrieve(session_id, {"expand": ["payment_intent"]}).to_dict())

    def expire(self, session_id: str) -> StripeLink:
        """Close an open session for good, also where its page is open in a browser; raises NotOpenError."""
        with self._calls.classed(refused=NotOpenError):
            return read_session(self._sessions.expire(session_id).to_dict())

    def page(
        self,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        payment_link: str | None = None,
    ) -> Page:
        """List up to 100 sessions, newest first: of a status, of a payment link, created in a stretch of time."""
        bounds = {"gte": since, "lte": until}
        asked = {
            "limit": PAGE_SIZE,
            "expand": ["data.payment_intent"],
            "status": status,
            "payment_link": payment_link,
            "created": {name: int(at.timestamp()) for name, at in bounds.items() if at},
            "starting_after": after,
        }
        fields, more = self._calls.listed(SESSIONS, {name: value for name, value in asked.items() if value})
        return Page(tuple(read_session(session) for session in fields), more)

    def all_of(self, **asked: Any) -> Iterator[StripeLink]:  # noqa: ANN401  as `page` takes it
        """Yield all that `page` would list, 100 a call."""
        page = self.page(**asked)
        yield from page.sessions
        while page.more and page.sessions:
            page = self.page(**asked, after=page.sessions[-1].id)
            yield from page.sessions


def read_session(fields: Mapping[str, Any]) -> StripeLink:
    """Take of a session what its life depends on."""
    intent = fields.get("payment_intent")
    expanded = intent if isinstance(intent, dict) else {"id": intent, "status": None}
    return StripeLink(
        id=fields["id"],
        status=fields.get("status"),
        payment_status=fields["payment_status"],
        mode=fields["mode"],
        livemode=fields["livemode"],
        url=fields.get("url"),
        amount_total=fields.get("amount_total"),
        currency=fields.get("currency"),
        created=datetime.fromtimestamp(fields["created"], UTC),
        expires_at=datetime.fromtimestamp(fields["expires_at"], UTC),
        metadata=dict(fields.get("metadata") or {}),
        payment_intent_id=expanded["id"],
        payment_intent_status=expanded["status"],
        reference=fields.get("client_reference_id"),
        payment_link=fields.get("payment_link"),
    )
