"""Where the processor's time of a delivery goes, by what the profiler says of each thread: shares, not times."""

import cProfile
import pstats
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import thread_time
from typing import Any

AREAS = {
    "rendering": ("/jinja2/", "/markupsafe/", "/babel/", "templates/", "/tasks/mail/"),
    "statements": ("/sqlalchemy/", "/psycopg/", "/psycopg_", "/tasks/database.py"),
    "MIME": ("/tasks/mail/mime.py", "/email/"),
    "SMTP": ("/tasks/mail/smtp/", "/socket.py", "/selectors.py", "/ssl.py"),
}
"""By what a file's path has in it; where several do, the longest counts."""

REST = "the rest"

Function = tuple[str, int, str]
Callers = Mapping[Function, tuple[int, int, float, float]]


@contextmanager
def profiled() -> Iterator[dict[str, float]]:
    """Profile this thread and those that it starts; fill in the seconds of each area when the block is over."""
    spent: dict[str, float] = defaultdict(float)
    profiles = [cProfile.Profile(thread_time)]

    def begin(*_: Any) -> None:  # noqa: ANN401  what threading hands over
        profile = cProfile.Profile(thread_time)
        profiles.append(profile)
        profile.enable()

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        yield spent
    finally:
        threading.setprofile(None)
        for profile in profiles:
            profile.disable()
    for profile in profiles:
        stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # it has no other way out
        for name, seconds in by_area(stats).items():
            spent[name] += seconds


def by_area(stats: Mapping[Function, tuple[int, int, float, float, Callers]]) -> dict[str, float]:
    """Add up seconds by area; what is written in C is its callers'."""
    spent: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        if area(function) is not None or not callers:
            spent[area(function) or REST] += own
            continue
        for caller, (_, _, of_caller, _) in callers.items():
            spent[area(caller) or REST] += of_caller
    return spent


def area(function: Function) -> str | None:
    """Return whose a function is by its file; None where it has none, or the file is nobody's."""
    found = [(len(part), name) for name, parts in AREAS.items() for part in parts if part in function[0]]
    return max(found)[1] if found else None


def told(spent: Mapping[str, float]) -> str:
    """Say each area's share, the largest first."""
    total = sum(spent.values())
    return ", ".join(
        f"{name} {seconds / total:.0%}" for name, seconds in sorted(spent.items(), key=lambda one: -one[1])
    )
