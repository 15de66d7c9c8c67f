"""Every statement about what a refresh did: sql/queries/refresh, a function each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tasks.core.database import Source, fetch
from tasks.links.model import LinkResult


class RefreshChange(NamedTuple):
    """What a run of the refresh did about one order, or would do."""

    order_id: int
    outcome: str
    detail: str | None


class ClosedDuplicate(NamedTuple):
    """A session of the club's own system that was closed: it could be paid beside its order's own."""

    order_id: int
    rival_closed_at: datetime


def record_refresh(source: Source, *, run_id: UUID, links: Sequence[LinkResult], now: datetime) -> None:
    """Remember what a run of the refresh did about orders, or would do; the last word about an order counts."""
    fetch(
        source,
        "refresh/record_refresh",
        run_id=run_id,
        order_ids=[link.order_id for link in links],
        outcomes=[link.outcome.value for link in links],
        details=[link.detail or None for link in links],
        now=now,
    )


def count_refreshed_orders(source: Source, *, run_id: UUID) -> dict[str, int]:
    """Return how many orders a run of the refresh left in which state."""
    return {row.outcome: row.orders for row in fetch(source, "refresh/count_refreshed_orders", run_id=run_id)}


def list_refresh_changes(source: Source, *, run_id: UUID, usual: Sequence[str], most: int) -> list[RefreshChange]:
    """Return what a run of the refresh did, or would do, order by order, without the `usual` outcomes."""
    rows = fetch(source, "refresh/list_refresh_changes", run_id=run_id, usual=usual, most=most)
    return [RefreshChange(**row._asdict()) for row in rows]


def list_closed_duplicates(
    source: Source, *, since: datetime, order_ids: Sequence[int] | None, most: int
) -> list[ClosedDuplicate]:
    """Return the second sessions that were closed, of these orders or, with None, of all."""
    wanted = None if order_ids is None else list(order_ids)
    rows = fetch(source, "refresh/list_closed_duplicates", since=since, order_ids=wanted, most=most)
    return [ClosedDuplicate(**row._asdict()) for row in rows]


def list_surprising_orders(source: Source, *, campaign_id: int) -> list[int]:
    """Return the orders of which a list call has shown more than they say, and that no message will look after."""
    return [row.order_id for row in fetch(source, "refresh/list_surprising_orders", campaign_id=campaign_id)]
