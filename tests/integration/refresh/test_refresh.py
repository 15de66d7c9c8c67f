"""The refresh of checkout links over real parts: what it does, what it only says, and what it leaves to a person."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import Row
from typer.testing import CliRunner

from deployments.cli.__main__ import app
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.message import Draft
from tasks.core.errors import ConfigurationError, TransientError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.delivery.outbox import Outbox
from tasks.links.circuit_breaker import FAILURES_IN_A_ROW
from tasks.links.model import Charge, LinkOutcome
from tasks.links.set_asides import release
from tasks.mail.transport import Envelope
from tasks.refresh.batch import AT_ONCE, refresh_batch
from tasks.refresh.options import RefreshOptions
from tasks.refresh.plan import plan_refresh
from tasks.refresh.prepare import prepare_refresh
from tasks.refresh.report import refresh_markdown, refresh_sentence
from tasks.refresh.summary import RefreshSummary, summarize_refresh
from tests.support.harness import LIVE_KEY, Pipeline, open_pipeline
from tests.support.small_club import CUP, FEE, SESSIONS, SmallClub

PRICE = {"currency": "usd", "unit_amount": str(FEE), "product_data": {"name": "Cap"}}
FORM = {
    "mode": "payment",
    "line_items": {"0": {"quantity": "1", "price_data": PRICE}},
    "success_url": "https://club.example.org/paid",
}
"""A session of another system, as a form."""

RENEW = RefreshOptions(renew=True)


@dataclass(frozen=True)
class RefreshedClub(SmallClub):
    """A small club whose links are refreshed as the flow does."""

    def refresh(self, options: RefreshOptions = RENEW) -> RefreshSummary:
        services, run_id, began = self.pipeline.services, uuid4(), self.pipeline.clock()
        prepared = prepare_refresh(services, options)
        for batch in plan_refresh(services, options):
            refresh_batch(services, options, batch, run_id)
        return summarize_refresh(services, options, prepared, run_id, began)

    def expired(self, order: int) -> str:
        session = self.own_session(order)
        self.pipeline.later(timedelta(hours=25))
        return session

    def orders(self) -> Sequence[Row[Any]]:
        return self.sql("SELECT * FROM orders ORDER BY id")

    def at_stripe(self) -> list[tuple[str, str]]:
        return [(session["id"], session["status"]) for session in self.pipeline.stand_in.sessions()]

    def writes(self) -> list[str]:
        return [request["path"] for request in self.pipeline.stand_in.requests() if request["method"] == "POST"]


@pytest.fixture
def club(small_club: Pipeline) -> RefreshedClub:
    return RefreshedClub.on(small_club)


@pytest.fixture
def order(club: RefreshedClub) -> int:
    return club.family()[0]


def outcomes(summary: RefreshSummary) -> dict[str, int]:
    return dict(summary.outcomes)


# What it does


def test_an_expired_link_is_renewed_where_that_is_asked_for(club: RefreshedClub, order: int) -> None:
    club.expired(order)
    assert outcomes(club.refresh(RefreshOptions())) == {LinkOutcome.NO_LIVE_LINK: 1}
    assert club.payable(order) == []
    assert outcomes(club.refresh()) == {LinkOutcome.RENEWED: 1}
    assert club.payable(order) == [club.order_now(order).stripe_checkout_session_id]
    assert outcomes(club.refresh()) == {LinkOutcome.KEPT: 1}
    assert len(club.payable(order)) == 1


def test_an_open_link_of_the_right_price_is_never_closed(club: RefreshedClub, order: int) -> None:
    session = club.own_session(order, store_url=False)
    club.pipeline.later(timedelta(hours=23, minutes=45))
    club.pipeline.stand_in.clear_requests()
    assert outcomes(club.refresh()) == {LinkOutcome.BACKFILLED: 1}
    assert club.writes() == []
    assert club.payable(order) == [session]
    assert club.order_now(order).stripe_checkout_url


@pytest.mark.parametrize("renew", [True, False])
def test_a_wrong_price_is_closed_and_replaced_only_where_that_is_asked_for(
    club: RefreshedClub, order: int, *, renew: bool
) -> None:
    club.own_session(order, amount=7500)
    club.refresh(RefreshOptions(renew=renew))
    assert [s["amount_total"] for s in club.sessions(order) if s["status"] == "open"] == [FEE] * renew


def test_orders_of_tournaments_that_are_over_are_left_alone(club: RefreshedClub, order: int) -> None:
    club.expired(order)
    club.sql("UPDATE tournaments SET event_date = current_date - 5")
    assert outcomes(club.refresh()) == {}
    assert club.payable(order) == []


def test_the_open_session_of_a_player_who_left_is_closed(club: RefreshedClub, order: int) -> None:
    club.own_session(order)
    club.sql("UPDATE player_teams SET commitment = 'withdrawn'")
    assert outcomes(club.refresh()) == {LinkOutcome.CLOSED: 1}
    assert club.payable(order) == []


@pytest.mark.parametrize("status", ["cancelled", "refunded", "paid"])
def test_what_is_settled_but_can_still_be_paid_is_closed(club: RefreshedClub, order: int, status: str) -> None:
    club.own_session(order)
    club.set_order(order, status=status, payment_method="cash")
    assert outcomes(club.refresh()) == {LinkOutcome.CLOSED: 1}
    assert club.payable(order) == []
    assert outcomes(club.refresh()) == {}, "and is looked at no more"


def test_no_new_link_is_made_while_a_slow_payment_is_under_way_and_one_is_when_it_has_failed(
    club: RefreshedClub, order: int
) -> None:
    session = club.own_session(order)
    club.pipeline.stand_in.pay(session, slow=True)
    assert outcomes(club.refresh()) == {LinkOutcome.PROCESSING: 1}
    club.pipeline.later(timedelta(days=2))
    club.pipeline.stand_in.fail(session)
    assert outcomes(club.refresh()) == {LinkOutcome.RENEWED: 1}
    assert len(club.payable(order)) == 1


# Sessions that the orders do not show


def test_a_payment_through_a_session_that_was_overwritten_is_found(club: RefreshedClub, order: int) -> None:
    overwritten = club.own_session(order)
    stored = club.own_session(order)
    club.pipeline.stand_in.pay(overwritten)
    assert outcomes(club.refresh()) == {LinkOutcome.FOUND_PAID: 1}
    assert club.order_now(order).status == "paid"
    assert club.payable(order) == []
    assert dict(club.at_stripe()) == {overwritten: "complete", stored: "expired"}
    assert sorted(club.attempts(order)) == [("club", "complete"), ("club", "expired")]


def test_a_payment_found_late_is_found_though_a_run_before_only_said_so(club: RefreshedClub, order: int) -> None:
    overwritten = club.own_session(order)
    club.own_session(order)
    club.pipeline.stand_in.pay(overwritten)
    summary = club.refresh(RefreshOptions(dry_run=True))
    assert outcomes(summary) == {LinkOutcome.FOUND_PAID: 1}
    assert "1 more open session of it would be closed" in refresh_markdown(summary)
    club.pipeline.later(timedelta(days=9))
    assert outcomes(club.refresh()) == {LinkOutcome.FOUND_PAID: 1}


def test_a_payment_that_a_sweep_has_shown_is_found_though_the_look_at_its_order_failed(
    club: RefreshedClub, order: int
) -> None:
    club.refresh()
    club.pipeline.stand_in.pay(club.own_session(order, store=False))
    club.pipeline.later(timedelta(days=3))
    club.pipeline.services.stripe_lists.sweep()
    club.pipeline.stand_in.add_fault("drop_before", method="GET", path_prefix=f"{SESSIONS}/", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    club.pipeline.later(timedelta(days=3))  # no sweep looks back so far again
    assert club.refresh().outcomes == {LinkOutcome.FOUND_PAID: 1}


def test_a_second_live_session_of_the_clubs_system_is_closed_and_reported(club: RefreshedClub, order: int) -> None:
    ours = club.ensure_link(order).session_id
    theirs = club.own_session(order, store=False)
    summary = club.refresh()
    assert club.payable(order) == [ours] == [club.order_now(order).stripe_checkout_session_id]
    assert [row.order_id for row in summary.duplicates] == [order]
    assert "Second sessions of the club's own system, closed" in refresh_markdown(summary)
    assert theirs in {row.session_id for row in club.sql("SELECT session_id FROM tournament_fees.checkout_attempts")}
    assert club.refresh().duplicates == []


def test_a_campaign_closes_a_second_session_though_nobody_is_left_to_mail(club: RefreshedClub, order: int) -> None:
    club.pipeline.run(CUP)
    (mailed,) = club.payable(order)
    club.own_session(order, store=False)
    summary = club.pipeline.run(CUP)
    assert (summary.sent, club.payable(order)) == (0, [mailed])
    assert summary.duplicates == (order,)


def test_sessions_of_other_shops_on_the_account_are_not_touched(club: RefreshedClub, order: int) -> None:
    ours = club.ensure_link(order).session_id
    for reference in ("cart-7", str(10**6), "0", "-1", f"{order}x", str(10**30), "¹"):
        club.pipeline.stand_in.stage(FORM, [reference], (club.pipeline.stand_in.now() - 60,) * 2)
    before = dict(club.at_stripe())
    club.refresh()
    assert dict(club.at_stripe()) == before
    assert club.payable(order) == [ours]


def test_one_session_in_two_orders_is_for_a_person(club: RefreshedClub) -> None:
    orders = club.family(children=2)
    session = club.own_session(orders[0])
    club.set_order(orders[1], stripe_checkout_session_id=session)
    assert outcomes(club.refresh()) == {LinkOutcome.SET_ASIDE: 2}
    assert [club.set_aside(order) for order in orders] == [["shared_session"]] * 2
    assert dict(club.at_stripe()) == {session: "open"}


def test_a_session_that_was_made_for_another_order_is_for_a_person(club: RefreshedClub) -> None:
    orders = club.family(children=2)
    session = club.ensure_link(orders[0]).session_id
    club.set_order(orders[0], stripe_checkout_session_id=None)
    club.set_order(orders[1], stripe_checkout_session_id=session)
    assert club.ensure_link(orders[1]).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(orders[1]) == ["another_order"]
    assert club.payable(orders[0]) == [session]


@pytest.mark.parametrize(
    "change", [{}, {"status": "cancelled"}, {"amount": FEE + 500}], ids=["owed", "not owed", "dearer"]
)
@pytest.mark.parametrize("looked_at_first", ["the order", "the other"])
def test_an_order_with_anothers_session_keeps_none_of_its_own_open_that_must_not_be(
    club: RefreshedClub, change: dict[str, object], looked_at_first: str
) -> None:
    """Which of the two is looked at first is a matter of threads; the other one gets its session back then."""
    anothers, order = club.family(children=2)
    session = club.ensure_link(anothers).session_id
    own = club.ensure_link(order).session_id
    club.own_session(order)
    club.set_order(order, stripe_checkout_session_id=session, **change)
    club.set_order(anothers, stripe_checkout_session_id=None)
    is_first = looked_at_first == "the order"
    for one in (order, anothers) if is_first else (anothers, order):
        club.refresh(RENEW.model_copy(update={"order_ids": (one,)}))
    assert club.set_aside(order) == ["another_order" if is_first else "shared_session"]
    assert club.payable(order) == ([] if change else [own])
    assert club.payable(anothers) == [session]


# A dry run


def test_a_dry_run_says_what_a_run_then_does_and_changes_nothing(club: RefreshedClub) -> None:
    expired, paid, wrong, left, kept, bare = (club.family(name, f"{name}@example.com")[0] for name in "abcdef")
    club.expired(expired)
    club.pipeline.stand_in.pay(club.own_session(paid))
    club.own_session(wrong, amount=7500)
    club.own_session(left)
    club.set_order(left, status="cancelled")
    club.own_session(kept)
    before, stripe_before = club.orders(), club.at_stripe()
    club.pipeline.stand_in.clear_requests()
    foretold = club.refresh(RefreshOptions(renew=True, dry_run=True))
    assert club.orders() == before
    assert club.at_stripe() == stripe_before
    assert club.writes() == []
    assert (
        club.sql("SELECT 1 FROM tournament_fees.checkout_attempts UNION SELECT 1 FROM tournament_fees.set_asides") == []
    )
    done = club.refresh()
    assert outcomes(done) == outcomes(foretold)
    assert [(row.order_id, row.outcome) for row in done.changes] == [
        (row.order_id, row.outcome) for row in foretold.changes
    ]
    assert {expired, paid, wrong, left, bare} == {row.order_id for row in done.changes}
    assert refresh_sentence(foretold).startswith("Would end as: ")


def test_a_report_holds_no_url_no_name_and_no_address(club: RefreshedClub, order: int) -> None:
    club.expired(order)
    summary = club.refresh()
    said = refresh_markdown(summary)
    assert f"| {order} | renewed |" in said
    for secret in ("/c/pay/", "cs_test_", "@", "Ek", "Jo", "Child0"):
        assert secret not in said


# Choosing


def test_filters_choose_by_tournament_team_player_and_order(club: RefreshedClub) -> None:
    orders = club.family(children=3)
    players = {row.id: row.player_id for row in club.orders()}
    club.sql("INSERT INTO teams (id, name) VALUES (2, 'Owls')")
    club.sql("INSERT INTO products (id, name, amount) VALUES (2, 'Owls entry', 5500)")
    club.sql("INSERT INTO tournaments (id, name) VALUES (2, 'Autumn Cup')")
    club.sql("INSERT INTO tournament_products VALUES (2, 2, 2)")
    club.sql("INSERT INTO player_teams VALUES (:id, 2, 'committed')", id=players[orders[2]])
    club.set_order(orders[2], product_id=2)

    def chosen(**chosen: Any) -> list[int]:  # noqa: ANN401  any filter
        summary = club.refresh(RefreshOptions(dry_run=True, **chosen))
        return [row.order_id for row in summary.changes]

    assert chosen() == orders
    assert chosen(tournament="autumn cup") == chosen(team="OWLS") == orders[2:]
    assert chosen(team="Hawks") == orders[:2]
    assert chosen(player_ids=(players[orders[0]],)) == chosen(order_ids=(orders[0],)) == orders[:1]
    assert chosen(order_ids=tuple(orders[1:]), team="Owls") == orders[2:]


def test_filters_that_match_nobody_are_one_clear_error_before_anything_is_done(club: RefreshedClub, order: int) -> None:
    club.expired(order)
    options = RefreshOptions(renew=True, team="Owls", player_ids=(71, 72), order_ids=(order, 73))
    with pytest.raises(
        ConfigurationError, match=r"is of team 'Owls', order 73, player 71, player 72: check the filters"
    ):
        club.refresh(options)
    with pytest.raises(ConfigurationError, match="no tournament 'Winter'"):
        club.refresh(RefreshOptions(tournament="Winter"))
    assert club.payable(order) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"release": (5,)}, "Who has dealt with"),
        ({"release": (5,), "released_by": "Kim", "dry_run": True}, "No dry run"),
        ({"order_ids": (5,), "create_missing_orders": True}, "No choice of orders"),
        ({"player_ids": (0,)}, "greater than or equal to 1"),
        ({"colour": "blue"}, "there is no 'colour' among renew"),
    ],
)
def test_choices_that_contradict_each_other_are_refused(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        RefreshOptions.read(**wrong)


# Orders that are missing


def test_missing_orders_are_made_only_where_that_is_asked_for(club: RefreshedClub) -> None:
    player = club.player(club.parent())
    club.refresh()
    assert club.orders() == []
    foretold = club.refresh(RefreshOptions(create_missing_orders=True, dry_run=True))
    assert (foretold.prepared["missing orders"], club.orders()) == (1, [])
    with club.pipeline.granted("tournament_fees_order_maker"):
        summary = club.refresh(RefreshOptions(create_missing_orders=True, renew=True))
    (order,) = club.orders()
    assert (order.player_id, order.product_id, order.amount, order.currency, order.status) == (
        player, 1, FEE, "usd", "pending",
    )  # fmt: skip
    assert summary.prepared["missing orders"] == 1
    assert outcomes(summary) == {LinkOutcome.MADE: 1}
    assert club.refresh(RefreshOptions(create_missing_orders=True)).prepared["missing orders"] == 0


def test_two_runs_at_once_make_a_missing_order_once(club: RefreshedClub) -> None:
    for number in range(10):
        club.player(club.parent(f"Ek{number}", f"ek{number}@example.com"))
    options = RefreshOptions(create_missing_orders=True)
    with club.pipeline.granted("tournament_fees_order_maker"), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: prepare_refresh(club.pipeline.services, options), range(4)))
    assert len(club.orders()) == 10


@pytest.mark.parametrize("status", ["cancelled", "paid", "waived", "refunded"])
def test_an_order_that_is_settled_is_not_missing(club: RefreshedClub, status: str) -> None:
    club.order(club.player(club.parent()), status)
    club.player(club.parent("Berg"), commitment="invited")
    assert club.refresh(RefreshOptions(create_missing_orders=True)).prepared["missing orders"] == 0


# What a person has to look at


def test_payments_are_listed_for_the_treasurer_until_somebody_has_dealt_with_them(
    club: RefreshedClub, order: int
) -> None:
    club.pipeline.stand_in.pay(club.own_session(order, amount=7500))
    for _ in range(2):
        said = refresh_markdown(club.refresh())
        assert f"| {order} | $75.00 | paid_other_amount |" in said
        assert f"| {order} | paid_other_amount |" in said
    summary = club.refresh(RefreshOptions(renew=True, release=(order,), released_by="Kim"))
    assert summary.prepared["released"] == 1
    assert outcomes(summary) == {LinkOutcome.RENEWED: 1}, "still pending, so owed again"
    assert (summary.set_asides, summary.payments) == ([], [])
    assert len(club.payable(order)) == 1
    (row,) = club.sql("SELECT cleared_by, cleared_at IS NOT NULL AS cleared, reason FROM tournament_fees.set_asides")
    assert (row.cleared_by, row.cleared, row.reason) == ("Kim", True, "paid_other_amount")
    for _ in range(2):
        assert outcomes(club.refresh()) == {LinkOutcome.KEPT: 1}, "and the payment is not judged again"
    assert len(club.payable(order)) == 1


def test_an_unknown_session_that_a_person_has_dealt_with_is_replaced(club: RefreshedClub, order: int) -> None:
    club.set_order(order, stripe_checkout_session_id="cs_test_of_nobody")
    assert outcomes(club.refresh()) == {LinkOutcome.SET_ASIDE: 1}
    release(club.pipeline.services.database, [order], released_by="Kim", now=club.pipeline.clock(), note="old account")
    assert outcomes(club.refresh()) == {LinkOutcome.RENEWED: 1}
    assert club.sql("SELECT note FROM tournament_fees.set_asides") == [("old account",)]


def test_a_cause_that_is_still_there_sets_a_released_order_aside_again(club: RefreshedClub) -> None:
    player = club.player(club.parent())
    orders = [club.order(player), club.order(player)]
    club.refresh()
    club.refresh(RefreshOptions(renew=True, release=tuple(orders), released_by="Kim"))
    assert [club.set_aside(order) for order in orders] == [["two_orders"]] * 2


def test_only_what_is_set_aside_can_be_released_all_or_nothing_and_by_somebody(club: RefreshedClub) -> None:
    player = club.player(club.parent())
    orders = [club.order(player), club.order(player)]
    club.refresh()
    database, now = club.pipeline.services.database, club.pipeline.clock()
    with pytest.raises(ConfigurationError, match="These orders are not set aside: 99;"):
        release(database, [orders[0], 99], released_by="Kim", now=now)
    for nobody in ("", "  ", "Pipeline"):
        with pytest.raises(ConfigurationError, match="a person's name"):
            release(database, [orders[0]], released_by=nobody, now=now)
    assert [club.set_aside(order) for order in orders] == [["two_orders"]] * 2


def test_set_aside_orders_are_listed_and_released_at_a_terminal(club: RefreshedClub, order: int) -> None:
    terminal = CliRunner(env=club.pipeline.environment)
    club.set_order(order, stripe_checkout_session_id="cs_test_of_nobody")
    club.refresh()
    listed = terminal.invoke(app, ["set-asides"]).stdout
    assert re.search(rf"order {order}, since .*: unknown_session: Stripe knows no such session", listed)
    assert "1 orders wait for a person." in listed
    wrong = terminal.invoke(app, ["release", "99999", "--by", "Kim"])
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "Error: These orders are not set aside: 99999; nothing was taken up again\n",
    )
    done = terminal.invoke(app, ["release", str(order), "--by", "Kim", "--note", "an old account"])
    assert (done.exit_code, done.stdout) == (0, "1 orders are taken up again by the next run.\n")
    assert club.set_aside(order) == []
    assert club.sql("SELECT cleared_by, note FROM tournament_fees.set_asides") == [("Kim", "an old account")]


def test_an_order_without_a_product_is_for_a_person(club: RefreshedClub, order: int) -> None:
    session = club.own_session(order)
    club.set_order(order, product_id=None)
    assert outcomes(club.refresh()) == {LinkOutcome.SET_ASIDE: 1}
    assert club.set_aside(order) == ["no_product"]
    assert club.payable(order) == [session]
    club.pipeline.stand_in.pay(session)
    assert outcomes(club.refresh()) == {LinkOutcome.FOUND_PAID: 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": -5500}, "bad_amount"),
        ({"amount": 54.5}, "bad_amount"),
        ({"amount": 0}, "bad_amount"),
        ({"currency": "dollars"}, "bad_amount"),
        ({"currency": "xyz"}, "refused_by_stripe"),
    ],
)
def test_an_amount_or_currency_that_cannot_be_charged_is_for_a_person_and_holds_up_nobody(
    club: RefreshedClub, order: int, change: dict[str, object], reason: str
) -> None:
    (other,) = club.family("Berg", "berg@example.org")
    club.set_order(order, **change)
    assert outcomes(club.refresh()) == {LinkOutcome.MADE: 1, LinkOutcome.SET_ASIDE: 1}
    assert (club.set_aside(order), club.payable(order)) == ([reason], [])
    assert len(club.payable(other)) == 1


def test_names_beyond_stripes_limits_are_cut_and_metadata_stays_within_them(club: RefreshedClub, order: int) -> None:
    club.sql("UPDATE players SET last_name = repeat('é', 5000)")
    club.sql("UPDATE products SET name = repeat('[x]', 5000)")
    assert outcomes(club.refresh()) == {LinkOutcome.MADE: 1}
    (session,) = club.sessions(order)
    assert all(len(key) <= 40 and len(value) <= 500 for key, value in session["metadata"].items())


def test_a_session_of_the_other_mode_stops_the_run_with_one_sentence(club: RefreshedClub, order: int) -> None:
    club.own_session(order, key=LIVE_KEY)
    before = club.at_stripe()
    with pytest.raises(ConfigurationError, match="STRIPE_API_KEY is of another mode than the sessions in orders"):
        club.refresh()
    assert club.at_stripe() == before


def test_a_key_without_the_right_is_told_which_one_it_lacks(club: RefreshedClub, order: int) -> None:
    key = SecretStr("rk_test_invented_readonly_key")
    settings = club.pipeline.services.settings.model_copy(update={"stripe_api_key": key})
    with (
        open_pipeline(settings, club.pipeline.stand_in, club.pipeline.inbox) as pipeline,
        pytest.raises(ConfigurationError, match=r"STRIPE_API_KEY lacks a permission: .*'rak_checkout_session_write'"),
    ):
        RefreshedClub(pipeline).refresh()
    assert club.at_stripe() == []
    club.refresh()
    assert len(club.payable(order)) == 1, "the attempt that was refused stands in nobody's way"


@pytest.mark.parametrize("made", [True, False])
def test_a_url_that_leads_elsewhere_is_set_aside_and_never_given_out(
    club: RefreshedClub, order: int, *, made: bool
) -> None:
    if made:
        club.own_session(order)
    keeper = club.pipeline.services.keeper
    strict = replace(keeper, policy=replace(keeper.policy, allow_http=False))
    link = strict.ensure_link(order, Charge("Spring Cup", "Max Ek"), mailing=True)
    assert (link.outcome, link.url) == (LinkOutcome.SET_ASIDE, None)
    assert club.set_aside(order) == ["strange_url"]
    assert len(club.payable(order)) == 1


# How old a check may be


@pytest.mark.parametrize(("seconds_ago", "reads"), [(50, 0), (70, 1), (-300, 1)])
def test_a_link_is_mailed_on_what_a_list_has_just_shown_and_read_where_that_is_older(
    club: RefreshedClub, order: int, seconds_ago: int, reads: int
) -> None:
    """What was seen in the future was seen before PostgreSQL's clock was set back: it may be of any age."""
    club.own_session(order)
    campaign = club.open_campaign()
    services = club.pipeline.services
    services.stripe_lists.sweep()
    club.sql("UPDATE tournament_fees.sightings SET seen_at = now() - make_interval(secs => :ago)", ago=seconds_ago)
    club.pipeline.stand_in.clear_requests()
    (batch,) = plan_batches(services, campaign, 10)
    assert deliver_batch(services, campaign, batch, None) == {"sent": 1}
    assert len(club.pipeline.stand_in.requests()) == reads
    (age,) = club.sql("SELECT extract(EPOCH FROM now() - checked_at) AS seconds FROM tournament_fees.message_orders")
    assert (age.seconds > 45) == (reads == 0), "the check is as old as what it went by"


def test_a_check_that_has_grown_old_before_the_mail_goes_out_is_made_again(club: RefreshedClub, order: int) -> None:
    session = club.own_session(order)
    link = replace(club.ensure_link(order), checked_at=club.pipeline.clock() - timedelta(seconds=121))
    campaign, services = club.open_campaign(), club.pipeline.services
    (batch,) = plan_batches(services, campaign, 10)
    outbox = Outbox(services.database, campaign.id, services.clock, max_attempts=5, reply_timeout=60)
    with outbox.claim(batch.message_ids) as claim:
        (message,) = claim.take(batch.message_ids[0])
        claim.record_links([link])
        envelope = Envelope("fees@example.org", message.address, b"")
        assert not claim.enter_sending(message, Draft(envelope, club.pipeline.clock(), [link]))
        fresh = club.ensure_link(order)
        claim.record_links([fresh])
        assert fresh.session_id == session
        assert claim.enter_sending(message, Draft(envelope, club.pipeline.clock(), [fresh]))


# Stripe out of order, and several runs at once


def test_a_stripe_that_is_down_stops_the_batch_after_a_few_orders(club: RefreshedClub) -> None:
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(3 * AT_ONCE)]
    options, services = RENEW, club.pipeline.services
    prepare_refresh(services, options)
    (batch,) = plan_refresh(services, options)
    club.pipeline.stand_in.clear_requests()
    club.pipeline.stand_in.add_fault("drop_before", count=1000)
    with pytest.raises(
        TransientError, match=f"of {len(orders)} orders are left for later: Stripe at .* cannot be reached"
    ):
        refresh_batch(services, options, batch, uuid4())
    tried = {request["idempotency_key"] for request in club.pipeline.stand_in.requests()}
    assert len(tried) <= AT_ONCE + FAILURES_IN_A_ROW
    club.pipeline.stand_in.clear_faults()
    assert refresh_batch(services, options, batch, uuid4()).total() == len(orders)
    assert [len(club.payable(order)) for order in orders] == [1] * len(orders)


def test_one_lost_reply_leaves_the_others_done_and_itself_for_the_next_try(club: RefreshedClub) -> None:
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(5)]
    wrong = club.own_session(orders[2], amount=7500)
    options, services, run_id = RENEW, club.pipeline.services, uuid4()
    prepare_refresh(services, options)
    (batch,) = plan_refresh(services, options)
    club.pipeline.stand_in.add_fault("drop_after", method="POST", path_prefix=f"{SESSIONS}/{wrong}/expire", count=2)
    with pytest.raises(TransientError, match="1 of 5 orders are left for later"):
        refresh_batch(services, options, batch, run_id)
    assert [len(club.payable(order)) for order in orders] == [1, 1, 0, 1, 1]
    refresh_batch(services, options, batch, run_id)
    assert [len(club.payable(order)) for order in orders] == [1] * 5
    looked = club.sql("SELECT order_id FROM tournament_fees.refreshed_links WHERE run_id = :id", id=run_id)
    assert {row.order_id for row in looked} == set(orders)


def test_a_run_that_is_to_stop_begins_no_further_order(club: RefreshedClub) -> None:
    for number in range(5):
        club.family(f"Ek{number}", f"ek{number}@example.com")
    services = club.pipeline.services
    prepare_refresh(services, RENEW)
    (batch,) = plan_refresh(services, RENEW)
    answers = iter([False, False, True])
    assert refresh_batch(services, RENEW, batch, uuid4(), lambda: next(answers)).total() == 2
    assert len(club.at_stripe()) == 2


def test_two_runs_at_once_make_each_link_once(club: RefreshedClub) -> None:
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(20)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: club.refresh(), range(2)))
    assert [len(club.sessions(order)) for order in orders] == [1] * 20


def test_a_run_of_the_same_id_keeps_what_it_found_last(club: RefreshedClub, order: int) -> None:
    club.expired(order)
    run_id = UUID(int=7)
    services = club.pipeline.services
    prepare_refresh(services, RENEW)
    (batch,) = plan_refresh(services, RENEW)
    for outcome in (LinkOutcome.RENEWED, LinkOutcome.KEPT):
        refresh_batch(services, RENEW, batch, run_id)
        assert club.sql("SELECT outcome FROM tournament_fees.refreshed_links") == [(outcome,)]


@pytest.mark.parametrize(("minutes_ago", "listed"), [(20, False), (-20, True)])
def test_what_a_sweep_has_shown_need_not_be_listed_again_by_a_batch_that_begins_later(
    club: RefreshedClub,
    minutes_ago: int,
    listed: bool,  # noqa: FBT001  a case
) -> None:
    """Not, however, where PostgreSQL's clock was set back meanwhile."""
    for order in club.family(children=3):
        club.own_session(order)
    prepare_refresh(club.pipeline.services, RENEW)
    club.sql("UPDATE tournament_fees.sightings SET seen_at = now() - make_interval(mins => :ago)", ago=minutes_ago)
    club.pipeline.stand_in.clear_requests()
    (batch,) = plan_refresh(club.pipeline.services, RENEW)
    refresh_batch(club.pipeline.services, RENEW, batch, uuid4())
    assert bool(club.pipeline.stand_in.requests()) == listed
