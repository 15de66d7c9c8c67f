"""The treasurer's table: whatever stands in a name, no spreadsheet computes it."""

import csv
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.operations.treasurer_csv import safe_cell, treasurer_csv

HEAD = ("Player", "Parent", "Amount")
NASTY = st.text(st.sampled_from("=+-@%|;,\t\r\n\"' aZ1()!\u200b\ufeff\uff1d\uff0b\uff0d\uff20\uff1b"), max_size=12)
TEXTS = st.text(max_size=30) | NASTY
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 10**8)), max_size=5)


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    return list(csv.reader(lines, delimiter=delimiter))


def computes(cell: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula: by the first sign that can be seen."""
    seen = unicodedata.normalize("NFKC", cell)
    shown = seen.lstrip('" \t\r\n\u00a0\u200b\ufeff\u200e\u200f')
    return shown.startswith(("=", "+", "-", "@", "%", "|"))


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]))
def test_no_cell_is_computed_however_the_spreadsheet_cuts_the_line(
    rows: list[tuple[str, str, int]], delimiter: str
) -> None:
    for line in read(treasurer_csv(HEAD, rows), delimiter):
        assert not [cell for cell in line if computes(cell)]


@given(ROWS)
def test_the_table_is_as_large_as_it_was(rows: list[tuple[str, str, int]]) -> None:
    table = read(treasurer_csv(HEAD, rows))
    assert table[0] == list(HEAD)
    assert [len(line) for line in table] == [3] * (len(rows) + 1)
    assert [line[2] for line in table[1:]] == [str(row[2]) for row in rows]


@given(st.from_regex(r"[^\W\d_]+([ '-][^\W\d_]+)*", fullmatch=True))
def test_a_name_stays_as_it_is(name: str) -> None:
    assert safe_cell(name) == name


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('=HYPERLINK("http://example.org")', '\'=HYPERLINK("http://example.org")'),
        (" \t@SUM(A1)", "'@SUM(A1)"),
        ("Ann\r\n=1+1", "Ann =1+1"),
        ("Ann;=1+1", "Ann,=1+1"),
        ("Mary-Ann O'Neil", "Mary-Ann O'Neil"),
        (Decimal("55.00"), "55.00"),
        (None, ""),
    ],
)
def test_what_is_dangerous_is_made_plain(cell: str | Decimal | None, shown: str) -> None:
    assert safe_cell(cell) == shown
