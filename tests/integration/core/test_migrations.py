"""Our tables beside the club's: made once, by whoever comes first, and nothing of the club's is touched."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tasks.core.database import Database
from tasks.core.errors import ConfigurationError, TransientError
from tasks.core.migrations import check_club_tables, check_migrated, migrate
from tests.support.waiting import until

CLUB_SQL = Path(__file__).parents[3] / "sql" / "club"
NEWEST = max(file.stem.partition("_")[0] for file in (CLUB_SQL.parent / "migrations" / "versions").glob("*.sql"))
MIGRATE = """
import sys
from tasks.core.database import Database
from tasks.core.migrations import migrate
migrate(Database(sys.argv[1]))
"""


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


@pytest.fixture
def club_database(database: Database) -> Database:
    run_script(database, (CLUB_SQL / "schema.sql").read_text(encoding="utf-8"))
    return database


def run_script(database: Database, script: str) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.transaction() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def everything(database: Database) -> list[tuple[object, ...]]:
    """Every column, index, constraint and trigger that is not PostgreSQL's own."""
    return rows(
        database,
        """
        SELECT table_schema, table_name, column_name, data_type, column_default FROM information_schema.columns
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
        UNION ALL SELECT schemaname, tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname <> 'pg_catalog'
        UNION ALL SELECT connamespace::regnamespace::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
        WHERE connamespace <> 'pg_catalog'::regnamespace AND connamespace <> 'information_schema'::regnamespace
        ORDER BY 1, 2, 3, 4
        """,
    )


def test_a_second_migration_changes_nothing(database: Database) -> None:
    migrate(database)
    before = everything(database)
    assert before
    migrate(database)
    assert everything(database) == before
    check_migrated(database)


def test_tables_that_are_new_hold_nothing_but_what_is_each_databases_own(database: Database) -> None:
    """The tests' copies of a migrated database get these anew: what else a migration filled, all would share."""
    migrate(database)
    tables = rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'tournament_fees'")
    filled = {name for (name,) in tables if rows(database, f"SELECT FROM tournament_fees.{name} LIMIT 1")}
    assert filled == {"migrations", "homes", "message_id_keys"}


def test_processes_that_migrate_at_once_take_turns(database: Database, empty_database_url: str) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    command = [sys.executable, "-c", MIGRATE, empty_database_url]
    with database.transaction() as connection:  # holds both back until both are there
        connection.exec_driver_sql("CREATE SCHEMA tournament_fees")
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        until(lambda: rows(database, blocked) == [(2,)] or any(process.poll() is not None for process in processes))
        connection.rollback()
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    check_migrated(database)
    assert rows(database, "SELECT version_num FROM tournament_fees.migrations") == [(NEWEST,)]


def test_the_clubs_own_tables_of_the_same_names_are_left_alone(club_database: Database) -> None:
    run_script(
        club_database,
        """
        CREATE TABLE campaigns (id text, note text); INSERT INTO campaigns VALUES ('spring', 'the club''s own');
        CREATE TABLE messages (body text); INSERT INTO messages VALUES ('hello');
        CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('theirs');
        CREATE TABLE migrations (version_num text); INSERT INTO migrations VALUES ('theirs');
        """,
    )
    before = [row for row in everything(club_database) if row[0] == "public"]
    migrate(club_database)
    check_club_tables(club_database)
    check_migrated(club_database)
    assert [row for row in everything(club_database) if row[0] == "public"] == before
    assert rows(club_database, "SELECT * FROM campaigns") == [("spring", "the club's own")]
    assert rows(club_database, "SELECT * FROM messages") == [("hello",)]
    for table in ("alembic_version", "migrations"):
        assert rows(club_database, f"SELECT * FROM {table}") == [("theirs",)]  # noqa: S608  the two names above


def test_the_reference_schema_has_all_that_is_needed(club_database: Database) -> None:
    check_club_tables(club_database)


def test_an_empty_database_is_told_to_migrate(database: Database) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"at migration none, not {NEWEST}: run `python -m deployments\.cli migrate`"
    ):
        check_migrated(database)


def test_a_database_of_another_version_is_told_which(database: Database) -> None:
    migrate(database)
    run_script(database, "UPDATE tournament_fees.migrations SET version_num = '0000'")
    with pytest.raises(ConfigurationError, match=f"at migration 0000, not {NEWEST}"):
        check_migrated(database)


def test_every_missing_table_is_named_once(database: Database) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_club_tables(database)
    said = str(caught.value)
    for table in (
        "orders",
        "parents",
        "player_teams",
        "players",
        "products",
        "teams",
        "tournament_products",
        "tournaments",
    ):
        assert re.findall(rf"there is no table {table}\b", said), table
    assert said.count("there is no table") == 8
    assert "is missing" not in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("DROP TABLE tournament_products", "there is no table tournament_products"),
        ("ALTER TABLE parents DROP COLUMN language", "parents.language is missing (sql/club/schema.sql says"),
        ("ALTER TABLE orders RENAME COLUMN amount TO price", "orders.amount is missing"),
        ("ALTER TABLE orders DROP COLUMN stripe_checkout_url", "its owner runs sql/club/add_checkout_url.sql"),
        (
            "ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE varchar(500)",
            "stripe_checkout_url is character varying(500), too narrow for Stripe's URLs: its owner runs",
        ),
        (
            "ALTER TABLE orders ALTER COLUMN stripe_checkout_session_id TYPE varchar(65)",
            "stripe_checkout_session_id is character varying(65), too narrow for Stripe's ids: its owner runs",
        ),
        (
            "ALTER TABLE orders ALTER COLUMN stripe_payment_intent_id TYPE varchar(26)",
            "stripe_payment_intent_id is character varying(26), too narrow for Stripe's ids: its owner runs",
        ),
        (
            "ALTER TABLE orders DROP COLUMN product_id; ALTER TABLE orders ADD COLUMN product_id uuid",
            "orders.product_id is uuid, and has to be a whole number",
        ),
        ("ALTER TABLE orders ALTER COLUMN amount TYPE money", "orders.amount is money, and has to be a number"),
        (
            "ALTER TABLE tournaments ALTER COLUMN event_date TYPE text",
            "tournaments.event_date is text, and has to be a date or a time",
        ),
        (
            "CREATE TYPE means AS ENUM ('cash'); ALTER TABLE orders ALTER COLUMN payment_method TYPE means USING NULL",
            "orders.payment_method is means, and has to be a text, or the value 'stripe' among its own",
        ),
    ],
)
def test_what_the_clubs_tables_lack_is_named(club_database: Database, change: str, complaint: str) -> None:
    run_script(club_database, change)
    with pytest.raises(ConfigurationError) as caught:
        check_club_tables(club_database)
    said = str(caught.value)
    assert complaint in said
    assert said.count(";") == 0, "nothing else is wrong"


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ("ALTER TABLE orders DROP COLUMN stripe_checkout_url", "add_checkout_url.sql"),
        ("ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE varchar(500)", "widen_checkout_url.sql"),
    ],
)
def test_the_ready_statement_mends_it(club_database: Database, change: str, mend: str) -> None:
    run_script(club_database, change)
    with pytest.raises(ConfigurationError, match=f"runs sql/club/{mend}"):
        check_club_tables(club_database)
    run_script(club_database, (CLUB_SQL / mend).read_text(encoding="utf-8"))
    check_club_tables(club_database)


@pytest.mark.parametrize("type_", ["varchar", "varchar(5000)", "text"])
def test_a_column_that_is_wide_enough_is_left_alone(club_database: Database, type_: str) -> None:
    run_script(club_database, f"ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE {type_}")
    check_club_tables(club_database)


def test_ids_fit_exactly(club_database: Database) -> None:
    run_script(club_database, "ALTER TABLE orders ALTER COLUMN stripe_checkout_session_id TYPE varchar(66)")
    run_script(club_database, "ALTER TABLE orders ALTER COLUMN stripe_payment_intent_id TYPE varchar(27)")
    check_club_tables(club_database)


def test_one_character_too_few_is_too_narrow(club_database: Database) -> None:
    run_script(club_database, "ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE varchar(4999)")
    with pytest.raises(ConfigurationError, match="too narrow"):
        check_club_tables(club_database)


@pytest.fixture
def poor(club_database: Database) -> Iterator[Database]:
    """The database as a user sees it who may do nothing yet but connect."""
    name = f"poor_{uuid4().hex}"
    run_script(club_database, f"CREATE ROLE {name}")
    database = Database(
        club_database.engine.url.update_query_dict({"options": f"-c role={name}"}).render_as_string(hide_password=False)
    )
    yield database
    database.close()
    run_script(club_database, f"DROP OWNED BY {name}; DROP ROLE {name}")


def lacks(check: Callable[[Database], None], poor: Database) -> list[str]:
    """The GRANTs that a check asks for."""
    with pytest.raises(ConfigurationError) as caught:
        check(poor)
    return re.findall(r"GRANT [^;]+", str(caught.value))


def test_rights_on_the_clubs_tables_are_asked_for_until_all_are_there(club_database: Database, poor: Database) -> None:
    user = rows(poor, "SELECT current_user")[0][0]
    wanted = lacks(check_club_tables, poor)
    assert "GRANT SELECT (amount, currency, due_date, id, paid_at" in "; ".join(wanted)
    for grant in wanted:
        run_script(club_database, f"{grant} TO {user}")
    (write,) = lacks(check_club_tables, poor)
    assert write == (
        "GRANT UPDATE (paid_at, payment_method, status, stripe_checkout_session_id, stripe_checkout_url, "
        "stripe_payment_intent_id) ON orders"
    )
    run_script(club_database, f"{write} TO {user}")
    check_club_tables(poor)


def test_rights_on_our_own_tables_are_asked_for_until_all_are_there(club_database: Database, poor: Database) -> None:
    migrate(club_database)
    user = rows(poor, "SELECT current_user")[0][0]
    for check in (check_migrated, check_club_tables):
        with pytest.raises(
            ConfigurationError, match=rf"schema tournament_fees .* GRANT tournament_fees_pipeline TO {user}"
        ):
            check(poor)
    run_script(club_database, f"GRANT USAGE ON SCHEMA tournament_fees TO {user}")
    run_script(club_database, f"GRANT SELECT ON tournament_fees.migrations TO {user}")
    run_script(club_database, f"REVOKE TEMPORARY ON DATABASE {club_database.engine.url.database} FROM PUBLIC")
    assert any(grant.startswith("GRANT TEMPORARY ON DATABASE") for grant in lacks(check_migrated, poor))
    for grant in lacks(check_migrated, poor):
        run_script(club_database, grant)
    check_migrated(poor)


def test_a_user_for_whom_the_owner_has_made_the_schema_can_migrate(club_database: Database, poor: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"may not make a schema at .* host's console") as told:
        migrate(poor)
    (statement,) = re.findall("CREATE SCHEMA [^;]+", str(told.value))
    run_script(club_database, statement)
    migrate(poor)
    check_migrated(poor)


def test_who_is_not_the_owner_of_our_tables_is_told_to_be(club_database: Database, poor: Database) -> None:
    user = rows(poor, "SELECT current_user")[0][0]
    run_script(club_database, f"CREATE SCHEMA tournament_fees; GRANT USAGE ON SCHEMA tournament_fees TO {user}")
    with pytest.raises(
        ConfigurationError, match=r"\(permission denied for schema tournament_fees\): .* naming the owner"
    ):
        migrate(poor)


def test_a_table_of_our_name_that_is_not_ours_is_told_and_left_alone(club_database: Database) -> None:
    run_script(club_database, "CREATE SCHEMA tournament_fees; CREATE TABLE tournament_fees.messages (theirs text)")
    before = everything(club_database)
    with pytest.raises(ConfigurationError, match=r'not the pipeline\'s \(relation "messages" already exists\)'):
        migrate(club_database)
    assert everything(club_database) == before


def test_tables_of_a_newer_version_are_told_and_left_alone(club_database: Database) -> None:
    migrate(club_database)
    run_script(club_database, "UPDATE tournament_fees.migrations SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="newer version of the pipeline"):
        migrate(club_database)
    with pytest.raises(ConfigurationError, match="with this version of the pipeline or a newer one"):
        check_migrated(club_database)


def test_an_option_that_the_driver_does_not_know_is_told_as_such(empty_database_url: str) -> None:
    database = Database(f"{empty_database_url}{'&' if '?' in empty_database_url else '?'}foo=bar")
    with pytest.raises(ConfigurationError, match='DATABASE_URL cannot be used: invalid connection option "foo"'):
        check_club_tables(database)


def test_a_database_that_does_not_exist_is_told_with_the_servers_words(empty_database_url: str) -> None:
    database = Database(make_url(empty_database_url).set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(TransientError, match=r'turns us away: .*database "nowhere" does not exist'):
        check_club_tables(database)
