"""Every statement about the club's own tables: sql/queries/club, a function each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from tasks.core.database import Source, fetch, stream


def find_tournament(source: Source, *, tournament_id: int) -> Sequence[Row[Any]]:
    """One tournament; a date without end is none."""
    return fetch(source, "club/find_tournament", tournament_id=tournament_id)


def is_team_playing(source: Source, *, team: object, tournament_id: int | None) -> Sequence[Row[Any]]:
    """Whether a team of this name plays in a tournament (a NULL tournament_id: in any)."""
    return fetch(source, "club/is_team_playing", team=team, tournament_id=tournament_id)


def list_committed_players(
    source: Source, *, tournament_id: int, order_ids: Sequence[int] | None
) -> Sequence[Row[Any]]:
    """The committed players of a tournament, a row for each of their orders (one row with a NULL order where there is none)."""
    return fetch(source, "club/list_committed_players", tournament_id=tournament_id, order_ids=order_ids)


def list_forgotten_orders(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Those of these orders that the club's table does not have."""
    return fetch(source, "club/list_forgotten_orders", order_ids=order_ids)


def list_last_days(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """The last days to pay for these orders: of each tournament for which the player is committed with a team that has the order's product there, the payment deadline, or else the event's day."""
    return fetch(source, "club/list_last_days", order_ids=order_ids)


def list_missing_orders(
    source: Source, *, now: datetime, tournament_id: int | None, team: str | None, player_ids: Sequence[int] | None
) -> Sequence[Row[Any]]:
    """The orders that committed players of tournaments to come lack: they have none for the product, not even a cancelled one."""
    return fetch(
        source, "club/list_missing_orders", now=now, tournament_id=tournament_id, team=team, player_ids=player_ids
    )


def list_orders_to_refresh(
    source: Source,
    *,
    now: datetime,
    tournament_id: int | None,
    team: str | None,
    order_ids: Sequence[int] | None,
    player_ids: Sequence[int] | None,
) -> Sequence[Row[Any]]:
    """The orders that a refresh looks at: what is unpaid for tournaments that have not been yet, and what is settled but may still be payable, or may have been paid through another session; of tournaments past, of products that no tournament has any more and of orders that are deleted, what has not come to an end: a payment link that nobody has switched off, a lost reply, or a slow payment."""
    return fetch(
        source,
        "club/list_orders_to_refresh",
        now=now,
        tournament_id=tournament_id,
        team=team,
        order_ids=order_ids,
        player_ids=player_ids,
    )


def list_pending_orders(source: Source, *, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Those of these orders that somebody may owe, as an approval compares them."""
    return fetch(source, "club/list_pending_orders", order_ids=order_ids)


def list_stored_sessions(source: Source, *, most: object) -> Sequence[Row[Any]]:
    """The sessions that orders were last given, to see whether Stripe knows them."""
    return fetch(source, "club/list_stored_sessions", most=most)


def list_tournament_orders(source: Source, *, tournament_id: int) -> Sequence[Row[Any]]:
    """The orders of a tournament, also those whose player has withdrawn since, and its committed players without any (one row each)."""
    return fetch(source, "club/list_tournament_orders", tournament_id=tournament_id)


def list_tournaments(source: Source) -> Sequence[Row[Any]]:
    """Every tournament that the club has named; a date without end is none."""
    return fetch(source, "club/list_tournaments")


def list_unmatched_ids(
    source: Source, *, now: datetime, tournament_id: int | None, player_ids: Sequence[int], order_ids: Sequence[int]
) -> Sequence[Row[Any]]:
    """Which of these ids name nothing that a refresh could look at."""
    return fetch(
        source,
        "club/list_unmatched_ids",
        now=now,
        tournament_id=tournament_id,
        player_ids=player_ids,
        order_ids=order_ids,
    )


def lock_missing_orders(source: Source) -> Sequence[Row[Any]]:
    """Let one transaction after the other look for missing orders and make them."""
    return fetch(source, "club/lock_missing_orders")


def make_order(
    source: Source, *, player_id: int, product_id: int, amount: object, currency: object
) -> Sequence[Row[Any]]:
    """Make an order that a committed player lacks, at the product's price."""
    return fetch(
        source, "club/make_order", player_id=player_id, product_id=product_id, amount=amount, currency=currency
    )


def stream_committed_players(connection: Connection, *, tournament_id: int, size: int) -> Iterator[Sequence[Row[Any]]]:
    """Yield the same for all players, `size` rows at a time."""
    return stream(connection, "club/list_committed_players", size, tournament_id=tournament_id, order_ids=None)
