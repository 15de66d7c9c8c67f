"""What holds for every test, and what `make test-long` changes: the full size of the tests marked `long`."""

import gc
import os
import random
import signal
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import Phase, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped] # it has none

from deployments.local.whole_run import whole_run
from tasks.core.settings_source import ENV_FILE

# Until all is loaded there is no garbage to look for (pytest_collection_finish).
gc.disable()

# Whoever runs the tests may have a .env with a real mail server: neither they nor the programs that they start read it.
os.environ[ENV_FILE] = os.devnull

# A shell's background jobs ignore Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A run that is told to end, or whose terminal is closed, ends as by Ctrl-C: what tests have opened is closed.
for number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_DFL:
        signal.signal(number, signal.default_int_handler)

RUNS = (
    "aftercare",
    "alerts",
    "approval",
    "bad_input",
    "killed",
    "mending",
    "operated",
    "privacy",
    "refresh",
    "season",
    "served",
    "stopped",
    "strangers",
)
SERVED = {f"tests/runs/test_{name}.py" for name in RUNS}
"""The files whose tests share a server of Prefect's, which takes long to start."""

LONGEST = ("runs", "chaos", "local")
"""The folders of the longest files: these begin first, so that at the end nobody waits for one of them."""

# A slow machine is no failure. The blob that a failure prints repeats it anywhere: @reproduce_failure.
settings.register_profile("tests", deadline=None, print_blob=True, max_examples=30)
settings.register_profile("long", settings.get_profile("tests"), max_examples=500)
# For mutants: the first failure is enough, however long it is (pytest --long --hypothesis-profile=hunt).
settings.register_profile(
    "hunt", settings.get_profile("long"), max_examples=120, phases=[Phase.generate], report_multiple_bugs=False
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run the tests marked `long`, and only these, at their full size"
    )
    parser.addoption(
        "--least-privilege", action="store_true", help="let the pipeline's steps have the rights of sql/roles.sql only"
    )
    parser.addoption("--shuffle", type=int, metavar="SEED", help="take files, and the tests of each, in a random order")


def pytest_collection_finish() -> None:
    """Let Python look for garbage among what tests make, and no more among what was loaded for them."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: has a full size, which make test-long runs; make test runs it small")
    config.addinivalue_line("markers", "only_long: make test leaves it out, make test-long runs it")
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("long" if config.getoption("--long") else "tests")
    run = ExitStack()
    run.enter_context(whole_run())
    config.add_cleanup(run.close)


class _OneServer(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Side by side, a file's tests stay together, and so do all files that share the server of `make serve`."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "served" if file in SERVED else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:  # noqa: ANN401  xdist's own
    return _OneServer(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose by marker; the longest come first."""

    def chosen(item: pytest.Item) -> bool:
        only_long = item.get_closest_marker("only_long") is not None
        if config.getoption("--long"):
            return only_long or item.get_closest_marker("long") is not None
        return not only_long

    config.hook.pytest_deselected(items=[item for item in items if not chosen(item)])
    items[:] = sorted(_shuffled(list(filter(chosen, items)), config.getoption("--shuffle")), key=_rank)


def _rank(item: pytest.Item) -> int:
    """Return whose turn it is: those that share a server, then the folders with the longest files, then the rest."""
    if item.nodeid.split("::")[0] in SERVED:
        return 0
    folder = item.path.parent.name
    return 1 + (LONGEST.index(folder) if folder in LONGEST else len(LONGEST))


def _shuffled(items: list[pytest.Item], seed: int | None) -> list[pytest.Item]:
    """Return them in a random order, each file's together; None: as they are."""
    if seed is None:
        return items
    dice = random.Random(seed)  # noqa: S311  repeatable, nobody gains by guessing it
    file_order = {path: dice.random() for path in dict.fromkeys(item.path for item in items)}
    dice.shuffle(items)
    return sorted(items, key=lambda item: file_order[item.path])


@pytest.fixture(scope="session")
def full_size(request: pytest.FixtureRequest) -> bool:
    """Whether make test-long runs: a test marked `long` then takes its full size."""
    return bool(request.config.getoption("--long"))
