"""What Prefect remembers and what the processes log: nobody's address or name, no payment URL, no key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from deployments.local.demo_club import TOURNAMENT
from tests.integration.operations.test_bounces import REPORT
from tests.runs.test_season import DAY_AND_NIGHT, let_days_pass
from tests.support.flow_process import flow_process
from tests.support.harness import Pipeline
from tests.support.served import DEPLOYMENT, UNASKED, Served

Flows = Mapping[str, Mapping[str, object]]
BY = {"by": "Ann Operator"}
SUPPRESS = {"action": "suppress", "message_ids": [1], "reason": "asked", **BY}
LOOKS: Flows = {
    "campaign-status": {"tournament": TOURNAMENT},
    "settle-uncertain": {},
    "suppress-recipients": {"choice": SUPPRESS},
}
THE_REST: Sequence[Flows] = (
    {"refresh-checkout-links": {}, "read-bounces": {}, "purge-season": {"before": "2026-01-01"}},
    {"retry-failed-sends": {"choice": {"failed": True, **BY}}},
    {"hold-after-restore": {"backup_at": "2026-01-01T00:00:00Z", **BY}},
    {"stop-campaign": {"tournament": TOURNAMENT, "why": "Wrong prices", **BY}},
)

NO_TEXT = ["boolean", "uuid", "integer", "bigint", "double precision", "timestamp with time zone"]


@pytest.mark.long
def test_nothing_personal_or_secret_is_in_prefects_database_or_in_the_logs(
    served: Served,
    club: Pipeline,
    rude_smtp: str,
    tmp_path: Path,
    full_size: bool,  # noqa: FBT001  a fixture
) -> None:
    club.sql("UPDATE orders SET amount = 0 WHERE id = :id", id=club.order_of("Felix Fonseca").id)
    served.stand_in.configure(latency_ms=500)
    cancelled = served.trigger(environment={"SMTP_URL": rude_smtp})
    served.wait_until(lambda: club.sql("SELECT FROM tournament_fees.messages WHERE status = 'sent'"))
    cancelled.set_state("CANCELLING")
    cancelled.wait()
    served.stand_in.configure()
    talkative = {"SMTP_URL": rude_smtp, "PREFECT_LOGGING_LEVEL": "DEBUG"}
    full = served.trigger(environment=talkative)
    assert [run.wait().type for run in (cancelled, full)] == ["CANCELLED", "FAILED"]
    telling = {**DAY_AND_NIGHT, **talkative, "BOUNCE_MAILBOX": bounce_mailbox(tmp_path, club)}
    with flow_process({**served.environment, **telling}, served.stack.home / "logs" / "talkative.log") as flows:
        talking = replace(served, flows=flows)
        nowhere = {"STRIPE_API_BASE": "http://127.0.0.1:1"}
        assert talking.perform(DEPLOYMENT, UNASKED, environment=nowhere).state.type == "FAILED"
        remind_and_look(talking, club, [LOOKS, *(THE_REST if full_size else ())])
    served.wait_until(lambda: not any(run.process() for run in served.runs))

    secret = secrets(club)
    texts = list(chain(remembered(served), logged(served)))
    assert [(place, found[0]) for place, text in texts if (found := secret.search(text))] == []
    for place, part in (
        ("artifact.data", "k…@example.com"),
        ("artifact.data", f"# {TOURNAMENT}: reminder"),
        ("artifact.data", f"# {TOURNAMENT}: where the money is"),
        ("log.message", "k…@example.com"),
        ("worker.log", "DEBUG"),
        ("talkative.log", "DEBUG"),
    ):
        assert any(part in text for at, text in texts if at == place), place


def remind_and_look(served: Served, club: Pipeline, flows: Sequence[Flows]) -> None:
    """Remind who has not paid; then look from every side at what is mailed, failed, uncertain, set aside and owed."""
    let_days_pass(club)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE family = 'delgado'")
    for name, parameters in chain({"remind-unpaid": {}}.items(), *(some.items() for some in flows)):
        assert served.perform(f"{name}/{name}", parameters).state.type == "COMPLETED", name


def bounce_mailbox(folder: Path, club: Pipeline) -> str:
    """A mailbox in which a report has come that names a parent."""
    for name in ("new", "cur", "tmp"):
        (folder / "bounces" / name).mkdir(parents=True)
    message = club.message_to("Abbott")
    said = REPORT.format(recipient=message.address, action="failed", status="5.1.1", message_id=message.message_id)
    (folder / "bounces" / "new" / "1").write_text(said, encoding="utf-8")
    return f"maildir:{folder / 'bounces'}"


def secrets(club: Pipeline) -> re.Pattern[str]:
    """What may stand nowhere: the club's people as their tables have them, and what opens a payment page or Stripe."""
    people = club.sql("SELECT last_name, email FROM parents UNION SELECT last_name, NULL FROM players")
    names = {rf"\b{row.last_name}\b" if len(row.last_name) < 3 else rf"(?i:\b{row.last_name}\b)" for row in people}
    addresses = {rf"(?i:{re.escape(row.email)})" for row in people if row.email}
    return re.compile("|".join([*names, *addresses, "/c/pay/", r"[sr]k_(?:test|live)_\w"]))


def remembered(served: Served) -> Iterator[tuple[str, str]]:
    """Every text of Prefect's own database, with the table and column that it stands in."""
    url = make_url(served.environment["DATABASE_URL"]).set(drivername="postgresql", database="prefect")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type <> ALL(%s)",
            [NO_TEXT],
        ).fetchall()
        for table, column in columns:
            statement = sql.SQL("SELECT {}::text FROM {} WHERE {} IS NOT NULL").format(
                sql.Identifier(column), sql.Identifier(table), sql.Identifier(column)
            )
            for (text,) in connection.execute(statement):
                yield f"{table}.{column}", unescaped(text)


def logged(served: Served) -> Iterator[tuple[str, str]]:
    """Every line that a process of the stack has logged, with its file."""
    for file in (served.stack.home / "logs").iterdir():
        for line in file.read_text(errors="replace").splitlines():
            yield file.name, line


def unescaped(json: str) -> str:
    """Undo JSON's escapes, so that a name behind a line break begins a word; other text has hardly any."""
    return re.sub(r"\\(?:u([0-9a-f]{4})|.)", lambda found: chr(int(found[1], 16)) if found[1] else " ", json)
