"""Sessions and payment intents as rows; an open session reads as expired once the clock passes `expires_at`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from deployments.local.stripe_standin.clock import Clock
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.params import ListSessions
from deployments.local.stripe_standin.store import Store

_OLDER_THAN = "(created, seq) < (SELECT created, seq FROM sessions WHERE id = ?)"
_NEWER_THAN = "(created, seq) > (SELECT created, seq FROM sessions WHERE id = ?)"


@dataclass(frozen=True)
class SessionTable:
    """Read and write sessions; all writes belong inside `Store.transaction`."""

    store: Store
    clock: Clock

    def add(self, session: Json, line_items: list[Json], payment_intent_data: Json) -> None:
        """Insert a new session."""
        self.store.db.execute(
            "INSERT INTO sessions"
            " (id, livemode, created, expires_at, status, object, line_items, payment_intent_data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session["id"],
                session["livemode"],
                session["created"],
                session["expires_at"],
                session["status"],
                json.dumps(session),
                json.dumps(line_items),
                json.dumps(payment_intent_data),
            ),
        )

    def update(self, session: Json) -> None:
        """Write a session's new state."""
        self.store.db.execute(
            "UPDATE sessions SET status = ?, payment_intent = ?, object = ? WHERE id = ?",
            (session["status"], session["payment_intent"], json.dumps(session), session["id"]),
        )

    def find(self, id_: str) -> Json | None:
        """Return a session of either mode as it is now, or None."""
        row = self.store.db.execute("SELECT * FROM sessions WHERE id = ?", (id_,)).fetchone()
        return self._current(row) if row else None

    def line_items(self, id_: str) -> list[Json]:
        """Return a session's line items."""
        return list(json.loads(self._column("line_items", id_)))

    def payment_intent_data(self, id_: str) -> Json:
        """Return what the session's payment intent takes over."""
        return dict(json.loads(self._column("payment_intent_data", id_)))

    def page(self, query: ListSessions, *, livemode: bool) -> tuple[list[Json], bool]:
        """Return a page of sessions, newest first, and whether more follow in the direction of travel."""
        cursor = query.starting_after or query.ending_before
        backwards = query.ending_before is not None
        where, values = self._conditions(query, livemode=livemode)
        if cursor:
            where.append(_NEWER_THAN if backwards else _OLDER_THAN)
            values.append(cursor)
        direction = "ASC" if backwards else "DESC"
        # The conditions are constants of this module; every value is bound.
        chosen = f"SELECT * FROM sessions WHERE {' AND '.join(where)}"  # noqa: S608 - see above
        order_by = f" ORDER BY created {direction}, seq {direction} LIMIT ?"
        rows = self.store.db.execute(chosen + order_by, (*values, query.limit + 1)).fetchall()
        page = [self._current(row) for row in rows[: query.limit]]
        return (page[::-1] if backwards else page), len(rows) > query.limit

    def everything(self, most: int = -1) -> list[Json]:
        """Return every session of both modes, newest first, or the first `most` of them."""
        rows = self.store.db.execute("SELECT * FROM sessions ORDER BY created DESC, seq DESC LIMIT ?", (most,))
        return [self._current(row) for row in rows]

    def put_payment_intent(self, intent: Json) -> None:
        """Insert or replace a payment intent."""
        self.store.db.execute(
            "INSERT OR REPLACE INTO payment_intents (id, livemode, object) VALUES (?, ?, ?)",
            (intent["id"], intent["livemode"], json.dumps(intent)),
        )

    def find_payment_intent(self, id_: str) -> Json | None:
        """Return a payment intent of either mode, or None."""
        row = self.store.db.execute("SELECT object FROM payment_intents WHERE id = ?", (id_,)).fetchone()
        return json.loads(row["object"]) if row else None

    def _conditions(self, query: ListSessions, *, livemode: bool) -> tuple[list[str], list[Any]]:
        where: list[str] = ["livemode = ?"]
        values: list[Any] = [livemode]
        for name, operator in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
            bound = getattr(query.created, name, None)
            if bound is not None:
                where.append(f"created {operator} ?")
                values.append(bound)
        if query.payment_intent:
            where.append("payment_intent = ?")
            values.append(query.payment_intent)
        if query.customer or query.payment_link or query.subscription:
            where.append("FALSE")  # no session here has one of these
        if query.status == "complete":
            where.append("status = 'complete'")
        elif query.status:
            open_now = "status = 'open' AND expires_at > ?"
            expired = "(status = 'expired' OR status = 'open' AND expires_at <= ?)"
            where.append(open_now if query.status == "open" else expired)
            values.append(self.clock.now())
        return where, values

    def _current(self, row: sqlite3.Row) -> Json:
        session: Json = json.loads(row["object"])
        if session["status"] == "open" and self.clock.now() >= session["expires_at"]:
            session["status"] = "expired"
        if session["status"] != "open":
            session["url"] = None
        return session

    def _column(self, column: str, id_: str) -> str:
        row = self.store.db.execute("SELECT * FROM sessions WHERE id = ?", (id_,)).fetchone()
        return str(row[column])
