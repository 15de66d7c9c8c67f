"""Talks to Stripe: the only module that does. Errors come out classed by what to do next."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

import stripe
from stripe.params.checkout import SessionCreateParams, SessionListParams

from tasks.errors import ConfigurationError, PermanentError, TransientError
from tasks.links.model import CheckoutSession
from tasks.links.traffic import Reply, Traffic

TIMEOUT_SECONDS = 30
"""Longer than Stripe takes for a session, and much shorter than a lease on an order."""

SESSIONS = "/v1/checkout/sessions"

PAGE_SIZE = 100
"""Stripe's largest."""

SERVER_ERROR = 500

logging.getLogger("stripe").setLevel(logging.WARNING)  # its info lines name sessions


class UnknownSessionError(PermanentError):
    """Stripe knows no session of this id in this account and mode."""


class NotOpenError(PermanentError):
    """The session could not be expired since it is not open (any more): read it again and go by its status."""


class RefusedError(PermanentError):
    """Stripe refused the parameters: no session was made."""


class LostReplyError(TransientError):
    """Stripe may or may not have done what was asked."""


class ServerFailedError(LostReplyError):
    """Stripe fails (5xx), and will for the same idempotency key; a session may exist all the same."""


@dataclass(frozen=True)
class Page:
    """A page of a list, newest first; `more` says that older ones follow."""

    sessions: tuple[CheckoutSession, ...]
    more: bool


class _PacedClient(stripe.RequestsClient):
    """The SDK's own HTTP client, each request in its turn: also those that the SDK makes again, and those for pages."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._traffic = traffic

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None) -> Reply:  # type: ignore[override]  # noqa: ANN401  the SDK's
        make = super().request
        return self._traffic.send(lambda: make(method, url, headers, post_data), writes=method.lower() != "get")


class StripeSessions:
    """Checkout Sessions of one Stripe account."""

    def __init__(self, api_key: str, base: str, traffic: Traffic) -> None:
        self._place = f"Stripe at {base}"
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base},
            http_client=_PacedClient(traffic),
            max_network_retries=1,
        )
        self._sessions = self._client.v1.checkout.sessions

    def check(self) -> None:
        """Raise unless Stripe answers to this key."""
        with self._classed():
            self._sessions.list({"limit": 1})

    def clock(self) -> datetime | None:
        """Return Stripe's time, as its answers are dated; None where they are not."""
        with self._classed():
            answer = self._sessions.list({"limit": 1}).last_response
        headers = getattr(answer, "headers", None) or {}
        return parsedate_to_datetime(headers["date"]) if "date" in headers else None

    def check_may_write(self) -> None:
        """Raise a ConfigurationError unless the key may make and close sessions; nothing is made or closed.

        Stripe looks at a key's permissions before it looks for the session, and there is none of this name.
        """
        with suppress(UnknownSessionError, NotOpenError):
            self.expire("cs_test_of_nobody")

    def create(self, request: Mapping[str, Any], idempotency_key: str) -> CheckoutSession:
        """Make a session, or get again the one that this key made within the last 24 hours, as it was then.

        Raises RefusedError where Stripe is known to have made none, LostReplyError where nobody knows, and
        ServerFailedError where the same key will go on giving the same failure although a session may exist.
        """
        with self._classed():
            made = self._sessions.create(cast("SessionCreateParams", request), {"idempotency_key": idempotency_key})
            return _read(made.to_dict())

    def retrieve(self, session_id: str) -> CheckoutSession:
        """Read a session; raises UnknownSessionError."""
        with self._classed():
            return _read(self._sessions.retrieve(session_id, {"expand": ["payment_intent"]}).to_dict())

    def expire(self, session_id: str) -> CheckoutSession:
        """Close an open session for good, also where its page is open in a browser; raises NotOpenError."""
        with self._classed(refused=NotOpenError):
            return _read(self._sessions.expire(session_id).to_dict())

    def page(
        self,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
    ) -> Page:
        """List up to 100 sessions, newest first: of a status, created in a stretch of time, from the one `after`."""
        asked: SessionListParams = {"limit": PAGE_SIZE, "expand": ["data.payment_intent"]}
        if status:
            asked["status"] = cast("Literal['open', 'complete', 'expired']", status)
        if since or until:
            bounds = {"gte": since, "lte": until}
            asked["created"] = cast("Any", {name: int(at.timestamp()) for name, at in bounds.items() if at})
        if after:
            asked["starting_after"] = after
        with self._classed():
            return self._page(asked)

    def created_between(self, start: datetime, end: datetime) -> Iterator[CheckoutSession]:
        """Yield the account's sessions created from `start` to `end`, newest first, 100 a call."""
        page = self.page(since=start, until=end)
        yield from page.sessions
        while page.more and page.sessions:
            page = self.page(since=start, until=end, after=page.sessions[-1].id)
            yield from page.sessions

    def _page(self, asked: SessionListParams) -> Page:
        """List as `sessions.list` does, without its objects: to make a hundred takes longer than all else."""
        answer = self._client.raw_request("get", SESSIONS, **asked)
        return Page(tuple(_read(fields) for fields in answer.data["data"]), more=answer.data["has_more"])

    @contextmanager
    def _classed(self, *, refused: Callable[[str], PermanentError] = RefusedError) -> Iterator[None]:
        try:
            yield
        except stripe.StripeError as error:
            raise self._classify(error, refused) from error

    def _classify(self, error: stripe.StripeError, refused: Callable[[str], PermanentError]) -> Exception:
        said = error.user_message or ""
        if stopped := self._stopped(error, said):
            return stopped
        if error.http_status == 409:  # noqa: PLR2004  in flight
            return LostReplyError(f"{self._place} still works on an earlier try of the same request")
        if isinstance(error, stripe.IdempotencyError):
            return ServerFailedError(f"{self._place} has seen the same key with another request")
        if (error.http_status or SERVER_ERROR) >= SERVER_ERROR:
            return ServerFailedError(f"{self._place} failed with status {error.http_status}")
        if error.error is None:  # a proxy, or not Stripe at all: it says nothing about what Stripe did
            return ConfigurationError(
                f"{self._place} answers with status {error.http_status} and no JSON: is that Stripe (STRIPE_API_BASE)?"
            )
        if error.code == "resource_missing":
            return _missing(said)
        return refused(said or "refused without a reason")

    def _stopped(self, error: stripe.StripeError, said: str) -> Exception | None:
        """Say what kept a request from being looked at, if anything did."""
        if isinstance(error, stripe.AuthenticationError):
            return ConfigurationError(f"{self._place} does not accept STRIPE_API_KEY (revoked, or mistyped)")
        if isinstance(error, stripe.PermissionError):
            return ConfigurationError(f"STRIPE_API_KEY lacks a permission: {said}")
        if isinstance(error, stripe.APIConnectionError):
            return LostReplyError(f"{self._place} cannot be reached or did not answer in {TIMEOUT_SECONDS} seconds")
        if isinstance(error, stripe.RateLimitError):
            return TransientError(f"{self._place} asks for fewer calls a second")
        return None


def _missing(said: str) -> Exception:
    if "similar object exists in" in said:
        mode = said.partition("similar object exists in")[2].strip()
        return ConfigurationError(
            f"STRIPE_API_KEY is of another mode than the sessions in orders: they exist in {mode}"
        )
    return UnknownSessionError("Stripe knows no such session in this account")


def _read(fields: Mapping[str, Any]) -> CheckoutSession:
    intent = fields.get("payment_intent")
    expanded = intent if isinstance(intent, dict) else {"id": intent, "status": None}
    return CheckoutSession(
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
    )
