"""Faults that are staged for coming requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from deployments.local.stripe_standin.errors import StripeError, key_in_use, lock_timeout, rate_limited
from deployments.local.stripe_standin.store import Store

FaultName = Literal[
    "429",
    "429_retry_after",
    "409",
    "lock_timeout",
    "500",
    "500_after_commit",
    "slow",
    "drop_before",
    "drop_after",
    "pay_first",
]
FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)


class Match(BaseModel):
    """Which requests take a fault; `nth` counts the matching requests from now on, from 1."""

    model_config = ConfigDict(extra="forbid")
    method: Literal["GET", "POST"] | None = None
    path_prefix: str = "/v1/"
    nth: int = Field(default=1, ge=1)


class FaultRequest(BaseModel):
    """A fault to stage: taken by `count` matching requests in a row.

    `slow` commits and then holds the answer for `seconds`, or until the faults are cleared; `429_retry_after` asks for
    a wait of `seconds`; `drop_before` and `drop_after` cut the connection before or after the commit; `pay_first` lets
    the payer pay the session that the request names just before the request is handled. On a request whose answer is
    replayed under its idempotency key, the two 500s and `pay_first` do nothing.
    """

    model_config = ConfigDict(extra="forbid")
    fault: FaultName
    match: Match = Match()
    count: int = Field(default=1, ge=1)
    seconds: float = Field(default=1.0, ge=0)


@dataclass(frozen=True)
class Fault:
    """A fault that a request has taken."""

    name: FaultName
    seconds: float

    def refusal(self) -> StripeError | None:
        """Return the refusal that comes before anything is done, if this fault is one."""
        match self.name:
            case "429":
                return rate_limited()
            case "429_retry_after":
                return rate_limited({"Retry-After": f"{self.seconds:g}"})
            case "409":
                return key_in_use()
            case "lock_timeout":
                return lock_timeout()
            case _:
                return None


class Faults:
    """The queue of staged faults, and the answers that are being held back."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._released = asyncio.Event()

    def add(self, request: FaultRequest) -> None:
        """Stage a fault behind those already waiting."""
        with self.store.transaction():
            self.store.db.execute(
                "INSERT INTO faults (method, path_prefix, skip, fault, remaining, seconds) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    request.match.method,
                    request.match.path_prefix,
                    request.match.nth - 1,
                    request.fault,
                    request.count,
                    request.seconds,
                ),
            )

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault due for this request and use one of its count up."""
        rows = self.store.db.execute("SELECT * FROM faults ORDER BY id").fetchall()
        matching = [row for row in rows if row["method"] in {None, method} and path.startswith(row["path_prefix"])]
        if not matching:
            return None
        due = next((row for row in matching if row["skip"] == 0), None)
        with self.store.transaction():
            waiting = [(row["id"],) for row in matching if row["skip"] > 0]
            self.store.db.executemany("UPDATE faults SET skip = skip - 1 WHERE id = ?", waiting)
            if due is not None:
                self.store.db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (due["id"],))
                self.store.db.execute("DELETE FROM faults WHERE remaining = 0")
        return Fault(due["fault"], due["seconds"]) if due is not None else None

    def left(self) -> list[dict[str, object]]:
        """Return the faults still waiting, first to be taken first."""
        return [dict(row) for row in self.store.db.execute("SELECT * FROM faults ORDER BY id")]

    def clear(self) -> None:
        """Drop all staged faults, and let held answers go."""
        with self.store.transaction():
            self.store.db.execute("DELETE FROM faults")
        self._released.set()
        self._released = asyncio.Event()

    async def hold(self, seconds: float) -> None:
        """Wait that long, or until the faults are cleared."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._released.wait()
