"""What a flow cannot take, in words: each wrong name and value by its place, with what was probably meant."""

from collections.abc import Mapping
from typing import Any

import pytest
from prefect import Flow

from deployments.deploying import deployment_names
from flows.hold_after_restore import hold_after_restore
from flows.read_bounces import read_bounces
from flows.settle_uncertain import settle_uncertain
from flows.stop_campaign import stop_campaign
from flows.tournament_fees import tournament_fees
from tasks.core.form_errors import MOST_NAME
from tasks.prefect_tasks.parameters import flow_name, misfit

CUP = {"tournament": "Spring Cup"}
TAKES = "among tournament, options, require_approval"

WRONG: list[tuple[Flow[..., Any], Mapping[str, object], str]] = [
    (tournament_fees, {}, "tournament is missing"),
    (
        tournament_fees,
        {"Tournament": "Spring Cup"},
        f"tournament is missing; there is no 'Tournament' (did you mean 'tournament'?) {TAKES}",
    ),
    (
        tournament_fees,
        {**CUP, "require-approval": True},
        f"there is no 'require-approval' (did you mean 'require_approval'?) {TAKES}",
    ),
    (tournament_fees, {**CUP, "mode": "test"}, f"there is no 'mode' (did you mean 'options.mode'?) {TAKES}"),
    (tournament_fees, {**CUP, "typo": 1}, f"there is no 'typo' {TAKES}"),
    (
        tournament_fees,
        {**CUP, "options": None},
        "options: Input should be a valid dictionary or instance of CampaignOptions",
    ),
    (tournament_fees, {**CUP, "self": 1}, f"there is no 'self' {TAKES}"),
    (
        settle_uncertain,
        {"choice": {"messages": [5]}},
        (
            "there is no 'choice.messages' (did you mean 'choice.message_ids'?) "
            "among action, tournament, message_ids, count, by"
        ),
    ),
    (
        settle_uncertain,
        {"choice": {"message_ids": [5, 0], "count": "many"}},
        (
            "choice.message_ids.1: Input should be greater than or equal to 1; "
            "choice.count: Input should be a valid integer, unable to parse string as an integer"
        ),
    ),
    (
        stop_campaign,
        {**CUP, "by": "Kim", "sequence": "2"},
        "there is no 'sequence' (did you mean 'campaign.sequence'?) among tournament, by, why, campaign",
    ),
    (
        hold_after_restore,
        {"backup_at": [], "by": "Kim"},
        "backup_at: Input should be a valid datetime",
    ),
    (read_bounces, {"typo": 1}, "there is no 'typo', nor any other"),
]


@pytest.mark.parametrize(("flow", "given", "said"), WRONG)
def test_what_a_flow_cannot_take_is_told_in_a_line(
    flow: Flow[..., Any], given: Mapping[str, object], said: str
) -> None:
    assert misfit(flow.fn, given) == said


@pytest.mark.parametrize(
    ("flow", "given"),
    [
        (tournament_fees, {**CUP, "options": {"mode": "preview", "player_ids": [5]}, "require_approval": True}),
        (settle_uncertain, {}),
        (stop_campaign, {**CUP, "by": "Kim", "why": "over", "campaign": {"sequence": "2"}}),
        (hold_after_restore, {"backup_at": "2026-03-01T02:00:00+00:00", "by": "Kim"}),
        (read_bounces, {}),
    ],
)
def test_what_a_flow_can_take_is_not_objected_to(flow: Flow[..., Any], given: Mapping[str, object]) -> None:
    assert misfit(flow.fn, given) == ""


def test_many_mistakes_are_counted_and_no_value_is_told() -> None:
    said = misfit(tournament_fees.fn, {**CUP, **{f"x{number}": "jo@example.com" for number in range(9)}})
    assert said.endswith(f"there is no 'x2' {TAKES}; and 6 more")
    assert "example" not in said


@pytest.mark.parametrize("name", ["https://example.org/c", "a\nb", "*a*", "<b>", "\u202ea", "", "a" * 1000])
def test_a_name_that_somebody_made_up_is_one_word_and_no_link(name: str) -> None:
    said = misfit(tournament_fees.fn, {**CUP, name: 1})
    shown = said.removeprefix("there is no '").removesuffix(f"' {TAKES}")
    assert set(shown) <= set("abceghlmoprstx?")
    assert len(shown) == min(len(name), MOST_NAME)


def test_a_flow_is_named_as_its_deployment_is() -> None:
    flows = (hold_after_restore, read_bounces, settle_uncertain, stop_campaign, tournament_fees)
    assert {flow.name for flow in flows} == {flow_name(flow.fn) for flow in flows} <= set(deployment_names())
