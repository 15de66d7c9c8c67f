"""What a refresh came to, from the ledger: ids, counts and reasons, without names, addresses or payment URLs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tasks.links import queries as links_queries
from tasks.links.model import LinkOutcome
from tasks.links.queries import PaymentToLookAt, SetAside
from tasks.links.set_asides import waiting_orders
from tasks.refresh import queries
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
    changes: Sequence[queries.RefreshChange]
    set_asides: Sequence[SetAside]
    payments: Sequence[PaymentToLookAt]
    duplicates: Sequence[queries.ClosedDuplicate]


def summarize_refresh(
    services: Services, options: RefreshOptions, prepared: Mapping[str, int], run_id: UUID, began: datetime
) -> RefreshSummary:
    """Count and list what a run did since it `began`, and what of the whole club waits for a person."""
    database = services.database
    return RefreshSummary(
        options,
        prepared,
        outcomes=queries.count_refreshed_orders(database, run_id=run_id),
        changes=queries.list_refresh_changes(database, run_id=run_id, usual=[*USUAL], most=MOST_ROWS),
        set_asides=waiting_orders(database, MOST_ROWS),
        payments=links_queries.list_payments_to_look_at(database, order_ids=None, most=MOST_ROWS),
        duplicates=queries.list_closed_duplicates(database, since=began, order_ids=None, most=MOST_ROWS),
    )
