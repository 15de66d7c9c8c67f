"""Bring our own tables up to date and check the club's, which we never change."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from tasks.core import queries
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.core.queries import ClubColumn

IN_THE_WAY = {"DuplicateTable", "DuplicateObject", "DuplicateFunction", "DuplicateColumn"}
"""psycopg's names for what a migration meets where somebody else has made a thing of the same name."""

FORBIDDEN = "InsufficientPrivilege"
"""Its name for what it meets where our user is not the owner of the schema."""

SQL = Path(__file__).parents[2] / "sql"


def migrate(database: Database) -> None:
    """Create or update the schema `tournament_fees`; safe to run twice and by two processes at once.

    Raises a ConfigurationError where the schema has something that is not ours, or was made by a newer version, and
    where our user may not make it.
    """
    config = _config()
    with database.transaction() as connection:
        _check_has_schema(connection, database.place)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                f"The schema tournament_fees in {database.place} is of a newer version of the pipeline: {error}"
            ) from error
        except ProgrammingError as error:
            refused = _refused(error, database.place)
            if not refused:
                raise
            raise ConfigurationError(refused) from error


def _check_has_schema(connection: Connection, place: str) -> None:
    """Raise a ConfigurationError where the schema is missing and our user may not make it."""
    missing = queries.find_missing_schema(connection)
    if missing is not None:
        raise ConfigurationError(
            f"The user of DATABASE_URL may not make a schema at {place}: somebody who may (the owner of the database, "
            f"or the host's console) has to run {missing}; then run this again"
        )


def _refused(error: ProgrammingError, place: str) -> str:
    """Say why a migration could not be made, where a person can do something about it."""
    kind, reason = type(error.orig).__name__, str(error.orig).splitlines()[0]
    if kind in IN_THE_WAY:
        return (
            f"The schema tournament_fees in {place} has something that is not the pipeline's ({reason}): "
            "move it elsewhere"
        )
    if kind == FORBIDDEN:
        return (
            f"The user of DATABASE_URL may not change the pipeline's tables at {place} ({reason}): "
            "run this with DATABASE_URL naming the owner of the schema tournament_fees"
        )
    return ""


def check_migrated(database: Database) -> None:
    """Raise a ConfigurationError unless our own tables are those that this version of the pipeline knows."""
    _check_has_role(database)
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.transaction() as connection:
        options = {"version_table": "migrations", "version_table_schema": "tournament_fees"}
        current = MigrationContext.configure(connection, opts=options).get_current_revision()
    if current != newest:
        raise ConfigurationError(
            f"The pipeline's tables in {database.place} are at migration {current or 'none'}, not {newest}: "
            "run `python -m deployments.cli migrate` (with this version of the pipeline or a newer one)"
        )
    lacking = queries.list_missing_rights(database)
    if lacking:
        raise ConfigurationError("; ".join(["The pipeline's database user lacks rights", *lacking]))


def check_club_tables(database: Database) -> None:
    """Raise a ConfigurationError that names each club table and column that is missing or will not do."""
    _check_has_role(database)
    problems = queries.list_missing_club_columns(database)
    if problems:
        raise ConfigurationError(
            f"The club's database ({database.place}) lacks what the pipeline needs: " + "; ".join(_describe(problems)),
        )


def _check_has_role(database: Database) -> None:
    """Raise a ConfigurationError where our user has none of the pipeline's rights: one statement gives them all."""
    missing = queries.find_missing_role(database)
    if missing is not None:
        roles = "" if missing.role_is_there else "its owner has to run sql/roles.sql, and then "
        raise ConfigurationError(
            f"The user of DATABASE_URL may not use the schema tournament_fees at {database.place}: {roles}who made the "
            f"role, or the host's console, has to run {missing.statement}"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SQL / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _describe(problems: Sequence[ClubColumn]) -> list[str]:
    missing_tables = sorted({row.table_name for row in problems if row.table_missing})
    sentences = [f"there is no table {name}" for name in missing_tables]
    sentences += [_describe_column(row) for row in problems if not row.table_missing and row.missing_right is None]
    return sentences + _describe_rights(problems)


def _describe_rights(problems: Sequence[ClubColumn]) -> list[str]:
    """Say what the owner of the tables has to grant, one statement a table and right."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for row in problems:
        if row.missing_right is not None:
            lacking.setdefault((row.missing_right, row.table_name), []).append(row.column_name)
    return [
        f"our user's right: GRANT {right} ({', '.join(columns)}) ON {table}"
        for (right, table), columns in lacking.items()
    ]


def _describe_column(row: ClubColumn) -> str:
    column = f"{row.table_name}.{row.column_name}"
    if row.wanted is not None:
        return f"{column} is {row.data_type}, and has to be {row.wanted} (sql/club/schema.sql says what it holds)"
    if row.data_type is not None and row.column_name != "stripe_checkout_url":
        return (
            f"{column} is {row.data_type}, too narrow for Stripe's ids: its owner runs "
            f"ALTER TABLE {row.table_name} ALTER COLUMN {row.column_name} TYPE text"
        )
    if row.data_type is not None:
        return (
            f"{column} is {row.data_type}, too narrow for Stripe's URLs: its owner runs sql/club/widen_checkout_url.sql"
        )
    if row.column_name == "stripe_checkout_url":
        return f"{column} is missing: its owner runs sql/club/add_checkout_url.sql"
    return f"{column} is missing (sql/club/schema.sql says what it holds)"
