"""Compare the ways to mail a payment link, on simulated time: `make simulate`, ARGS="--seed 7 --parents 50" for others.

Each way is lived through by the same parents, on real parts: PostgreSQL, the Stripe stand-in over HTTP, mail over SMTP,
and the pipeline's own steps. The README's picture and figures are written where the seed and the parents are its own.
"""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deployments.local.home import REPOSITORY
from deployments.local.postgres import embedded_postgres
from deployments.local.temporary_home import temporary_home
from deployments.local.whole_run import whole_run
from tests.bench.simulation.chart import draw
from tests.bench.simulation.club import season_of
from tests.bench.simulation.figures import Figures, judge
from tests.bench.simulation.parents import Parent, draw_parents
from tests.bench.simulation.season import END, FIRST_MAIL
from tests.bench.simulation.table import terminal_table
from tests.bench.simulation.ways import WAYS, Way

SEED, PARENTS = 1, 200
README_FOLDER = REPOSITORY / "deployments" / "pictures"
OTHER_FOLDER = REPOSITORY / ".local" / "simulation"
AT_ONCE = 2


def main() -> None:
    """Simulate all ways, and write down what came of them."""
    parser = ArgumentParser(prog="make simulate", description="Compare the ways to mail a payment link")
    parser.add_argument("--seed", type=int, default=SEED, help="of the parents' dice (%(default)s)")
    parser.add_argument("--parents", type=int, default=PARENTS, help="how many there are (%(default)s)")
    options = parser.parse_args()
    figures = simulate(draw_parents(options.parents, options.seed))
    is_readmes = (options.seed, options.parents) == (SEED, PARENTS)
    folder = README_FOLDER if is_readmes else OTHER_FOLDER
    write(figures, options.seed, folder)
    console = Console()
    console.print(terminal_table(figures))
    console.print(f"Written to {folder}: simulation.svg, simulation.json")


def simulate(parents: tuple[Parent, ...]) -> list[Figures]:
    """Live through every way, two at a time, each on parts of its own."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("days"))
    with (
        temporary_home() as home,
        embedded_postgres(home / "data", databases=("club",)) as server,
        Progress(*columns, TimeElapsedColumn()) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        url = server.url("club")
        tasks = [
            pool.submit(_live_through, way, parents, url, home / str(number), progress)
            for number, way in enumerate(WAYS)
        ]
        return [task.result() for task in tasks]


def _live_through(way: Way, parents: tuple[Parent, ...], server_url: str, folder: Path, progress: Progress) -> Figures:
    bar = progress.add_task(way.name, total=(END - FIRST_MAIL).days)

    def show(at: datetime) -> None:
        progress.update(bar, completed=max(0, (at - FIRST_MAIL).days))

    with season_of(way, parents, server_url, folder) as season:
        season.run(show)
        progress.update(bar, completed=(END - FIRST_MAIL).days)
        return judge(way.name, way.at_line, season)


def write(figures: Sequence[Figures], seed: int, folder: Path) -> None:
    """Write the picture and the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulation.svg").write_text(draw(figures), encoding="utf-8")
    told = {"seed": seed, "parents": figures[0].parents, "ways": [asdict(row) for row in figures]}
    (folder / "simulation.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with whole_run():
        main()
