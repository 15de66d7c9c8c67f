"""Stripe's error answers: one exception, and a constructor for each refusal that more than one place makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class StripeError(Exception):
    """Refuse a request as Stripe does: an HTTP status and an `error` object (docs.stripe.com/api/errors)."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_log_url: str) -> dict[str, Any]:
        """Return the JSON body; absent members are left out, as Stripe leaves them out."""
        error = {"message": self.message, "type": self.type, "request_log_url": request_log_url}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": error}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """Return the 400 for a request whose parameters are wrong."""
    return StripeError(400, message, code=code, param=param)


def missing_resource(
    kind: str, id_: str, *, param: str, status: int = 404, other_mode: str | None = None
) -> StripeError:
    """Return `resource_missing`; `other_mode` ("live" or "test") says where an object of that id does exist."""
    message = f"No such {kind}: '{id_}'"
    if other_mode:
        own = "test" if other_mode == "live" else "live"
        message += (
            f"; a similar object exists in {other_mode} mode, but a {own} mode key was used to make this request."
        )
    return StripeError(status, message, code="resource_missing", param=param)


def unrecognized_url(method: str, path: str) -> StripeError:
    """Return Stripe's 404 for a route that it does not have."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.",
    )


def rate_limited(headers: dict[str, str] | None = None) -> StripeError:
    """Return the 429 of the global rate limiter; `headers` may carry `Retry-After`."""
    return StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": "global-rate", **(headers or {})},
    )


def lock_timeout() -> StripeError:
    """Return the 429 for an object that another request has locked; the SDK is told to try again."""
    return StripeError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing "
        "it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )


def key_in_use() -> StripeError:
    """Return the 409 for an idempotency key whose first request has not been answered yet."""
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        "twice, and the other request is still going through).",
        type="idempotency_error",
        code="idempotency_key_in_use",
    )


def server_error() -> StripeError:
    """Return the 500 of a failure on Stripe's side; the SDK is told that a replay would answer the same."""
    return StripeError(500, "An unknown error occurred", type="api_error", headers={"Stripe-Should-Retry": "false"})
