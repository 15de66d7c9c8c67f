"""Every statement about what a refresh did: sql/queries/refresh, a function each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tasks.core.database import Source, fetch


def count_refreshed_orders(source: Source, *, run_id: UUID | None) -> Sequence[Row[Any]]:
    """How many orders a run of the refresh left in which state."""
    return fetch(source, "refresh/count_refreshed_orders", run_id=run_id)


def list_closed_duplicates(
    source: Source, *, since: datetime, order_ids: Sequence[int] | None, most: object
) -> Sequence[Row[Any]]:
    """Sessions of the club's own system that were closed, since they could be paid beside their order's own."""
    return fetch(source, "refresh/list_closed_duplicates", since=since, order_ids=order_ids, most=most)


def list_refresh_changes(
    source: Source, *, run_id: UUID | None, usual: Sequence[str], most: object
) -> Sequence[Row[Any]]:
    """What a run of the refresh did, or would do, order by order; what it left as it was is not listed."""
    return fetch(source, "refresh/list_refresh_changes", run_id=run_id, usual=usual, most=most)


def list_surprising_orders(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """Orders of which a list call has shown more than they say: another session, a payment, or one that is open though the order is settled."""
    return fetch(source, "refresh/list_surprising_orders", campaign_id=campaign_id)


def record_refresh(
    source: Source,
    *,
    run_id: UUID | None,
    now: datetime,
    order_ids: Sequence[int],
    outcomes: Sequence[str],
    details: Sequence[str],
) -> Sequence[Row[Any]]:
    """Remember what a run of the refresh did about orders, or would do."""
    return fetch(
        source,
        "refresh/record_refresh",
        run_id=run_id,
        now=now,
        order_ids=order_ids,
        outcomes=outcomes,
        details=details,
    )
