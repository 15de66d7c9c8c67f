"""The stand-in's parts, put together in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployments.local.stripe_standin.clock import Clock
from deployments.local.stripe_standin.endpoints import Endpoints
from deployments.local.stripe_standin.faults import Faults
from deployments.local.stripe_standin.idempotency import IdempotencyKeys
from deployments.local.stripe_standin.limits import Limits, Settings
from deployments.local.stripe_standin.link_operations import LinkOperations
from deployments.local.stripe_standin.link_table import LinkTable
from deployments.local.stripe_standin.link_visits import LinkVisits
from deployments.local.stripe_standin.operations import Operations
from deployments.local.stripe_standin.payments import Payments
from deployments.local.stripe_standin.session_table import SessionTable
from deployments.local.stripe_standin.store import Store


@dataclass(frozen=True)
class Parts:
    """Everything that the routes work with."""

    store: Store
    clock: Clock
    faults: Faults
    limits: Limits
    idempotency: IdempotencyKeys
    sessions: SessionTable
    links: LinkTable
    visits: LinkVisits
    payments: Payments
    operations: Operations
    link_operations: LinkOperations
    endpoints: Endpoints

    @classmethod
    def open(cls, data: Path) -> Parts:
        """Open the state in `data`; raises BlockingIOError where another stand-in uses it."""
        store = Store(data)
        clock, limits = Clock(store), Limits(store)
        sessions, links = SessionTable(store, clock), LinkTable(store, limits)
        visits = LinkVisits(links, sessions)
        operations, link_operations = Operations(sessions), LinkOperations(links, clock)
        return cls(
            store,
            clock,
            Faults(store),
            limits,
            IdempotencyKeys(store, clock),
            sessions,
            links,
            visits,
            Payments(sessions, visits),
            operations,
            link_operations,
            Endpoints([*operations.routes(), *link_operations.routes()]),
        )

    def reset(self) -> None:
        """Forget everything."""
        self.store.wipe()
        self.clock.reset()
        self.limits.configure(Settings())
