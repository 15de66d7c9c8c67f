"""Growth: whole campaigns of a thousand, ten thousand and a hundred thousand families, each in a process of its own."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import log
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import text

from tasks.core.database import QUERIES
from tests.bench.findings import Findings, Goal
from tests.bench.measuring import Announce, Spread
from tests.bench.sinks import smtp_sink
from tests.bench.stage import Stage, stage
from tests.bench.whole import apart, whole_campaign

ROUNDS = {1000: 5, 10_000: 5, 100_000: 1}
"""By the number of recipients: one campaign of the largest takes many minutes."""

SMALLEST = sorted(ROUNDS)[1]
"""It takes two sizes to see growth."""

ORDERS, PER_TOURNAMENT = 1_000_000, 1000
AUDIENCE_ROUNDS = 5

MANY_ORDERS = """
INSERT INTO parents (first_name, last_name, email)
SELECT 'Jo', 'Ek' || n, 'ek' || n || '@example.com' FROM generate_series(1, {players}) AS n;
INSERT INTO players (parent_id, first_name, last_name) SELECT id, 'Max', last_name FROM parents;
INSERT INTO teams (id, name) SELECT n, 'Team ' || n FROM generate_series(2, {tournaments}) AS n;
INSERT INTO products (id, name, amount) SELECT n, 'Entry ' || n, 5500 FROM generate_series(2, {tournaments}) AS n;
INSERT INTO tournaments (id, name) SELECT n, 'Cup ' || n FROM generate_series(2, {tournaments}) AS n;
INSERT INTO tournament_products SELECT n, n, n FROM generate_series(2, {tournaments}) AS n;
INSERT INTO player_teams SELECT p.id, 1 + (p.id + k * {tournaments} / 10) % {tournaments}, 'committed'
FROM players AS p CROSS JOIN generate_series(0, 9) AS k WHERE p.id > 1;
INSERT INTO orders (player_id, product_id, amount)
SELECT pt.player_id, tp.product_id, 5500 FROM player_teams AS pt JOIN tournament_products AS tp USING (team_id)
WHERE pt.player_id > 1;
"""


def growth(announce: Announce, most: int) -> Findings:
    """Measure time, memory and time in SQL, by the number of recipients."""
    taken: dict[int, list[Grown]] = {}
    for size in [size for size in ROUNDS if size <= max(most, SMALLEST)]:
        announce(f"setting up {size:,} recipients")
        with stage(size, {"batch_size": 100}) as club, smtp_sink() as port:
            taken[size] = [one_campaign(club, port, number, announce) for number in range(1, ROUNDS[size] + 1)]
    return told(taken)


def told(taken: Mapping[int, Sequence["Grown"]]) -> Findings:
    """Put into words what campaigns of each size have taken, the smallest first."""
    sizes = list(taken)
    figures = {size: {name: [getattr(one, name) for one in taken[size]] for name in Grown._fields} for size in sizes}
    rows = [(f"{size:,}", *(str(Spread.of(values)) for values in of_it.values())) for size, of_it in figures.items()]
    small, large = ({name: median(of_it) for name, of_it in figures[size].items()} for size in (sizes[0], sizes[-1]))
    exponent = log(large["seconds"] / small["seconds"]) / log(sizes[-1] / sizes[0])
    goals = [
        Goal(
            f"peak memory at {sizes[-1]:,}, of that at {sizes[0]:,}",
            large["peak_megabytes"] / small["peak_megabytes"],
            at_most=1.2,
        ),
        Goal(f"exponent of time by recipients, {sizes[0]:,} to {sizes[-1]:,}", exponent, at_most=1.05),
    ]
    columns = ("recipients", "seconds, from opening to report", "in SQL, of all connections", "peak memory, MB")
    remark = f"Campaigns: {', '.join(f'{len(taken[size])} of {size:,}' for size in sizes)}."
    by_size = {str(size): of_it for size, of_it in figures.items()}
    return Findings("Growth", columns, rows, goals, [remark, *not_measured(ROUNDS, sizes[-1])], by_size)


def not_measured(sizes: Iterable[int], most: int) -> list[str]:
    """Say which sizes were left out, if any were."""
    left_out = [f"{size:,}" for size in sizes if size > most]
    return [f"Not measured: {' and '.join(left_out)} recipients."] if left_out else []


class Grown(NamedTuple):
    """What a campaign of a size has taken."""

    seconds: float
    sql_seconds: float
    peak_megabytes: float


def one_campaign(club: Stage, port: int, number: int, announce: Announce) -> Grown:
    """Run a campaign, the n-th of its club, in a process of its own."""
    announce(f"campaign {number}")
    sql_before = sql_seconds(club)
    done = apart(partial(whole_campaign, sequence=number), club.given(port, BATCH_SIZE="100"))
    return Grown(done.seconds, sql_seconds(club) - sql_before, done.peak_memory / 2**20)


def audience(announce: Announce) -> Findings:
    """Measure the query for a tournament's committed players among a million orders, and show its plan."""
    announce(f"{ORDERS:,} orders")
    with stage(1) as club:
        statements = MANY_ORDERS.format(players=ORDERS // 10, tournaments=ORDERS // PER_TOURNAMENT)
        with club.club.pipeline.owner.transaction() as connection:
            connection.exec_driver_sql(statements, execution_options={"no_parameters": True})
        club.club.sql("ANALYZE")
        plans = [explained(club, 7) for _ in range(AUDIENCE_ROUNDS + 1)][1:]
    times = sorted(plan["Execution Time"] for plan in plans)
    middle = times[len(times) // 2]
    scanned = sorted(set(scans(plans[-1]["Plan"])))
    rows = [
        (f"{ORDERS:,}", f"{plans[-1]['Plan']['Actual Rows']:,.0f}", f"{middle:.1f} ({times[0]:.1f} to {times[-1]:.1f})")
    ]
    return Findings(
        "The audience query",
        ("orders", "players of the tournament", "ms"),
        rows,
        [Goal("ms of the audience query", middle, at_most=50)],
        [f"Its plan: {', '.join(scanned)}"],
        {"ms": times, "plan": plans[-1]["Plan"]},
    )


def explained(club: Stage, tournament: int) -> dict[str, Any]:
    """Run the query, and return how PostgreSQL did it."""
    statement = (QUERIES / "club/list_committed_players.sql").read_text(encoding="utf-8")
    with club.club.pipeline.owner.transaction() as connection:
        asked = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        told = connection.execute(asked, {"tournament_id": tournament, "order_ids": None}).scalar_one()
    (plan,) = told if isinstance(told, list) else json.loads(told)
    return dict(plan)


def scans(plan: Mapping[str, Any]) -> Sequence[str]:
    """Name each way in which a plan reads a table."""
    own = (
        [f"{plan['Node Type']} on {plan.get('Index Name') or plan['Relation Name']}"] if "Relation Name" in plan else []
    )
    return own + [name for child in plan.get("Plans", []) for name in scans(child)]


def sql_seconds(club: Stage) -> float:
    """Return the seconds that PostgreSQL's connections to the club's database were at work, together."""
    (row,) = club.club.sql("SELECT active_time / 1000 AS s FROM pg_stat_database WHERE datname = current_database()")
    return float(row.s)
