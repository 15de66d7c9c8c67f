"""The state machine of links and messages: whatever happens in whatever order, what a parent relies on holds."""

from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from deployments.local.stripe_standin.faults import FaultName
from tests.chaos.world import Job, World
from tests.support.small_club import FEE

SMALL = 6
STEPS = 20

orders = st.integers(0, 2)
sessions = st.integers(0, 3)
jobs = st.sampled_from(["refresh", "campaign 1", "refresh to links", "campaign 2"])
campaigns = st.sampled_from(["campaign 1", "campaign 2"])
moments = st.integers(1, 40)
faults = st.sampled_from(
    [
        "429",
        "429_retry_after",
        "409",
        "lock_timeout",
        "500",
        "500_after_commit",
        "drop_before",
        "drop_after",
        "pay_first",
    ]
)
prices = st.sampled_from([FEE, 4000])
times = st.sampled_from([1, 4, 11, 60, 12 * 60, 22 * 60, 23 * 60, 25 * 60])


class Club(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.w = World(self.world.club)

    @initialize()
    def begin_anew(self) -> None:
        self.w.reset()

    # The pipeline

    @rule(job=jobs)
    def run(self, job: Job) -> None:
        self.w.run(job)

    @precondition(lambda self: len(self.w.workers) < 2)
    @rule(job=jobs, moments=moments)
    def begin(self, job: Job, moments: int) -> None:
        self.w.begin(job, moments)

    @precondition(lambda self: self.w.workers)
    @rule(number=st.integers(0, 1), moments=st.none() | moments)
    def go_on(self, number: int, moments: int | None) -> None:
        self.w.go_on(number, moments)

    @rule(job=jobs, moments=st.integers(1, 120))
    def kill(self, job: Job, moments: int) -> None:
        self.w.kill(job, moments)

    @rule(job=campaigns, moments=st.integers(1, 12))
    def kill_while_an_ending_is_written_down(self, job: Job, moments: int) -> None:
        event(f"killed while an ending is written down: {self.w.kill(job, moments, 'recorder')}")

    @rule(job=jobs, order=orders, price=prices, commit=st.booleans())
    def run_beside_a_lock(self, job: Job, order: int, price: int, *, commit: bool) -> None:
        self.w.run_beside_a_lock(job, self.w.orders[order], price, commit=commit)

    # Stripe and the network

    @rule(fault=faults, method=st.sampled_from(["GET", "POST", "POST"]), nth=st.integers(1, 3), count=st.integers(1, 2))
    def fault(self, fault: FaultName, method: str, nth: int, count: int) -> None:
        if fault == "pay_first":
            count, method = 1, "POST"
        self.w.pipeline.stand_in.add_fault(fault, method=method, nth=nth, count=count, seconds=0)

    @rule()
    def clear_faults(self) -> None:
        self.w.pipeline.stand_in.clear_faults()

    @rule()
    def deliver_late(self) -> None:
        self.w.deliver_late()

    @rule(minutes=times)
    def later(self, minutes: int) -> None:
        self.w.later(timedelta(minutes=minutes))

    # Parents

    @rule(order=orders, number=sessions, slow=st.booleans(), amount=st.sampled_from([None, None, 1234]))
    def pay(self, order: int, number: int, *, slow: bool, amount: int | None) -> None:
        open_now = self.w.sessions(self.w.orders[order], "open")
        if open_now:
            self.w.pay(open_now[number % len(open_now)], slow=slow, amount=amount)

    @rule(order=orders, number=sessions)
    def open_link(self, order: int, number: int) -> None:
        self.w.visit(self.w.orders[order], number)

    @rule(order=orders, number=sessions, slow=st.booleans())
    def pay_by_link(self, order: int, number: int, *, slow: bool) -> None:
        session = self.w.visit(self.w.orders[order], number)
        if session is not None:
            self.w.pay(session, slow=slow)

    @precondition(lambda self: "processing" in self.w.slow.values())
    @rule(number=sessions, end=st.sampled_from(["settled", "failed", "canceled"]))
    def end_slow_payment(self, number: int, end: str) -> None:
        under_way = [session for session, state in self.w.slow.items() if state == "processing"]
        self.w.end_slow(under_way[number % len(under_way)], end)

    # The club and its own system

    @rule(order=orders, number=sessions, active=st.booleans())
    def switch_link(self, order: int, number: int, *, active: bool) -> None:
        self.w.switch(self.w.orders[order], number, active=active)

    @rule(order=orders, price=prices)
    def change_price(self, order: int, price: int) -> None:
        self.w.club.set_order(self.w.orders[order], amount=price)

    @rule(order=orders, currency=st.sampled_from(["usd", "eur", "USD"]))
    def change_currency(self, order: int, currency: str) -> None:
        self.w.club.set_order(self.w.orders[order], currency=currency)

    @rule(order=orders)
    def release(self, order: int) -> None:
        self.w.release(self.w.orders[order])

    @rule(order=orders, status=st.sampled_from(["cancelled", "waived", "cash", "refunded", "pending"]))
    def change_status(self, order: int, status: str) -> None:
        self.w.change_status(self.w.orders[order], status)

    @rule(days=st.sampled_from([None, 3, -2]))
    def change_last_day(self, days: int | None) -> None:
        self.w.change_last_day(days)

    @rule(order=orders)
    def change_product(self, order: int) -> None:
        self.w.change_product(self.w.orders[order])

    @rule(order=orders)
    def webhook(self, order: int) -> None:
        self.w.webhook(self.w.orders[order])

    @rule(order=st.integers(0, 1))  # a tournament without any committed player is refused
    def change_commitment(self, order: int) -> None:
        self.w.change_commitment(self.w.orders[order])

    @rule(order=orders, price=prices, store=st.sampled_from([True, True, False]))
    def club_session(self, order: int, price: int, *, store: bool) -> None:
        self.w.club_session(self.w.orders[order], price, store=store)

    @rule(order=orders)
    def club_forgets_session(self, order: int) -> None:
        self.w.club.set_order(self.w.orders[order], stripe_checkout_session_id=None, stripe_checkout_url=None)

    @rule(order=orders, other=orders)
    def club_stores_anothers_session(self, order: int, other: int) -> None:
        theirs = self.w.club.order_now(self.w.orders[other])
        self.w.club.set_order(
            self.w.orders[order],
            stripe_checkout_session_id=theirs.stripe_checkout_session_id,
            stripe_checkout_url=theirs.stripe_checkout_url,
        )

    # What must hold

    @invariant()
    def all_holds(self) -> None:
        assert self.w.all_broken() == []

    def teardown(self) -> None:
        """When the faults stop, one run settles everything."""
        if not self.w.orders:
            return
        try:
            if not self.w.broken:
                self.w.settle()
                assert self.w.unsettled() == []
        finally:
            self.w.abandon()


@pytest.mark.long
def test_machine(world: World, *, full_size: bool) -> None:
    Club.world = world
    run_state_machine_as_test(
        Club,
        settings=settings(
            max_examples=settings().max_examples if full_size else SMALL,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("moment", range(1, 6))
def test_a_worker_that_dies_while_an_ending_is_written_down_is_followed_by_one_that_mails_nobody_twice(
    world: World, moment: int
) -> None:
    club = World(world.club)
    club.reset()
    assert club.kill("campaign 1", moment, "recorder")
    club.settle()
    assert club.all_broken() == []
    assert club.unsettled() == []
