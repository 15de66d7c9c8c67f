"""Two runs of one campaign at the same moment, without the turn that flow runs wait for: each message goes once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from tasks.services import open_services
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub

FAMILIES = 25
RUNS = 2


def test_two_runs_of_a_campaign_at_the_same_moment_send_each_message_once(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    addresses = [f"family{number}@example.com" for number in range(FAMILIES)]
    for number, address in enumerate(addresses):
        club.family(f"Family{number}", address)
    start = Barrier(RUNS)

    def run() -> int:
        with open_services(small_club.services.settings, small_club.clock) as services:
            start.wait()
            return replace(small_club, services=services).run(CUP).sent

    with ThreadPoolExecutor(RUNS) as pool:
        runs = [pool.submit(run) for _ in range(RUNS)]
        sent = [one.result() for one in runs]
    assert sum(sent) == FAMILIES
    assert {row.status for row in club.messages()} == {"sent"}
    mailed = Counter(str(message["X-Envelope-To"]) for message in small_club.inbox.messages())
    assert mailed == Counter(addresses)
