"""Measure how fast the pipeline is, beside others: `make bench`, ARGS="delivery links" for parts of it.

All is measured in one run on one machine, in turns, and told as ratios: the figures of another day or machine are not
comparable, the ratios are. What others do is measured with Debian's postfix and with django-post_office from PyPI.
"""

import json
import os
import platform
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from deployments.local.home import REPOSITORY
from deployments.local.whole_run import whole_run
from tasks.core.private_files import make_private_folder
from tests.bench.chart import draw
from tests.bench.delivery import delivery
from tests.bench.findings import Findings
from tests.bench.growth import audience, growth
from tests.bench.links import links
from tests.bench.measuring import Announce, about
from tests.bench.prefect_share import share
from tests.bench.sinks import program
from tests.bench.slow_line import slow_line
from tests.bench.start import starts

PARTS: Mapping[str, Callable[[Announce, int], Findings]] = {
    "delivery": lambda announce, _: delivery(announce),
    "slow-line": lambda announce, _: slow_line(announce),
    "links": lambda announce, _: links(announce),
    "share": share,
    "growth": growth,
    "audience": lambda announce, _: audience(announce),
    "starts": lambda announce, _: starts(announce),
}
"""Each is told the most recipients of a campaign that is measured."""

NEED_POSTFIX = {"delivery", "growth"}
WIDE = 150
"""Characters a line of a log."""

README_FOLDER = REPOSITORY / "deployments" / "pictures"
OTHER_FOLDER = REPOSITORY / ".local" / "bench"


def main() -> int:
    """Measure the parts that are asked for, and write down what was found; return the exit code."""
    parser = ArgumentParser(prog="make bench", description="Measure how fast the pipeline is, beside others")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}; all where none is named")
    parser.add_argument(
        "--most", type=int, default=100_000, help="leave out larger campaigns of share and growth (%(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="write the README's picture and figures")
    options = parser.parse_args()
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
    chosen = options.parts or list(PARTS)
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: choose from {', '.join(PARTS)}")
    if NEED_POSTFIX.intersection(chosen) and not (program("smtp-sink") and program("smtp-source")):
        console.print("Not run: smtp-sink and smtp-source are missing. Install Debian's package postfix, or leave out")
        console.print(f"the parts {' and '.join(sorted(NEED_POSTFIX))}: make bench ARGS='slow-line links share'")
        return 2
    found: dict[str, Findings] = {}
    folder = README_FOLDER if options.keep else OTHER_FOLDER
    for part in chosen:
        found[part] = PARTS[part](about(part, partial(console.print, style="dim")), options.most)
        found[part].show(console)
        write(found, folder)
    console.print(f"Written to {folder}: bench.json, bench.svg")
    return 0


def write(found: Mapping[str, Findings], folder: Path) -> None:
    """Write the figures, and the picture of those parts that it shows; other parts stay as they were."""
    make_private_folder(folder)
    figures = folder / "bench.json"
    before = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    now = {part: {**findings.as_json(), "measured_on": today} for part, findings in found.items()}
    told = {**before, "machine": machine, **now}
    figures.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    picture = draw({part: told[part]["figures"] for part in PARTS if part in told})
    (folder / "bench.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    with whole_run():
        raise SystemExit(main())
