"""A table for the treasurer as a CSV file that no spreadsheet takes for anything but text and figures."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | Decimal | None

_FORMULA = re.compile(r"\W*?[=+\-@%]")
"""How a text begins that a spreadsheet computes, whatever blanks and quotes stand before it."""

_OTHER_SEPARATORS = str.maketrans({";": ",", "|": "/"})
"""Half of the world's spreadsheets are set to semicolons: there a cell begins after each, wherever we meant it to."""


def treasurer_csv(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a table as CSV in UTF-8, with the mark by which Excel knows it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(head)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def safe_cell(cell: Cell) -> str:
    """Return a cell in one line, in which nothing begins that a spreadsheet would compute.

    A text that would be computed gets an apostrophe before it; figures are never negative here and need none. A library
    such as defusedcsv looks at a cell's first character only.
    """
    if cell is None:
        return ""
    visible = (" " if unicodedata.category(character)[0] in "CZ" else character for character in str(cell))
    text = " ".join("".join(visible).split()).translate(_OTHER_SEPARATORS)
    return f"'{text}" if _FORMULA.match(unicodedata.normalize("NFKC", text)) else text
