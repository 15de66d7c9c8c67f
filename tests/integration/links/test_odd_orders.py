"""Orders' links where the trouble is rarer: what a person must not miss, what must not spoil the rest."""

import traceback
from contextlib import closing

import pytest

from tasks.core import database
from tasks.core import queries as core_queries
from tasks.core.errors import TransientError
from tasks.links.model import LinkOutcome
from tasks.links.set_asides import release
from tasks.services import open_services
from tests.support.harness import Pipeline
from tests.support.small_club import FEE, SESSIONS, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


@pytest.fixture
def order(club: SmallClub) -> int:
    return club.family()[0]


@pytest.mark.parametrize("status", ["paid", "refunded", "cancelled"])
def test_what_a_person_has_to_refund_stays_set_aside_on_every_later_look(
    club: SmallClub, order: int, status: str
) -> None:
    club.pipeline.stand_in.pay(club.own_session(order))
    club.set_order(order, status=status, payment_method="cash")
    club.ensure_link(order)
    (reason,) = club.set_aside(order)
    club.ensure_link(order)
    assert club.set_aside(order) == [reason]


def test_two_payments_of_one_order_are_for_a_person(club: SmallClub, order: int) -> None:
    ours = club.ensure_link(order)
    theirs = club.own_session(order)
    for session in (ours.session_id, theirs):
        club.pipeline.stand_in.pay(str(session))
    club.ensure_link(order)
    assert club.set_aside(order) == ["paid_twice"]


@pytest.mark.parametrize("settled_by", ["pipeline", "webhook"])
def test_a_payment_that_was_refunded_does_not_pay_its_order_again(club: SmallClub, order: int, settled_by: str) -> None:
    intent = club.pipeline.stand_in.pay(club.own_session(order))["payment_intent"]
    if settled_by == "webhook":
        club.set_order(order, status="paid", payment_method="card", stripe_payment_intent_id=intent)
    club.ensure_link(order)
    club.set_order(order, status="refunded")
    assert club.ensure_link(order).outcome is LinkOutcome.NOT_OWED
    club.set_order(order, status="pending")
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert (club.order_now(order).status, club.set_aside(order)) == ("pending", ["paid_before"])
    release(club.pipeline.services.database, [order], released_by="Kim Doe", now=club.pipeline.clock())
    link = club.ensure_link(order)
    club.pipeline.stand_in.pay(str(link.session_id))
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.set_aside(order) == []


def test_a_refunded_order_that_was_paid_anew_before_anybody_looked_is_paid_and_for_a_person(
    club: SmallClub, order: int
) -> None:
    club.pipeline.stand_in.pay(club.own_session(order))
    club.ensure_link(order)
    club.set_order(order, status="pending")  # refunded, or not: nobody says
    club.pipeline.stand_in.pay(club.own_session(order))
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.set_aside(order) == ["paid_twice"]


def test_two_slow_payments_of_one_order_are_for_a_person(club: SmallClub, order: int) -> None:
    ours = club.ensure_link(order)
    theirs = club.own_session(order)
    for session in (ours.session_id, theirs):
        club.pipeline.stand_in.pay(str(session), slow=True)
    assert club.ensure_link(order).outcome in {LinkOutcome.PROCESSING, LinkOutcome.SET_ASIDE}


def test_no_session_is_made_beside_one_that_the_club_made_while_our_request_was_lost(
    club: SmallClub, order: int
) -> None:
    club.pipeline.stand_in.add_fault("drop_before", method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    theirs = club.own_session(order)
    club.ensure_link(order)
    assert [session["id"] for session in club.sessions(order)] == [theirs]


@pytest.mark.parametrize("change", [{"status": "paid", "payment_method": "cash"}, {"amount": 4000}])
def test_a_lost_request_is_not_sent_again_for_an_order_that_has_changed(
    club: SmallClub, order: int, change: dict[str, object]
) -> None:
    club.pipeline.stand_in.add_fault("drop_before", method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    club.set_order(order, **change)
    club.ensure_link(order)
    assert FEE not in [session["amount_total"] for session in club.sessions(order)]


def test_a_session_without_its_order_having_it_can_be_mailed(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    club.set_order(order, stripe_checkout_session_id=None)
    link = club.ensure_link(order)
    assert club.order_now(order).stripe_checkout_session_id == link.session_id


def test_an_order_that_was_deleted_is_not_owed(club: SmallClub, order: int) -> None:
    club.sql("DELETE FROM orders WHERE id = :id", id=order)
    assert club.ensure_link(order, committed=False).outcome is LinkOutcome.NOT_OWED


def test_an_order_that_was_deleted_does_not_hold_up_the_others(club: SmallClub, order: int) -> None:
    club.family("Berg", "berg@example.org")
    club.open_campaign()
    club.sql("DELETE FROM orders WHERE id = :id", id=order)
    club.pipeline.run("Spring Cup")
    assert {row.status for row in club.messages() if row.family == "berg"} == {"sent"}


@pytest.mark.parametrize("fee", ["100000000", "1e20", "NaN", "Infinity"])
def test_a_fee_beyond_reason_does_not_hold_up_the_others(club: SmallClub, order: int, fee: str) -> None:
    club.sql("UPDATE orders SET amount = CAST(:fee AS numeric) WHERE id = :id", fee=fee, id=order)
    club.family("Berg", "berg@example.org")
    club.pipeline.run("Spring Cup")
    assert {row.status for row in club.messages() if row.family == "berg"} == {"sent"}
    assert {row.status for row in club.messages() if row.family == "ek"} == {"skipped"}


def test_a_database_that_goes_away_takes_no_payment_url_into_the_log(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        club.sql("ALTER TABLE tournament_fees.checkout_attempts RENAME TO moved_away")
    error = check.exception()
    assert error is not None
    assert "/c/pay/" not in "".join(traceback.format_exception(error))


def test_a_connection_that_is_cut_takes_no_values_into_the_log(club: SmallClub) -> None:
    secret = "https://checkout.stripe.com/c/pay/cs_test_secret"  # noqa: S105  not a password
    statement = "SELECT pg_terminate_backend(pg_backend_pid()), CAST(:secret AS text)"
    with pytest.raises(TransientError) as caught:
        club.sql(statement, secret=secret)
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_connections_that_died_while_they_rested_are_replaced(
    club: SmallClub, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.ensure_link(order)
    monkeypatch.setattr(database, "REST_SECONDS", 0.0)  # any rest is long enough
    settings = club.pipeline.services.settings
    owner = club.pipeline.owner.engine.url.render_as_string(hide_password=False)
    with open_services(settings, club.pipeline.clock) as another, closing(database.Database(owner)) as apart:
        core_queries.read_clock(another.database)
        with apart.transaction() as connection:
            killed = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert killed.rowcount > 0
        core_queries.read_clock(another.database)
    assert club.ensure_link(order).outcome is LinkOutcome.KEPT
