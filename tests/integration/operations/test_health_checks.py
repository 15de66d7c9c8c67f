"""The doctor: on a club that is well it finds nothing, and of each planted fault just that, with how to mend it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from socket import create_server
from uuid import uuid4

import prefect
import pytest
from dotenv import dotenv_values
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from deployments import access
from deployments.access import look_at_network
from deployments.doctor import check_server
from deployments.local.prefect_login import given_login
from deployments.local.processes import inherited_environment
from tasks.core.database import Database
from tasks.mail.renderer import Renderer
from tasks.mail.template_files import TEMPLATES
from tasks.operations.health_checks import Finding, run_health_checks
from tasks.services import open_services
from tests.integration.mail.test_smtp_opening import ELSEWHERE
from tests.integration.operations.test_bad_input import closed_port
from tests.integration.operations.test_cli import verb
from tests.support.harness import LIVE_KEY, Pipeline
from tests.support.small_club import CUP, SmallClub
from tests.support.smtp_server import Script, server
from tests.support.web_server import web_server


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    club = SmallClub.on(small_club)
    club.own_session(club.family()[0])
    return club


def ill(club: SmallClub, **settings: object) -> dict[str, str]:
    """What was looked at, with these settings, and is not well, and what is said of it."""
    changed = club.pipeline.services.settings.model_copy(update=settings)
    with open_services(changed, club.pipeline.clock) as services:
        renderer = club.pipeline.services.renderer
        findings = [finding for finding in run_health_checks(replace(services, renderer=renderer)) if not finding.well]
    return {finding.about: finding.said for finding in findings if not finding.said.startswith("not looked at")}


def poor_user(club: SmallClub) -> SecretStr:
    """The address of the database for a user who may only look."""
    name = f"poor_{uuid4().hex}"
    club.sql(f"CREATE ROLE {name}; GRANT USAGE ON SCHEMA public, tournament_fees TO {name}")
    club.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public, tournament_fees TO {name}")
    url = club.pipeline.services.database.engine.url.update_query_dict({"options": f"-c role={name}"})
    return SecretStr(url.render_as_string(hide_password=False))


def test_a_club_that_is_well_has_nothing_to_mend(club: SmallClub) -> None:
    assert ill(club) == {}
    assert len(club.calls("POST")) == 1, "nothing was made at Stripe but the club's own session"
    assert club.pipeline.inbox.messages() == []
    assert club.messages() == []


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: how it comes about, which things are not well then, and a word of how to mend it."""

    plant: Callable[[SmallClub], object]
    about: set[str]
    said: str
    settings: Callable[[SmallClub], dict[str, object]] = lambda _club: {}


FAULTS = {
    "the database is away": Fault(
        lambda _club: None,
        {"database"},
        "start it, or correct DATABASE_URL",
        lambda _club: {"database_url": SecretStr(f"postgresql+psycopg://u:hunter2@127.0.0.1:{closed_port()}/club")},
    ),
    "an old schema": Fault(
        lambda club: club.sql("UPDATE tournament_fees.migrations SET version_num = '0002'"),
        {"own tables"},
        "at migration 0002, not 0007: run `python -m deployments.cli migrate`",
    ),
    "a copied database": Fault(
        lambda club: club.sql("UPDATE tournament_fees.homes SET place = 'elsewhere'"),
        {"restores"},
        "run `python -m deployments.cli hold-after-restore`",
    ),
    "a column is missing": Fault(
        lambda club: club.sql("ALTER TABLE parents DROP COLUMN language"),
        {"club tables"},
        "parents.language",
    ),
    "a column is too narrow": Fault(
        lambda club: club.sql("ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE varchar(500) USING NULL"),
        {"club tables"},
        "widen_checkout_url.sql",
    ),
    "a right is missing": Fault(
        lambda _club: None,
        {"club tables", "own tables"},
        "GRANT UPDATE",
        lambda club: {"database_url": poor_user(club)},
    ),
    "a time zone that does not exist": Fault(
        lambda club: club.sql("UPDATE tournaments SET time_zone = 'Utah/Salt_Lake'"),
        {"tournaments"},
        "Spring Cup: There is no time zone 'Utah/Salt_Lake'",
    ),
    "this machine's clock is wrong": Fault(
        lambda club: setattr(club.pipeline.clock, "ahead", timedelta(minutes=5)),
        {"clock", "Stripe clock"},
        "300 seconds ahead of PostgreSQL's: synchronize it",
    ),
    "a key that was revoked": Fault(
        lambda _club: None,
        {"Stripe"},
        "does not accept STRIPE_API_KEY",
        lambda _club: {"stripe_api_key": SecretStr("sk_test_revoked_0000000000")},
    ),
    "a key that may only read": Fault(
        lambda _club: None,
        {"Stripe rights"},
        "STRIPE_API_KEY lacks a permission",
        lambda _club: {"stripe_api_key": SecretStr("rk_test_invented_readonly_key")},
    ),
    "a key of the other mode": Fault(
        lambda club: club.own_session(club.family("Berg", "b@example.com")[0], key=LIVE_KEY),
        {"Stripe account"},
        "STRIPE_API_KEY is of another mode than the sessions in orders",
    ),
    "a key of another account": Fault(
        lambda club: club.set_order(1, stripe_checkout_session_id="cs_test_of_somebody_else"),
        {"Stripe account"},
        "Stripe knows none of the 1 sessions",
    ),
    "the mail server is away": Fault(
        lambda _club: None,
        {"mail server"},
        "start it, or correct SMTP_URL",
        lambda _club: {"smtp_url": SecretStr(f"smtp://127.0.0.1:{closed_port()}")},
    ),
    "a bounce mailbox that is none": Fault(
        lambda _club: None,
        {"bounces"},
        "is no maildir",
        lambda _club: {"bounce_mailbox": SecretStr("maildir:/nowhere")},
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found_alone_and_told_how_to_mend(club: SmallClub, fault: Fault) -> None:
    fault.plant(club)
    found = ill(club, **fault.settings(club))
    assert set(found) == fault.about
    assert fault.said in "\n".join(found.values())
    assert all("\n" not in said for said in found.values())
    assert "hunter2" not in str(found)


def test_a_mail_server_that_takes_no_login_is_told(club: SmallClub) -> None:
    script = Script(says={"AUTH": ["535 wrong password"]}, extensions=("AUTH PLAIN",))
    with server(script) as port:
        found = ill(club, smtp_url=SecretStr(f"smtp://ann:hunter2@127.0.0.1:{port}"))
    assert set(found) == {"mail server"}
    assert "refuses the user name or password" in found["mail server"]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("extensions", "said", "mend"),
    [
        ((), "offers no TLS", "use one that does, or smtps:// in SMTP_URL"),
        (("STARTTLS",), "has no valid TLS certificate", "SSL_CERT_FILE"),
    ],
    ids=["in the clear", "with a certificate that nobody vouches for"],
)
def test_a_mail_server_elsewhere_that_cannot_be_trusted_is_told(
    club: SmallClub, extensions: tuple[str, ...], said: str, mend: str
) -> None:
    script = Script(extensions=(*extensions, "AUTH PLAIN"))
    with server(script) as port:
        found = ill(club, smtp_url=SecretStr(f"smtp://ann:hunter2@{ELSEWHERE}:{port}"))
    assert set(found) == {"mail server"}
    assert said in found["mail server"]
    assert mend in found["mail server"]
    assert "hunter2" not in f"{found} {script.heard}"


def test_a_template_that_cannot_be_rendered_is_told_with_its_place(club: SmallClub, tmp_path: Path) -> None:
    templates = copytree(TEMPLATES, tmp_path / "templates")
    subject = templates / "reminder" / "subject.txt"
    subject.write_text(subject.read_text(encoding="utf-8") + "{{ letter.coach }}", encoding="utf-8")
    broken = replace(club.pipeline, services=replace(club.pipeline.services, renderer=Renderer(templates)))
    found = ill(SmallClub(broken))
    assert set(found) == {"templates"}
    assert "coach" in found["templates"]


# Prefect


@contextmanager
def prefect_of_another_time(version: str) -> Iterator[str]:
    """A server that answers as Prefect's of another version, and has nothing of ours."""
    answers = {"/api/health": True, "/api/admin/version": version, "/api/work_pools/filter": []}

    def answer(path: str, _body: bytes) -> tuple[int, str]:
        return (200 if path in answers else 404), json.dumps(answers.get(path, {"detail": "Not Found"}))

    with web_server(answer) as place:
        yield f"http://{place}/api"


@contextmanager
def prefect_that_asks_for_a_secret(host: str = "127.0.0.1") -> Iterator[str]:
    """A server that answers a stranger's question for its health, and nothing else."""
    with web_server(lambda path, _: (200, "true") if path == "/api/health" else (401, "{}"), host) as place:
        yield f"http://{place}/api"


@contextmanager
def prefect_with_an_empty_secret() -> Iterator[str]:
    """A server that was started with `PREFECT_SERVER_API_AUTH_STRING=`, as Prefect takes that."""

    def lets_in(path: str, authorization: str | None) -> bool:
        return path == "/api/health" or authorization == "Basic ="

    with web_server(lambda _path, _body: (200, "true"), lets_in=lets_in) as place:
        yield f"http://{place}/api"


def prefect_findings(url: AbstractContextManager[str], secret: str | None = None) -> dict[str, Finding]:
    with url as named, temporary_settings({PREFECT_API_URL: named, PREFECT_API_AUTH_STRING: secret}):
        return {finding.about: finding for finding in check_server()}


def test_a_prefect_server_that_is_away_is_told() -> None:
    found = prefect_findings(nullcontext(f"http://127.0.0.1:{closed_port()}/api"))
    assert [(about, one.well) for about, one in found.items()] == [("Prefect", False)]
    assert "No Prefect server answers at" in found["Prefect"].said


@pytest.mark.parametrize("version", ["3.1.5", "2.20.1", "4.0.0"])
def test_a_prefect_server_of_another_time_is_told_and_that_it_has_nothing_of_ours(version: str) -> None:
    found = prefect_findings(prefect_of_another_time(version))
    ill = [about for about, one in found.items() if not one.well]
    assert ill == ["Prefect's secret", "Prefect version", "deployments", "workers"]
    assert f"the server is {version}" in found["Prefect version"].said
    assert "remind-unpaid" in found["deployments"].said
    assert "run `python -m deployments.cli deploy`" in found["deployments"].said


def test_a_prefect_server_that_answers_anybody_is_told_and_what_that_means() -> None:
    found = prefect_findings(prefect_of_another_time(prefect.__version__))
    assert "whoever reaches it runs any command as the workers" in found["Prefect's secret"].said
    assert "PREFECT_SERVER_API_AUTH_STRING" in found["Prefect's secret"].said


@pytest.mark.parametrize(("secret", "said"), [(None, "is not set"), ("admin:another one", "is not the one")])
def test_a_prefect_server_that_does_not_let_us_in_is_told_in_a_line(secret: str | None, said: str) -> None:
    found = prefect_findings(prefect_that_asks_for_a_secret(), secret)
    assert [about for about, one in found.items() if not one.well] == ["Prefect"]
    assert found["Prefect's secret"].said == "it answers nobody without it"
    assert f"does not let us in: PREFECT_API_AUTH_STRING {said}" in found["Prefect"].said
    assert "another one" not in found["Prefect"].said


def test_a_server_that_was_given_an_empty_secret_is_open() -> None:
    found = prefect_findings(prefect_with_an_empty_secret())
    assert "it answers anybody" in found["Prefect's secret"].said


def test_a_secret_over_which_prefect_fails_is_told() -> None:
    found = prefect_findings(prefect_that_asks_for_a_secret(), "admin:contraseña-larga")
    assert "PREFECT_API_AUTH_STRING has letters with accents" in found["Prefect"].said


def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "SECONDS", 0.2)
    with create_server(("127.0.0.1", 0)) as silent:
        found = prefect_findings(nullcontext(f"http://127.0.0.1:{silent.getsockname()[1]}/api"))
    assert [(about, one.well) for about, one in found.items()] == [("Prefect", False)]
    assert "No Prefect server answers at" in found["Prefect"].said


def test_where_there_is_no_way_to_others_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_own_addresses", lambda: iter(()))
    with prefect_that_asks_for_a_secret() as url:
        finding = look_at_network(url)
    assert finding.warning
    assert "could not be found out" in finding.said


def test_a_worker_that_is_not_let_in_says_so_in_a_line() -> None:
    with prefect_that_asks_for_a_secret() as url:
        done = subprocess.run(
            [sys.executable, "-m", "deployments.worker"],
            env={**inherited_environment(), "PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": "admin:another one"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("Error: Prefect's server at")
    assert "PREFECT_API_AUTH_STRING is not the one" in said


def test_settings_that_others_can_read_are_told(club: SmallClub, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    for mode, told in ((0o644, True), (0o600, False)):
        file.touch()
        file.chmod(mode)
        _, said = verb(club, "doctor", TOURNAMENT_FEES_ENV_FILE=str(file))
        assert (f"WRONG settings file: {file} can be read by other users" in said) == told


def test_the_servers_secret_in_the_example_is_that_of_its_clients(tmp_path: Path) -> None:
    example = (Path(__file__).parents[3] / ".env.example").read_text(encoding="utf-8")
    filled = tmp_path / ".env"
    filled.write_text(example.replace("PREFECT_API_AUTH_STRING=\n", "PREFECT_API_AUTH_STRING=admin:a-long-secret\n", 1))
    given = {name: value for name, value in dotenv_values(filled).items() if value}
    assert given_login(given) == "admin:a-long-secret"
    assert given["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert given["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"


@pytest.mark.parametrize(
    ("host", "reached_at", "warning", "said"),
    [
        ("127.0.0.1", "127.0.0.1", False, "on this machine alone"),
        ("127.0.0.1", "localhost", False, "on this machine alone"),
        ("0.0.0.0", "127.0.0.1", True, "beyond this machine, without TLS"),  # noqa: S104  it is what is to be found
        ("0.0.0.0", "prefect-server", True, "spoken to at prefect-server, without TLS"),  # noqa: S104  as above
    ],
)
def test_what_others_can_hear_is_told(host: str, reached_at: str, said: str, *, warning: bool) -> None:
    with prefect_that_asks_for_a_secret(host) as url:
        named = url.replace("127.0.0.1", reached_at) if reached_at != "prefect-server" else f"http://{reached_at}/api"
        finding = look_at_network(named)
    assert (finding.well, finding.warning) == (True, warning)
    assert said in finding.said


def test_a_server_behind_tls_is_well() -> None:
    assert not look_at_network("https://fees.example.org/api").warning


# In a terminal


def test_the_verb_says_a_line_each_and_ends_with_the_number_of_faults(club: SmallClub) -> None:
    code, said = verb(club, "doctor")
    lines = said.splitlines()
    assert code == 1
    assert lines[0] == "ok    settings: all that are needed are there and make sense"
    assert lines[-2].startswith("WRONG Prefect: PREFECT_API_URL is not set")
    assert lines[-1] == "1 things to mend."
    assert CUP not in said


def test_every_wrong_setting_has_a_line_of_its_own(club: SmallClub) -> None:
    wrong = club.pipeline.under(mail_from="nobody", stripe_api_key=SecretStr("pk_test_XYZZY"))
    code, said = verb(SmallClub(wrong), "doctor")
    assert code == 1
    assert [line.split()[2] for line in said.splitlines()[:2]] == ["STRIPE_API_KEY", "MAIL_FROM"]
    assert "XYZZY" not in said


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America"])
def test_a_club_in_an_unknown_time_zone_is_told_in_a_line_and_what_needs_no_settings_is_looked_at(
    club: SmallClub, zone: str
) -> None:
    code, said = verb(club, "doctor", CLUB_TIME_ZONE=zone)
    first, second, *_ = said.splitlines()
    assert code == 1
    assert first.startswith("WRONG settings: CLUB_TIME_ZONE is not a time zone by its IANA name such as America/Denver")
    assert second.startswith("WRONG Prefect: ")


def test_the_examination_holds_no_connection_open(club: SmallClub) -> None:
    with open_services(club.pipeline.services.settings, club.pipeline.clock) as services:
        list(run_health_checks(services))
        database: Database = services.database
        assert database.engine.pool.status().endswith("Current Checked out connections: 0")
