"""kill -9 of a real process at random moments of a refresh: no order is payable twice, no session is lost."""

import os
import random
import select
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from tasks.links.lost_requests import IN_FLIGHT
from tasks.refresh.batch import refresh_batch
from tasks.refresh.options import RefreshOptions
from tasks.refresh.plan import plan_refresh
from tasks.refresh.prepare import prepare_refresh
from tasks.services import open_services
from tests.chaos.world import World, is_ours, order_of

RENEW = RefreshOptions(renew=True)


def killed(work: Callable[[Callable[[], object]], object], seconds: float) -> bool:
    """Run `work` in a forked process and kill it so long after it says that it has begun; False where it had ended."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            work(lambda: os.write(write, b"."))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read):
        os.read(read, 1)
        alive = not select.select([read], [], [], seconds)[0]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return alive


@pytest.fixture
def seed(full_size: bool) -> int:  # noqa: FBT001  a fixture
    """Another one each time where there is time for it; pytest shows it where the test fails."""
    return random.SystemRandom().randrange(2**32) if full_size else 1


@pytest.fixture
def chance(seed: int) -> random.Random:
    print(f"seed {seed}")  # noqa: T201  pytest shows it where the test fails
    return random.Random(seed)  # noqa: S311  repeatable, nobody gains by guessing it


@pytest.mark.long
def test_kill_9_at_random_moments_of_a_refresh(world: World, chance: random.Random, *, full_size: bool) -> None:
    kills, families = (200, 50) if full_size else (15, 10)  # four orders each, beside the three that are always there
    world.reset()
    for number in range(families):
        world.orders += world.club.family(f"Family{number}", f"family{number}@example.com", children=4)

    def work(begun: Callable[[], object]) -> None:
        with open_services(world.pipeline.services.settings, world.pipeline.clock) as services:
            prepare_refresh(services, RENEW)
            begun()
            for batch in plan_refresh(services, RENEW):
                refresh_batch(services, RENEW, batch, uuid4())

    began = time.monotonic()
    assert not killed(work, 600)
    longest = (time.monotonic() - began) / 4  # some eight kills until all is renewed
    hits = rounds = 0
    while hits < kills:
        if len(world.sessions(status="open")) == len(world.orders):
            world.later(timedelta(hours=25))  # every session has expired: there is something to do again
            rounds += 1
        hits += killed(work, chance.uniform(0, longest))
        assert world.all_broken() == []
        world.club.sql("UPDATE tournament_fees.order_leases SET expires_at = now() - interval '1 second'")

    print(f"{hits} kills of a refresh of {len(world.orders)} orders; {len(world.sessions())} sessions made")  # noqa: T201

    world.later(2 * IN_FLIGHT)
    world.run("refresh")
    assert world.all_broken() == []
    payable = {session["id"]: order_of(session) for session in world.sessions(status="open")}
    stored = world.club.sql("SELECT id, stripe_checkout_session_id FROM orders WHERE stripe_checkout_url IS NOT NULL")
    assert payable == {row.stripe_checkout_session_id: row.id for row in stored}
    assert sorted(payable.values()) == sorted(world.orders)
    most = Counter(order_of(session) for session in world.sessions() if is_ours(session)).most_common(1)
    assert most[0][1] <= rounds + 1, "a session was made that nobody needed"
