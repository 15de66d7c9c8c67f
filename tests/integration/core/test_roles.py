"""The roles of sql/roles.sql: the pipeline does its whole job with them, and can do nothing else."""

import re
from datetime import timedelta

import pytest

from deployments.local.demo_club import TOURNAMENT
from tasks.core.errors import ConfigurationError
from tasks.operations.health_checks import run_health_checks
from tasks.operations.options import PurgeChoice, StopChoice
from tasks.operations.purge import purge_season
from tasks.operations.status import campaign_status
from tasks.operations.stop import stop_campaign
from tasks.operations.suppress import lift_address, suppress_address
from tasks.refresh.options import RefreshOptions
from tasks.refresh.prepare import prepare_refresh
from tests.integration.campaigns import test_story_goes_on
from tests.support.harness import ROLES, Pipeline
from tests.support.small_club import SmallClub

# Run once more, here with the pipeline's own rights alone; make test-roles does that with all of them.
test_no_order_can_be_paid_twice = test_story_goes_on.test_no_order_can_be_paid_twice
test_mended_causes_bring_skipped_recipients_back = test_story_goes_on.test_mended_causes_bring_skipped_recipients_back


@pytest.fixture
def role() -> str:
    return "tournament_fees_pipeline"


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


def test_the_whole_season_goes_with_the_pipelines_own_rights(demo_club: Pipeline) -> None:
    services = demo_club.services
    assert demo_club.run().sent == 23
    assert [finding for finding in run_health_checks(services) if not finding.well] == []
    prepare_refresh(services, RefreshOptions())
    for order in demo_club.sql("SELECT id FROM orders ORDER BY id"):
        services.keeper.ensure_link(order.id, None, mailing=False, renew=False)
    assert len(campaign_status(services, TOURNAMENT).orders) == 35
    suppress_address(services, "karen.abbott@example.com", reason="asked", by="Ann")
    lift_address(services, "karen.abbott@example.com", by="Ann")
    stop_campaign(services, TOURNAMENT, StopChoice(), by="Ann", why="over")


FORBIDDEN = [
    "DELETE FROM orders",
    "INSERT INTO orders (player_id, product_id, amount) VALUES (1, 1, 1)",
    "UPDATE orders SET amount = 1",
    "UPDATE orders SET player_id = 1",
    "UPDATE orders SET due_date = NULL",
    "UPDATE parents SET email = 'eve@example.org'",
    "UPDATE player_teams SET commitment = 'committed'",
    "UPDATE products SET amount = 1",
    "DELETE FROM tournaments",
    "SELECT phone FROM parents",
    "UPDATE tournament_fees.delivery_attempts SET outcome = 'sent'",
    "DELETE FROM tournament_fees.delivery_attempts",
    "DELETE FROM tournament_fees.messages",
    "DELETE FROM tournament_fees.payments",
    "DELETE FROM tournament_fees.checkout_attempts",
    "UPDATE tournament_fees.operator_actions SET by_whom = 'Eve'",
    "ALTER TABLE tournament_fees.delivery_attempts DISABLE TRIGGER ALL",
    "DROP TABLE tournament_fees.messages",
    "TRUNCATE tournament_fees.sightings",
    "CREATE TABLE tournament_fees.other (id int)",
    "UPDATE tournament_fees.migrations SET version_num = '9999'",
]


def test_everything_else_is_forbidden(club: SmallClub) -> None:
    club.sql("ALTER TABLE parents ADD COLUMN phone text")
    club.family()
    for statement in FORBIDDEN:
        with (
            pytest.raises(ConfigurationError, match=r"lacks a right at .*: (permission denied|must be owner)"),
            club.pipeline.services.database.transaction() as connection,
        ):
            connection.exec_driver_sql(statement)


def test_an_order_is_made_only_by_who_may(club: SmallClub) -> None:
    club.player(club.parent())
    services = club.pipeline.services
    with pytest.raises(ConfigurationError, match=r"lacks a right at .*permission denied for table orders"):
        prepare_refresh(services, RefreshOptions(create_missing_orders=True))
    assert club.one("SELECT count(*) FROM orders") == 0
    with club.pipeline.granted("tournament_fees_order_maker"):
        prepare_refresh(services, RefreshOptions(create_missing_orders=True))
    assert club.one("SELECT amount FROM orders") == 5500


def test_peoples_data_is_purged_only_by_who_may(demo_club: Pipeline) -> None:
    demo_club.run()
    demo_club.later(timedelta(days=400))
    services, before = demo_club.services, demo_club.clock().date() - timedelta(days=300)
    demo_club.sql("UPDATE tournaments SET event_date = NULL, payment_deadline = NULL")
    with pytest.raises(ConfigurationError, match=r"lacks a right at .*permission denied for table delivery_attempts"):
        purge_season(services, before, PurgeChoice())
    with demo_club.granted("tournament_fees_purger"):
        assert purge_season(services, before, PurgeChoice()).count > 0


def test_to_grant_again_changes_nothing_and_no_table_is_forgotten(club: SmallClub) -> None:
    granted = "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants ORDER BY 1, 2, 3"
    before = club.sql(granted)
    club.pipeline.grant()
    assert club.sql(granted) == before
    tables = {row.tablename for row in club.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'tournament_fees'")}
    named = set(re.findall(r"tournament_fees\.(\w+)", ROLES.read_text(encoding="utf-8")))
    assert tables == named
