"""Sessions and payment intents as rows; an open session reads as expired once the clock passes `expires_at`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from deployments.local.stripe_standin.clock import Clock
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.paging import Condition, page_of_rows
from deployments.local.stripe_standin.params import ListSessions
from deployments.local.stripe_standin.store import Store


@dataclass(frozen=True)
class SessionTable:
    """Read and write sessions; all writes belong inside `Store.transaction`."""

    store: Store
    clock: Clock

    def add(self, session: Json, line_items: list[Json], payment_intent_data: Json) -> None:
        """Insert a new session."""
        self.store.db.execute(
            "INSERT INTO sessions"
            " (id, livemode, created, expires_at, status, payment_link, object, line_items, payment_intent_data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session["id"],
                session["livemode"],
                session["created"],
                session["expires_at"],
                session["status"],
                session["payment_link"],
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
        conditions = self._conditions(query, livemode=livemode)
        rows, has_more = page_of_rows(self.store.db, "sessions", "created, seq", conditions, query)
        return [self._current(row) for row in rows], has_more

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

    def _conditions(self, query: ListSessions, *, livemode: bool) -> list[Condition]:
        conditions: list[Condition] = [("livemode = ?", [livemode])]
        for name, operator in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
            bound = getattr(query.created, name, None)
            if bound is not None:
                conditions.append((f"created {operator} ?", [bound]))
        if query.payment_intent:
            conditions.append(("payment_intent = ?", [query.payment_intent]))
        if query.payment_link:
            conditions.append(("payment_link = ?", [query.payment_link]))
        if query.customer or query.subscription:
            conditions.append(("FALSE", []))  # no session here has one of these
        if query.status == "complete":
            conditions.append(("status = 'complete'", []))
        elif query.status:
            open_now = "status = 'open' AND expires_at > ?"
            expired = "(status = 'expired' OR status = 'open' AND expires_at <= ?)"
            conditions.append((open_now if query.status == "open" else expired, [self.clock.now()]))
        return conditions

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
