"""Bring our own tables up to date and check the club's, which we never change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Row
from sqlalchemy.exc import ProgrammingError

from tasks.database import Database
from tasks.errors import ConfigurationError

IN_THE_WAY = {"DuplicateTable", "DuplicateObject", "DuplicateFunction", "DuplicateColumn"}
"""psycopg's names for what a migration meets where somebody else has made a thing of the same name."""

SQL = Path(__file__).parent.parent / "sql"


def migrate(database: Database) -> None:
    """Create or update the schema `tournament_fees`; safe to run twice and by two processes at once.

    Raises a ConfigurationError where the schema has something that is not ours, or was made by a newer version.
    """
    config = _config()
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                f"The schema tournament_fees in {database.place} is of a newer version of the pipeline: {error}"
            ) from error
        except ProgrammingError as error:
            if type(error.orig).__name__ not in IN_THE_WAY:
                raise
            raise ConfigurationError(
                f"The schema tournament_fees in {database.place} has something that is not the pipeline's "
                f"({str(error.orig).splitlines()[0]}): move it elsewhere"
            ) from error


def check_migrated(database: Database) -> None:
    """Raise a ConfigurationError unless our own tables are those that this version of the pipeline knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.transaction() as connection:
        options = {"version_table": "migrations", "version_table_schema": "tournament_fees"}
        current = MigrationContext.configure(connection, opts=options).get_current_revision()
    if current != newest:
        raise ConfigurationError(
            f"The pipeline's tables in {database.place} are at migration {current or 'none'}, not {newest}: "
            "run `python -m deployments.cli migrate` (with this version of the pipeline or a newer one)"
        )
    lacking = database.fetch("missing_rights")
    if lacking:
        raise ConfigurationError(
            "; ".join(["The pipeline's database user lacks rights", *(row.statement for row in lacking)])
        )


def check_club_tables(database: Database) -> None:
    """Raise a ConfigurationError that names each club table and column that is missing or will not do."""
    problems = database.fetch("missing_club_columns")
    if problems:
        raise ConfigurationError(
            f"The club's database ({database.place}) lacks what the pipeline needs: " + "; ".join(_describe(problems)),
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SQL / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _describe(problems: Sequence[Row[Any]]) -> list[str]:
    missing_tables = sorted({row.table_name for row in problems if row.table_missing})
    sentences = [f"there is no table {name}" for name in missing_tables]
    sentences += [_describe_column(row) for row in problems if not row.table_missing and row.missing_right is None]
    return sentences + _describe_rights([row for row in problems if row.missing_right is not None])


def _describe_rights(problems: Sequence[Row[Any]]) -> list[str]:
    """Say what the owner of the tables has to grant, one statement a table and right."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for row in problems:
        lacking.setdefault((row.missing_right, row.table_name), []).append(row.column_name)
    return [
        f"our user's right: GRANT {right} ({', '.join(columns)}) ON {table}"
        for (right, table), columns in lacking.items()
    ]


def _describe_column(row: Row[Any]) -> str:
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
