"""Choices that contradict themselves: refused by Prefect before a run starts, and by us in the same words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate

from flows.refresh_checkout_links import refresh_checkout_links
from flows.retry_failed_sends import retry_failed_sends
from flows.settle_uncertain import settle_uncertain
from flows.suppress_recipients import suppress_recipients
from tasks.choices import RetryChoice, SettleChoice, SuppressChoice
from tasks.errors import ConfigurationError
from tasks.form_rules import Form
from tasks.refresh import RefreshOptions

FLOWS: dict[type[Form], Flow[..., Any]] = {
    RetryChoice: retry_failed_sends,
    SettleChoice: settle_uncertain,
    SuppressChoice: suppress_recipients,
    RefreshOptions: refresh_checkout_links,
}


def refused_by_prefect(form: type[Form], chosen: dict[str, object]) -> str:
    """Return what Prefect's server says of a form's values; nothing where it takes them."""
    schema = parameter_schema(FLOWS[form]).model_dump_for_openapi()
    (parameter,) = schema["properties"]
    try:
        validate({parameter: chosen}, schema, raise_on_error=True)
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
