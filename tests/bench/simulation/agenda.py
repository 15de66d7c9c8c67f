"""What is to happen, in order of time; whatever happens may put more on it."""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count


class Agenda:
    """Items of one moment come in the order in which they were put on it."""

    def __init__(self) -> None:
        self._items: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = count()

    def add(self, at: datetime, work: Callable[[], object]) -> None:
        """Put on what is to be done at a moment."""
        heapq.heappush(self._items, (at, next(self._numbers), work))

    def until(self, end: datetime) -> Iterator[tuple[datetime, Callable[[], object]]]:
        """Take off one after the other, those after the end excepted."""
        while self._items and self._items[0][0] <= end:
            at, _, work = heapq.heappop(self._items)
            yield at, work
