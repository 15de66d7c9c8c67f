"""Idempotency keys as Stripe keeps them (docs.stripe.com/api/idempotent_requests)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deployments.local.stripe_standin.clock import Clock
from deployments.local.stripe_standin.errors import StripeError, invalid, key_in_use
from deployments.local.stripe_standin.store import Store

_KEPT_SECONDS = 24 * 60 * 60
_LONGEST_KEY = 255


@dataclass(frozen=True)
class KeyedRequest:
    """A write that carries an idempotency key."""

    livemode: bool
    key: str
    endpoint: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class SavedAnswer:
    """The first answer to a key, to be replayed as it was; it may be stale by now."""

    status: int
    body: dict[str, Any]
    request_id: str


@dataclass(frozen=True)
class IdempotencyKeys:
    """Hold keys in flight and keep answers for 24 hours of the stand-in's clock."""

    store: Store
    clock: Clock
    _in_flight: set[tuple[bool, str]] = field(default_factory=set)

    @contextmanager
    def hold(self, request: KeyedRequest) -> Iterator[None]:
        """Lock the key for the block. Raises StripeError 409 where another request holds it, 400 for a long key."""
        if len(request.key) > _LONGEST_KEY:
            raise invalid(f"Idempotency keys can be at most {_LONGEST_KEY} characters long, was {len(request.key)}.")
        lock = (request.livemode, request.key)
        if lock in self._in_flight:
            raise key_in_use()
        self._in_flight.add(lock)
        try:
            yield
        finally:
            self._in_flight.discard(lock)

    def saved(self, request: KeyedRequest) -> SavedAnswer | None:
        """Return the answer to replay. Raises StripeError 400 where the key was first used for something else."""
        row = self.store.db.execute(
            "SELECT * FROM idempotency WHERE livemode = ? AND key = ? AND saved_at > ?",
            (request.livemode, request.key, self.clock.now() - _KEPT_SECONDS),
        ).fetchone()
        if row is None:
            return None
        if row["endpoint"] != request.endpoint:
            raise _misused(
                request.key,
                f"for the same endpoint they were first used for ('{row['endpoint']}' vs '{request.endpoint}')",
            )
        if row["parameters"] != _canonical(request.parameters):
            raise _misused(request.key, "with the same parameters they were first used with")
        return SavedAnswer(row["status"], json.loads(row["body"]), row["request_id"])

    def save(self, request: KeyedRequest, answer: SavedAnswer) -> None:
        """Save an answer, within the transaction that made what it describes; drop those over 24 hours old."""
        now = self.clock.now()
        self.store.db.execute("DELETE FROM idempotency WHERE saved_at <= ?", (now - _KEPT_SECONDS,))
        self.store.db.execute(
            "INSERT OR REPLACE INTO idempotency"
            " (livemode, key, endpoint, parameters, status, body, request_id, saved_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.livemode,
                request.key,
                request.endpoint,
                _canonical(request.parameters),
                answer.status,
                json.dumps(answer.body),
                answer.request_id,
                now,
            ),
        )


def _canonical(parameters: dict[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)


def _misused(key: str, how: str) -> StripeError:
    message = (
        f"Keys for idempotent requests can only be used {how}. Try using a key other than '{key}' if you meant to "
        "execute a different request."
    )
    return StripeError(400, message, type="idempotency_error")
