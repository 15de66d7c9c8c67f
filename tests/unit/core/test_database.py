"""Who uses a database at the same time, in one process, shares its connections."""

import os

from tasks.core.database import shared_database

URL, OTHER = "postgresql+psycopg://127.0.0.1:1/club", "postgresql+psycopg://127.0.0.1:1/other"


def test_those_who_use_a_database_at_the_same_time_share_it_and_later_ones_get_another() -> None:
    with shared_database(URL) as first:
        with shared_database(URL) as second, shared_database(OTHER) as other:
            assert second is first
            assert other is not first
        with shared_database(URL) as third:
            assert third is first
    with shared_database(URL) as later:
        assert later is not first


def test_a_forked_process_does_not_talk_over_its_parents_connections() -> None:
    with shared_database(URL) as parents:
        child = os.fork()
        if not child:
            with shared_database(URL) as own:
                os._exit(0 if own is not parents else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
