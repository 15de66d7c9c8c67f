"""Orders that must not be taken as they are: one that has lost its session's id, a fee that no card could carry."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tasks.links.decision import Purpose, amount_problem, judge
from tasks.links.model import Action
from tests.unit.test_decision import NOW, OPEN, ORDER, POLICY


@pytest.mark.parametrize("session_id", [None, "cs_test_of_the_club"])
def test_a_link_is_stored_again_where_the_order_has_lost_its_session(session_id: str | None) -> None:
    lost = replace(ORDER, session_id=session_id)
    assert judge(lost, OPEN, now=NOW, policy=POLICY, purpose=Purpose(mailing=True)).action is Action.BACKFILL


@pytest.mark.parametrize("fee", ["NaN", "Infinity", "1E+20", "100000000"])
def test_a_fee_beyond_what_stripe_can_charge_is_set_aside(fee: str) -> None:
    assert amount_problem(replace(ORDER, amount=Decimal(fee)))
