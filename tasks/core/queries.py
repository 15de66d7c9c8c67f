"""Every statement about what every package asks of the database itself: sql/queries/core, a function each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from tasks.core.database import Source, fetch


def is_role_missing(source: Source) -> Sequence[Row[Any]]:
    """Whether our user may not even look into our schema: it has not been given its role."""
    return fetch(source, "core/is_role_missing")


def is_schema_missing(source: Source) -> Sequence[Row[Any]]:
    """Whether our schema has still to be made, by somebody with more rights than our user."""
    return fetch(source, "core/is_schema_missing")


def list_missing_club_columns(source: Source) -> Sequence[Row[Any]]:
    """The columns of the club's tables that the pipeline needs and does not find, finds of another type or too narrow, or may not use: it reads all of them, and writes those of orders that are marked here."""
    return fetch(source, "core/list_missing_club_columns")


def list_missing_rights(source: Source) -> Sequence[Row[Any]]:
    """What of our own tables the pipeline's database user may not use, and whether it may make temporary ones."""
    return fetch(source, "core/list_missing_rights")


def push_turns(source: Source, *, name: str, seconds: object) -> Sequence[Row[Any]]:
    """Let nobody have a turn of a rate for the next `seconds`."""
    return fetch(source, "core/push_turns", name=name, seconds=seconds)


def read_clock(source: Source) -> Sequence[Row[Any]]:
    """PostgreSQL's own clock."""
    return fetch(source, "core/read_clock")


def take_turns(source: Source, *, name: str, span: object, patience: object) -> Sequence[Row[Any]]:
    """Give a worker the next turns of a rate that all workers share: `span` seconds of it, from where the last ones end."""
    return fetch(source, "core/take_turns", name=name, span=span, patience=patience)
