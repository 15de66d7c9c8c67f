"""Files for their owner's eyes alone: whole under their name, or not there, however their writer ends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deployments.cli.output import write_private
from tasks.core.errors import ConfigurationError
from tasks.core.private_files import DRAFTS_STAY_SECONDS, make_private_folder, whole_file

REPOSITORY = Path(__file__).parents[3]

WRITER = """
import sys
from pathlib import Path
from tasks.core.private_files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"new, and half of it")
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""
PREVIEWER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tasks.campaigns.message import Skipped
from tasks.campaigns.preview_page import preview_page
from tests.unit.campaigns.test_preview_report import CAMPAIGN, PREVIEW

def skipped():
    yield Skipped(1, "robin@example.com", "paid")
    print("ready", flush=True)
    sys.stdin.read()

with preview_page() as page:
    page.write(Path(sys.argv[1]), CAMPAIGN, PREVIEW, skipped(), datetime.now(UTC))
"""

NOBODY = 65534


@contextmanager
def stopped_while_it_writes(program: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program, place],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == "ready"
        yield writer
        writer.kill()


def killed_while_it_writes(program: str, place: Path) -> None:
    with stopped_while_it_writes(program, place):
        pass


def let_an_hour_pass(folder: Path) -> None:
    long_ago = time.time() - DRAFTS_STAY_SECONDS - 1
    for entry in folder.iterdir():
        os.utime(entry, (long_ago, long_ago))


def test_a_writer_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("old")
    killed_while_it_writes(WRITER, file)
    assert file.read_text() == "old"
    (draft,) = set(tmp_path.iterdir()) - {file}
    assert draft.stat().st_mode & 0o777 == 0o600


def test_a_preview_whose_writer_is_killed_is_no_preview(tmp_path: Path) -> None:
    folder = tmp_path / "previews"
    killed_while_it_writes(PREVIEWER, folder)
    assert list(folder.glob("preview-*")) == []
    (draft,) = folder.iterdir()
    assert draft.stat().st_mode & 0o777 == 0o600


def test_drafts_of_dead_writers_do_not_pile_up(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    for _ in range(2):
        killed_while_it_writes(WRITER, file)
        let_an_hour_pass(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    with whole_file(file) as opened:
        opened.write(b"new")
    assert list(tmp_path.iterdir()) == [file]


def test_the_draft_of_a_living_writer_is_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    with stopped_while_it_writes(WRITER, file) as slow:
        with whole_file(file) as opened:
            opened.write(b"of the fast one")
        assert file.read_text() == "of the fast one"
        slow.communicate("go on")
        assert slow.returncode == 0
    assert file.read_text() == "new, and half of it"
    assert list(tmp_path.iterdir()) == [file]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "report.csv") as opened:  # noqa: PT012 -- the block is the subject
        opened.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_its_owners_alone_whatever_was_there_and_whatever_the_umask(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("old")
    file.chmod(0o666)
    before = os.umask(0)
    try:
        write_private(file, b"new")
    finally:
        os.umask(before)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe.csv"
    link.symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(pipe)
    for place in (link, pipe):
        with pytest.raises(ConfigurationError, match="no ordinary file"):
            write_private(place, b"names")
    assert link.is_symlink()
    assert pipe.is_fifo()


def test_folders_above_a_private_one_are_private_if_they_are_new(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "local" / "previews")
    modes = [folder.stat().st_mode & 0o777 for folder in (tmp_path, tmp_path / "local", tmp_path / "local/previews")]
    assert modes == [0o755, 0o700, 0o700]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_old_draft_of_another_user_stops_nobody() -> None:
    with TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o1777)
        theirs = shared / ".0.fees-draft"
        theirs.touch()
        os.utime(theirs, (0, 0))
        os.seteuid(NOBODY)
        try:
            with whole_file(shared / "table.csv") as opened:
                opened.write(b"whole")
        finally:
            os.seteuid(0)
        assert (shared / "table.csv").read_bytes() == b"whole"
        assert theirs.exists()
