"""What the club's own tables say: its tournaments and their committed players. Read only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from tasks.club import queries
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError

ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class Tournament:
    """A tournament; the payment deadline is the last day on which a fee can be paid, in the club's time zone."""

    id: int
    name: str
    event_date: date | None
    payment_deadline: date | None
    time_zone: str | None

    @property
    def last_day(self) -> date | None:
        """The last day to pay: the payment deadline, or else the day of the event."""
        return self.payment_deadline or self.event_date


@dataclass(frozen=True)
class CommittedPlayer:
    """A committed player with one of their orders, or without any, as list_committed_players.sql returns them."""

    player_id: int
    player_name: str
    team: str
    brand: str | None
    parent_id: int
    parent_name: str
    parent_surname: str
    email: str | None
    language: str | None
    order_id: int | None
    order_status: str | None
    amount: Decimal | None
    currency: str | None
    due_date: date | None
    product: str | None


def known_tournaments(database: Database) -> list[Tournament]:
    """Return every tournament that the club knows."""
    return [Tournament(**row._asdict()) for row in queries.list_tournaments(database)]


def find_tournament(database: Database, name: str) -> Tournament:
    """Return the tournament of this name; raises a ConfigurationError that names the known ones."""
    known = known_tournaments(database)
    found = [tournament for tournament in known if tournament.name.casefold().strip() == name.casefold().strip()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(tournament.id) for tournament in found)
        raise ConfigurationError(
            f"The club has {len(found)} tournaments named {name!r} (ids {ids}): rename all but one"
        )
    names = ", ".join(repr(tournament.name) for tournament in known[:20]) or "none at all"
    raise ConfigurationError(f"The club has no tournament {name!r}; it has {names}")


def find_tournament_by_id(database: Database, tournament_id: int) -> Tournament:
    """Return the tournament of this id as it stands now."""
    (row,) = queries.find_tournament(database, tournament_id=tournament_id)
    return Tournament(**row._asdict())


def stream_committed_players(connection: Connection, tournament_id: int) -> Iterator[Sequence[CommittedPlayer]]:
    """Yield all committed players of a tournament in chunks, without holding them all in memory."""
    for chunk in queries.stream_committed_players(connection, tournament_id=tournament_id, size=ROWS_AT_A_TIME):
        yield [CommittedPlayer(**row._asdict()) for row in chunk]


def players_with_orders(
    connection: Connection, tournament_id: int, order_ids: Sequence[int]
) -> dict[int, CommittedPlayer]:
    """Return the players of these orders by order id; one who is not committed any more is left out."""
    rows = queries.list_committed_players(connection, tournament_id=tournament_id, order_ids=list(order_ids))
    return {row.order_id: CommittedPlayer(**row._asdict()) for row in rows}
