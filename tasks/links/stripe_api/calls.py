"""Calls to Stripe's API: each in its turn, its errors classed by what to do next."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

from tasks.core.errors import ConfigurationError, PermanentError, TransientError
from tasks.links.stripe_api.rate_limit import Reply, StripeRateLimit

TIMEOUT_SECONDS = 30
"""Longer than Stripe takes for a session, and much shorter than a lease on an order."""

SERVER_ERROR = 500

logging.getLogger("stripe").setLevel(logging.WARNING)  # its info lines name sessions
stripe.enable_telemetry = False  # it would keep a number of this machine in the user's home folder


class UnknownSessionError(PermanentError):
    """Stripe knows no session of this id in this account and mode."""


class NotOpenError(PermanentError):
    """The session could not be expired since it is not open (any more): read it again and go by its status."""


class RefusedError(PermanentError):
    """Stripe refused the parameters: no session was made."""


class NotAllowedError(ConfigurationError):
    """The key is not accepted, or may not do this: Stripe has not looked at the request."""


class LostReplyError(TransientError):
    """Stripe may or may not have done what was asked."""


class ServerFailedError(LostReplyError):
    """Stripe fails (5xx), and will for the same idempotency key; a session may exist all the same."""


class _LimitedClient(stripe.RequestsClient):
    """The SDK's own HTTP client, each request in its turn: also those that the SDK makes again, and those for pages."""

    def __init__(self, rate_limit: StripeRateLimit) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._rate_limit = rate_limit

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None) -> Reply:  # type: ignore[override]  # noqa: ANN401  the SDK's
        make = super().request
        return self._rate_limit.send(lambda: make(method, url, headers, post_data), writes=method.lower() != "get")


class Calls:
    """One Stripe account, by its key."""

    def __init__(self, api_key: str, base: str, rate_limit: StripeRateLimit) -> None:
        self.place = f"Stripe at {base}"
        self.client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base},
            http_client=_LimitedClient(rate_limit),
            max_network_retries=1,
        )

    def listed(self, path: str, asked: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """Return a page of a list as it was answered, and whether more follows.

        Without the SDK's objects: to make a hundred takes longer than all else.
        """
        with self.classed():
            answer = self.client.raw_request("get", path, **asked)
        return answer.data["data"], answer.data["has_more"]

    @contextmanager
    def classed(self, *, refused: Callable[[str], PermanentError] = RefusedError) -> Iterator[None]:
        """Raise what the SDK raises as an error of ours; `refused` is what a refusal of the parameters is."""
        try:
            yield
        except stripe.StripeError as error:
            raise self._classify(error, refused) from error

    def _classify(self, error: stripe.StripeError, refused: Callable[[str], PermanentError]) -> Exception:
        said = error.user_message or ""
        if stopped := self._stopped(error, said):
            return stopped
        if error.http_status == 409:  # noqa: PLR2004  in flight
            return LostReplyError(f"{self.place} still works on an earlier try of the same request")
        if isinstance(error, stripe.IdempotencyError):
            return ServerFailedError(f"{self.place} has seen the same key with another request")
        if (error.http_status or SERVER_ERROR) >= SERVER_ERROR:
            return ServerFailedError(f"{self.place} failed with status {error.http_status}")
        if error.error is None:  # a proxy, or not Stripe at all: it says nothing about what Stripe did
            return ConfigurationError(
                f"{self.place} answers with status {error.http_status} and no JSON: is that Stripe (STRIPE_API_BASE)?"
            )
        if error.code == "resource_missing":
            return _missing(said)
        return refused(said or "refused without a reason")

    def _stopped(self, error: stripe.StripeError, said: str) -> Exception | None:
        """Say what kept a request from being looked at, if anything did."""
        if isinstance(error, stripe.AuthenticationError):
            return NotAllowedError(f"{self.place} does not accept STRIPE_API_KEY (revoked, or mistyped)")
        if isinstance(error, stripe.PermissionError):
            return NotAllowedError(f"STRIPE_API_KEY lacks a permission: {said}")
        if isinstance(error, stripe.APIConnectionError):
            return LostReplyError(f"{self.place} cannot be reached or did not answer in {TIMEOUT_SECONDS} seconds")
        if isinstance(error, stripe.RateLimitError):
            return TransientError(f"{self.place} asks for fewer calls a second")
        return None


def _missing(said: str) -> Exception:
    if "similar object exists in" in said:
        mode = said.partition("similar object exists in")[2].strip()
        return ConfigurationError(
            f"STRIPE_API_KEY is of another mode than the sessions in orders: they exist in {mode}"
        )
    return UnknownSessionError("Stripe knows no such session in this account")
