"""What a refresh came to, from the ledger: ids, counts and reasons, without names, addresses or payment URLs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tasks.links.model import LinkOutcome
from tasks.links.set_asides import waiting_orders
from tasks.refresh.options import RefreshOptions
from tasks.services import Services

MOST_ROWS = 500
USUAL = (LinkOutcome.KEPT, LinkOutcome.NOT_OWED, LinkOutcome.ALREADY_PAID, LinkOutcome.SET_ASIDE)
"""What is only counted: nothing was done about it, or it has a list of its own."""


@dataclass(frozen=True)
class RefreshSummary:
    """What one run of the refresh did, or would do, and what waits for a person."""

    options: RefreshOptions
    prepared: Mapping[str, int]
    outcomes: Mapping[str, int]
    changes: Sequence[Row[Any]]
    set_asides: Sequence[Row[Any]]
    payments: Sequence[Row[Any]]
    rivals: Sequence[Row[Any]]


def summarize_refresh(
    services: Services, options: RefreshOptions, prepared: Mapping[str, int], run_id: UUID, began: datetime
) -> RefreshSummary:
    """Count and list what a run did since it `began`, and what of the whole club waits for a person."""
    database = services.database
    return RefreshSummary(
        options,
        prepared,
        outcomes={row.outcome: row.orders for row in database.fetch("refresh/count_refreshed_orders", run_id=run_id)},
        changes=database.fetch("refresh/list_refresh_changes", run_id=run_id, usual=[*USUAL], most=MOST_ROWS),
        set_asides=waiting_orders(database, MOST_ROWS),
        payments=database.fetch("links/list_payments_to_look_at", order_ids=None, most=MOST_ROWS),
        rivals=database.fetch("refresh/list_closed_duplicates", since=began, order_ids=None, most=MOST_ROWS),
    )
