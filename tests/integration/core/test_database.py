"""A process has so many connections and no more: who finds none free comes again later."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tasks.core import database
from tasks.core.database import Database
from tasks.core.errors import TransientError


@pytest.fixture
def crowded(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database of two connections, for which nobody waits long."""
    monkeypatch.setattr(database, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(database, "FREE_SECONDS", 0.1)
    crowded = Database(server_url)
    yield crowded
    crowded.close()


def test_where_all_are_busy_it_is_tried_again_later(crowded: Database) -> None:
    with ExitStack() as busy:
        for _ in range(2):
            busy.enter_context(crowded.transaction())
        for begin in (crowded.transaction, crowded.trial):
            with pytest.raises(TransientError, match=r"All 2 connections to .* are busy"):
                busy.enter_context(begin())
        with pytest.raises(TransientError, match=r"All 2 connections to .* are busy"):
            crowded.fetch("core/lift_session_limits")
        with pytest.raises(TransientError, match=r"All 2 connections to .* are busy"):
            busy.enter_context(crowded.turn("Spring Cup", lambda: None))
    with crowded.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
