"""Where the processor's time of a delivery goes, by what the profiler says of each thread: shares, not times."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

import yappi  # type: ignore[import-untyped]  # it brings no types

from tasks.campaigns.letters import compose, sample_link
from tasks.club import queries as club_queries
from tasks.club.players import players_with_orders
from tasks.core.settings_source import load_settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.mail.letter import Letter
from tasks.mail.mime import build_message
from tasks.services import open_services
from tests.bench.stage import Stage

WRITTEN = 500

AREAS = {
    "rendering": ("/jinja2/", "/markupsafe/", "/babel/", "templates/", "/tasks/mail/"),
    "statements": ("/sqlalchemy/", "/psycopg/", "/psycopg_", "/tasks/core/database.py", "/queries.py"),
    "MIME": ("/tasks/mail/mime.py", "/email/"),
    "SMTP": ("/tasks/mail/smtp/", "/socket.py", "/selectors.py", "/ssl.py"),
}
"""By what a file's path has in it; where several do, the longest counts."""

REST = "the rest"


def area(path: str) -> str:
    """Return whose the functions of a file are."""
    found = [(len(part), name) for name, parts in AREAS.items() for part in parts if part in path]
    return max(found)[1] if found else REST


@contextmanager
def profiled() -> Iterator[dict[str, float]]:
    """Profile all threads; fill in the seconds of each area when the block is over.

    What is written in C counts as its callers': to tell it apart would cost more than most of it takes.
    """
    spent: dict[str, float] = defaultdict(float)
    yappi.set_clock_type("cpu")
    yappi.start(builtins=False)
    try:
        yield spent
    finally:
        yappi.stop()
        functions = yappi.get_func_stats()
        yappi.clear_stats()
    for function in functions:
        spent[area(function.module)] += function.tsub


def shares(spent: Mapping[str, float]) -> dict[str, float]:
    """Return each area's share of the whole, the largest first."""
    total = sum(spent.values())
    return {name: spent[name] / total for name in sorted(spent, key=lambda name: -spent[name])}


def where_time_goes(club: Stage, port: int) -> Mapping[str, float]:
    """Deliver a campaign in this process, one batch after the other, under the profiler."""
    campaign, batches = club.new_campaign()
    with open_services(load_settings(club.given(port))) as services:
        deliver_batch(services, campaign, batches[0], None)  # compiles the templates
        with profiled() as spent:
            statuses = sum((deliver_batch(services, campaign, batch, None) for batch in batches[1:]), Counter())
    if statuses.keys() != {"sent"}:
        raise RuntimeError(f"not all were sent: {statuses}")
    return spent


def notice(club: Stage) -> Letter:
    """Return what a family of the club gets to read."""
    services = club.club.pipeline.services
    tournament = club_queries.find_tournament(services.database, tournament_id=1)
    with services.database.transaction() as connection:
        players = players_with_orders(connection, 1, [club.club.sql("SELECT min(id) AS id FROM orders")[0].id])
    links = [sample_link(player) for player in players.values()]
    return compose("fee_notice", tournament, players, links)


def writing(club: Stage) -> float:
    """Return the milliseconds of processor time that rendering and MIME take a message, no two alike."""
    renderer, letter, now = club.club.pipeline.services.renderer, notice(club), datetime.now(UTC)
    began = process_time()
    for number in range(WRITTEN):
        build_message(
            renderer.render(replace(letter, parent=f"Jo Ek{number}")),
            sender="Example Hoops Club <fees@example.org>",
            reply_to=None,
            to_address=f"ek{number}@example.com",
            to_name=f"Jo Ek{number}",
            message_id=f"<{number}@example.org>",
            date=now,
            unsubscribe_url=None,
        )
    return 1000 * (process_time() - began) / WRITTEN
