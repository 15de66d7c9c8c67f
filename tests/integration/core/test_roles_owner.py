"""sql/roles.sql as owners with more rights or fewer run it: all of it is done, or nothing and a line says why."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.core.migrations import check_club_tables, check_migrated, migrate
from tests.support.harness import ROLES, libpq_url, run_roles

CLUB = ROLES.parent / "club" / "schema.sql"
RUNBOOK = ROLES.parents[1] / "deployments" / "README.md"
NAMES = ("tournament_fees_pipeline", "tournament_fees_order_maker", "tournament_fees_purger")
BY_HAND = re.findall(r'psql -c "(CREATE ROLE tournament_fees[^"]+)"', RUNBOOK.read_text(encoding="utf-8"))
GRANTED = """
    SELECT grantee, table_name, column_name, privilege_type FROM information_schema.role_column_grants
    WHERE grantee LIKE 'tournament%'
    UNION ALL
    SELECT rolname, 'role', '', '' FROM pg_roles WHERE rolname LIKE 'tournament%'
"""


@dataclass(frozen=True)
class Hosted:
    """A club's database at a host: its owner has tables and nothing else, and somebody else may do everything."""

    url: str
    owner: str

    def url_of(self, user: str) -> str:
        return make_url(self.url).set(username=user).render_as_string(hide_password=False)

    def host_runs(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the host's console."""
        with psycopg.connect(libpq_url(make_url(self.url)), autocommit=True) as connection:
            result = connection.execute(statement.encode())
            return result.fetchall() if result.description else []

    def roles(self, user: str | None = None) -> tuple[int, str]:
        """Run sql/roles.sql, as its owner or another one; return the exit code and what went wrong."""
        done = run_roles(libpq_url(make_url(self.url_of(user or self.owner))))
        return done.returncode, done.stderr

    @property
    def granted(self) -> set[tuple[Any, ...]]:
        """The roles that there are and their rights on tables."""
        return set(self.host_runs(GRANTED))


@pytest.fixture
def hosted(empty_database_url: str) -> Iterator[Hosted]:
    """A database with the club's and the pipeline's tables, on a server without the roles."""
    hosted = Hosted(empty_database_url, f"owner_{uuid4().hex}")
    for name in NAMES:
        hosted.host_runs(f"DROP ROLE IF EXISTS {name}")
    hosted.host_runs(f"CREATE ROLE {hosted.owner} LOGIN; GRANT CREATE ON SCHEMA public TO {hosted.owner}")
    hosted.host_runs(f"CREATE SCHEMA tournament_fees AUTHORIZATION {hosted.owner}")
    owner = Database(hosted.url_of(hosted.owner))
    with owner.transaction() as connection:
        connection.exec_driver_sql(CLUB.read_text(encoding="utf-8"), execution_options={"no_parameters": True})
    migrate(owner)
    owner.close()
    yield hosted
    there = {name for (name,) in hosted.host_runs("SELECT rolname FROM pg_roles")}
    for name in there & {*NAMES, hosted.owner}:
        hosted.host_runs(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def test_an_owner_who_may_make_no_roles_is_told_what_somebody_else_has_to_run(hosted: Hosted) -> None:
    code, said = hosted.roles()
    complaint, hint, _context = said.strip().splitlines()
    assert (code, hosted.granted) == (3, set())
    assert complaint.endswith(f"ERROR:  {hosted.owner} may not make roles, and nothing was done")
    statements = re.findall("CREATE ROLE [^;]+;", hint)
    assert statements == [f"CREATE ROLE {name} NOLOGIN;" for name in NAMES]
    assert "has to run: CREATE" in hint
    assert hint.endswith(f"Then {hosted.owner} runs this file again, which grants them their rights.")

    hosted.host_runs(statements.pop())
    assert statements == re.findall("CREATE ROLE [^;]+;", hosted.roles()[1]), "only those that are not there"
    for statement in statements:
        hosted.host_runs(statement)
    assert hosted.roles() == (0, "")
    granted = hosted.granted
    assert hosted.roles() == (0, "")
    assert hosted.granted == granted


def test_the_pipelines_user_is_told_the_role_that_it_lacks_and_needs_nothing_else(hosted: Hosted) -> None:
    user = f"fees_{uuid4().hex}"
    hosted.host_runs(f"CREATE ROLE {user} LOGIN")
    pipeline = Database(hosted.url_of(user))
    with pytest.raises(ConfigurationError, match=r"its owner has to run sql/roles.sql, and then who made the role"):
        check_migrated(pipeline)
    hosted.host_runs(*BY_HAND)
    assert hosted.roles() == (0, "")
    for check in (check_club_tables, check_migrated):
        with pytest.raises(
            ConfigurationError, match=rf": who made .* has to run GRANT tournament_fees_pipeline TO {user}$"
        ):
            check(pipeline)
    hosted.host_runs(f"GRANT tournament_fees_pipeline TO {user}")
    check_club_tables(pipeline)
    check_migrated(pipeline)
    pipeline.close()
    hosted.host_runs(f"DROP ROLE {user}")


def test_an_owner_who_may_make_roles_needs_nobody(hosted: Hosted) -> None:
    hosted.host_runs(f"ALTER ROLE {hosted.owner} CREATEROLE")
    assert hosted.roles() == (0, "")
    assert {role for role, table, *_ in hosted.granted if table == "role"} == set(NAMES)
    assert hosted.roles() == (0, "")


def test_where_one_right_cannot_be_given_none_is(hosted: Hosted) -> None:
    hosted.host_runs(f"ALTER ROLE {hosted.owner} CREATEROLE; ALTER TABLE orders OWNER TO CURRENT_USER")
    code, said = hosted.roles()
    assert (code, hosted.granted) == (3, set())
    assert re.search('permission denied for .*"?orders"?$', said.strip())


def test_before_the_first_migrate_that_is_asked_for(hosted: Hosted) -> None:
    hosted.host_runs(f"ALTER ROLE {hosted.owner} CREATEROLE; DROP SCHEMA tournament_fees CASCADE")
    code, said = hosted.roles()
    assert (code, hosted.granted) == (3, set())
    assert "has no schema tournament_fees: run `deployments.cli migrate` on it first" in said


def test_it_is_not_run_beside_a_migrate(hosted: Hosted) -> None:
    hosted.host_runs(*BY_HAND)
    before = hosted.granted
    owner = Database(hosted.url_of(hosted.owner))
    with ThreadPoolExecutor() as beside:
        with owner.transaction() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('tournament_fees'))")  # as it does
            running = beside.submit(hosted.roles)
            while not hosted.host_runs("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                assert not running.done(), running.result()
            assert hosted.granted == before
        assert running.result() == (0, "")
    owner.close()


def test_a_right_on_the_database_is_left_to_its_owner(hosted: Hosted) -> None:
    hosted.host_runs(*BY_HAND)
    database = make_url(hosted.url).database
    hosted.host_runs(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    code, said = hosted.roles()
    assert code == 0
    (statement,) = re.findall("WARNING: .* the owner of the database has to run: (GRANT TEMPORARY .*;)", said)
    hosted.host_runs(statement)
    assert hosted.roles() == (0, "")
