"""One rate for all workers: each is given a few turns at a time by PostgreSQL, and spends them by its own clock."""

import random
import time
from collections.abc import Callable
from math import ceil
from threading import Lock

from tasks.core import queries
from tasks.core.database import Database
from tasks.core.errors import TransientError

ASK_SECONDS = 0.1
"""A worker asks for the turns of this long at once: few enough to lose nothing by, and ten statements a second."""

LATE_SECONDS = 0.25
"""A turn that was not used by then is lost: else a worker that slept could spend all that it had saved at once."""

LOOK_UP_SECONDS = 0.5
"""Who waits looks so often whether to stop."""

PATIENCE_SECONDS = 60.0
FIRST_BACK_OFF = 0.25
LONGEST_BACK_OFF = 30.0


class RateLimit:
    """Keeps all workers together to `per_second` calls of one kind, in any second with a quarter of that to spare.

    The kind is its `name`: workers on any machine that use the same database and name share one rate. Threads may
    share a RateLimit. PostgreSQL's clock spaces the turns (as the generic cell rate algorithm does: one time a name).
    """

    def __init__(
        self,
        database: Database,
        name: str,
        per_second: float,
        *,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._database = database
        self._gap = 1 / per_second
        self._ask_for = max(1, ceil(per_second * ASK_SECONDS))
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._turn = 0.0
        self._left = 0

    def wait(self, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        """Wait for the next turn, or until a stop is wanted.

        Raises TransientError where the turn would be longer than `patience` seconds away.
        """
        with self._lock:
            turn = self._take()
        while (pause := turn - self._clock()) > 0 and not is_cancelled():
            self._sleep(min(pause, LOOK_UP_SECONDS))

    def back_off(self, seconds: float) -> None:
        """Give nobody a turn for so long; what other workers hold already is spent within a tenth of a second."""
        with self._lock:
            queries.push_turns(self._database, name=self.name, seconds=seconds)
            self._left = 0

    def _take(self) -> float:
        while self._left and self._turn + LATE_SECONDS < self._clock():
            self._turn += self._gap
            self._left -= 1
        if not self._left:
            self._ask()
        turn = self._turn
        self._turn += self._gap
        self._left -= 1
        return turn

    def _ask(self) -> None:
        wait_seconds = queries.take_turns(
            self._database, name=self.name, span=self._ask_for * self._gap, patience=self._patience
        )
        if wait_seconds is None:
            raise TransientError(f"{self.name}: the next turn is over {self._patience:.0f} seconds away")
        self._turn = self._clock() + max(0.0, wait_seconds)
        self._left = self._ask_for


def back_off_seconds(refusals: int, asked: float | None = None) -> float:
    """Return how long to leave a server alone after so many refusals in a row; at least the seconds that it `asked`.

    Doubles from a quarter of a second to half a minute, plus up to half of that, so that workers do not come back in
    step.
    """
    delay = min(FIRST_BACK_OFF * 2.0 ** min(refusals - 1, 20), LONGEST_BACK_OFF)
    return max(delay * random.uniform(1, 1.5), asked or 0)  # noqa: S311  spreads load; nobody gains by guessing it
