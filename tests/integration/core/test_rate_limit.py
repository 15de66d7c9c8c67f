"""One rate shared by all workers, on a real database; a worker's own clock and sleep are the test's."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tasks.core import queries as core_queries
from tasks.core.database import Database
from tasks.core.errors import TransientError
from tasks.core.rate_limit import FIRST_BACK_OFF, LONGEST_BACK_OFF, RateLimit, back_off_seconds

A_DAY = 86400.0
NAME = "sends"
PATIENT = 100 * A_DAY


@dataclass
class Worker:
    """A worker whose sleep only moves its clock; `turns` are the moments at which it was let through."""

    database: Database
    per_second: float
    patience: float = PATIENT
    name: str = NAME
    now: float = 0.0
    turns: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rate_limit = RateLimit(
            self.database,
            self.name,
            self.per_second,
            patience=self.patience,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def work(self, calls: int = 1) -> None:
        for _ in range(calls):
            self.rate_limit.wait()
            self.turns.append(self.now)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def test_turns_of_two_workers_are_spaced_by_one_rate(database: Database) -> None:
    one, other = (Worker(database, 1 / A_DAY) for _ in range(2))
    for worker in (one, other, other, one):
        worker.work()
    # PostgreSQL's clock hardly moves meanwhile: the turns are days 0, 1, 2 and 3, whoever took them, each counted from
    # where its worker's own clock stood.
    assert one.turns == pytest.approx([0, A_DAY * 3], abs=600)
    assert other.turns == pytest.approx([A_DAY, A_DAY * 3], abs=600)


def test_kinds_of_calls_do_not_wait_for_each_other(database: Database) -> None:
    one, other = Worker(database, 1 / A_DAY), Worker(database, 1 / A_DAY, name="other")
    one.work()
    other.work()
    assert one.turns == other.turns == pytest.approx([0], abs=1)


def test_turns_come_by_the_dozen_and_are_spent_by_the_workers_own_clock(database: Database) -> None:
    worker = Worker(database, 100)
    worker.work(10)
    assert worker.turns == pytest.approx([number / 100 for number in range(10)])
    before = core_queries.take_turns(database, name=NAME, span=0, patience=PATIENT)
    worker.work(1)
    after = core_queries.take_turns(database, name=NAME, span=0, patience=PATIENT)
    assert before is not None
    assert after is not None
    assert after > before, "the eleventh was asked for"


def test_turns_that_were_slept_through_are_not_spent_all_at_once(database: Database) -> None:
    worker = Worker(database, 100)
    worker.work(1)
    worker.sleep(0.3)  # all but four of the ten turns are more than a quarter of a second ago
    worker.work(10)
    at_once = [turn for turn in worker.turns[1:] if turn == pytest.approx(worker.turns[1])]
    assert len(at_once) <= 5


def test_a_worker_that_is_refused_makes_everybody_wait(database: Database) -> None:
    one, other = Worker(database, 1), Worker(database, 1)
    one.work()
    one.rate_limit.back_off(A_DAY)
    one.work()
    other.work()
    assert one.turns[1] == pytest.approx(A_DAY, abs=600)
    assert other.turns == pytest.approx([A_DAY], abs=600)


def test_a_shorter_wait_does_not_undo_a_longer_one(database: Database) -> None:
    worker = Worker(database, 1)
    worker.rate_limit.back_off(A_DAY)
    worker.rate_limit.back_off(1)
    worker.work()
    assert worker.turns == pytest.approx([A_DAY], abs=600)


def test_a_turn_that_is_too_far_away_is_for_later(database: Database) -> None:
    worker = Worker(database, 1, patience=60)
    worker.rate_limit.back_off(A_DAY)
    with pytest.raises(TransientError, match="sends: the next turn is over 60 seconds away"):
        worker.work()


def test_the_wait_after_a_refusal_doubles_and_is_never_shorter_than_asked() -> None:
    delays = [back_off_seconds(refusals) for refusals in range(1, 30)]
    for number, delay in enumerate(delays):
        least = min(FIRST_BACK_OFF * 2.0**number, LONGEST_BACK_OFF)
        assert least <= delay <= least * 1.5
    assert back_off_seconds(1, asked=20) >= 20
