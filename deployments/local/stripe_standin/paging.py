"""Pages of a list, as every list endpoint of Stripe's gives them out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from deployments.local.stripe_standin.errors import missing_resource
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.params import Paged

Condition = tuple[str, list[Any]]


def page_of_rows(
    db: sqlite3.Connection, table: str, columns: str, conditions: Sequence[Condition], query: Paged
) -> tuple[list[sqlite3.Row], bool]:
    """Return a page of a table's rows, newest by `columns` first, and whether more follow in the direction of travel.

    `table`, `columns` and the conditions' texts are constants of the caller's; every value is bound.
    """
    backwards = query.ending_before is not None
    where = [text for text, _ in conditions]
    values = [value for _, bound in conditions for value in bound]
    if cursor := query.starting_after or query.ending_before:
        beyond = ">" if backwards else "<"
        where.append(f"({columns}) {beyond} (SELECT {columns} FROM {table} WHERE id = ?)")  # noqa: S608 - see above
        values.append(cursor)
    direction = "ASC" if backwards else "DESC"
    order_by = ", ".join(f"{column} {direction}" for column in columns.split(", "))
    chosen = f"SELECT * FROM {table} WHERE {' AND '.join(where)} ORDER BY {order_by} LIMIT ?"  # noqa: S608 - see above
    rows = db.execute(chosen, (*values, query.limit + 1)).fetchall()
    page = rows[: query.limit]
    return (page[::-1] if backwards else page), len(rows) > query.limit


def page_of_items(items: list[Json], query: Paged) -> tuple[list[Json], bool]:
    """Return a page of a session's or link's line items, in their own order; raises StripeError for an unknown item."""
    ids = [item["id"] for item in items]
    for name, cursor in (("starting_after", query.starting_after), ("ending_before", query.ending_before)):
        if cursor and cursor not in ids:
            raise missing_resource("item", cursor, param=name, status=400)
    if query.ending_before:
        before = items[: ids.index(query.ending_before)]
        return before[-query.limit :], len(before) > query.limit
    after = items[ids.index(query.starting_after) + 1 :] if query.starting_after else items
    return after[: query.limit], len(after) > query.limit
