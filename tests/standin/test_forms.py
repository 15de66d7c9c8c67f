from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.errors import StripeError
from deployments.local.stripe_standin.forms import parse_form

HEADERS = {"Authorization": "Bearer sk_test_standin0001"}
names = st.text(min_size=1, max_size=8).filter(lambda name: not set(name) & {"[", "]"})
texts = st.text(max_size=20)
trees = st.dictionaries(
    names,
    st.recursive(
        texts,
        lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def as_maps(value: Any) -> Any:  # noqa: ANN401 - any tree of parameters
    """Give lists as the parser does: as maps of their indices."""
    if isinstance(value, list):
        return {str(index): as_maps(item) for index, item in enumerate(value)}
    return {name: as_maps(item) for name, item in value.items()} if isinstance(value, dict) else value


@given(trees)
def test_what_the_sdk_encodes_is_read_back(tree: dict[str, Any]) -> None:
    try:
        assert parse_form(urlencode(list(_api_encode(tree)))) == as_maps(tree)
    except StripeError as refusal:
        assert "nested too deeply" in refusal.message  # noqa: PT017 - the only refusal there may be


def test_unnumbered_arrays_are_numbered() -> None:
    assert parse_form("expand[]=a&expand[]=b") == {"expand": {"0": "a", "1": "b"}}


@pytest.mark.parametrize(
    "encoded", ["a[b=1", "a]b=1", "a[b]c=1", "[a]=1", "a=1&a=2", "a=1&a[b]=2", "a[b]=2&a=1", "a=%ff", "a[b[c]]=1"]
)
def test_what_is_not_well_formed_is_refused(encoded: str) -> None:
    with pytest.raises(StripeError) as caught:
        parse_form(encoded)
    assert caught.value.status == 400


def test_bodies_in_another_form_are_refused(base_url: str, control: StandInControl) -> None:
    url = f"{base_url}/v1/checkout/sessions"
    for request in ({"json": {"mode": "payment"}}, {"content": b"mode=%ff", "headers": {}}, {"content": b"\xff"}):
        answer = httpx.post(url, **{**request, "headers": HEADERS}, trust_env=False)  # type: ignore[arg-type]  # mixed
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert control.sessions() == []
