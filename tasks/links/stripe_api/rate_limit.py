"""What every request to Stripe passes: the rate that all workers share, and patience where Stripe asks for fewer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.core.rate_limit import RateLimit, back_off_seconds

MAX_REFUSALS = 5
"""After so many 429s in a row a request is left to a later run; the waits before that add up to some five seconds."""

RATE_LIMITED = 429

Reply = tuple[bytes, int, Mapping[str, str]]
"""Body, status and headers."""


@dataclass(frozen=True)
class StripeRateLimit:
    """The way to Stripe, with a rate for reads and one for writes, as Stripe counts them."""

    reads: RateLimit
    writes: RateLimit

    def send(self, request: Callable[[], Reply], *, writes: bool) -> Reply:
        """Make a request in its turn, again where Stripe answers 429 (rate limit or lock_timeout): it has done nothing.

        Stripe's SDK does not repeat a 429 by itself. All workers wait meanwhile, at least as long as Stripe asks.
        """
        turns = self.writes if writes else self.reads
        for refusals in range(1, MAX_REFUSALS + 1):
            turns.wait()
            reply = request()
            if reply[1] != RATE_LIMITED:
                return reply
            turns.back_off(back_off_seconds(refusals, _retry_after(reply[2])))
        return reply


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Stripe asks for; most of its 429s ask for none."""
    asked = headers.get("Retry-After", "")
    return float(asked) if asked.replace(".", "", 1).isdigit() else None
