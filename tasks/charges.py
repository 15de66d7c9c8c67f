"""For what, and for whom, an order is charged, as its payer reads it at Stripe."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from tasks.club import CommittedPlayer, Tournament, find_tournament_by_id, players_with_orders
from tasks.database import Database
from tasks.links.model import Charge
from tasks.local_time import closing


def charge_for(tournament: Tournament, player: CommittedPlayer, club_zone: str) -> Charge:
    """Return what the parent reads on Stripe's page, and until when: the payment deadline, or else the event's day."""
    last_day = tournament.payment_deadline or tournament.event_date
    return Charge(
        f"{tournament.name}: {player.product or player.team}",
        player.player_name,
        closing(last_day, tournament.time_zone, club_zone),
    )


def find_charges(
    database: Database, order_ids: Sequence[int], club_zone: str, *, now: datetime, tournament_id: int | None = None
) -> dict[int, Charge | None]:
    """Return what is charged for those of the orders that a refresh looks at; None: its player is not committed."""
    rows = database.fetch(
        "refresh_orders", now=now, tournament_id=tournament_id, team=None, player_ids=None, order_ids=list(order_ids)
    )
    charges: dict[int, Charge | None] = {row.order_id: None for row in rows}
    placed = sorted((row.tournament_id, row.order_id) for row in rows if row.tournament_id is not None)
    for place, pairs in groupby(placed, key=lambda pair: pair[0]):
        tournament = find_tournament_by_id(database, place)
        with database.transaction() as connection:
            players = players_with_orders(connection, place, [order_id for _, order_id in pairs])
        charges |= {order_id: charge_for(tournament, player, club_zone) for order_id, player in players.items()}
    return charges
