"""The stand-in's clock: real time plus an offset that can be moved and outlives a restart."""

from __future__ import annotations

import time

from deployments.local.stripe_standin.store import Store


class Clock:
    """Tell the stand-in's time in Unix seconds; every rule about time (expiry, key pruning) goes by it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset = float(store.get_meta("clock_offset", "0"))

    def now(self) -> float:
        """Return the stand-in's time in Unix seconds."""
        return time.time() + self._offset

    def epoch(self) -> int:
        """Return the stand-in's time in whole seconds, as Stripe's `created` has it."""
        return int(self.now())

    def set(self, now: float) -> None:
        """Set the clock; it goes on ticking from there."""
        self._move_to(now - time.time())

    def advance(self, seconds: float) -> None:
        """Move the clock forward (or back, where negative)."""
        self._move_to(self._offset + seconds)

    def reset(self) -> None:
        """Go back to real time."""
        self._move_to(0.0)

    def _move_to(self, offset: float) -> None:
        with self._store.transaction():
            self._store.set_meta("clock_offset", repr(offset))
        self._offset = offset
