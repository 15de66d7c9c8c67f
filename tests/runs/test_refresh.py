"""The refresh of checkout links as an administrator runs it: its form, a dry run, a run, the verbs for a terminal."""

import os
import subprocess
import sys

import httpx
import pytest

from deployments.local.demo_club import TOURNAMENT
from tests.support.harness import Pipeline
from tests.support.served import Served

DEPLOYMENT = "refresh-checkout-links/refresh-checkout-links"


def test_the_form_says_what_each_field_is_and_may_be(serving: Served) -> None:
    schema = serving.get(f"deployments/name/{DEPLOYMENT}")["parameter_openapi_schema"]
    assert schema.get("required", []) == []
    fields = schema["definitions"]["RefreshOptions"]["properties"]
    assert all(field["title"] and field["description"] and "default" in field for field in fields.values())
    chosen = {name: field["default"] for name, field in fields.items() if field["default"]}
    assert chosen == {"link_kind": "checkout_session"}, "nothing is risked"
    assert fields["link_kind"]["enum"] == ["checkout_session", "payment_link"]
    assert fields["order_ids"]["items"]["minimum"] == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"order_ids": ["five"]}, "'five' is not of type 'integer'"),
        ({"player_ids": [0]}, "0 is less than the minimum of 1"),
        ({"colour": "blue"}, "'colour' was unexpected"),
        ({"renew": "maybe"}, "'maybe' is not of type 'boolean'"),
        ({"release": [5]}, "'who has dealt with the orders to take up again' was expected"),
        ({"release": [5], "released_by": "Kim", "dry_run": True}, "'no dry run (it takes no orders up again)'"),
        ({"create_missing_orders": True, "order_ids": [5]}, "'no choice of orders (missing ones have no ids)'"),
    ],
)
def test_what_the_form_does_not_allow_starts_no_run(serving: Served, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        serving.start(DEPLOYMENT, {"options": wrong})
    assert refused.value.response.status_code == 409
    assert words in refused.value.response.json()["detail"]


def test_a_dry_run_foretells_and_a_run_does(served: Served, club: Pipeline) -> None:
    paid, player = club.order_of("Vito Vargas").id, club.order_of("Amy Abbott").id
    before = club.sql("SELECT * FROM orders ORDER BY id")
    dry = served.perform(DEPLOYMENT, {"options": {"dry_run": True, "renew": True, "tournament": TOURNAMENT}})
    assert dry.state.type == "COMPLETED"
    assert served.get(f"flow_runs/{dry.id}")["name"] == f"{TOURNAMENT}: dry run links"
    assert club.sql("SELECT * FROM orders ORDER BY id") == before
    run = served.perform(DEPLOYMENT, {"options": {"renew": True}})
    state = run.state
    assert state.type == "COMPLETED"
    assert "19 renewed" in state.message
    (foretold,), (report,) = dry.artifacts("markdown"), run.artifacts("markdown")
    for order, outcome in ((paid, "found paid"), (player, "renewed")):
        assert f"| {order} | {outcome} |" in foretold["data"]
        assert f"| {order} | {outcome} |" in report["data"]
    for secret in ("/c/pay/", "cs_test_", "@example", "Abbott"):
        assert secret not in foretold["data"] + report["data"] + "".join(run.log())
    assert club.order_of("Vito Vargas").status == "paid"
    assert club.inbox.messages() == []


@pytest.mark.only_long
def test_filters_that_match_nobody_end_the_run_in_one_sentence(served: Served, club: Pipeline) -> None:
    assert club.order_of("Amy Abbott")
    run = served.start(DEPLOYMENT, {"options": {"order_ids": [99_999]}})
    state = run.wait()
    assert state.type == "FAILED"
    assert state.message == "Nothing in tournaments to come is of order 99999: check the filters; nothing was done"


@pytest.mark.only_long
def test_the_verb_for_a_terminal_runs_the_same_flow(served: Served, club: Pipeline) -> None:
    order = club.order_of("Alma Delgado").id
    said = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "refresh", "--renew", "--order", str(order)],
        env={**os.environ, **served.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert f"| {order} | made |" in said.stdout
    assert "Completed: 1 made" in said.stdout
