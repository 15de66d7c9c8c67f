"""Which pages of Stripe's list to ask for, so that many sessions are known by few calls. Decides only; asks nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Seen(NamedTuple):
    """A session on a page, as far as the search cares."""

    id: str
    created: datetime


@dataclass(frozen=True)
class Want:
    """The page to ask for: the sessions created `until` then, newest first, from the one `after`."""

    until: datetime | None
    after: str | None


@dataclass
class ListSearch:
    """Finds wanted sessions in a list of all, or gives up where reading the rest one by one costs less.

    Sessions whose creation is known are looked for first: each page begins at the newest one that has not been seen,
    so stretches of foreign sessions are skipped and a page shows at least one wanted. Those of unknown age are looked
    for from the newest on, for as long as the pages that showed none are fewer than what is left to read (rent until
    that has cost as much as to buy). With n wanted and a list of p pages, pages and single reads together are

    - at most the lesser of n and p where all are of known age and exist,
    - at most 2 n in any case.
    """

    known: dict[str, datetime]
    unknown: set[str]
    _end: Seen | None = None
    _dry: int = 0
    _from_the_top: bool = field(default=False)
    _over: bool = False

    @classmethod
    def of(cls, wanted: Mapping[str, datetime | None]) -> "ListSearch":
        """Begin a search for sessions by id, each with Stripe's time of its creation where that is known."""
        known = {session_id: created for session_id, created in wanted.items() if created is not None}
        return cls(known, set(wanted) - set(known))

    @property
    def left(self) -> int:
        """How many were not seen yet."""
        return len(self.known) + len(self.unknown)

    def next(self) -> Want | None:
        """Return the page to ask for now; None where the rest is to be read one by one."""
        self._drop_the_lost()
        if self._over or self.left <= 1 or self._dry >= self.left:
            return None
        if not self.known:
            return self._next_of_all()
        newest = max(self.known.values())
        goes_on = self._end is not None and newest == self._end.created
        return Want(newest, self._end.id if goes_on and self._end else None)

    def saw(self, page: Sequence[Seen], *, more: bool) -> None:
        """Take in the page that was asked for."""
        before = self.left
        for session in page:
            self.known.pop(session.id, None)
            self.unknown.discard(session.id)
        self._dry += before == self.left
        self._end = page[-1] if page else self._end
        if not more:
            self._over = self._from_the_top
            self.unknown |= set(self.known)
            self.known = {}

    def _next_of_all(self) -> Want:
        if not self._from_the_top:
            self._from_the_top = True
            self._end = None
        return Want(None, self._end.id if self._end else None)

    def _drop_the_lost(self) -> None:
        """Take those for of unknown age that were not on the page where they should have been."""
        if self._end is None:
            return
        lost = [session_id for session_id, created in self.known.items() if created > self._end.created]
        for session_id in lost:
            del self.known[session_id]
            self.unknown.add(session_id)
