"""Bring our own tables up to date and check the club's, which we never change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Row

from tasks.database import Database
from tasks.errors import ConfigurationError

SQL = Path(__file__).parent.parent / "sql"


def migrate(database: Database) -> None:
    """Create or update the schema `tournament_fees`; safe to run twice and by two processes at once."""
    config = _config()
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_migrated(database: Database) -> None:
    """Raise a ConfigurationError unless our own tables are those that this version of the pipeline knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.transaction() as connection:
        options = {"version_table": "migrations", "version_table_schema": "tournament_fees"}
        current = MigrationContext.configure(connection, opts=options).get_current_revision()
    if current != newest:
        raise ConfigurationError(
            f"The pipeline's tables in {database.place} are at migration {current or 'none'}, not {newest}: "
            "run `python -m deployments.cli migrate`"
        )


def check_club_tables(database: Database) -> None:
    """Raise a ConfigurationError that names every club table and column that is missing or too narrow."""
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
    sentences += [_describe_column(row) for row in problems if not row.table_missing]
    return sentences


def _describe_column(row: Row[Any]) -> str:
    column = f"{row.table_name}.{row.column_name}"
    if row.data_type is not None:
        return (
            f"{column} is {row.data_type}, too narrow for Stripe's URLs: its owner runs sql/club/widen_checkout_url.sql"
        )
    if row.column_name == "stripe_checkout_url":
        return f"{column} is missing: its owner runs sql/club/add_checkout_url.sql"
    return f"{column} is missing (sql/club/schema.sql says what it holds)"
