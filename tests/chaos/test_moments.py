"""What a worker's helpers do has moments too, where a test wants them: a kill in between is a case of its own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.core.database import Database
from tests.chaos.moments import all_watched, watch_engine, watched


@pytest.fixture
def database(server_url: str) -> Iterator[Database]:
    database = Database(server_url)
    watch_engine(database.engine)
    yield database
    database.close()


def by_a_helper(database: Database) -> None:
    """Begin and end a transaction in this thread, and one in another."""
    with database.transaction(), ThreadPoolExecutor(1, thread_name_prefix="helper") as pool:
        pool.submit(database.fetch, "core/read_clock").result()


def test_moments_of_helpers_are_told_where_all_are_watched_and_no_longer_than_that(database: Database) -> None:
    told: list[tuple[str, bool]] = []

    def note(kind: str, _: object) -> None:
        told.append((kind, threading.current_thread().name.startswith("helper")))

    watched(note, lambda: by_a_helper(database))
    own = [("begin", False), ("end", False)]
    assert told == own
    told.clear()
    all_watched(note, lambda: by_a_helper(database))
    assert [moment for moment in told if not moment[1]] == own
    assert ("end", True) in told
    told.clear()
    by_a_helper(database)
    assert told == []
