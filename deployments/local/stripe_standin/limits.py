"""The settings, kept across restarts, and the latency and rate limits among them: off until switched on."""

from __future__ import annotations

import time
from typing import TypedDict

from pydantic import BaseModel, ConfigDict, Field

from deployments.local.stripe_standin.errors import rate_limited
from deployments.local.stripe_standin.store import Store


class Settings(BaseModel):
    """How slow and how limited the stand-in is; rates are in requests a second of real time, None is no limit.

    The last three choose what Stripe's documents leave open about payment links whose limit of completed sessions is
    reached: whether a session that was opened before can still be paid (`two_tabs`), whether the link still reads as
    `active` (`active_at_limit`), whether a slow payment that fails stops counting (`failed_frees`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    latency_ms: float = Field(default=0, ge=0)
    reads_per_second: float | None = Field(default=None, gt=0)
    writes_per_second: float | None = Field(default=None, gt=0)
    retry_after: bool = False
    two_tabs: bool = False
    active_at_limit: bool = False
    failed_frees: bool = False


class SettingsChange(TypedDict, total=False):
    """The same, of which what is left out is switched off."""

    latency_ms: float
    reads_per_second: float | None
    writes_per_second: float | None
    retry_after: bool
    two_tabs: bool
    active_at_limit: bool
    failed_frees: bool


class TokenBucket:
    """Allow `rate` requests a second, and one second's worth at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = self._most = max(rate, 1.0)
        self._filled_at = time.monotonic()

    def take(self) -> bool:
        """Use one token up; False where none is left."""
        now = time.monotonic()
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limits:
    """Apply the settings to requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._use(Settings.model_validate_json(store.get_meta("settings", "{}")))

    def configure(self, settings: Settings) -> None:
        """Replace the settings; the buckets start full."""
        with self._store.transaction():
            self._store.set_meta("settings", settings.model_dump_json())
        self._use(settings)

    def check(self, method: str) -> None:
        """Raise StripeError 429 where the request is over its limit."""
        bucket = self._reads if method == "GET" else self._writes
        if bucket and not bucket.take():
            raise rate_limited({"Retry-After": "1"} if self.settings.retry_after else None)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._reads = TokenBucket(settings.reads_per_second) if settings.reads_per_second else None
        self._writes = TokenBucket(settings.writes_per_second) if settings.writes_per_second else None
