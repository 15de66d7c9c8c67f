"""A suppression list as a CSV file, read whole before anything is written."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tasks.core.email_address import mailbox_of, parse_address, wire_address
from tasks.core.errors import ConfigurationError

COLUMNS = {"address", "reason", "since"}
MOST_LINES_NAMED = 20
LONGEST_REASON = 200
EARLIEST_ZONE = timedelta(hours=14)
"""So far ahead of UTC a day begins somewhere."""


@dataclass(frozen=True)
class Line:
    """A line that can be taken over."""

    mailbox: str
    address: str
    reason: str
    since: datetime


def read_suppressions(content: bytes, now: datetime) -> list[Line]:
    """Read the columns address, reason and since (YYYY-MM-DD); the last two may be empty or missing.

    Raises one ConfigurationError that names every line that is wrong, and shows no address.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The file is not UTF-8 (byte {error.start}): save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","  # a spreadsheet's, where the comma is for decimals
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        return _lines(reader, now)
    except csv.Error as error:
        raise ConfigurationError(
            f"After line {reader.line_num} the file is no CSV ({error}): nothing was taken over"
        ) from None


def _lines(reader: "csv.DictReader[str]", now: datetime) -> list[Line]:
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "address" not in names or set(names) - COLUMNS or len(names) > len(set(names)):
        raise ConfigurationError(
            "The first line must name the columns, each once: address and, as you like, reason and since"
        )
    lines, wrong = [], []
    for row in reader:
        if not any(row.values()):
            continue  # a spreadsheet's empty row
        try:
            lines.append(_line({(name or "").strip().lower(): value for name, value in row.items()}, now))
        except ValueError as error:
            wrong.append(f"line {reader.line_num} {error}")
    if wrong:
        more = f"; and {len(wrong) - MOST_LINES_NAMED} more" if len(wrong) > MOST_LINES_NAMED else ""
        raise ConfigurationError(f"{'; '.join(wrong[:MOST_LINES_NAMED])}{more}. Nothing was taken over")
    if not lines:
        raise ConfigurationError("The file has no addresses: nothing was taken over")
    return lines


def _line(row: dict[str, object], now: datetime) -> Line:
    if "" in row:
        raise ValueError("has more fields than there are columns")
    address = parse_address(str(row["address"] or ""))
    if address is None:
        raise ValueError("has no mail address, one alone, in its column address")
    reason = " ".join(str(row.get("reason") or "").split())
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ValueError(f"has a reason of over {LONGEST_REASON} characters, or one that cannot be shown")
    return Line(
        mailbox_of(address),
        wire_address(address),
        reason or "on an imported list",
        _since(str(row.get("since") or "").strip(), now),
    )


def _since(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        since = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ValueError("has no date such as 2026-03-01 in its column since") from None
    if since > now + EARLIEST_ZONE:
        raise ValueError("has a date to come in its column since")
    return min(since, now)
