"""Measurements taken in turns, so that what else the machine does meets all contestants alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from statistics import median

ROUNDS = 5
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """One measurement: how many pieces of work took how long, and the processor's time for them, where it is known."""

    count: int
    seconds: float
    cpu_seconds: float = nan
    database_seconds: float = nan
    """The processor's time in PostgreSQL."""

    @property
    def rate(self) -> float:
        """Pieces a second."""
        return self.count / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time a piece."""
        return 1000 * self.cpu_seconds / self.count

    @property
    def database_ms(self) -> float:
        """The same, in PostgreSQL."""
        return 1000 * self.database_seconds / self.count


@dataclass(frozen=True)
class Spread:
    """What several measurements of one thing show."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Take it from the values."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Say it as a table does."""
        return f"{_short(self.median)} ({_short(self.least)} to {_short(self.most)})"


def in_turns(
    contestants: Mapping[str, Callable[[], Sample]], announce: Announce, rounds: int = ROUNDS, *, warm_up: bool = True
) -> dict[str, list[Sample]]:
    """Measure each once a round; a first round that nobody counts warms caches and connections."""
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    for number in range(0 if warm_up else 1, rounds + 1):
        for name, measure in contestants.items():
            announce(f"{'warming up' if not number else f'round {number} of {rounds}'}: {name}")
            sample = measure()
            if number:
                samples[name].append(sample)
    return samples


def about(what: str, announce: Announce) -> Announce:
    """Say of what the rest of a line is."""
    return lambda said: announce(f"{what}: {said}")


def rates(samples: Sequence[Sample]) -> Spread:
    """Return pieces a second."""
    return Spread.of([sample.rate for sample in samples])


def ratios(samples: Sequence[Sample], others: Sequence[Sample]) -> Spread:
    """Return how many times as fast the one is as the other, round by round."""
    return Spread.of([one.rate / other.rate for one, other in zip(samples, others, strict=True)])


def busy(samples: Sequence[Sample]) -> Spread:
    """Return how many processors the work kept busy, PostgreSQL's share with it."""
    return Spread.of([(one.cpu_seconds + one.database_seconds) / one.seconds for one in samples])


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
