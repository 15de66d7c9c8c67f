"""Opens the database: the only module that does. SQL comes from sql/queries, one statement a file."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, TextClause, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from tasks.core.errors import ConfigurationError, TransientError

Result = TypeVar("Result")

ASK_AGAIN_SECONDS = 0.2

REST_SECONDS = 1.0
"""A connection that rested for longer may have died meanwhile: it is asked before it is used."""

MOST_CONNECTIONS = 30
"""Of a process; opened when they are needed, and kept: opening one costs as much as dozens of statements."""

FREE_SECONDS = 30.0
"""So long somebody waits for one of them to be free."""

_shared: dict[tuple[int, str], tuple["Database", int]] = {}
"""By process (one that was forked must not talk over its parent's connections) and URL a database that is in use, and
by how many."""

_sharing = Lock()

INSUFFICIENT_PRIVILEGE = "42501"
UNKNOWN = {"3F000", "42P01", "42703", "42883"}
"""A schema, table, column or function that a statement names is not there."""

QUERIES = Path(__file__).parents[2] / "sql" / "queries"


class UnknownTableError(RuntimeError):
    """A statement names what PostgreSQL does not have: the tables are of another version, or it is a bug."""


@cache
def query(name: str) -> TextClause:
    """Return the statement of sql/queries/<name>.sql."""
    return text((QUERIES / f"{name}.sql").read_text(encoding="utf-8"))


def fetch(source: "Source", name: str, /, **values: object) -> Sequence[Row[Any]]:
    """Run sql/queries/<name>.sql and return its rows; a statement that changes rows returns those that it changed.

    Only a package's own queries.py calls it, and Database itself. On a Database, the statement is a transaction of its
    own.
    """
    if isinstance(source, Database):
        return source.fetch(name, **values)
    return source.execute(query(name), _bound(values)).all()


def run(connection: Connection, name: str, /, **values: object) -> None:
    """Run sql/queries/<name>.sql, which returns nothing: a row for each recipient would fill the memory."""
    connection.execute(query(name), _bound(values))


def stream(connection: Connection, name: str, size: int, /, **values: object) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of sql/queries/<name>.sql, `size` at a time: nobody holds all of them in memory."""
    options = {"stream_results": True, "max_row_buffer": size}
    yield from connection.execute(query(name), _bound(values), execution_options=options).partitions(size)


def _bound(values: Mapping[str, object]) -> dict[str, object]:
    """Return values as psycopg binds them: a list is an array, and a tuple would be a row."""
    return {
        name: list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value
        for name, value in values.items()
    }


class Database:
    """A PostgreSQL database; a transaction is short and never spans a call to Stripe or a mail server."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=MOST_CONNECTIONS,
            max_overflow=0,  # connections over pool_size are opened and closed for one statement each
            pool_timeout=FREE_SECONDS,
            hide_parameters=True,
            # A database in SQL_ASCII would give its texts as bytes.
            connect_args={"connect_timeout": 10, "client_encoding": "utf8"},
        )
        _ping_the_rested(self.engine)
        self._alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def place(self) -> str:
        """Where the server is, without user name or password, for messages to people."""
        url = self.engine.url
        host = url.host or url.query.get("host") or "localhost"
        port = "" if str(host).startswith("/") else f":{url.port or 5432}"
        return f"{host}{port}, database {url.database or url.username or 'of our user'}"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit all that the block did, or none of it; a lost or absent server is a TransientError."""
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def trial(self) -> Iterator[Connection]:
        """Take back all that the block did, once it is over: to see what would come of it."""
        with self._explained(), self.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def turn(self, name: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold `name` while the block runs, after waiting for whoever holds it; a process that dies lets go at once."""
        with self._explained():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            with self._explained():
                connection.detach()  # closed at the end, not pooled: closing is what lets go
                fetch(connection, "core/lift_session_limits")
                if not fetch(connection, "core/try_turn", turn=name)[0].taken:
                    on_wait()
                    fetch(connection, "core/wait_for_turn", turn=name)
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into ours, without the statement and its values: they are people's data."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            reason = _reason(error)
            did = "turns us away" if "FATAL" in reason else "does not answer"
            raise TransientError(f"PostgreSQL at {self.place} (DATABASE_URL) {did}: {reason}") from error
        except PoolTimeoutError as error:
            raise TransientError(
                f"All {MOST_CONNECTIONS} connections to {self.place} (DATABASE_URL) are busy"
            ) from error
        except DBAPIError as error:
            if _sqlstate(error) == INSUFFICIENT_PRIVILEGE:
                raise ConfigurationError(
                    f"The user of DATABASE_URL lacks a right at {self.place}: {_reason(error)}"
                ) from None
            if isinstance(error, ProgrammingError) and _sqlstate(error) is None:  # the driver's, before any server's
                raise ConfigurationError(f"DATABASE_URL cannot be used: {_reason(error)}") from None
            kind = UnknownTableError if _sqlstate(error) in UNKNOWN else RuntimeError
            raise kind(f"PostgreSQL refused a statement: {_reason(error)}") from None

    def fetch(self, name: str, /, **values: object) -> Sequence[Row[Any]]:
        """Run one query in a transaction of its own: PostgreSQL's own, which spares two round trips."""
        with self._explained(), self._alone.connect() as connection:
            return fetch(connection, name, **values)

    def retry_while_down(self, work: Callable[[], Result], seconds: float) -> Result:
        """Do what must not be left undone: again and again while the server is away, for so long.

        `work` may have been done although it failed: a commit whose answer was lost. It has to bear that.
        """
        deadline = monotonic() + seconds
        while True:
            try:
                return work()
            except TransientError:
                if monotonic() > deadline:
                    raise
                sleep(ASK_AGAIN_SECONDS)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


Source = Database | Connection
"""What a query runs on: a transaction that others share, or a database, for one of its own."""


@contextmanager
def shared_database(url: str) -> Iterator[Database]:
    """Share one pool among all of this process who use a database at the same time; the last one closes it.

    A flow run and its batches do: what PostgreSQL has prepared for the one is there for the next.
    """
    place = os.getpid(), url
    with _sharing:
        database, users = _shared.get(place) or (Database(url), 0)
        _shared[place] = database, users + 1
    try:
        yield database
    finally:
        with _sharing:
            _, users = _shared.pop(place)
            if users > 1:
                _shared[place] = database, users - 1
            else:
                database.close()


def _ping_the_rested(engine: Engine) -> None:
    """Replace a connection that died while it rested, as pool_pre_ping does, but without a ping for each statement."""

    @event.listens_for(engine, "checkin")
    def begin_to_rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        if monotonic() - record.info.get("rests_since", monotonic()) > REST_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool opens another one


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _reason(error: DBAPIError) -> str:
    """Return the driver's first line; psycopg puts no password into it."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
