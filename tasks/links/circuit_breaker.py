"""Notices that Stripe is down, so that a batch does not learn it anew from each of its orders."""

from dataclasses import dataclass, field
from threading import Lock

FAILURES_IN_A_ROW = 5


@dataclass
class CircuitBreaker:
    """Counts a batch's failures in a row, from any of its threads; one that goes well begins the count anew."""

    failures: int = 0
    last: Exception | None = None
    """The last failure, also where the count has begun anew."""

    _lock: Lock = field(default_factory=Lock)

    @property
    def is_open(self) -> bool:
        """Whether to stop trying."""
        return self.failures >= FAILURES_IN_A_ROW

    def went_well(self) -> None:
        """Begin the count anew."""
        with self._lock:
            self.failures = 0

    def failed(self, error: Exception) -> None:
        """Count a failure."""
        with self._lock:
            self.failures += 1
            self.last = error
