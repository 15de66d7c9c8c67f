"""A backup of a test's database, and its restore, with PostgreSQL's own programs."""

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support.harness import Pipeline, program


def dump(pipeline: Pipeline, file: Path) -> None:
    """Back up the whole database, as deployments/README.md says."""
    command = [program("pg_dump"), "--format=custom", f"--file={file}", f"--dbname={address(pipeline)}"]
    subprocess.run(command, check=True)


def restore(pipeline: Pipeline, file: Path) -> None:
    """Put a backup in the place of the database: what was done since is gone."""
    name = make_url(address(pipeline)).database or ""
    for one in (pipeline.owner, pipeline.services.database):
        one.engine.dispose()
    with psycopg.connect(address(pipeline, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    command = [program("pg_restore"), "--exit-on-error", f"--dbname={address(pipeline)}", str(file)]
    subprocess.run(command, check=True)


def address(pipeline: Pipeline, database: str | None = None) -> str:
    """The database's address as PostgreSQL's own programs take it."""
    url = pipeline.owner.engine.url.set(drivername="postgresql")
    return (url.set(database=database) if database else url).render_as_string(hide_password=False)
