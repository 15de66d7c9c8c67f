"""A club of thousands: with an order for each player, and sessions that its own system has made."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from flows.refresh_checkout_links import BATCHES_AT_ONCE
from tasks.refresh.batch import refresh_batch
from tasks.refresh.options import RefreshBatch, RefreshOptions
from tasks.refresh.plan import plan_refresh
from tasks.refresh.prepare import prepare_refresh
from tasks.services import open_services
from tests.integration.refresh.test_refresh import FORM, RENEW, RefreshedClub
from tests.support.small_club import FEE, PAYMENT_LINKS, SESSIONS

HOUR = 3600.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BigClub(RefreshedClub):
    """A club with an order for each of many players, and an account at Stripe that others may use too."""

    def people(self, count: int) -> list[int]:
        self.sql(
            "INSERT INTO parents (first_name, last_name, email) "
            "SELECT 'Jo', 'Ek' || n, 'ek' || n || '@example.com' FROM generate_series(1, :count) AS n",
            count=count,
        )
        self.sql("INSERT INTO players (parent_id, first_name, last_name) SELECT id, 'Max', last_name FROM parents")
        self.sql("INSERT INTO player_teams SELECT id, 1, 'committed' FROM players")
        rows = self.sql(
            "INSERT INTO orders (player_id, product_id, amount) SELECT id, 1, :fee FROM players RETURNING id", fee=FEE
        )
        return sorted(row.id for row in rows)

    def made_by_the_club(self, orders: list[int], hours_ago: tuple[float, float], foreign: int = 0) -> None:
        """Give each order a session of the club's own system, among as many foreign ones as wanted."""
        now = self.pipeline.stand_in.now()
        made = (now - hours_ago[0] * HOUR, now - hours_ago[1] * HOUR)
        references = [str(order) for order in orders] + ["of another shop"] * foreign
        Random(7).shuffle(references)  # noqa: S311  mixed alike in every run
        ids = self.pipeline.stand_in.stage(FORM, references, made)
        ours = {reference: session for reference, session in zip(references, ids, strict=True) if reference.isdigit()}
        self.sql(
            "UPDATE orders SET stripe_checkout_session_id = given.session FROM "
            "unnest(CAST(:orders AS bigint[]), CAST(:sessions AS text[])) AS given (id, session) "
            "WHERE orders.id = given.id",
            orders=[int(reference) for reference in ours],
            sessions=list(ours.values()),
        )
        self.pipeline.stand_in.clear_requests()

    def calls_by_kind(self) -> Counter[str]:
        kinds = {("GET", SESSIONS): "list", ("GET", PAYMENT_LINKS): "list", ("POST", SESSIONS): "create"}

        def kind(method: str, path: str) -> str:
            return kinds.get((method, path)) or ("expire" if path.endswith("/expire") else "retrieve")

        calls = Counter(kind(request["method"], request["path"]) for request in self.pipeline.stand_in.requests())
        log.info("calls to Stripe: %s", dict(calls))  # ARGS=--log-cli-level=INFO
        return calls

    def refresh_side_by_side(self, options: RefreshOptions = RENEW) -> Counter[str]:
        """Do what the flow does, each batch on parts of its own, as many at once as there."""
        services = self.pipeline.services
        prepare_refresh(services, options)

        def work(batch: RefreshBatch) -> Counter[str]:
            with open_services(services.settings, self.pipeline.clock) as own:
                return refresh_batch(own, options, batch, uuid4())

        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            return sum(pool.map(work, plan_refresh(services, options)), Counter())
