"""However many recipients there are, a run has few of them in memory at a time, and none costs more than another."""

from collections import defaultdict
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign, open_in
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.summary import summarize
from tasks.club import queries as club_queries
from tasks.club.players import ROWS_AT_A_TIME, find_tournament
from tasks.delivery.deliver_batch import deliver_batch
from tasks.operations.health_checks import check_ready
from tasks.refresh.sweep import sweep
from tests.support.big_club import BigClub
from tests.support.harness import Pipeline
from tests.support.small_club import CUP

RECIPIENTS = ROWS_AT_A_TIME + 200


@pytest.mark.only_long
def test_no_statement_of_a_run_returns_a_row_for_each_recipient(small_club: Pipeline) -> None:
    club, services, options = BigClub.on(small_club), small_club.services, CampaignOptions(at_most=2 * RECIPIENTS)
    club.made_by_the_club(club.people(RECIPIENTS), (6, 1))
    most: dict[str, int] = defaultdict(int)

    def note(_connection: object, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401  psycopg's
        if cursor.description is not None:  # a stream's rows come in pieces, and its cursor says -1
            title = statement.splitlines()[0]
            most[title] = max(most[title], cursor.rowcount)

    event.listen(services.database.engine, "after_cursor_execute", note)
    for _ in range(2):  # the second time, there is a queue to bring up to date
        check_ready(services)
        campaign = open_campaign(services, CUP, options.kind, options)
        sweep(services, campaign)
        batches = plan_batches(services, campaign, options.at_most)
    deliver_batch(services, campaign, batches[0], uuid4())
    assert summarize(services, campaign, None).having("queued") == RECIPIENTS - len(batches[0].message_ids)
    assert {title: rows for title, rows in most.items() if rows > ROWS_AT_A_TIME} == {}
    assert len(most) > 20, "statements were seen"


def test_committed_players_come_in_pieces(small_club: Pipeline) -> None:
    BigClub.on(small_club).people(RECIPIENTS)
    with small_club.services.database.transaction() as connection:
        tournament = find_tournament(small_club.services.database, CUP)
        pieces = [
            len(players)
            for players in club_queries.stream_committed_players(
                connection, tournament_id=tournament.id, size=ROWS_AT_A_TIME
            )
        ]
    assert pieces == [ROWS_AT_A_TIME, RECIPIENTS - ROWS_AT_A_TIME]


@pytest.mark.parametrize("before", ["nothing", "a queue", "who was skipped", "another campaign"])
def test_a_queue_is_brought_up_to_date_without_reading_all_recipients_for_each(
    small_club: Pipeline, before: str
) -> None:
    club, services, options = BigClub.on(small_club), small_club.services, CampaignOptions()
    club.people(RECIPIENTS)
    for table in ("messages", "message_orders"):
        club.sql(f"ALTER TABLE tournament_fees.{table} SET (autovacuum_enabled = off)")
    if before == "another campaign":  # of which alone PostgreSQL knows: of the next one it expects no row
        open_campaign(services, CUP, options.kind, CampaignOptions(sequence=2))
        club.sql("ANALYZE")
    if before != "nothing":
        open_campaign(services, CUP, options.kind, options)
    if before in {"who was skipped", "another campaign"}:
        club.sql("UPDATE tournament_fees.messages SET status = 'skipped', reason = 'paid'")
        club.sql("UPDATE orders SET status = 'paid'")
    with services.database.trial() as connection:
        open_in(
            connection, services, find_tournament(services.database, CUP), options.kind, options, require_approval=False
        )
        read = text("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'snapshot'")
        assert connection.execute(read).scalar_one() <= 20 * RECIPIENTS
