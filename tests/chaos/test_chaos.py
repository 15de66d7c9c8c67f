"""Delivery survives anything: killed workers, a database that goes away, a mail server that cuts every connection.

CHAOS_SEED repeats the dice of an earlier run; the interleaving of the processes is the machine's own.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from pydantic import SecretStr

from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from tasks.campaign import Campaign
from tasks.links.ledger import LEASE_SECONDS
from tasks.outbox import CLAIM_SECONDS
from tests.chaos.crew import Crew
from tests.chaos.ledger import check, told
from tests.chaos.mail_server import IN_HAND, POINTS, Chaos, ChaoticTalk
from tests.integration.pipeline.harness import Inbox, open_pipeline, settings_for
from tests.integration.pipeline.small_club import SmallClub
from tests.integration.pipeline.smtp_server import server

WORKERS = 3
RESTARTS = 2
LEASE_HERE_SECONDS = 3
"""Who has not renewed a lease for so long is taken to be dead; in the field that takes minutes."""

FAMILIES = """
WITH families AS (
    INSERT INTO parents (first_name, last_name, email)
    SELECT 'Jo', 'Family' || n, CASE WHEN n % 50 = 0 THEN 'gone' ELSE 'jo' END || n || '@example.com'
    FROM generate_series(1, :size) AS n RETURNING id, last_name
), children AS (
    INSERT INTO players (parent_id, first_name, last_name) SELECT id, 'Max', last_name FROM families RETURNING id
), teams AS (
    INSERT INTO player_teams SELECT id, 1, 'committed' FROM children
)
INSERT INTO orders (player_id, product_id, status, amount) SELECT id, 1, 'pending', 5500 FROM children
"""

TIME_PASSES = """
UPDATE tournament_fees.messages SET lease_expires_at = clock_timestamp() - interval '1 second'
WHERE status = 'claimed' AND lease_expires_at < clock_timestamp() + make_interval(secs => :claims_before)
   OR status = 'sending' AND id IN (
        SELECT a.message_id FROM tournament_fees.delivery_attempts AS a
        WHERE a.outcome = 'sending' AND a.attempt = messages.attempts AND a.run_id = ANY(:dead)
   )
"""
ORDERS_TIME_PASSES = """
UPDATE tournament_fees.order_leases SET expires_at = clock_timestamp() - interval '1 second'
WHERE expires_at < clock_timestamp() + make_interval(secs => :orders_before)
"""


@dataclass
class Storm:
    """One campaign on its way through all that can happen to it."""

    club: SmallClub
    campaign: Campaign
    crew: Crew
    mail: Chaos
    postgres: "RestartablePostgres"
    die: random.Random
    size: int
    kills: int

    def rage(self) -> None:
        """Break things until every message has come to an end."""
        self.crew.fill()
        while (done := self.done()) < self.size:
            self.kill_some(done)
            if self.postgres.restarts < RESTARTS and done > self.size * (self.postgres.restarts + 1) // (RESTARTS + 1):
                self.postgres.restart(hard=self.postgres.restarts > 0)
            self.crew.fill()
            self.let_time_pass()
            threading.Event().wait(self.die.uniform(0.01, 0.2))

    def kill_some(self, done: int) -> None:
        """Keep pace: so many kills for so many messages, some by the mail server at a point that it chooses."""
        missing = min(self.kills, 1 + int(self.kills * 1.25 * done / self.size)) - sum(self.crew.kills.values())
        self.mail.kills_wanted = max(missing, 0)
        if missing > 0 and self.die.random() < 0.2:
            self.crew.kill(self.die.choice(self.crew.names()))

    def let_time_pass(self) -> None:
        """Let dead workers' leases expire and what is due later become due; take back what was held."""
        self.club.pipeline.owner.outlast(self._let_time_pass, 60)  # a restart takes our own connections too

    def _let_time_pass(self) -> None:
        club, now = self.club, self.club.pipeline.clock()
        club.sql(TIME_PASSES, claims_before=CLAIM_SECONDS - LEASE_HERE_SECONDS, dead=list(self.crew.dead))
        club.sql(ORDERS_TIME_PASSES, orders_before=LEASE_SECONDS - LEASE_HERE_SECONDS)
        club.sql("UPDATE tournament_fees.messages SET next_attempt_at = created_at WHERE status = 'queued'")
        database = club.pipeline.services.database
        database.fetch("return_expired_claims", campaign_id=self.campaign.id, now=now)
        database.fetch("hold_lost_sendings", campaign_id=self.campaign.id, now=now)

    def done(self) -> int:
        count = "SELECT count(*) FROM tournament_fees.messages WHERE status IN ('sent', 'failed', 'uncertain')"
        return int(self.club.pipeline.owner.outlast(lambda: self.club.one(count), 60))

    def payable_orders(self) -> list[int]:
        """Through how many sessions each order can be paid."""
        sessions = self.club.pipeline.stand_in.sessions()
        return list(Counter(s["client_reference_id"] for s in sessions if s["status"] == "open").values())


class RestartablePostgres:
    """A PostgreSQL server that goes away and comes back at the same place."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.restarts = 0
        self._running = ExitStack()
        self.server: PostgresServer = self._start()

    def restart(self, *, hard: bool) -> None:
        """Stop it, in an orderly way or as a power failure does, and start it again."""
        if hard:
            process = psutil.Process(self.server.pid)
            for one in [process, *process.children()]:
                one.send_signal(signal.SIGKILL)
        self._running.close()
        self.restarts += 1
        self.server = self._start()

    def close(self) -> None:
        self._running.close()

    def _start(self) -> PostgresServer:
        return self._running.enter_context(embedded_postgres(self.data, databases=("club",)))


@contextmanager
def storm(size: int, kills: int, odds: float, seed: int) -> Iterator[Storm]:
    """Set up a campaign, a mail server and workers; the database and Stripe's stand-in are this storm's own."""
    die = random.Random(seed)  # noqa: S311  dice, no secrets
    with (
        TemporaryDirectory(prefix="tournament-fees-", ignore_cleanup_errors=True) as folder,
        ExitStack() as parts,
    ):
        postgres = RestartablePostgres(Path(folder) / "data")
        parts.callback(postgres.close)
        stripe = parts.enter_context(running_stand_in(Path(folder) / "stripe.sqlite3"))
        stand_in = parts.enter_context(StandInControl(stripe.base_url))
        mail = Chaos(odds=odds, die=random.Random(seed + 1))  # noqa: S311  dice, no secrets
        port = parts.enter_context(server(mail, ChaoticTalk))
        nowhere = Inbox(f"smtp://127.0.0.1:{port}", Path(folder))
        settings = settings_for(postgres.server.url("club"), stand_in, nowhere)
        pipeline = parts.enter_context(open_pipeline(settings, stand_in, nowhere))
        club = SmallClub.on(pipeline)
        club.sql(FAMILIES, size=size)
        campaign = club.open_campaign()
        club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
        given = {name.upper(): as_text(value) for name, value in settings if value is not None}
        crew = Crew({**given, "MAX_ATTEMPTS": "50"}, campaign, port, WORKERS)
        parts.callback(crew.dismiss)
        mail.kill = crew.kill
        yield Storm(club, campaign, crew, mail, postgres, die, size, kills)


def as_text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


@pytest.mark.long
def test_nobody_is_lost_and_nobody_is_mailed_twice(
    full_size: bool,  # noqa: FBT001  a fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    size, kills, odds = (1000, 110, 0.01) if full_size else (50, 10, 0.03)
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(10**6)))
    say(capsys, f"CHAOS_SEED={seed}, {size} recipients")
    with storm(size, kills, odds, seed) as raging:
        raging.rage()
        raging.crew.dismiss()
        raging.let_time_pass()
        messages, mail, killed = told(raging.club), raging.mail, raging.crew.killed()
        counted = Counter(message.status for message in messages)
        say(capsys, f"{dict(counted)}; killed {dict(killed)}; cut {dict(mail.cuts)}; {mail.connections} connections")
        cut = sum(mail.cuts[point] for point in IN_HAND)
        check(messages, mail.taken(), cut=cut, killed=killed.total())
        assert len(messages) == size
        assert counted["failed"] == size // 50, "just those whose mailbox is gone"
        assert killed.total() >= kills
        assert raging.postgres.restarts == RESTARTS
        assert raging.payable_orders() == [1] * size
        if full_size:
            assert set(mail.cuts) >= set(POINTS) - {"answered"}, "cut in every phase"
            assert len(killed) > len(POINTS) // 2, "killed in many phases"


def say(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with capsys.disabled():
        print(f"\nchaos: {words}", end="")  # noqa: T201  the seed is told whatever becomes of the test
