"""A suppression list as CSV: taken whole, or refused with every wrong line named and no address shown."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import ConfigurationError
from tasks.operations.suppression_csv import read_suppressions

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_list_is_read_with_what_it_leaves_out() -> None:
    content = (
        "\ufeffAddress, Reason ,since\r\n"
        "Jo.Ek@gmail.com,asked for it,2026-02-01\r\n"
        '"ann@example.com","a, b",\r\n'
        "bea@exämple.org,,\r\n"
    )
    lines = read_suppressions(content.encode(), NOW)
    assert [(line.mailbox, line.address, line.reason) for line in lines] == [
        ("joek@gmail.com", "Jo.Ek@gmail.com", "asked for it"),
        ("ann@example.com", "ann@example.com", "a, b"),
        ("bea@exämple.org", "bea@xn--exmple-cua.org", "on an imported list"),
    ]
    assert [line.since for line in lines] == [datetime(2026, 2, 1, tzinfo=UTC), NOW, NOW]


def test_addresses_alone_will_do() -> None:
    assert [line.mailbox for line in read_suppressions(b"address\nann@example.com\n", NOW)] == ["ann@example.com"]


def test_what_a_spreadsheet_makes_of_a_list_is_read() -> None:
    content = "address;reason;since\r\nann@example.com;left;2026-03-01\r\n;;\r\n"
    assert [line.reason for line in read_suppressions(content.encode(), NOW)] == ["left"]


def test_a_day_that_has_begun_somewhere_is_not_to_come() -> None:
    evening = datetime(2026, 2, 28, 12, tzinfo=UTC)  # 1 March in Auckland
    (line,) = read_suppressions(b"address,since\nann@example.com,2026-03-01\n", evening)
    assert line.since == evening


WRONG = {
    "no address": ("ask her father,,", "line 3 has no mail address"),
    "two addresses": ('"a@example.com, b@example.com",,', "line 3 has no mail address"),
    "an empty one": (",left,", "line 3 has no mail address"),
    "no date": ("ann@example.com,,yesterday", "line 3 has no date"),
    "a date to come": ("ann@example.com,,2026-04-01", "line 3 has a date to come"),
    "too many fields": ("ann@example.com,,,more", "line 3 has more fields"),
    "a long reason": (f"ann@example.com,{'x' * 201},", "line 3 has a reason of over 200"),
}


@pytest.mark.parametrize(("line", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_line_is_named_and_nothing_of_it_shown(line: str, said: str) -> None:
    content = f"address,reason,since\nbea@example.com,,\n{line}\ncoe@example.com,,\nnobody,,\n"
    with pytest.raises(ConfigurationError) as caught:
        read_suppressions(content.encode(), NOW)
    assert said in str(caught.value)
    assert "line 5 has no mail address" in str(caught.value), "every wrong line is named at once"
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The first line must name the columns"),
        (b"ann@example.com\n", "The first line must name the columns"),
        (b"address,reason,Reason\nann@example.com,a,b\n", "The first line must name the columns, each once"),
        (b"address,phone\nann@example.com,1\n", "The first line must name the columns"),
        (b"address\n", "has no addresses"),
        (b"address\n\xff\xfe@example.com\n", "is not UTF-8"),
        (b'address\n"ann@example.com\n', "After line 1 the file is no CSV"),
    ],
)
def test_a_file_that_is_no_list_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_suppressions(content, NOW)


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    for text in (content, b"address,since\n" + content):
        try:
            assert read_suppressions(text, NOW)
        except ConfigurationError:
            continue
