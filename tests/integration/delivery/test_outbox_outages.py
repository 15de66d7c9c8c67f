"""A database that goes away with a message in hand: what is known then is not lost with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Row

from tasks.campaigns.message import Message
from tasks.club import queries as club_queries
from tasks.core.database import Database
from tasks.core.errors import TransientError
from tasks.delivery.outbox import Claim
from tasks.links.model import LinkResult
from tasks.mail.transport import Delivery
from tests.integration.delivery.test_outbox import LATER, SENT, attempts, drafted, ids, outbox, statuses
from tests.support.harness import Pipeline
from tests.support.small_club import SmallClub

AWAY = "the database is away"


class UnsteadyDatabase(Database):
    """Goes away for some transactions: before they are done, or after, so that only the answer is lost."""

    lost_before = 0
    lost_after = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.unsteady(), super().transaction() as connection:
            yield connection

    def fetch(self, name: str, /, **values: object) -> Sequence[Row[Any]]:
        with self.unsteady():
            return super().fetch(name, **values)

    @contextmanager
    def unsteady(self) -> Iterator[None]:
        if self.lost_before:
            self.lost_before -= 1
            raise TransientError(AWAY)
        yield
        if self.lost_after:
            self.lost_after -= 1
            raise TransientError(AWAY)


@pytest.fixture
def database(club: SmallClub) -> Iterator[UnsteadyDatabase]:
    unsteady = UnsteadyDatabase(club.pipeline.services.settings.database_url.get_secret_value())
    yield unsteady
    unsteady.close()


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with a family, whose campaign is being sent."""
    return SmallClub.sending(small_club, "Ek")


@contextmanager
def ready(club: SmallClub, database: UnsteadyDatabase) -> Iterator[tuple[Claim, Message, list[LinkResult]]]:
    """Hold the message over the unsteady database, its links checked just now."""
    with replace(outbox(club), database=database).claim(ids(club)) as claim:
        (message,) = claim.take(claim.ids[0])
        links = [club.ensure_link(order) for order in message.order_ids]
        claim.record_links(links)
        yield claim, message, links


@pytest.mark.parametrize("lost", ["lost_before", "lost_after"])
def test_sending_is_entered_once_although_the_answer_was_lost(
    club: SmallClub, database: UnsteadyDatabase, lost: str
) -> None:
    with ready(club, database) as (claim, message, links):
        setattr(database, lost, 2)
        assert claim.enter_sending(message, drafted(message, links))
        assert claim.record(message, SENT) == "sent"
    assert attempts(club, message.id) == ["sending", "sent"]
    assert statuses(club) == ["sent"]


def test_sending_is_not_entered_by_an_answer_that_was_lost_and_was_no(
    club: SmallClub, database: UnsteadyDatabase
) -> None:
    with ready(club, database) as (claim, message, links):
        club.set_order(message.order_ids[0], amount=4000)
        database.lost_after = 1
        assert not claim.enter_sending(message, drafted(message, links))
    assert statuses(club) == ["queued"]
    assert attempts(club, message.id) == []


@pytest.mark.parametrize("lost", ["lost_before", "lost_after"])
@pytest.mark.parametrize(("delivery", "status"), [(SENT, "sent"), (LATER, "queued")])
def test_what_the_mail_server_said_outlives_an_outage(
    club: SmallClub, database: UnsteadyDatabase, lost: str, delivery: Delivery, status: str
) -> None:
    with ready(club, database) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        setattr(database, lost, 2)
        claim.record(message, delivery)
    assert statuses(club) == [status]
    assert attempts(club, message.id) == ["sending", delivery.outcome.value]


def test_a_database_that_stays_away_is_not_waited_for_for_ever(database: UnsteadyDatabase) -> None:
    database.lost_before = 10**6
    with pytest.raises(TransientError, match=AWAY):
        database.retry_while_down(lambda: club_queries.list_tournaments(database), 0)
