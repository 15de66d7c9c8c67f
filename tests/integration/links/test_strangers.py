"""Sessions that merely name an order of ours: another system on the account may count its own things so."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deployments.local.stripe_standin.control import StandInControl
from tasks.core.settings import Settings
from tasks.links.model import LinkOutcome
from tasks.links.set_asides import release
from tasks.refresh.options import RefreshOptions
from tasks.refresh.report import refresh_sentence
from tests.integration.refresh.test_refresh import RefreshedClub
from tests.support.harness import Inbox, migrated_pipeline
from tests.support.small_club import FEE


@dataclass(frozen=True)
class QuietClub(RefreshedClub):
    """A club of which nobody has said how its own system names orders."""

    def payable(self, order_id: int) -> list[str]:
        ours = {row.session_id for row in self.sql("SELECT session_id FROM tournament_fees.checkout_attempts")}
        return [session for session in super().payable(order_id) if session in ours]


@pytest.fixture(params=[None, ""], ids=["not said", "off"])
def club(
    settings: Settings, stand_in: StandInControl, inbox: Inbox, role: str, request: pytest.FixtureRequest
) -> Iterator[QuietClub]:
    quiet = settings.model_copy(update={"club_reference": request.param})
    with migrated_pipeline(quiet, stand_in, inbox, role) as pipeline:
        yield QuietClub.on(pipeline)


@pytest.fixture
def order(club: QuietClub) -> int:
    return club.family()[0]


def is_told(club: QuietClub) -> bool:
    return club.pipeline.services.settings.club_reference is None


def test_an_open_session_that_merely_names_an_order_is_counted_and_left_open(club: QuietClub, order: int) -> None:
    link = club.ensure_link(order)
    stranger = club.own_session(order, store=False)
    summary = club.refresh()
    assert summary.outcomes == {LinkOutcome.KEPT: 1}
    assert dict(club.at_stripe()) == {str(link.session_id): "open", stranger: "open"}
    assert (club.set_aside(order), summary.duplicates) == ([], [])
    assert ("1 open sessions merely name an order" in refresh_sentence(summary)) is is_told(club)


def test_an_open_session_whose_id_stood_in_the_order_is_closed(club: QuietClub, order: int) -> None:
    stranger = club.own_session(order)
    club.ensure_link(order)
    ours = club.own_session(order)
    club.refresh()
    assert sorted(dict(club.at_stripe()).items()) == sorted({stranger: "open", ours: "expired"}.items())


def test_a_payment_through_the_session_that_an_order_stores_pays_it(club: QuietClub, order: int) -> None:
    club.pipeline.stand_in.pay(club.own_session(order))
    assert club.refresh().outcomes == {LinkOutcome.FOUND_PAID: 1}
    assert club.set_aside(order) == []


@pytest.mark.parametrize("club", [None], indirect=True)
@pytest.mark.parametrize("slow", [False, True])
def test_a_payment_of_the_price_through_one_is_for_a_person_and_asked_for_no_more(
    club: QuietClub, order: int, *, slow: bool
) -> None:
    club.ensure_link(order)
    club.pipeline.stand_in.pay(club.own_session(order, store=False), slow=slow)
    foretold = club.refresh(RefreshOptions(dry_run=True))
    assert foretold.outcomes == club.refresh().outcomes == {LinkOutcome.SET_ASIDE: 1}
    assert club.order_now(order).status == "pending"
    assert club.payable(order) == []
    release(club.pipeline.services.database, [order], released_by="Kim Doe", now=club.pipeline.clock())
    assert club.refresh().outcomes == {LinkOutcome.RENEWED: 1}
    assert club.refresh().outcomes == {LinkOutcome.KEPT: 1}


def test_a_payment_of_something_else_through_one_is_none_of_ours(club: QuietClub, order: int) -> None:
    kept = club.ensure_link(order).session_id
    club.pipeline.stand_in.pay(club.own_session(order, amount=FEE + 1, store=False))
    assert club.refresh().outcomes == {LinkOutcome.KEPT: 1}
    assert club.payable(order) == [kept]


def test_a_payment_that_the_webhook_has_stored_is_the_orders_own(club: QuietClub, order: int) -> None:
    intent = club.pipeline.stand_in.pay(club.own_session(order, store=False))["payment_intent"]
    club.set_order(order, status="paid", payment_method="card", stripe_payment_intent_id=intent)
    club.refresh()
    assert club.set_aside(order) == []
