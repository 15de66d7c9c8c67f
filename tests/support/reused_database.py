"""A database that one test after the other has, each as if it were new: to make one takes as long as many a test."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from psycopg import sql
from sqlalchemy import QueuePool, make_url

from tasks.core.database import Database, shared_database
from tests.support.harness import fresh_database, libpq_url, run_roles

TABLES = """
    SELECT table_schema, table_name, array_agg(column_name::text) FILTER (WHERE is_generated = 'NEVER')
    FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
    WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'tournament_fees')
    GROUP BY table_schema, table_name
"""

SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences
    WHERE schemaname IN ('public', 'tournament_fees')
"""

LIKE_NEW = """
    UPDATE tournament_fees.homes SET place = tournament_fees.here(), since = now();
    UPDATE tournament_fees.message_id_keys SET key = gen_random_uuid();
"""
"""What a copy needs to be as much at home and as little known as if it had been migrated itself."""

WATCH = """
    CREATE TABLE kept.changes (command text);

    CREATE FUNCTION kept.note_change() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO kept.changes
        SELECT tg_tag FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp';
    END $$;

    CREATE FUNCTION kept.note_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO kept.changes SELECT tg_tag FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary;
    END $$;

    CREATE EVENT TRIGGER note_change ON ddl_command_end EXECUTE FUNCTION kept.note_change();
    CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION kept.note_drop();
"""

OID = "SELECT oid FROM pg_database WHERE datname = current_database()"

IS_FIT = """
    SELECT NOT EXISTS (SELECT FROM kept.changes)
        AND d.oid = %(oid)s
        AND NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid)
        AND (SELECT count(*) <= %(idle)s AND coalesce(bool_and(a.state = 'idle'), true)
             FROM pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid())
        AND (SELECT sum(pg_relation_size(oid)) < 4000000 FROM pg_class WHERE relkind = 'r' AND oid >= 16384)
    FROM pg_database d WHERE datname = current_database()
"""
"""Whether only rows were changed, in the same database, nobody is at work any more, and few old rows slow it down."""

MOST_IDLE = 8
"""Connections that are kept for the next test: the server has a hundred for all."""


class ReusedDatabase:
    """A copy of a template, and the pool of connections to it."""

    def __init__(self, server_url: str, template: str, *, granted: bool = False) -> None:
        self._held = ExitStack()
        self.url = self._held.enter_context(fresh_database(server_url, template))
        self._database: Database = self._held.enter_context(shared_database(self.url))
        with psycopg.connect(libpq_url(make_url(self.url))) as connection:
            connection.execute(LIKE_NEW)
            connection.commit()
            if granted and connection.execute("SELECT to_regclass('orders')").fetchone() != (None,):
                assert run_roles(libpq_url(make_url(self.url))).returncode == 0
            _keep(connection)
            connection.execute(WATCH)
            [(self._oid,)] = connection.execute(OID).fetchall()

    def begin_anew(self) -> bool:
        """Give the tables the rows of the template; False if more was changed, and the next test needs another."""
        engine = self._database.engine
        pool = engine.pool
        assert isinstance(pool, QueuePool)
        if pool.checkedin() > MOST_IDLE:
            engine.dispose()
        with suppress(Exception), engine.begin() as connection:
            others = {"oid": self._oid, "idle": pool.checkedin()}
            if connection.exec_driver_sql(IS_FIT, others).scalar_one():
                connection.exec_driver_sql("SELECT kept.begin_anew()")
                return True
        return False

    def drop(self) -> None:
        """Close the pool, and drop the database whoever still uses it."""
        self._held.close()


def _keep(connection: psycopg.Connection) -> None:
    """Copy the rows that there are, and make the function that leaves these and no others in the tables."""
    connection.execute("CREATE SCHEMA kept")
    deletes, inserts = [], []
    for number, (schema, name, columns) in enumerate(connection.execute(TABLES).fetchall()):
        table, copy = sql.Identifier(schema, name), sql.Identifier("kept", f"rows_{number}")
        deletes.append(sql.SQL("DELETE FROM {};").format(table))
        if connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(table)).rowcount:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            connection.execute(sql.SQL("CREATE TABLE {} AS SELECT {} FROM {}").format(copy, names, table))
            inserts.append(sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE TABLE {};").format(table, names, copy))
    counters = [
        sql.SQL("PERFORM setval({}, {}, {});").format(sql.Literal(sequence), last or 1, last is not None)
        for sequence, last in connection.execute(SEQUENCES)
    ]
    body = sql.SQL("BEGIN {} {} END").format(sql.SQL(" ").join([*deletes, *inserts, *counters]), sql.SQL(LIKE_NEW))
    connection.execute(
        sql.SQL(
            "CREATE FUNCTION kept.begin_anew() RETURNS void LANGUAGE plpgsql"
            " SET session_replication_role = replica SET lock_timeout = '1s' AS {}"
        ).format(sql.Literal(body.as_string(connection)))
    )


class ReusedDatabases:
    """One for each template, made when the first test asks for it."""

    def __init__(self, server_url: str, *, granted: bool) -> None:
        self._server_url = server_url
        self._granted = granted
        self._databases: dict[str, ReusedDatabase] = {}

    @contextmanager
    def lend(self, template: str) -> Iterator[str]:
        """Give a test the database's URL."""
        database = self._databases.get(template) or ReusedDatabase(self._server_url, template, granted=self._granted)
        self._databases[template] = database
        yield database.url
        if not database.begin_anew():
            self._databases.pop(template).drop()

    def drop(self) -> None:
        """Drop all of them."""
        while self._databases:
            self._databases.popitem()[1].drop()
