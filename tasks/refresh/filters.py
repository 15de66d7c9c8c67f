"""Which orders and players a refresh is about, from what a person chose."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tasks.club import queries as club_queries
from tasks.club.players import find_tournament
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.refresh.options import RefreshOptions


class Filters(NamedTuple):
    """What a refresh is about, as the queries take it; None: all."""

    now: datetime
    tournament_id: int | None
    team: str | None
    player_ids: Sequence[int] | None


def find_filters(database: Database, options: RefreshOptions, now: datetime) -> Filters:
    """Return the filters as the queries take them; raises one ConfigurationError that names all that match nobody."""
    tournament = find_tournament(database, options.tournament) if options.tournament else None
    tournament_id = tournament.id if tournament else None
    unmatched = club_queries.list_unmatched_ids(
        database,
        now=now,
        tournament_id=tournament_id,
        player_ids=options.player_ids,
        order_ids=options.order_ids,
    )
    problems = [f"{row.kind} {row.id}" for row in unmatched]
    if options.team and not club_queries.is_team_playing(database, team=options.team, tournament_id=tournament_id):
        problems.insert(0, f"team {options.team!r}")
    if problems:
        where = repr(tournament.name) if tournament else "tournaments to come"
        raise ConfigurationError(f"Nothing in {where} is of {', '.join(problems)}: check the filters; nothing was done")
    return Filters(now, tournament_id, options.team or None, options.player_ids or None)
