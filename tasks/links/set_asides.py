"""Orders that wait for a person, and how they go on: released, with who said so and when."""

from collections.abc import Sequence
from datetime import datetime

from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.links import queries
from tasks.links.queries import SetAside

_OURSELVES = "pipeline"

MOST_ROWS = 1000


def waiting_orders(database: Database, most: int = MOST_ROWS) -> Sequence[SetAside]:
    """Return the orders that wait for a person, the longest waiting first."""
    return queries.list_set_asides(database, order_ids=None, most=most)


def release(
    database: Database, order_ids: Sequence[int], *, released_by: str, now: datetime, note: str | None = None
) -> int:
    """Let set-aside orders be judged anew; a session that was set aside for its payment is judged no more.

    An order that is still pending then is owed again. Raises a ConfigurationError, and changes nothing, where one of
    them is not set aside, or where nobody says who has dealt with them.
    """
    who = released_by.strip()
    if not who or who.casefold() == _OURSELVES:
        raise ConfigurationError("Say who has dealt with the set-aside orders: a person's name")
    with database.transaction() as connection:
        rows = queries.release_set_asides(connection, order_ids=order_ids, released_by=who, note=note, now=now)
        released = {row.order_id for row in rows}
        gone = [row.session_id for row in rows if row.session_id and row.reason == "unknown_session"]
        queries.forget_unknown_sessions(connection, session_ids=gone, now=now)
        unknown = sorted(set(order_ids) - released)
        if unknown:
            orders = ", ".join(str(order_id) for order_id in unknown)
            raise ConfigurationError(f"These orders are not set aside: {orders}; nothing was taken up again")
    return len(released)
