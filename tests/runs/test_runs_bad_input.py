"""Bad input in whole flow runs: the run's last words in Prefect say what to change, and nothing was done."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from deployments.local.demo_club import TOURNAMENT
from deployments.local.home import REPOSITORY
from deployments.local.processes import inherited_environment
from tests.integration.pipeline.harness import Pipeline, nothing_happened
from tests.runs.served import FlowRun, Served

NOWHERE = "127.0.0.1:1"  # nobody listens there
CASES = [
    ("Utah Open", {}, "The club has no tournament 'Utah Open'; it has 'Winter Classic', 'Utah Invitational'"),
    ("Winter Classic", {}, "'Winter Classic' has no committed players: check tournament_products"),
    (TOURNAMENT, {"STRIPE_API_BASE": f"http://{NOWHERE}"}, f"Stripe at http://{NOWHERE} cannot be reached"),
    (TOURNAMENT, {"SMTP_URL": f"smtp://{NOWHERE}"}, f"The mail server {NOWHERE} (SMTP_URL) cannot be reached"),
    (
        TOURNAMENT,
        {"DATABASE_URL": f"postgresql://club:hunter2@{NOWHERE}/club"},
        f"PostgreSQL at {NOWHERE}, database club (DATABASE_URL) does not answer",
    ),
    (TOURNAMENT, {"STRIPE_API_KEY": ""}, "STRIPE_API_KEY is not set"),
    (TOURNAMENT, {"STRIPE_API_KEY": "pk_test_invented"}, "STRIPE_API_KEY is not a Stripe secret or restricted key"),
    # Nobody's key: it is refused for its prefix.
    (TOURNAMENT, {"STRIPE_API_KEY": "sk_live_invented"}, "STRIPE_API_KEY is a live key"),
    (
        TOURNAMENT,
        {"STRIPE_API_KEY": "sk_test_revoked_invented"},
        "does not accept STRIPE_API_KEY (revoked, or mistyped)",
    ),
]


def test_a_run_that_cannot_be_done_says_what_to_change_and_does_nothing(served: Served, club: Pipeline) -> None:
    runs = []
    for tournament, changed, complaint in CASES:
        run = FlowRun(served.flows.run(tournament, changed), served)
        assert (run.state.type, complaint in run.state.message) == ("FAILED", True), run.state.message
        nothing_happened(club)
        runs.append(run)
    mended = FlowRun(served.flows.run(TOURNAMENT, {}), served).state
    assert (mended.type, mended.message) == ("COMPLETED", "23 sent, 9 skipped, 0 still to send")
    told = [line for run in runs for line in (run.state.message, *run.log())]
    assert any("does not answer" in line for line in told)
    assert [line for line in told if "hunter2" in line or "invented" in line] == []


@pytest.mark.only_long
def test_a_template_with_an_undefined_variable_stops_the_run_before_the_first_send(
    served: Served, club: Pipeline, tmp_path: Path
) -> None:
    for part in ("flows", "tasks", "sql", "templates", "deployments"):
        copytree(REPOSITORY / part, tmp_path / part)
    subject = tmp_path / "templates" / "fee_notice" / "subject.txt"
    subject.write_text(subject.read_text(encoding="utf-8") + "{{ letter.coach }}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "send", TOURNAMENT],
        cwd=tmp_path,
        env={**inherited_environment(), **served.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.search(r"^Failed: .*subject\.txt.*coach", done.stdout, re.MULTILINE), done.stdout
    nothing_happened(club)
