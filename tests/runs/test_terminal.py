"""The verbs of the terminal, where no Prefect server can keep their runs: one line, at once."""

from pathlib import Path

import pytest

from deployments.local.ports import free_port
from tests.support.verbs import run_verb


@pytest.mark.parametrize(
    "verb",
    [
        ["send", "Utah Invitational"],
        ["deploy"],
        *(pytest.param([verb], marks=pytest.mark.only_long) for verb in ("refresh", "remind")),
    ],
)
@pytest.mark.parametrize("named", ["no server", "one that is not there"])
def test_a_run_without_a_prefect_server_is_refused_in_one_line(tmp_path: Path, verb: list[str], named: str) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    given = {"PREFECT_HOME": str(tmp_path)} | ({} if named == "no server" else {"PREFECT_API_URL": url})
    code, said = run_verb(verb, given)
    wanted = "PREFECT_API_URL is not set" if named == "no server" else f"No Prefect server answers at {url}"
    assert code == 2
    assert said.startswith(f"Error: {wanted}")
    assert len(said.splitlines()) == 1
