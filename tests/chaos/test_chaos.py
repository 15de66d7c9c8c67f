"""Delivery survives anything: killed workers, a database that goes away, a mail server that cuts every connection.

CHAOS_SEED repeats the dice of an earlier run; the interleaving of the processes is the machine's own.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.temporary_home import temporary_home
from tests.chaos.crewed import CrewedCampaign, crewed_campaign, say, statuses
from tests.chaos.mail_server import POINTS, Chaos

WORKERS = 3
RESTARTS = 2


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


@dataclass
class Storm:
    """One campaign on its way through all that can happen to it."""

    campaign: CrewedCampaign
    postgres: RestartablePostgres
    die: random.Random
    kills: int

    def rage(self) -> None:
        """Break things until every message has come to an end."""
        campaign, size = self.campaign, self.campaign.size
        campaign.crew.fill()
        while (done := campaign.done()) < size:
            self.kill_some(done)
            if self.postgres.restarts < RESTARTS and done > size * (self.postgres.restarts + 1) // (RESTARTS + 1):
                self.postgres.restart(hard=self.postgres.restarts > 0)
            campaign.crew.fill()
            campaign.let_time_pass()
            threading.Event().wait(self.die.uniform(0.01, 0.2))

    def kill_some(self, done: int) -> None:
        """Keep pace: so many kills for so many messages, some by the mail server at a point that it chooses."""
        crew, mail = self.campaign.crew, self.campaign.mail
        missing = min(self.kills, 1 + int(self.kills * 1.25 * done / self.campaign.size)) - sum(crew.kills.values())
        mail.kills_wanted = max(missing, 0)
        if missing > 0 and self.die.random() < 0.2:
            crew.kill(self.die.choice(crew.names()))

    def payable_orders(self) -> list[int]:
        """Through how many sessions each order can be paid."""
        sessions = self.campaign.club.pipeline.stand_in.sessions()
        return list(Counter(s["client_reference_id"] for s in sessions if s["status"] == "open").values())


@contextmanager
def storm(size: int, kills: int, odds: float, seed: int) -> Iterator[Storm]:
    """Set up a campaign, a mail server and workers; the database and Stripe's stand-in are this storm's own."""
    die = random.Random(seed)  # noqa: S311  dice, no secrets
    mail = Chaos(odds=odds, die=random.Random(seed + 1))  # noqa: S311  dice, no secrets
    with (
        temporary_home(in_memory=True) as folder,
        closing(RestartablePostgres(folder / "data")) as postgres,
        crewed_campaign(folder, postgres.server.url("club"), mail, size, WORKERS, MAX_ATTEMPTS="50") as campaign,
    ):
        mail.kill = campaign.crew.kill
        yield Storm(campaign, postgres, die, kills)


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
        campaign = raging.campaign
        messages, mail, killed = campaign.end(), campaign.mail, campaign.crew.killed()
        say(capsys, f"{dict(statuses(messages))}; killed {dict(killed)}; cut {dict(mail.cuts)}")
        campaign.check(messages)
        assert killed.total() >= kills
        assert raging.postgres.restarts == RESTARTS
        assert raging.payable_orders() == [1] * size
        if full_size:
            assert set(mail.cuts) >= set(POINTS) - {"answered"}, "cut in every phase"
            assert len(killed) > len(POINTS) // 2, "killed in many phases"
