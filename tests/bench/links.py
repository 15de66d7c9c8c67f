"""Links: many verified, and many renewed, where Stripe takes 150 ms a call and allows 100 a second."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic, process_time

from tasks.links.model import LinkOutcome
from tasks.refresh.options import RefreshOptions
from tests.bench.findings import Findings, Goal
from tests.bench.measuring import Announce, Sample, Spread, in_turns, ratios
from tests.bench.stage import Stage, stage
from tests.integration.refresh.test_refresh import RENEW
from tests.support.big_club import BigClub

VERIFIED, RENEWED, READ = 10_000, 2000, 100
LATENCY_MS = 150
LIMIT = 100
"""Calls a second, reads and writes each by themselves, as Stripe allows live."""

PER_LIST = 100
"""Links that a list call shows at most."""

OUR_PACE = {"stripe_calls_per_second": 96.0}
"""Just below: who is refused has to wait."""

VERIFY, RENEWAL, ONE_BY_ONE = "verified by lists", "renewed", "read one at a time"


def links(announce: Announce) -> Findings:
    """Compare with what the limit allows at best, and with a call after the other."""
    with stage(VERIFIED, OUR_PACE) as many, stage(RENEWED, OUR_PACE) as some:
        for club in (many, some):
            club.club.pipeline.stand_in.configure(
                latency_ms=LATENCY_MS, reads_per_second=LIMIT, writes_per_second=LIMIT
            )
        contestants: dict[str, Callable[[], Sample]] = {
            VERIFY: partial(verify, many),
            RENEWAL: partial(renew, some),
            ONE_BY_ONE: partial(read_one_by_one, some),
        }
        samples = in_turns(contestants, announce)
    floors = {
        VERIFY: VERIFIED / PER_LIST * LATENCY_MS / 1000,
        RENEWAL: RENEWED / LIMIT,
        ONE_BY_ONE: READ * LATENCY_MS / 1000,
    }
    by_reads = Spread.of([VERIFIED / LIMIT / one.seconds for one in samples[VERIFY]])
    beside = {name: Spread.of([floors[name] / one.seconds for one in taken]) for name, taken in samples.items()}
    rows = [
        (
            name,
            f"{taken[0].count:,}",
            str(Spread.of([one.seconds for one in taken])),
            f"{floors[name]:.3g}",
            str(beside[name]),
            str(ratios(taken, samples[ONE_BY_ONE])),
        )
        for name, taken in samples.items()
    ]
    return Findings(
        "Links",
        (
            f"{LATENCY_MS} ms a call, {LIMIT} a second",
            "links",
            "seconds",
            "at best",
            "of the best",
            "times one at a time",
        ),
        rows,
        [
            Goal("renewals, of the limit's rate", beside[RENEWAL].median, at_least=0.83),
            Goal("verifications, of the limit's rate for single reads", by_reads.median, at_least=0.83),
        ],
        [f"At best: lists of {PER_LIST}, each begins where the last ended; a create a link, as the limit allows."],
        {name: {"seconds": [one.seconds for one in taken], "count": taken[0].count} for name, taken in samples.items()},
    )


def verify(club: Stage) -> Sample:
    """Look after links that are all as they should be."""
    return _timed(club.club, RefreshOptions(), LinkOutcome.KEPT, VERIFIED)


def renew(club: Stage) -> Sample:
    """Look after links that are all dead."""
    club.club.pipeline.later(timedelta(hours=25))
    return _timed(club.club, RENEW, LinkOutcome.RENEWED, RENEWED)


def read_one_by_one(club: Stage) -> Sample:
    """Read sessions one after the other, as a simple script does."""
    rows = club.club.sql("SELECT stripe_checkout_session_id AS id FROM orders ORDER BY id LIMIT :n", n=READ)
    stripe = club.club.pipeline.services.stripe
    began = monotonic()
    for row in rows:
        stripe.find(row.id)
    return Sample(len(rows), monotonic() - began)


def _timed(club: BigClub, options: RefreshOptions, outcome: LinkOutcome, count: int) -> Sample:
    cpu, began = process_time(), monotonic()
    outcomes = club.refresh_side_by_side(options)
    sample = Sample(count, monotonic() - began, process_time() - cpu)
    if outcomes != Counter({outcome: count}):
        raise RuntimeError(f"not all were {outcome}: {outcomes}")
    return sample
