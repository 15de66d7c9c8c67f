"""Bad input in whole flow runs: the run's last words in Prefect say what to change, and nothing was done."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shutil import copytree

import httpx
import pytest

from deployments.deploying import deployment_names
from deployments.local.demo_club import TOURNAMENT
from deployments.local.home import REPOSITORY
from deployments.local.processes import inherited_environment
from tests.support.harness import Pipeline, nothing_happened
from tests.support.served import FlowRun, Served, State

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


NEEDED: Mapping[str, Mapping[str, object]] = {
    "tournament-fees": {"tournament": TOURNAMENT},
    "campaign-status": {"tournament": TOURNAMENT},
    "stop-campaign": {"tournament": TOURNAMENT, "by": "Kim"},
    "hold-after-restore": {"backup_at": "2026-03-01T02:00:00Z", "by": "Kim"},
    "purge-season": {"before": "2020-01-01"},
}
"""What each flow cannot do without."""
REFUSED = "Nothing was done, for these parameters will not do: "
MEND = ". Correct them where they come from (a schedule, an automation, a script) and start another run"


def takes(served: Served, name: str) -> list[str]:
    """The names of the parameters of a deployment's flow, as its form shows them."""
    fields = served.get(f"deployments/name/{name}/{name}")["parameter_openapi_schema"]["properties"]
    return sorted(fields, key=lambda name: int(fields[name]["position"]))


@pytest.mark.parametrize("name", deployment_names())
def test_prefect_makes_no_run_with_a_parameter_that_its_flow_does_not_have(serving: Served, name: str) -> None:
    before = serving.post("flow_runs/count", {})
    with pytest.raises(httpx.HTTPStatusError) as refused:
        serving.start(f"{name}/{name}", {**NEEDED.get(name, {}), "tournamnet": "x"})
    assert refused.value.response.status_code == 409
    wrong = f"'tournamnet' is not one of {takes(serving, name)}"
    said = f"Error creating flow run: Validation failed. Failure reason: {wrong}"
    assert refused.value.response.json()["detail"] == said
    assert serving.post("flow_runs/count", {}) == before


IMPORT = """
import importlib, json, os, sys
from prefect.exceptions import Abort
for name, run in json.loads(sys.argv[1]).items():
    os.environ["PREFECT__FLOW_RUN_ID"] = run
    try:
        importlib.import_module("flows." + name.replace("-", "_"))
    except Abort:
        print(name)
"""
"""Does what Prefect's engine does first in the process of a run, for one run of each flow."""


def stored(served: Served, name: str, parameters: Mapping[str, object], **given: object) -> FlowRun:
    """Have Prefect store a run past the deployment, where it does not look at parameters; no worker takes it up."""
    deployment = served.get(f"deployments/name/{name}/{name}")
    of_it = {"flow_id": deployment["flow_id"], "deployment_id": deployment["id"], "parameters": dict(parameters)}
    run = FlowRun(served.post("flow_runs/", {**of_it, **given})["id"], served)
    served.runs.append(run)
    return run


OTHERWISE_WRONG: Mapping[str, tuple[Mapping[str, object], str]] = {
    "campaign-status": (
        {"tournamnet": TOURNAMENT},
        "tournament is missing; there is no 'tournamnet' (did you mean 'tournament'?) among tournament",
    ),
    "remind-unpaid": ({"options": {"after_days": 0}}, "options.after_days: Input should be greater than or equal to 1"),
}
"""Flows that are stored with something else than a parameter too many, and what is wrong with it."""


def wrongly_stored(served: Served, name: str) -> tuple[FlowRun, str]:
    """Have Prefect store a run with parameters that will not do; return it, and what is wrong with them."""
    known = takes(served, name)
    typo = f"there is no 'typo' among {', '.join(known)}" if known else "there is no 'typo', nor any other"
    parameters, wrong = OTHERWISE_WRONG.get(name, ({**NEEDED.get(name, {}), "typo": 1}, typo))
    return stored(served, name, parameters), wrong


def test_every_flow_refuses_in_words_what_it_was_stored_with(served: Served, club: Pipeline) -> None:
    cases = {name: wrongly_stored(served, name) for name in deployment_names()}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps({name: run.id for name, (run, _) in cases.items()})],
        cwd=REPOSITORY,
        env={**inherited_environment(), **served.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == list(cases)
    for name, (run, wrong) in cases.items():
        assert (run.state.type, run.state.message) == ("FAILED", REFUSED + wrong + MEND)
        assert served.get(f"flow_runs/{run.id}")["name"] == f"{name}: refused"
    nothing_happened(club)


def nobody_has_its_turn(served: Served, name: str) -> bool:
    """Whether none of the runs that go one at a time is at work, so that the next one may begin."""
    limit = served.get(f"deployments/name/{name}/{name}")["global_concurrency_limit"]
    return int(limit["active_slots"]) == 0


def log_has(run: FlowRun, words: str) -> bool:
    return any(words in line for line in run.log())


def scheduled(served: Served, name: str, parameters: Mapping[str, object]) -> FlowRun:
    """Give a deployment a schedule that has stored these parameters, and press Run now on the first run of it."""
    deployment = served.get(f"deployments/name/{name}/{name}")
    schedule = {"schedule": {"cron": "0 3 * * 1"}, "active": True, "parameters": dict(parameters), "slug": "people's"}
    served.post(f"deployments/{deployment['id']}/schedules", [schedule])
    # At once by the call with which the server's scheduler makes runs: that looks every minute.
    served.api.post(f"deployments/{deployment['id']}/schedule", json={"min_runs": 1}).raise_for_status()
    wanted = {"deployments": {"id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}

    def made() -> FlowRun | None:
        found = [
            run for run in served.post("flow_runs/filter", wanted) if parameters.items() <= run["parameters"].items()
        ]
        return FlowRun(found[0]["id"], served) if found else None

    run = served.wait_until(made)  # it goes with the schedule
    run.set_state("SCHEDULED", force=True)
    return run


@pytest.mark.usefixtures("as_it_was")
def test_a_run_that_got_past_prefects_check_ends_in_words(served: Served, club: Pipeline) -> None:
    pool = {"work_pool_name": "tournament-fees", "state": {"type": "SCHEDULED"}}
    cases = [
        (
            stored(served, "tournament-fees", {"tournament": TOURNAMENT, "mode": "preview"}, **pool),
            "there is no 'mode' (did you mean 'options.mode'?) among tournament, options, require_approval",
        ),
        (
            scheduled(served, "refresh-checkout-links", {"renew": True}),
            "there is no 'renew' (did you mean 'options.renew'?) among options",
        ),
    ]
    for run, wrong in cases:
        said = REFUSED + wrong + MEND
        assert run.wait() == State("FAILED", "Failed", said)
        served.wait_until(partial(log_has, run, said))
        assert not log_has(run, "Traceback")
    nothing_happened(club)
    served.wait_until(partial(nobody_has_its_turn, served, "refresh-checkout-links"))
