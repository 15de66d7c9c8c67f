"""Four workers on one campaign, one of them killed: done, and each message went once. The same from other machines."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.temporary_home import temporary_home
from tests.chaos.crewed import CrewedCampaign, crewed_campaign, say, statuses
from tests.chaos.mail_server import Chaos
from tests.chaos.network import HOST, LINKS, NAMESPACES, ip, lacking, machines
from tests.support.smtp_server import Reaction

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


@contextmanager
def campaign_of(size: int, places: Sequence[str] = ("",)) -> Iterator[CrewedCampaign]:
    """Set up a campaign, its servers and its workers; those in other places reach the ledger over TCP."""
    elsewhere = places != ("",)
    listening = {"listen_addresses": HOST} if elsewhere else {}
    with (
        temporary_home(in_memory=True) as folder,
        embedded_postgres(folder / "data", databases=("club",), settings=listening) as postgres,
    ):
        url = postgres.url("club")
        reached_at = over_tcp(postgres, folder / "data") if elsewhere else url
        mail = Patient(odds=0)
        with crewed_campaign(folder, url, mail, size, WORKERS, places, DATABASE_URL=reached_at) as campaign:
            yield campaign


def over_tcp(postgres: PostgresServer, data: Path) -> str:
    """Let other machines in, and return the address that they use."""
    with (data / "pg_hba.conf").open("a") as allowed:
        allowed.write(f"\nhost all all {HOST}/24 trust\n")
    with postgres.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
    return f"postgresql+psycopg://postgres@{HOST}:5432/club"


def deliver(campaign: CrewedCampaign) -> None:
    """Let all workers deliver, kill one of them on the way, and see the others finish without it."""
    crew = campaign.crew
    crew.fill()
    while not all(tries_of(campaign, name) for name in crew.names()):
        threading.Event().wait(0.05)
    assert campaign.done() < campaign.size, "there is work left for those who are left"
    crew.kill(crew.names()[0])
    while campaign.done() < campaign.size:
        assert len(crew.names()) == WORKERS - 1, "nobody ends by itself, and nobody takes its place"
        campaign.let_time_pass()
        threading.Event().wait(0.1)


def tries_of(campaign: CrewedCampaign, worker: str) -> int:
    """How many attempts a worker has recorded."""
    tries = "SELECT count(*) FROM tournament_fees.delivery_attempts WHERE run_id = CAST(:name AS uuid)"
    return int(campaign.club.one(tries, name=worker))


def delivered_once(campaign: CrewedCampaign) -> str:
    """Assert that every message has come to its end and that none went twice; say how many came to which."""
    messages = campaign.end()
    campaign.check(messages)
    counted = statuses(messages)
    assert campaign.crew.killed().total() == 1
    assert counted["sent"] + counted["failed"] + counted["uncertain"] == campaign.size
    assert counted["uncertain"] <= 1, "what the killed one had on the wire"
    return str(dict(counted))


@pytest.mark.long
def test_four_workers_deliver_a_campaign_though_one_is_killed(
    full_size: bool,  # noqa: FBT001  a fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    with campaign_of(FULL if full_size else SMALL) as campaign:
        deliver(campaign)
        say(capsys, f"{WORKERS} workers, one killed: {delivered_once(campaign)}")


@pytest.mark.only_long
def test_the_networks_of_a_killed_run_are_removed_by_the_next() -> None:
    if reason := lacking():
        pytest.skip(reason)  # only root may make networks, and `make test-long` is for everybody
    with subprocess.Popen(["true"]) as gone:  # noqa: S607  found on the PATH
        pass
    bridge, namespace = f"tf{gone.pid}", f"tf{gone.pid}m0"
    assert ip("link", "add", bridge, "type", "bridge")
    assert ip("netns", "add", namespace)
    with machines(1) as (ours,):
        assert not (LINKS / bridge).exists()
        assert not (NAMESPACES / namespace).exists()
        assert (NAMESPACES / ours).exists()


@pytest.mark.only_long
def test_the_same_over_tcp_from_two_network_namespaces(capsys: pytest.CaptureFixture[str]) -> None:
    if reason := lacking():
        pytest.skip(reason)  # only root may make network namespaces, and `make test-long` is for everybody
    with machines(2) as places, campaign_of(FULL, places) as campaign:
        deliver(campaign)
        came_from = campaign.club.one(
            "SELECT count(DISTINCT client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL"
        )
        assert came_from == len(places), "each place reaches the ledger from an address of its own"
        say(capsys, f"{WORKERS} workers in {len(places)} networks, one killed: {delivered_once(campaign)}")
