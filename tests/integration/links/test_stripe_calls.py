"""What it costs in calls to Stripe, counted in the stand-in's log: the figures that the README states."""

import logging
import time
from datetime import timedelta

import pytest

from tasks.links.model import LinkOutcome
from tasks.links.stripe_params import ORDER_KEY
from tasks.refresh.options import RefreshOptions
from tests.integration.refresh.test_refresh import FORM
from tests.support.big_club import BigClub
from tests.support.harness import Pipeline, open_pipeline
from tests.support.small_club import SmallClub

LINK_FORM = {
    "line_items": FORM["line_items"],
    "restrictions": {"completed_sessions": {"limit": "1"}},
}
log = logging.getLogger(__name__)


@pytest.fixture
def club(small_club: Pipeline) -> BigClub:
    return BigClub.on(small_club)


@pytest.mark.long
def test_live_links_are_verified_by_the_hundred(club: BigClub, full_size: bool) -> None:  # noqa: FBT001  a fixture
    count = 10_000 if full_size else 300
    club.made_by_the_club(club.people(count), (20, 2))
    summary = club.refresh(RefreshOptions())
    assert summary.outcomes == {LinkOutcome.BACKFILLED: count}
    calls = club.calls_by_kind()
    assert set(calls) == {"list"}
    # A page for each hundred, one for completed ones, one for payment links, one to see that Stripe answers.
    assert calls.total() <= (110 if full_size else count / 100 + 4)
    club.pipeline.stand_in.clear_requests()
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.KEPT: count}
    assert club.calls_by_kind() == calls


@pytest.mark.long
def test_live_payment_links_are_verified_by_the_hundred(club: BigClub, full_size: bool) -> None:  # noqa: FBT001  a fixture
    count = 10_000 if full_size else 300
    orders = club.people(count)
    made = club.pipeline.stand_in.stage_links(LINK_FORM, [{ORDER_KEY: str(order)} for order in orders])
    club.sql(
        "UPDATE orders SET stripe_checkout_session_id = given.link FROM "
        "unnest(CAST(:orders AS bigint[]), CAST(:links AS text[])) AS given (id, link) WHERE orders.id = given.id",
        orders=orders,
        links=[link["id"] for link in made],
    )
    club.pipeline.stand_in.clear_requests()
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.BACKFILLED: count}
    calls = club.calls_by_kind()
    assert set(calls) == {"list"}
    # A page for each hundred, one for open sessions, one for completed ones, one to see that Stripe answers.
    assert calls.total() <= (110 if full_size else count / 100 + 4)
    club.pipeline.stand_in.clear_requests()
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.KEPT: count}
    assert club.calls_by_kind() == calls


@pytest.mark.long
def test_live_links_among_foreign_sessions_are_verified_by_pages_of_all(club: BigClub, full_size: bool) -> None:  # noqa: FBT001
    count = 10_000 if full_size else 100
    club.made_by_the_club(club.people(count), (20, 2), foreign=5 * count)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.BACKFILLED: count}
    calls = club.calls_by_kind()
    assert set(calls) == {"list"}
    assert calls.total() <= (700 if full_size else 6 * count / 100 + 4)


@pytest.mark.long
@pytest.mark.parametrize("maker", ["pipeline", "club"])
def test_expired_links_are_renewed_by_a_create_each_and_few_lists(club: BigClub, full_size: bool, maker: str) -> None:  # noqa: FBT001
    count = 2000 if full_size else 150
    orders = club.people(count)
    if maker == "club":
        club.made_by_the_club(orders, (30, 26))
    else:
        club.refresh()
        club.pipeline.later(timedelta(hours=25))
        club.pipeline.stand_in.clear_requests()
    still_open = orders[:5]
    for order in still_open:
        club.own_session(order, amount=7500)
    club.pipeline.stand_in.clear_requests()
    summary = club.refresh()
    assert summary.outcomes == {LinkOutcome.RENEWED: count}
    calls = club.calls_by_kind()
    assert calls["create"] == count
    assert calls["expire"] == len(still_open)
    first_create, last_list = club.calls("POST")[0], club.calls("GET")[-1]
    assert first_create["seq"] < last_list["seq"], "orders wait for pages that are not about them"
    # A page for each hundred expired, one each for open ones, completed ones, payment links and to see that Stripe
    # answers.
    assert calls["list"] <= (count / 50 if full_size else 2 + 4)
    # A read for each session that was just expired, to see what became of it, and for the last one that a page would
    # have shown alone.
    assert calls["retrieve"] <= len(still_open) + count / 500 + 1
    club.pipeline.stand_in.clear_requests()
    club.refresh(RefreshOptions())
    assert set(club.calls_by_kind()) == {"list"}


@pytest.mark.only_long
def test_two_thousand_links_are_renewed_as_fast_as_stripes_limit_allows(small_club: Pipeline) -> None:
    count, limit = 2000, 100
    settings = small_club.services.settings.model_copy(update={"stripe_calls_per_second": 96.0})
    with open_pipeline(settings, small_club.stand_in, small_club.inbox) as pipeline:
        club = BigClub.on(pipeline)
        club.made_by_the_club(club.people(count), (30, 26))
        pipeline.stand_in.configure(latency_ms=150, reads_per_second=limit, writes_per_second=limit)
        began, busy = time.monotonic(), time.process_time()
        assert club.refresh_side_by_side() == {LinkOutcome.RENEWED: count}
        took, busy = time.monotonic() - began, time.process_time() - busy
        requests = pipeline.stand_in.requests()
    refused = sum(request["status"] == 429 for request in requests)
    log.info("%d renewed in %.1f s, answered 429: %d, our CPU: %.1f ms each", count, took, refused, 1000 * busy / count)
    assert took <= 1.2 * count / limit
    assert refused <= len(requests) / 100


def test_a_batch_of_a_campaign_checks_its_links_by_list(club: BigClub) -> None:
    club.people(30)
    club.pipeline.run("Spring Cup")
    club.pipeline.stand_in.clear_requests()
    summary = club.pipeline.run("Spring Cup", sequence=2)
    assert summary.sent == 30
    calls = club.calls_by_kind()
    assert calls["create"] == 0
    assert calls["list"] + calls["retrieve"] <= 6, "instead of 30 reads"


def test_a_small_club_of_one_order_is_read_and_not_listed_for(club: SmallClub) -> None:
    (order,) = club.family()
    club.own_session(order)
    club.pipeline.stand_in.clear_requests()
    club.pipeline.services.stripe_lists.look_for([order], mailing=True)
    assert club.calls("GET") == []
