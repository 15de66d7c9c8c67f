"""Before a refresh looks at orders: take up what was dealt with, make what is missing, sweep Stripe's lists."""

from collections.abc import Mapping

from tasks.club import queries as club_queries
from tasks.core.migrations import check_club_tables, check_migrated
from tasks.links.set_asides import release
from tasks.refresh.filters import Filters, find_filters
from tasks.refresh.options import RefreshOptions
from tasks.services import Services


def prepare_refresh(services: Services, options: RefreshOptions) -> Mapping[str, int]:
    """Check that all can be done, do what comes before the orders, and return how much of each there was.

    Raises a ConfigurationError for options that contradict themselves and for filters that match nobody, before
    anything is done.
    """
    options.check()
    database, now = services.database, services.clock()
    check_club_tables(database)
    check_migrated(database)
    filters = find_filters(database, options, now)
    services.stripe.check()
    released = release(database, options.release, released_by=options.released_by, now=now) if options.release else 0
    missing = _missing_orders(services, options, filters) if options.create_missing_orders else 0
    noted = services.stripe_lists.sweep()
    return {
        "released": released,
        "missing orders": missing,
        "sessions seen": noted.sessions,
        "strange sessions": noted.open_strangers,
    }


def _missing_orders(services: Services, options: RefreshOptions, filters: Filters) -> int:
    """Make the orders that committed players lack, or only count them; two at once make each of them once."""
    with services.database.transaction() as connection:
        club_queries.lock_missing_orders(connection)
        missing = club_queries.list_missing_orders(
            connection,
            now=filters.now,
            tournament_id=filters.tournament_id,
            team=filters.team,
            player_ids=filters.player_ids,
        )
        for row in () if options.dry_run else missing:
            club_queries.make_order(
                connection,
                player_id=row.player_id,
                product_id=row.product_id,
                amount=row.amount,
                currency=row.currency,
            )
    return len(missing)
