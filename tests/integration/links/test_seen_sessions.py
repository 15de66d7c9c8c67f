"""What list calls have shown is noted by several workers at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from tests.support.big_club import BigClub
from tests.support.harness import Pipeline

ROUNDS, SESSIONS = 40, 300


@pytest.fixture
def club(small_club: Pipeline) -> BigClub:
    """A club of many, whose links its own system has made."""
    club = BigClub.on(small_club)
    club.made_by_the_club(club.people(SESSIONS), (6, 1))
    return club


def test_workers_that_note_the_same_at_the_same_moment_do_not_lock_each_other_out(club: BigClub) -> None:
    services = club.pipeline.services
    rows = club.sql("SELECT stripe_checkout_session_id AS id FROM orders ORDER BY id")
    sessions = [session for row in rows for session in services.stripe.find(row.id)]
    seen_sessions, together = services.keeper.seen_sessions, Barrier(3)

    def note(parts: int) -> None:
        chance = random.Random(parts)  # noqa: S311  pages that are never alike, as batches of one campaign list them
        seen_at = seen_sessions.now()
        for number in range(ROUNDS):
            shown = chance.sample(sessions, SESSIONS // parts)
            together.wait(30)
            seen_sessions.note(shown, seen_at + timedelta(microseconds=number))

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(note, [1, 2, 3]))
    assert len(club.sql("SELECT FROM tournament_fees.sightings")) == SESSIONS


def test_what_is_seen_after_the_clock_was_set_back_takes_the_place_of_what_was_seen_before(club: BigClub) -> None:
    services = club.pipeline.services
    (row,) = club.sql("SELECT stripe_checkout_session_id AS id FROM orders WHERE id = 1")
    seen_sessions, shown = services.keeper.seen_sessions, list(services.stripe.find(row.id))
    seen_sessions.note(shown, seen_sessions.now() + timedelta(minutes=5))
    seen_sessions.note(shown, seen_sessions.now())
    assert list(seen_sessions.take(1, mailing=True).fresh) == [row.id]
