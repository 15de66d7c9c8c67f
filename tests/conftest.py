"""What holds for every test, and what `make test-long` changes: the full size of the tests marked `long`."""

import os
import signal

import pytest
from hypothesis import Phase, settings

from tasks.settings import ENV_FILE

# Whoever runs the tests may have a .env with a real mail server: neither they nor the programs that they start read it.
os.environ[ENV_FILE] = os.devnull

# A shell's background jobs ignore Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no failure. The blob that a failure prints repeats it anywhere: @reproduce_failure.
settings.register_profile("tests", deadline=None, print_blob=True)
settings.register_profile("long", settings.get_profile("tests"), max_examples=500)
# For mutants: the first failure is enough, however long it is (pytest --long --hypothesis-profile=hunt).
settings.register_profile(
    "hunt", settings.get_profile("long"), max_examples=120, phases=[Phase.generate], report_multiple_bugs=False
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run the tests marked `long`, and only these, at their full size"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: has a full size, which make test-long runs; make test runs it small")
    config.addinivalue_line("markers", "only_long: make test leaves it out, make test-long runs it")
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("long" if config.getoption("--long") else "tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose by marker."""

    def chosen(item: pytest.Item) -> bool:
        only_long = item.get_closest_marker("only_long") is not None
        if config.getoption("--long"):
            return only_long or item.get_closest_marker("long") is not None
        return not only_long

    config.hook.pytest_deselected(items=[item for item in items if not chosen(item)])
    items[:] = [item for item in items if chosen(item)]


@pytest.fixture(scope="session")
def full_size(request: pytest.FixtureRequest) -> bool:
    """Whether make test-long runs: a test marked `long` then takes its full size."""
    return bool(request.config.getoption("--long"))
