"""The verbs for a terminal, each in a process of its own that is a copy of one with all loaded: two seconds less."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from deployments.local.process_marks import marking
from tasks.core.settings_source import ENV_FILE
from tests.support.copies import COPIES

REPOSITORY = Path(__file__).parents[2]
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", ENV_FILE)


def run_verb(arguments: Sequence[str], settings: Mapping[str, str]) -> tuple[int, str]:
    """Run a verb under these settings alone; return its exit code, and all that it said on either stream."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment = {**kept, **marking(), "COLUMNS": "200", **settings}
    with TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        verb = COPIES.Process(target=_be_a_verb, args=(list(arguments), environment, said))
        verb.start()
        verb.join()
        code = verb.exitcode
        verb.close()
        assert code is not None
        return code, said.read_text(encoding="utf-8").strip()


def _be_a_verb(arguments: Sequence[str], environment: Mapping[str, str], said: Path) -> None:
    """Do what `python -m deployments.cli` does; Prefect has read its settings, and reads them again."""
    os.chdir(REPOSITORY)
    os.environ.clear()
    os.environ.update(environment)
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from prefect.context import root_settings_context  # noqa: PLC0415  only in the copy

    from deployments.cli.__main__ import app  # noqa: PLC0415  as above

    sys.argv = ["deployments.cli", *arguments]
    with root_settings_context():
        app()
