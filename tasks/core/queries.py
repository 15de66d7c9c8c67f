"""Every statement about what every package asks of the database itself: sql/queries/core, a function each."""

from datetime import datetime
from typing import NamedTuple

from tasks.core.database import Source, fetch


class MissingRole(NamedTuple):
    """What gives our user its role, and whether the role is there to be given."""

    statement: str
    role_is_there: bool


class ClubColumn(NamedTuple):
    """A column of the club's tables that will not do."""

    table_name: str
    column_name: str
    table_missing: bool
    data_type: str | None
    """None where the column is missing."""
    wanted: str | None
    """What it has to be, in words, where it is of a type that will not do."""
    missing_right: str | None
    """SELECT or UPDATE."""


# What the pipeline needs of the database


def find_missing_role(source: Source) -> MissingRole | None:
    """Return what is lacking where our user may not even look into our schema; None: nothing."""
    rows = fetch(source, "core/find_missing_role")
    return MissingRole(**rows[0]._asdict()) if rows else None


def find_missing_schema(source: Source) -> str | None:
    """Return the statement that makes our schema, where it is missing and our user may not make it; None: all is well.

    Somebody with more rights than our user has to run it.
    """
    rows = fetch(source, "core/find_missing_schema")
    return str(rows[0].statement) if rows else None


def list_missing_rights(source: Source) -> list[str]:
    """Return the GRANTs that our user lacks, for the owner of our tables to run."""
    return [row.statement for row in fetch(source, "core/list_missing_rights")]


def list_missing_club_columns(source: Source) -> list[ClubColumn]:
    """Return the columns of the club's tables that are missing, will not do, or that our user may not use."""
    return [ClubColumn(**row._asdict()) for row in fetch(source, "core/list_missing_club_columns")]


# The clock and the rates that all workers share


def read_clock(source: Source) -> datetime:
    """Return the time by PostgreSQL's own clock."""
    (row,) = fetch(source, "core/read_clock")
    now: datetime = row.at
    return now


def take_turns(source: Source, *, name: str, span: float, patience: float) -> float | None:
    """Take the next `span` seconds of a rate that all workers share; return the seconds until they begin.

    None, and nothing is taken, where that would be more than `patience` seconds away. What has begun already is
    a little below zero.
    """
    rows = fetch(source, "core/take_turns", name=name, span=span, patience=patience)
    return float(rows[0].wait_seconds) if rows else None


def push_turns(source: Source, *, name: str, seconds: float) -> None:
    """Give nobody a turn of a rate for the next `seconds`."""
    fetch(source, "core/push_turns", name=name, seconds=seconds)
