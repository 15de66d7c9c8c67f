from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.core.errors import PermanentError
from tasks.mail.letter import Total
from tests.support.letters import MIA, PAID, PAYABLE, letter


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "https://",
        "checkout.stripe.com/x",
        "https://a b",
        "https://é.example",
        "https://a\n",
    ],
)
def test_a_payable_line_needs_a_link_that_opens(url: str | None) -> None:
    with pytest.raises(PermanentError, match="no usable payment link"):
        replace(PAYABLE, url=url)


@pytest.mark.parametrize("expires_at", [None, datetime(2026, 11, 24, 1, 10, tzinfo=UTC).replace(tzinfo=None)])
def test_a_payable_line_says_when_its_link_dies(expires_at: datetime | None) -> None:
    with pytest.raises(PermanentError, match="expires"):
        replace(PAYABLE, link_expires_at=expires_at)


def test_only_payable_lines_are_summed_by_currency_in_any_case() -> None:
    assert letter(PAYABLE, replace(MIA, currency="USD"), PAID).totals == (Total(12050, "USD"),)
    assert letter(PAYABLE, PAID).totals == ()
    assert letter(PAID).totals == ()
