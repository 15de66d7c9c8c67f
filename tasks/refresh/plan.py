"""Cut the orders that a refresh looks at into batches of one age, so that list calls find their sessions together."""

from tasks.club import queries as club_queries
from tasks.refresh.filters import find_filters
from tasks.refresh.options import RefreshBatch, RefreshOptions
from tasks.services import Services

BATCH_SIZE = 500


def plan_refresh(services: Services, options: RefreshOptions) -> list[RefreshBatch]:
    """Return the orders to look at, in batches."""
    filters = find_filters(services.database, options, services.clock())
    rows = club_queries.list_orders_to_refresh(
        services.database,
        now=filters.now,
        tournament_id=filters.tournament_id,
        team=filters.team,
        player_ids=filters.player_ids,
        order_ids=options.order_ids or None,
    )
    ids = [row.order_id for row in rows]
    return [RefreshBatch(start + 1, tuple(ids[start : start + BATCH_SIZE])) for start in range(0, len(ids), BATCH_SIZE)]
