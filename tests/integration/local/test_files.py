"""The stack's files are ours alone: also what third parties write, and what an earlier version has left open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.local.home import REPOSITORY, sole_use
from deployments.local.processes import child_processes
from deployments.local.stack import local_stack
from tasks.core.errors import ConfigurationError
from tests.integration.local.onlookers import open_to_others, read_by_a_stranger

ENTRIES = "import os, sys; open('file', 'w').close(); os.mkdir('folder'); print('listening on here', flush=True)"


@pytest.mark.only_long
def test_nothing_of_a_running_stack_can_be_read_by_others(home: Path) -> None:
    stack_home, everybodys = home / "stack", home / "everybodys"
    everybodys.touch()
    for path in (home, everybodys):
        path.chmod(0o755)
    with local_stack(stack_home, given={}, progress=lambda _: None):
        present = {path.name for path in stack_home.rglob("*")}
        assert present >= {"stripe.sqlite3", "prefect.log", "ports.json", "mail.json", ".lock", "PG_VERSION", "ui"}
        assert open_to_others(stack_home) == []
        if os.geteuid() == 0:
            assert read_by_a_stranger(home) == [str(home), str(everybodys)]


def test_what_a_child_makes_is_ours_alone_and_our_own_mask_comes_back(home: Path) -> None:
    os.umask(before := os.umask(0o022))
    with child_processes(home) as children:
        child = children.start("maker", [sys.executable, "-c", ENTRIES], folder=home)
        child.wait_until(child.listening_on)
        assert {"file", "folder"} <= {entry.name for entry in home.iterdir()}
        assert open_to_others(home) == []
    os.umask(after := os.umask(0o022))
    assert after == before


def test_what_an_earlier_version_left_open_is_closed_and_nothing_above_it(home: Path) -> None:
    earlier = home / "serve"
    for folder in (home, earlier, earlier / "logs"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    for name in (".lock", "stripe.sqlite3", "logs/mail.log"):
        (earlier / name).touch()
        (earlier / name).chmod(0o644)
    outside = home / "of-the-club.csv"
    outside.touch()
    outside.chmod(0o644)
    (earlier / "link").symlink_to(outside)
    with sole_use(earlier):
        assert open_to_others(earlier) == []
    assert [path.stat().st_mode & 0o777 for path in (home, outside)] == [0o755, 0o644]


def test_the_folder_in_the_repository_is_closed_with_all_that_is_in_it(home: Path) -> None:
    for file in (*REPOSITORY.glob("deployments/local/*.py"), *REPOSITORY.glob("tasks/**/*.py")):
        copy = home / file.relative_to(REPOSITORY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    previews = home / ".local" / "previews"
    previews.mkdir(parents=True)
    for path in (home, home / ".local", previews):
        path.chmod(0o755)
    program = "from deployments.local.home import *; c = sole_use(stack_home({}) / 'demo'); c.__enter__()"
    subprocess.run([sys.executable, "-c", program], cwd=home, check=True)
    assert (home / ".local" / "demo" / ".lock").exists()
    assert open_to_others(home / ".local") == []
    assert home.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_that_another_user_made_first_is_refused(home: Path) -> None:
    theirs, link = home / "demo", home / "link"
    theirs.mkdir()
    link.symlink_to(home / "ours")
    (home / "ours").mkdir()
    shutil.chown(theirs, "nobody")
    os.chown(link, theirs.stat().st_uid, -1, follow_symlinks=False)
    for folder in (theirs, link):
        with pytest.raises(ConfigurationError, match=r"another user's.*TOURNAMENT_FEES_HOME="), sole_use(folder):
            pass
    assert list(theirs.iterdir()) == list((home / "ours").iterdir()) == []


def test_a_folder_with_somebodys_files_is_neither_closed_nor_wiped(home: Path) -> None:
    letter = home / "demo" / "letter.txt"
    letter.parent.mkdir()
    letter.parent.chmod(0o755)
    letter.touch()
    demo = subprocess.run(
        [sys.executable, "-m", "deployments.local.demo"],
        cwd=REPOSITORY,
        env={**os.environ, "TOURNAMENT_FEES_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert demo.returncode == 2
    assert "has files that the embedded stack has not made" in demo.stdout.replace("\n", " ")
    assert list(letter.parent.iterdir()) == [letter]
    assert letter.parent.stat().st_mode & 0o777 == 0o755


def test_a_folder_of_everybodys_is_not_closed(home: Path) -> None:
    home.chmod(0o1777)
    with pytest.raises(ConfigurationError, match="everybody's"), sole_use(home):
        pass
    assert home.stat().st_mode & 0o7777 == 0o1777
    home.chmod(0o700)
