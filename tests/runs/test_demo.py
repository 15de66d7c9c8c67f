"""The demo as a new user runs it: whole flow runs on a real Prefect server, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments.local.temporary_home import temporary_home
from tests.integration.local.onlookers import open_to_others

REPOSITORY = Path(__file__).parents[2]
OURS = ("DATABASE_URL", "STRIPE_", "SMTP_", "MAIL_", "CHECKOUT_", "PREFECT_", "STAY")


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home(in_memory=True) as folder:
        yield folder


def demo(home: Path, **given: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.Popen(
        [sys.executable, "-m", "deployments.local.demo"],
        cwd=REPOSITORY,
        env={**kept, **given, "TOURNAMENT_FEES_HOME": str(home), "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_behind(home: Path) -> list[str]:
    """The processes that name the folder in their command or their environment, or work in it."""
    found = [one.info for one in psutil.process_iter(["cmdline", "environ", "cwd"])]
    told = [" ".join([*(one["cmdline"] or []), *(one["environ"] or {}).values(), one["cwd"] or ""]) for one in found]
    return [line for line in told if str(home) in line]


def test_the_demo_mails_everybody_once_and_leaves_no_process(home: Path) -> None:
    elsewhere = {name: home / name for name in ("HOME", "TMPDIR")}
    for folder in elsewhere.values():
        folder.mkdir()
    said, _ = demo(home, **{name: str(folder) for name, folder in elsewhere.items()}).communicate()
    assert "23 sent, 9 skipped, 0 still to send" in said
    for link, orders in (
        ("kept", 1),
        ("backfilled", 1),
        ("made", 5),
        ("renewed", 19),
        ("found paid", 2),
        ("set aside", 0),
    ):
        assert len(re.findall(rf"{link}\s+│ {orders}\s", said)) == 2, said
    assert "Sent in this run: 23" in said
    assert "Sent in this run: 0" in said
    assert "Nothing was sent: nobody is mailed twice." in said
    index = (home / "demo" / "mail" / "index.html").read_text(encoding="utf-8")
    assert len(list((home / "demo" / "mail").glob("*.eml"))) == 23
    assert "rosa.delgado@example.com" in index
    assert "/c/pay/" not in said
    assert not re.search(r"[\w.]{2,}@example", said), "an address that is not masked"
    assert open_to_others(home / "demo") == []
    assert [entry for folder in elsewhere.values() for entry in folder.iterdir()] == []
    assert left_behind(home) == []


@pytest.mark.only_long
def test_a_demo_that_is_interrupted_stops_everything(home: Path) -> None:
    running = demo(home)
    assert running.stdout is not None
    for line in running.stdout:
        if "Caught mail" in line:
            running.send_signal(signal.SIGINT)
            break
    running.communicate()
    assert running.returncode != 0
    assert left_behind(home) == []


@pytest.mark.only_long
def test_a_demo_that_is_killed_while_it_mails_leaves_no_process(home: Path) -> None:
    running = demo(home)
    assert running.stdout is not None
    for line in running.stdout:
        if "Beginning flow run" in line:
            running.kill()
            break
    running.communicate()
    for process in psutil.process_iter(["cmdline"]):
        if "deployments.local.warden" in " ".join(process.info["cmdline"] or []) and str(home) in str(
            process.cmdline()
        ):
            process.wait()  # it stops what the killed one has left, and ends then
    assert left_behind(home) == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (  # nobody's key: it is refused for its prefix
            {"STRIPE_API_KEY": "sk_live_invented", "CHECKOUT_SUCCESS_URL": "https://club.example.org"},
            "STRIPE_ALLOW_LIVE",
        ),
        ({"SMTP_URL": "smtp://127.0.0.1:1"}, "SMTP_URL is set, but MAIL_FROM is not"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, "STRIPE_API_BASE is set, but STRIPE_API_KEY is not"),
    ],
)
def test_a_half_or_dangerous_setting_is_refused_before_anything_starts(
    home: Path, given: dict[str, str], complaint: str
) -> None:
    running = demo(home, **given)
    said, _ = running.communicate()
    assert running.returncode == 2
    assert complaint in said
    assert "sk_live_invented" not in said
    assert not (home / "demo").exists()
