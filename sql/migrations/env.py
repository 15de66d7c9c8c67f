"""Run our migrations in a schema of our own, one process at a time."""

from alembic import context
from sqlalchemy import Connection, text

SCHEMA = "tournament_fees"


def migrate(connection: Connection) -> None:
    """Bring the schema up to date in one transaction, behind an advisory lock that a second process waits for."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:schema))"), {"schema": SCHEMA})
    if connection.execute(text("SELECT to_regnamespace(:schema)"), {"schema": SCHEMA}).scalar() is None:
        # IF NOT EXISTS would ask for the right to create one also where the owner has made it for us.
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    context.configure(connection=connection, version_table="migrations", version_table_schema=SCHEMA)
    context.run_migrations()


migrate(context.config.attributes["connection"])
