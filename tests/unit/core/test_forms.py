"""Choices that contradict themselves: refused by Prefect before a run starts, and by us in the same words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate

from flows.purge_season import purge_season
from flows.refresh_checkout_links import refresh_checkout_links
from flows.retry_failed_sends import retry_failed_sends
from flows.settle_uncertain import settle_uncertain
from flows.suppress_recipients import suppress_recipients
from flows.tournament_fees import tournament_fees
from tasks.campaigns.options import CampaignOptions, campaign_kinds
from tasks.core.errors import ConfigurationError
from tasks.core.forms import Form
from tasks.operations.options import PurgeChoice, RetryChoice, SettleChoice, SuppressChoice
from tasks.prefect_tasks.parameters import misfit
from tasks.refresh.options import RefreshOptions

FLOWS: dict[type[Form], Flow[..., Any]] = {
    RetryChoice: retry_failed_sends,
    SettleChoice: settle_uncertain,
    SuppressChoice: suppress_recipients,
    RefreshOptions: refresh_checkout_links,
    CampaignOptions: tournament_fees,
    PurgeChoice: purge_season,
}


def refused_by_prefect(form: type[Form], chosen: dict[str, object]) -> str:
    """Return what Prefect's server says of a form's values; nothing where it takes them."""
    schema = parameter_schema(FLOWS[form]).model_dump_for_openapi()
    (parameter,) = {"choice", "options"} & set(schema["properties"])
    others = dict.fromkeys(schema.get("required", ()), "Spring Cup")
    try:
        validate({**others, parameter: chosen}, schema, raise_on_error=True)
    except ValidationError as error:
        return str(error)
    return ""


def refused_by_us(form: type[Form], chosen: dict[str, object]) -> str:
    """Return what our own check says of them."""
    try:
        form.model_validate(chosen).check()
    except ConfigurationError as error:
        return str(error)
    return ""


CONTRADICTIONS: list[tuple[type[Form], dict[str, object], str]] = [
    (PurgeChoice, {"action": "purge"}, "your name"),
    (PurgeChoice, {"action": "purge", "by": "Kim"}, "how many records you mean"),
    (RetryChoice, {"failed": True}, "your name"),
    (RetryChoice, {"failed": True, "by": " "}, "your name"),
    (RetryChoice, {"uncertain": True, "by": "", "count": 1}, "your name"),
    (RetryChoice, {"uncertain": True, "by": "Kim"}, "how many uncertain messages you mean"),
    (RetryChoice, {"uncertain": True, "by": "Kim", "count": 0}, "how many uncertain messages you mean"),
    (RetryChoice, {"message_ids": [5]}, "a choice of failed or uncertain ones"),
    (RetryChoice, {"count": 5, "failed": False}, "a choice of failed or uncertain ones"),
    (SettleChoice, {"action": "send again", "count": 1}, "your name"),
    (SettleChoice, {"action": "mark as sent", "by": "Kim"}, "how many uncertain messages you mean"),
    (SuppressChoice, {"action": "suppress", "message_ids": [5], "reason": "x"}, "your name"),
    (SuppressChoice, {"action": "suppress", "message_ids": [5], "by": "Kim"}, "a reason"),
    (SuppressChoice, {"action": "suppress", "by": "Kim", "reason": "x"}, "a choice of messages"),
    (
        SuppressChoice,
        {"action": "suppress", "by": "Kim", "reason": "x", "message_ids": [5], "suppression_ids": [5]},
        "a choice of messages",
    ),
    (SuppressChoice, {"action": "lift", "by": "Kim", "message_ids": [5]}, "a choice of entries"),
    (RefreshOptions, {"release": [5]}, "who has dealt with the orders"),
    (RefreshOptions, {"release": [5], "released_by": "Kim", "dry_run": True}, "no dry run"),
    (RefreshOptions, {"create_missing_orders": True, "order_ids": [5]}, "no choice of orders"),
    (CampaignOptions, {"mode": "test"}, "an address for the test"),
    (CampaignOptions, {"mode": "test", "test_address": "  "}, "an address for the test"),
    (CampaignOptions, {"test_address": "office@example.org"}, "the mode test"),
    (CampaignOptions, {"mode": "preview", "test_address": "office@example.org"}, "the mode test"),
]


@pytest.mark.parametrize(("form", "chosen", "words"), CONTRADICTIONS)
def test_a_contradiction_is_refused_in_words(form: type[Form], chosen: dict[str, object], words: str) -> None:
    assert words in refused_by_prefect(form, chosen)
    assert words in refused_by_us(form, chosen).lower()


def test_every_rule_has_its_contradiction() -> None:
    for form in FLOWS:
        said = [words for about, _, words in CONTRADICTIONS if about is form]
        assert all(any(rule.words.startswith(words) for words in said) for rule in form.rules)


IDS = st.lists(st.integers(1, 3), max_size=2)
CHOICES = st.one_of(
    st.tuples(
        st.just(RetryChoice),
        st.fixed_dictionaries(
            {},
            optional={
                "failed": st.booleans(),
                "uncertain": st.booleans(),
                "message_ids": IDS,
                "count": st.integers(0, 3),
                "by": st.sampled_from(("", " ", "Kim")),
            },
        ),
    ),
    st.tuples(
        st.just(SettleChoice),
        st.fixed_dictionaries(
            {},
            optional={
                "action": st.sampled_from(("show", "mark as sent", "send again")),
                "count": st.integers(0, 3),
                "by": st.sampled_from(("", " ", "Kim")),
            },
        ),
    ),
    st.tuples(
        st.just(SuppressChoice),
        st.fixed_dictionaries(
            {},
            optional={
                "action": st.sampled_from(("show", "suppress", "lift")),
                "message_ids": IDS,
                "suppression_ids": IDS,
                "reason": st.sampled_from(("", " ", "left the club")),
                "by": st.sampled_from(("", " ", "Kim")),
            },
        ),
    ),
    st.tuples(
        st.just(CampaignOptions),
        st.fixed_dictionaries(
            {},
            optional={
                "mode": st.sampled_from(("send", "preview", "test")),
                "kind": st.sampled_from(("fee_notice", "correction", "reminder", "no_such_kind")),
                "test_address": st.sampled_from(("", " ", "office@example.org")),
            },
        ),
    ),
    st.tuples(
        st.just(RefreshOptions),
        st.fixed_dictionaries(
            {},
            optional={
                "release": IDS,
                "released_by": st.sampled_from(("", " ", "Kim")),
                "dry_run": st.booleans(),
                "create_missing_orders": st.booleans(),
                "order_ids": IDS,
            },
        ),
    ),
)


@given(CHOICES)
def test_prefect_and_we_refuse_the_same(choice: tuple[type[Form], dict[str, object]]) -> None:
    assert bool(refused_by_prefect(*choice)) == bool(refused_by_us(*choice))


# What only we can see: a schema cannot compare two lists


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"player_ids": (5, 6), "without_player_ids": (6,)}, "Both chosen and left out: player 6"),
        ({"teams": ("Hawks",), "without_teams": ("hawks",)}, "Both chosen and left out: team hawks"),
        ({"order_ids": (7, 8), "without_order_ids": (8, 7)}, "Both chosen and left out: order 7, order 8"),
        ({"mode": "test", "test_address": "office@example..org"}, "address for the test is not a mail address"),
        ({"kind": "reminder"}, "There is no kind 'reminder' for a campaign: it is one of correction, fee_notice"),
    ],
)
def test_a_campaign_that_contradicts_itself_is_refused_in_words(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        CampaignOptions(**chosen).check()


@pytest.mark.parametrize("address", ["office", "a b@example.org", "a@b@example.org"])
def test_an_address_for_a_test_that_is_none_starts_no_run(address: str) -> None:
    assert "a mail address" in refused_by_prefect(CampaignOptions, {"mode": "test", "test_address": address})


def test_a_choice_at_a_terminal_is_told_in_a_line() -> None:
    with pytest.raises(ConfigurationError, match=r"player_ids\.0: Input should be greater than or equal to 1"):
        CampaignOptions.read(player_ids=(0,))
    with pytest.raises(ConfigurationError, match="mode: Input should be 'send', 'preview' or 'test'"):
        CampaignOptions.read(mode="sned")


def test_the_kinds_of_a_campaign_are_the_folders_that_no_other_flow_sends() -> None:
    assert campaign_kinds() == ["correction", "fee_notice"]


@pytest.mark.parametrize("form", FLOWS)
def test_the_form_keeps_the_order_of_its_fields(form: type[Form]) -> None:
    fields = form.model_json_schema()["properties"]
    assert [fields[name]["position"] for name in form.model_fields] == list(range(len(fields)))


@pytest.mark.parametrize(("earlier", "today"), list(CampaignOptions.renamed.items()))
def test_what_was_stored_under_an_earlier_name_is_read(earlier: str, today: str) -> None:
    value = ("Hawks",) if today == "teams" else (5,)
    assert CampaignOptions.model_validate({earlier: value}) == CampaignOptions.model_validate({today: value})
    assert misfit(tournament_fees, {"tournament": "Spring Cup", "options": {earlier: value}}) == ""
    with pytest.raises(ConfigurationError, match=f"there is no '{earlier}'"):
        CampaignOptions.read(**{earlier: value, today: value})
