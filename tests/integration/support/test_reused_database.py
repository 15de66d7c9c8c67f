"""What one test does to the database that it has, the next one must not see."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import Connection

from tasks.core.database import Database, shared_database
from tests.support.reused_database import ReusedDatabase


@pytest.fixture
def reused(server_url: str, small_template: str) -> Iterator[ReusedDatabase]:
    reused = ReusedDatabase(server_url, small_template)
    yield reused
    reused.drop()


def does(reused: ReusedDatabase, *statements: str) -> None:
    with shared_database(reused.url) as database, database.transaction() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def asks(reused: ReusedDatabase, question: str) -> list[tuple[object, ...]]:
    with shared_database(reused.url) as database, database.transaction() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(question)]


def test_the_next_test_finds_the_rows_of_the_template_and_counts_from_the_same_number(reused: ReusedDatabase) -> None:
    add = "INSERT INTO parents (first_name, last_name, email) VALUES ('Jo', 'Ek', 'ek@example.com') RETURNING id"
    first = asks(reused, add)
    does(reused, "UPDATE teams SET name = 'Owls'", "DELETE FROM tournament_products")
    assert reused.begin_anew()
    assert asks(reused, "SELECT name FROM teams") == [("Hawks",)]
    assert asks(reused, "SELECT count(*) FROM tournament_products") == [(1,)]
    assert asks(reused, "SELECT count(*) FROM parents") == [(0,)]
    assert asks(reused, add) == first


def test_the_next_test_is_at_home_and_its_message_ids_are_its_own(reused: ReusedDatabase) -> None:
    key = asks(reused, "SELECT key FROM tournament_fees.message_id_keys")
    does(reused, "UPDATE tournament_fees.homes SET place = 'elsewhere'")
    assert reused.begin_anew()
    assert asks(reused, "SELECT place = tournament_fees.here() FROM tournament_fees.homes") == [(True,)]
    assert asks(reused, "SELECT key FROM tournament_fees.message_id_keys") != key


def test_a_table_that_lives_as_long_as_its_transaction_changes_nothing(reused: ReusedDatabase) -> None:
    does(reused, "CREATE TEMPORARY TABLE chosen (id bigint PRIMARY KEY) ON COMMIT DROP", "DROP TABLE chosen")
    assert reused.begin_anew()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE orders ADD COLUMN note text",
        "CREATE TABLE more (id bigint)",
        "DROP TABLE tournament_products",
        "CREATE INDEX ON orders (amount)",
        "GRANT SELECT ON orders TO public",
        "CREATE OR REPLACE FUNCTION tournament_fees.here() RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET lock_timeout = 1', current_database()); END $$",
    ],
)
def test_who_changes_more_than_rows_is_the_last_one_to_have_it(reused: ReusedDatabase, change: str) -> None:
    does(reused, change)
    assert not reused.begin_anew()


def insert(connection: Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO parents (first_name, last_name, email) VALUES ('Jo', 'Ek', 'ek@example.com')"
    )


@pytest.mark.parametrize("at_work", [insert, lambda connection: connection.exec_driver_sql("SELECT 1")])
def test_nobody_gets_a_database_in_which_somebody_is_still_at_work(
    reused: ReusedDatabase, at_work: Callable[[Connection], object]
) -> None:
    with ExitStack() as held:
        database = held.enter_context(closing(Database(reused.url)))
        at_work(held.enter_context(database.engine.connect()))
        assert not reused.begin_anew()


def test_nobody_gets_a_database_to_which_a_program_is_still_connected(reused: ReusedDatabase) -> None:
    with closing(Database(reused.url)) as database, database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        assert not reused.begin_anew()
