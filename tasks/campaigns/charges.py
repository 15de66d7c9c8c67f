"""For what, and for whom, an order is charged, as its payer reads it at Stripe."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection

from tasks.club import queries as club_queries
from tasks.club.model import CommittedPlayer, Tournament
from tasks.club.players import players_with_orders
from tasks.core.club_time import closing
from tasks.core.database import Database
from tasks.links.model import Charge


def charges_for(
    connection: Connection, tournament: Tournament, players: Mapping[int, CommittedPlayer], club_zone: str
) -> dict[int, Charge]:
    """Return, by order id, what the parent reads on Stripe's page, and until when it can be paid.

    A fee that is for several tournaments can be paid until the last of their days is over, and no link ends before the
    due date of its order: the email names that.
    """
    days: dict[int, list[datetime | None]] = {}
    for row in club_queries.list_last_days(connection, order_ids=list(players)):
        days.setdefault(row.order_id, []).append(closing(row.last_day, row.time_zone, club_zone))
    own_day = closing(tournament.last_day, tournament.time_zone, club_zone)
    return {
        order_id: Charge(
            f"{tournament.name}: {player.product or player.team}",
            player.player_name,
            _latest(days.get(order_id, [own_day]), closing(player.due_date, tournament.time_zone, club_zone)),
        )
        for order_id, player in players.items()
    }


def _latest(days: Sequence[datetime | None], due: datetime | None) -> datetime | None:
    """Return the last of these moments; None where one of the tournaments has no end."""
    known = [day for day in days if day is not None]
    return max([*known, due] if due else known) if len(known) == len(days) else None


def find_charges(
    database: Database, order_ids: Sequence[int], club_zone: str, *, now: datetime, tournament_id: int | None = None
) -> dict[int, Charge | None]:
    """Return what is charged for those of the orders that a refresh looks at; None: its player is not committed."""
    rows = club_queries.list_orders_to_refresh(
        database,
        now=now,
        tournament_id=tournament_id,
        team=None,
        player_ids=None,
        order_ids=list(order_ids),
    )
    charges: dict[int, Charge | None] = {row.order_id: None for row in rows}
    placed = sorted((row.tournament_id, row.order_id) for row in rows if row.tournament_id is not None)
    for place, pairs in groupby(placed, key=lambda pair: pair[0]):
        tournament = club_queries.find_tournament(database, tournament_id=place)
        with database.transaction() as connection:
            players = players_with_orders(connection, place, [order_id for _, order_id in pairs])
            charges |= charges_for(connection, tournament, players, club_zone)
    return charges
