"""Every statement about the club's own tables: sql/queries/club, a function each."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection

from tasks.club.model import CommittedPlayer, Tournament
from tasks.core.database import Source, fetch, stream


class LastDay(NamedTuple):
    """Until when an order can be paid for one of its tournaments."""

    order_id: int
    last_day: date | None
    """None: the tournament has none."""
    time_zone: str | None
    """None: the club's."""


class MissingOrder(NamedTuple):
    """An order that a committed player lacks, at the product's price of now."""

    player_id: int
    product_id: int
    amount: float | Decimal
    """In the smallest unit of the currency, of whatever type the club's column is."""
    currency: str


class OrderToRefresh(NamedTuple):
    """An order that a refresh looks at, and the next tournament that it is for."""

    order_id: int
    tournament_id: int | None


class PendingOrder(NamedTuple):
    """What somebody may owe, as an approval compares it."""

    order_id: int
    amount: Decimal
    """NaN where the order has none."""
    currency: str
    """In small letters."""


class TournamentOrder(NamedTuple):
    """An order of a tournament, or a committed player without any: what is of the order is then empty."""

    order_id: int | None
    player_id: int
    player_name: str
    team: str
    parent_id: int
    parent_name: str
    email: str | None
    committed: bool
    status: str
    amount: Decimal | None
    currency: str | None
    payment_method: str | None
    paid_at: datetime | None
    due_date: date | None


class UnmatchedId(NamedTuple):
    """An id that names nothing; its kind is player or order."""

    kind: str
    id: int


# Tournaments and their players


def find_tournament(source: Source, *, tournament_id: int) -> Tournament:
    """Return a tournament as it stands now; it has to be there."""
    (row,) = fetch(source, "club/find_tournament", tournament_id=tournament_id)
    return Tournament(**row._asdict())


def list_tournaments(source: Source) -> list[Tournament]:
    """Return every tournament that the club has named, the latest first."""
    return [Tournament(**row._asdict()) for row in fetch(source, "club/list_tournaments")]


def is_team_playing(source: Source, *, team: str, tournament_id: int | None) -> bool:
    """Return True if a team of this name, in letters of any case, plays in a tournament; None: in any of them."""
    return bool(fetch(source, "club/is_team_playing", team=team, tournament_id=tournament_id))


def list_committed_players(source: Source, *, tournament_id: int, order_ids: Sequence[int]) -> list[CommittedPlayer]:
    """Return the committed players of a tournament who have these orders, once for each order."""
    rows = fetch(source, "club/list_committed_players", tournament_id=tournament_id, order_ids=order_ids)
    return [CommittedPlayer(**row._asdict()) for row in rows]


def stream_committed_players(
    connection: Connection, *, tournament_id: int, size: int
) -> Iterator[Sequence[CommittedPlayer]]:
    """Yield all committed players of a tournament, also those without an order, `size` at a time."""
    chunks = stream(connection, "club/list_committed_players", size, tournament_id=tournament_id, order_ids=None)
    for rows in chunks:
        yield [CommittedPlayer(**row._asdict()) for row in rows]


# Orders


def list_tournament_orders(source: Source, *, tournament_id: int) -> list[TournamentOrder]:
    """Return a tournament's orders, also of players who have withdrawn, and its committed players without any."""
    rows = fetch(source, "club/list_tournament_orders", tournament_id=tournament_id)
    return [TournamentOrder(**row._asdict()) for row in rows]


def list_pending_orders(source: Source, *, order_ids: Sequence[int]) -> list[PendingOrder]:
    """Return those of these orders that somebody may owe."""
    rows = fetch(source, "club/list_pending_orders", order_ids=order_ids)
    return [PendingOrder(**row._asdict()) for row in rows]


def list_last_days(source: Source, *, order_ids: Sequence[int]) -> list[LastDay]:
    """Return the last days to pay for these orders, one for each tournament that the player is committed to."""
    rows = fetch(source, "club/list_last_days", order_ids=order_ids)
    return [LastDay(**row._asdict()) for row in rows]


def list_forgotten_orders(source: Source, *, order_ids: Sequence[int]) -> list[int]:
    """Return those of these order ids that the club's table does not have."""
    return [row.order_id for row in fetch(source, "club/list_forgotten_orders", order_ids=order_ids)]


def list_stored_sessions(source: Source, *, most: int) -> list[str]:
    """Return the ids of the sessions that orders were last given, of the newest orders first."""
    return [row.session_id for row in fetch(source, "club/list_stored_sessions", most=most)]


# What a refresh looks at; a filter that is None lets all through


def list_orders_to_refresh(
    source: Source,
    *,
    now: datetime,
    tournament_id: int | None,
    team: str | None,
    order_ids: Sequence[int] | None,
    player_ids: Sequence[int] | None,
) -> list[OrderToRefresh]:
    """Return the orders that a refresh looks at, those with the newest sessions first."""
    rows = fetch(
        source,
        "club/list_orders_to_refresh",
        now=now,
        tournament_id=tournament_id,
        team=team,
        order_ids=order_ids,
        player_ids=player_ids,
    )
    return [OrderToRefresh(**row._asdict()) for row in rows]


def list_unmatched_ids(
    source: Source, *, now: datetime, tournament_id: int | None, player_ids: Sequence[int], order_ids: Sequence[int]
) -> list[UnmatchedId]:
    """Return those of these ids that name nothing that a refresh could look at."""
    rows = fetch(
        source,
        "club/list_unmatched_ids",
        now=now,
        tournament_id=tournament_id,
        player_ids=player_ids,
        order_ids=order_ids,
    )
    return [UnmatchedId(**row._asdict()) for row in rows]


# Missing orders


def lock_missing_orders(connection: Connection) -> None:
    """Keep everybody else from making missing orders until the transaction ends."""
    fetch(connection, "club/lock_missing_orders")


def list_missing_orders(
    source: Source, *, now: datetime, tournament_id: int | None, team: str | None, player_ids: Sequence[int] | None
) -> list[MissingOrder]:
    """Return the orders that committed players of tournaments to come lack; a cancelled one is none that is missing."""
    rows = fetch(
        source,
        "club/list_missing_orders",
        now=now,
        tournament_id=tournament_id,
        team=team,
        player_ids=player_ids,
    )
    return [MissingOrder(**row._asdict()) for row in rows]


def make_order(source: Source, *, player_id: int, product_id: int, amount: float | Decimal, currency: str) -> None:
    """Make a pending order that a committed player lacks."""
    fetch(source, "club/make_order", player_id=player_id, product_id=product_id, amount=amount, currency=currency)
