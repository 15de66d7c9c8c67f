"""What the club's own tables say: its tournaments and their committed players. Read only."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tasks.club import queries
from tasks.club.model import CommittedPlayer, Tournament
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError

ROWS_AT_A_TIME = 1000


def find_tournament(database: Database, name: str) -> Tournament:
    """Return the tournament of this name; raises a ConfigurationError that names the known ones."""
    known = queries.list_tournaments(database)
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


def players_with_orders(
    connection: Connection, tournament_id: int, order_ids: Sequence[int]
) -> dict[int, CommittedPlayer]:
    """Return the players of these orders by order id; one who is not committed any more is left out."""
    players = queries.list_committed_players(connection, tournament_id=tournament_id, order_ids=order_ids)
    return {player.order_id: player for player in players if player.order_id is not None}
