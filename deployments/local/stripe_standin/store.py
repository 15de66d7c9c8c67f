"""State in one SQLite file: durable across kill -9, since a response is sent only after the commit."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    livemode INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    payment_intent TEXT,
    payment_link TEXT,
    object TEXT NOT NULL,
    line_items TEXT NOT NULL,
    payment_intent_data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_newest ON sessions (livemode, created, seq);
CREATE INDEX IF NOT EXISTS sessions_payment_intent ON sessions (payment_intent) WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS sessions_payment_link ON sessions (payment_link) WHERE payment_link IS NOT NULL;
CREATE TABLE IF NOT EXISTS payment_links (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    livemode INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    active INTEGER NOT NULL,
    most INTEGER,
    completed INTEGER NOT NULL DEFAULT 0,
    object TEXT NOT NULL,
    line_items TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS payment_intents (id TEXT PRIMARY KEY, livemode INTEGER NOT NULL, object TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency (
    livemode INTEGER NOT NULL,
    key TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    parameters TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    saved_at REAL NOT NULL,
    PRIMARY KEY (livemode, key)
);
CREATE INDEX IF NOT EXISTS idempotency_age ON idempotency (saved_at);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    method TEXT,
    path_prefix TEXT NOT NULL,
    skip INTEGER NOT NULL,
    fault TEXT NOT NULL,
    remaining INTEGER NOT NULL,
    seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    idempotency_key TEXT,
    status INTEGER,
    fault TEXT,
    session_id TEXT,
    object_id TEXT
);
"""
# Files of before there were payment links lack these.
_ADDED_COLUMNS = (("sessions", "payment_link"), ("requests", "object_id"))
_TABLES = ("meta", "sessions", "payment_links", "payment_intents", "idempotency", "faults", "requests")


class Store:
    """Hold the one connection. A second stand-in on the same file is refused, since key locks live in the process."""

    def __init__(self, path: Path) -> None:
        """Open or create `path`. Raises BlockingIOError where another stand-in has it open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_name(path.name + ".lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        # WAL with synchronous=NORMAL survives the death of the process (not of the machine) without an fsync a commit.
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self._add_columns()
        self.db.executescript(_SCHEMA)
        self._kept = sqlite3.connect(":memory:")

    def _add_columns(self) -> None:
        for table, column in _ADDED_COLUMNS:
            present = {row["name"] for row in self.db.execute(f"PRAGMA table_info({table})")}
            if present and column not in present:
                self.db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")

    def close(self) -> None:
        """Close the file and give up its lock."""
        self.db.close()
        self._kept.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, or nothing of it. Never held across an await."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def get_meta(self, key: str, default: str) -> str:
        """Return a stored setting, or `default`."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row["value"]) if row else default

    def set_meta(self, key: str, value: str) -> None:
        """Store a setting."""
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def wipe(self) -> None:
        """Delete everything, the clock's offset and the settings too."""
        with self.transaction():
            for table in _TABLES:
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above

    def keep(self) -> None:
        """Keep a copy of everything, for restore(): until this process ends, or another one is kept."""
        self.db.backup(self._kept)

    def restore(self) -> None:
        """Make everything again what it was when it was kept; nothing, where it was not."""
        self._kept.backup(self.db)
        self.db.executescript(_SCHEMA)

    def log_request(self, entry: dict[str, Any]) -> None:
        """Append to the request log."""
        with self.transaction():
            self.db.execute(
                "INSERT INTO requests (at, method, path, parameters, idempotency_key, status, fault, session_id,"
                " object_id) VALUES (:at, :method, :path, :parameters, :idempotency_key, :status, :fault, :session_id,"
                " :object_id)",
                entry | {"parameters": json.dumps(entry["parameters"])},
            )

    def logged_requests(self, since: int) -> list[dict[str, Any]]:
        """Return the log's entries with a sequence number above `since`, oldest first."""
        rows = self.db.execute("SELECT * FROM requests WHERE seq > ? ORDER BY seq", (since,))
        return [dict(row) | {"parameters": json.loads(row["parameters"])} for row in rows]

    def clear_requests(self) -> None:
        """Empty the request log; sequence numbers go on rising."""
        with self.transaction():
            self.db.execute("DELETE FROM requests")
