"""Several worker processes on one campaign, and what is left when one is killed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from uuid import uuid4

import pytest

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.options import Batch, Campaign
from tasks.core.settings_source import load_settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.services import open_services
from tests.support.copies import COPIES
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SESSIONS, SmallClub
from tests.support.waiting import until

FAMILIES = 24


def work(given: Mapping[str, str], campaign_id: int, size: int, ids: Sequence[int]) -> None:
    """Deliver these messages, so many at a time."""
    with open_services(load_settings(given)) as services:
        for start in range(0, len(ids), size):
            batch = Batch(start + 1, tuple(ids[start : start + size]))
            deliver_batch(services, Campaign(campaign_id, "fee_notice", 1, CUP), batch, uuid4())


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club whose campaign is being sent."""
    club = SmallClub.on(small_club)
    for number in range(FAMILIES):
        club.family(f"Family{number}", f"family{number}@example.com")
    plan_batches(small_club.services, club.open_campaign(), FAMILIES)
    return club


def start_worker(club: SmallClub, message_ids: Sequence[int], size: int = 5) -> ForkServerProcess:
    """Start a process that delivers these messages, a few at a time."""
    campaign = club.one("SELECT id FROM tournament_fees.campaigns")
    worker = COPIES.Process(target=work, args=(club.pipeline.environment, campaign, size, message_ids))
    worker.start()
    return worker


def ended(worker: ForkServerProcess) -> int | None:
    """Wait for its end; return its exit code, or the signal that ended it, below 0."""
    worker.join()
    return worker.exitcode


def kill(worker: ForkServerProcess) -> int | None:
    """Kill it as kill -9 does; return as ended()."""
    worker.kill()
    return ended(worker)


def ids(club: SmallClub) -> list[int]:
    return [row.id for row in club.messages()]


def statuses(club: SmallClub) -> Counter[str]:
    return Counter(row.status for row in club.messages())


def mailed(club: SmallClub) -> Counter[str]:
    return Counter(str(mail["X-Envelope-To"]) for mail in club.pipeline.inbox.messages())


def wait_for_mails(club: SmallClub, worker: ForkServerProcess, enough: int) -> None:
    """Wait until so many mails were caught, or the worker has ended."""
    until(lambda: not worker.is_alive() or len(mailed(club)) >= enough)


def lose_leases(club: SmallClub) -> None:
    """Let the time pass that a killed worker's leases still have."""
    club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() WHERE lease_token IS NOT NULL")
    club.sql("UPDATE tournament_fees.order_leases SET expires_at = now()")


def test_three_workers_with_the_same_messages_send_each_once(club: SmallClub) -> None:
    workers = [start_worker(club, ids(club)) for _ in range(3)]
    assert [ended(worker) for worker in workers] == [0, 0, 0]
    assert statuses(club) == {"sent": FAMILIES}
    assert set(mailed(club).values()) == {1}
    assert len(mailed(club)) == FAMILIES
    attempts = "SELECT count(*) FROM tournament_fees.delivery_attempts WHERE outcome = 'sending'"
    assert club.one(attempts) == FAMILIES


def test_a_killed_workers_messages_are_sent_by_others_and_none_twice(club: SmallClub) -> None:
    """Killed while Stripe keeps it waiting: it holds its leases, and nothing of it is on the wire."""
    club.pipeline.stand_in.add_fault("slow", method="POST", path_prefix=SESSIONS, seconds=25)
    victim = start_worker(club, ids(club)[:10], size=10)
    until(lambda: not victim.is_alive() or not club.pipeline.stand_in.faults())
    assert kill(victim) == -9
    club.pipeline.stand_in.clear_faults()
    assert statuses(club) == {"claimed": 10, "queued": FAMILIES - 10}

    others = [start_worker(club, ids(club)) for _ in range(2)]
    assert [ended(worker) for worker in others] == [0, 0]
    assert statuses(club) == {"claimed": 10, "sent": FAMILIES - 10}, "its leases hold as long as they are alive"

    lose_leases(club)
    club.pipeline.retry()
    assert statuses(club) == {"sent": FAMILIES}
    assert set(mailed(club).values()) == {1}
    assert len(mailed(club)) == FAMILIES


@pytest.mark.only_long
def test_workers_that_are_killed_at_any_moment_lose_nothing_and_double_nothing(club: SmallClub) -> None:
    """Killed after so many mails were caught: at most the one in hand of each is uncertain; none was caught twice."""
    kills = 0
    for enough in (3, 8, 14, 20):
        worker = start_worker(club, ids(club), size=8)
        wait_for_mails(club, worker, enough)
        kills += kill(worker) == -9
        lose_leases(club)
    club.pipeline.retry()
    found = statuses(club)
    assert found["sent"] + found["uncertain"] == FAMILIES
    assert found["uncertain"] <= kills
    assert set(mailed(club).values()) == {1}
    assert len(mailed(club)) >= found["sent"]


def test_a_corrected_address_between_a_killed_run_and_the_next_mails_an_order_once(club: SmallClub) -> None:
    worker = start_worker(club, ids(club))
    wait_for_mails(club, worker, 1)
    kill(worker)
    club.sql("UPDATE parents SET email = replace(email, 'example.com', 'example.org')")
    lose_leases(club)
    club.pipeline.run(CUP)
    families = Counter(address.partition("@")[0] for address in mailed(club).elements())
    assert set(families.values()) == {1}
    assert statuses(club)["uncertain"] <= 1
