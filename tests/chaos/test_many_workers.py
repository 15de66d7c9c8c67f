"""Four workers on one campaign, one of them killed: done, and each message went once. The same from other machines."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from tasks.links.ledger import LEASE_SECONDS
from tasks.outbox import CLAIM_SECONDS
from tests.chaos.crew import Crew
from tests.chaos.ledger import check, told
from tests.chaos.mail_server import Chaos, ChaoticTalk
from tests.chaos.network import HOST, lacking, machines, reached
from tests.chaos.test_chaos import FAMILIES, LEASE_HERE_SECONDS, ORDERS_TIME_PASSES, TIME_PASSES, as_text, say
from tests.integration.pipeline.harness import Inbox, open_pipeline, settings_for
from tests.integration.pipeline.small_club import SmallClub
from tests.integration.pipeline.smtp_server import Reaction, server

WORKERS = 4
FULL, SMALL = 2000, 50


@dataclass
class Patient(Chaos):
    """A mail server that takes no message before every worker is there."""

    everybody: threading.Event = field(default_factory=threading.Event)

    def answer(self, point: str, usual: str) -> Reaction:
        if self.connections >= WORKERS:
            self.everybody.set()
        if point == "MAIL":
            self.everybody.wait(60)
        return super().answer(point, usual)


@dataclass
class Crowd:
    """A campaign, and the workers on it."""

    club: SmallClub
    crew: Crew
    mail: Chaos
    size: int

    def deliver(self) -> None:
        """Let all workers deliver, kill one of them on the way, and see the others finish without it."""
        self.crew.fill()
        while not all(self.of_worker(name) for name in self.crew.names()):
            threading.Event().wait(0.05)
        assert self.done() < self.size, "there is work left for those who are left"
        self.crew.kill(self.crew.names()[0])
        while self.done() < self.size:
            assert len(self.crew.names()) == WORKERS - 1, "nobody ends by itself, and nobody takes its place"
            self.let_time_pass()
            threading.Event().wait(0.1)

    def done(self) -> int:
        return int(
            self.club.one(
                "SELECT count(*) FROM tournament_fees.messages WHERE status NOT IN ('queued', 'claimed', 'sending')"
            )
        )

    def of_worker(self, name: str) -> int:
        return int(
            self.club.one(
                "SELECT count(*) FROM tournament_fees.delivery_attempts WHERE run_id = CAST(:name AS uuid)", name=name
            )
        )

    def let_time_pass(self) -> None:
        """Let the leases of who is dead expire: in the field that takes minutes."""
        club, now = self.club, self.club.pipeline.clock()
        club.sql(TIME_PASSES, claims_before=CLAIM_SECONDS - LEASE_HERE_SECONDS, dead=list(self.crew.dead))
        club.sql(ORDERS_TIME_PASSES, orders_before=LEASE_SECONDS - LEASE_HERE_SECONDS)
        club.sql("UPDATE tournament_fees.messages SET next_attempt_at = created_at WHERE status = 'queued'")
        database = club.pipeline.services.database
        database.fetch("return_expired_claims", campaign_id=None, now=now)
        database.fetch("hold_lost_sendings", campaign_id=None, now=now)


@contextmanager
def campaign_of(size: int, places: Sequence[str] = ("",)) -> Iterator[Crowd]:
    """Set up a campaign, its servers and its workers; those in other places reach the ledger over TCP."""
    elsewhere = places != ("",)
    listening = {"listen_addresses": HOST} if elsewhere else {}
    with (
        TemporaryDirectory(prefix="tournament-fees-", ignore_cleanup_errors=True) as folder,
        embedded_postgres(Path(folder) / "data", databases=("club",), settings=listening) as postgres,
        running_stand_in(Path(folder) / "stripe.sqlite3") as stripe,
        StandInControl(stripe.base_url) as stand_in,
        ExitStack() as parts,
    ):
        mail = Patient(odds=0)
        port = parts.enter_context(server(mail, ChaoticTalk))
        nowhere = Inbox(f"smtp://127.0.0.1:{port}", Path(folder))
        settings = settings_for(postgres.url("club"), stand_in, nowhere)
        club = SmallClub.on(parts.enter_context(open_pipeline(settings, stand_in, nowhere)))
        club.sql(FAMILIES, size=size)
        campaign = club.open_campaign()
        club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
        given = {name.upper(): as_text(value) for name, value in settings if value is not None}
        if elsewhere:
            given["DATABASE_URL"] = over_tcp(postgres, Path(folder) / "data")
            for place in places:
                for one in (port, urlsplit(stripe.base_url).port or 0):
                    parts.enter_context(reached(one, place))
        crew = Crew(given, campaign, port, WORKERS, places)
        parts.callback(crew.dismiss)
        yield Crowd(club, crew, mail, size)


def over_tcp(postgres: PostgresServer, data: Path) -> str:
    """Let other machines in, and return the address that they use."""
    with (data / "pg_hba.conf").open("a") as allowed:
        allowed.write(f"\nhost all all {HOST}/24 trust\n")
    with postgres.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
    return f"postgresql+psycopg://postgres@{HOST}:5432/club"


def delivered_once(campaign: Crowd) -> Counter[str]:
    """Assert that every message has come to its end and that none went twice; return how many came to which."""
    campaign.crew.dismiss()
    campaign.let_time_pass()
    messages = told(campaign.club)
    counted = Counter(message.status for message in messages)
    check(messages, campaign.mail.taken(), cut=0, killed=1)
    assert len(messages) == campaign.size
    assert counted["failed"] == campaign.size // 50, "just those whose mailbox is gone"
    assert counted["sent"] + counted["failed"] + counted["uncertain"] == campaign.size
    assert counted["uncertain"] <= 1, "what the killed one had on the wire"
    return counted


@pytest.mark.long
def test_four_workers_deliver_a_campaign_though_one_is_killed(
    full_size: bool,  # noqa: FBT001  a fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    with campaign_of(FULL if full_size else SMALL) as campaign:
        campaign.deliver()
        say(capsys, f"{WORKERS} workers, one killed: {dict(delivered_once(campaign))}")


@pytest.mark.only_long
def test_the_same_over_tcp_from_two_network_namespaces(capsys: pytest.CaptureFixture[str]) -> None:
    if reason := lacking():
        pytest.skip(reason)  # only root may make network namespaces, and `make test-long` is for everybody
    with machines(2) as places, campaign_of(FULL, places) as campaign:
        campaign.deliver()
        came_from = campaign.club.one(
            "SELECT count(DISTINCT client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL"
        )
        assert came_from == len(places), "each place reaches the ledger from an address of its own"
        say(capsys, f"{WORKERS} workers in {len(places)} networks, one killed: {dict(delivered_once(campaign))}")
