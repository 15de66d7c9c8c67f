"""Payment links as rows; a link whose limit is reached reads as inactive, as Stripe says that it is."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from deployments.local.stripe_standin.limits import Limits
from deployments.local.stripe_standin.link_params import ListLinks
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.paging import Condition, page_of_rows
from deployments.local.stripe_standin.store import Store

_USED_UP = "(most IS NOT NULL AND completed >= most)"


@dataclass(frozen=True)
class LinkTable:
    """Read and write payment links; all writes belong inside `Store.transaction`."""

    store: Store
    limits: Limits

    def add(self, link: Json, line_items: list[Json]) -> None:
        """Insert a new link."""
        self.store.db.execute(
            "INSERT INTO payment_links (id, livemode, path, active, most, object, line_items)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                link["id"],
                link["livemode"],
                link["url"],
                link["active"],
                _most(link),
                json.dumps(link),
                json.dumps(line_items),
            ),
        )

    def update(self, link: Json) -> None:
        """Write a link's new settings; what its sessions completed is kept apart."""
        self.store.db.execute(
            "UPDATE payment_links SET active = ?, most = ?, object = ? WHERE id = ?",
            (link["active"], _most(link), json.dumps(link), link["id"]),
        )

    def count(self, id_: str, change: int) -> None:
        """Count a completed session (or, with -1, one that no longer counts)."""
        self.store.db.execute("UPDATE payment_links SET completed = completed + ? WHERE id = ?", (change, id_))

    def find(self, id_: str) -> Json | None:
        """Return a link of either mode as it is now, or None."""
        row = self.store.db.execute("SELECT * FROM payment_links WHERE id = ?", (id_,)).fetchone()
        return self._current(row) if row else None

    def find_by_path(self, path: str) -> Json | None:
        """Return the link whose page is at a path, or None."""
        row = self.store.db.execute("SELECT * FROM payment_links WHERE path = ?", (path,)).fetchone()
        return self._current(row) if row else None

    def stored(self, id_: str) -> Json:
        """Return a link as it was last written: `active` is its switch, whatever has been completed since."""
        link: Json = json.loads(self._row(id_)["object"])
        return link

    def used_up(self, id_: str) -> bool:
        """Tell whether as many sessions were completed as the link may have."""
        row = self._row(id_)
        return row["most"] is not None and row["completed"] >= row["most"]

    def line_items(self, id_: str) -> list[Json]:
        """Return a link's line items."""
        return list(json.loads(self._row(id_)["line_items"]))

    def page(self, query: ListLinks, *, livemode: bool) -> tuple[list[Json], bool]:
        """Return a page of links, newest first, and whether more follow in the direction of travel."""
        conditions: list[Condition] = [("livemode = ?", [livemode])]
        if query.active is not None:
            conditions.append((f"({self._active_now()}) = ?", [query.active]))
        rows, has_more = page_of_rows(self.store.db, "payment_links", "seq", conditions, query)
        return [self._current(row) for row in rows], has_more

    def everything(self, most: int = -1) -> list[Json]:
        """Return every link of both modes, newest first, or the first `most` of them."""
        rows = self.store.db.execute("SELECT * FROM payment_links ORDER BY seq DESC LIMIT ?", (most,))
        return [self._current(row) for row in rows]

    def _active_now(self) -> str:
        return "active" if self.limits.settings.active_at_limit else f"active AND NOT {_USED_UP}"

    def _current(self, row: sqlite3.Row) -> Json:
        link: Json = json.loads(row["object"])
        if link["restrictions"]:
            link["restrictions"]["completed_sessions"]["count"] = row["completed"]
            if row["completed"] >= row["most"] and not self.limits.settings.active_at_limit:
                link["active"] = False
        return link

    def _row(self, id_: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self.store.db.execute("SELECT * FROM payment_links WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise KeyError(id_)
        return row


def _most(link: Json) -> int | None:
    restrictions = link["restrictions"]
    return restrictions["completed_sessions"]["limit"] if restrictions else None
