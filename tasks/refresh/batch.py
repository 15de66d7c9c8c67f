"""Refresh a batch: look after many orders at once, each when list calls have shown what Stripe says about it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from tasks.campaigns.charges import find_charges
from tasks.core.errors import TransientError
from tasks.links.circuit_breaker import CircuitBreaker
from tasks.links.dry_run import dry_run_link
from tasks.links.kept_links import kept_links
from tasks.links.model import Charge, LinkKind, LinkResult
from tasks.refresh import queries
from tasks.refresh.options import RefreshBatch, RefreshOptions
from tasks.services import Services

AT_ONCE = 24
"""Orders in hand at the same time: enough to use up the rate of calls where Stripe answers in a fifth of a second."""

HANDFUL = 50
"""So many are glanced at together: most links of a refresh are right, and cost a few statements for all of them."""


def refresh_batch(
    services: Services,
    options: RefreshOptions,
    batch: RefreshBatch,
    run_id: UUID,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Look after the links of a batch's orders, each under a lease of its own; return how many ended in which state.

    Raises TransientError where Stripe or the database was out of reach for some of them, at once where it is down: what
    was done is recorded, and a later call goes on from there. `is_cancelled` is asked before each order that is work.
    """
    charges = find_charges(services.database, batch.order_ids, services.settings.club_time_zone, now=services.clock())
    work = _Work(services, options, charges)
    try:
        work.do(is_cancelled)
    finally:
        _record(services, run_id, work.links)
    if work.breaker.last is not None:
        left = len(charges) - len(work.links)
        raise TransientError(f"{left} of {len(charges)} orders are left for later: {work.breaker.last}")
    return Counter(link.outcome.value for link in work.links)


@dataclass
class _Work:
    """A batch's orders in the hands of several threads."""

    services: Services
    options: RefreshOptions
    charges: Mapping[int, Charge | None]
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    links: list[LinkResult] = field(default_factory=list)

    def do(self, is_cancelled: Callable[[], bool]) -> None:
        """Look after the orders, until it is time to stop; an error that all would meet ends it at once."""
        waiting: set[Future[LinkResult]] = set()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="refresh") as pool:
            try:
                for order_id in self.not_kept():
                    if is_cancelled() or self.breaker.is_open:
                        break
                    waiting.add(pool.submit(self.look_after, order_id))
                    if len(waiting) >= AT_ONCE:
                        waiting = self.collect(waiting)
            finally:
                while waiting:
                    waiting = self.collect(waiting)

    def not_kept(self) -> Iterator[int]:
        """Yield the orders that something may have to be done about; take in the links that are right."""
        turns = self.services.stripe_lists.in_turn(list(self.charges), mailing=False)
        while handful := list(islice(turns, HANDFUL)):
            kept = self.kept(handful)
            self.links += kept.values()
            yield from (order_id for order_id in handful if order_id not in kept)

    def kept(self, order_ids: Sequence[int]) -> Mapping[int, LinkResult]:
        """Return those of the orders' links that are right, which a dry run tells in its own way."""
        charges = {order_id: charge for order_id in order_ids if (charge := self.charges[order_id]) is not None}
        if self.options.dry_run or not charges:
            return {}
        return kept_links(self.services.keeper, charges, LinkKind(self.options.link_kind), mailing=False)

    def look_after(self, order_id: int) -> LinkResult:
        """Do what is to be done about one order, or only say what that would be."""
        charge, renew, kind = self.charges[order_id], self.options.renew, LinkKind(self.options.link_kind)
        if self.options.dry_run:
            return dry_run_link(self.services.keeper, order_id, charge, renew=renew, kind=kind)
        return self.services.keeper.ensure_link(order_id, charge, mailing=False, renew=renew, kind=kind)

    def collect(self, waiting: set[Future[LinkResult]]) -> set[Future[LinkResult]]:
        """Take in what has been done, and return what has not."""
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                self.links.append(future.result())
            except TransientError as error:
                self.breaker.failed(error)
            else:
                self.breaker.went_well()
        return waiting


def _record(services: Services, run_id: UUID, links: Sequence[LinkResult]) -> None:
    queries.record_refresh(services.database, run_id=run_id, links=links, now=services.clock())
