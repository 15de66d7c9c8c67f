"""Seasons past: no name and no address is left in our tables, and all that money needs is."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import preview_campaign
from tasks.core.errors import ConfigurationError
from tasks.operations.options import PurgeChoice
from tasks.operations.purge import Purge, purge_season
from tasks.operations.suppress import lift_address, suppress_address
from tests.integration.campaigns.test_preview import into
from tests.integration.operations.test_cli import verb
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub

PEOPLE = ("quagmire", "zebulon")
"""The families' name, in their addresses too, and their children's."""

WHERE_PEOPLE_ARE = {
    "approvals.note",
    "approved_orders.mailbox",
    "bounces.diagnostic",
    "campaigns.parameters",
    "checkout_attempts.request",
    "delivery_attempts.smtp_reply",
    "message_orders.detail",
    "messages.address",
    "messages.family",
    "messages.last_error",
    "messages.mailbox",
    "operator_actions.note",
    "refreshed_links.detail",
    "set_asides.note",
    "sightings.session",
    "suppressions.address",
    "suppressions.mailbox",
}

MONEY = {
    "orders": "SELECT * FROM orders ORDER BY id",
    "payments": "SELECT * FROM tournament_fees.payments ORDER BY session_id",
    "sessions": "SELECT id, order_id, session_id, state, amount, currency, payment_intent_id, requested_at, expires_at"
    " FROM tournament_fees.checkout_attempts ORDER BY id",
    "messages": "SELECT id, campaign_id, status, reason, attempts, message_id, parent_id, links_die_at"
    " FROM tournament_fees.messages ORDER BY id",
    "links": "SELECT campaign_id, order_id, message_id, link, session_id, amount, currency"
    " FROM tournament_fees.message_orders ORDER BY 1, 2",
    "attempts": "SELECT id, message_id, attempt, outcome, phase, smtp_code, run_id, at, counted_at"
    " FROM tournament_fees.delivery_attempts ORDER BY id",
    "decisions": "SELECT id, action, message_id, by_whom, decided_at FROM tournament_fees.operator_actions"
    " WHERE action <> 'purge' ORDER BY id",
}


@pytest.fixture
def club(small_club: Pipeline, tmp_path: Path) -> SmallClub:
    """A club whose tournament was mailed, paid and is long over; people's names wherever they come to be."""
    club = SmallClub.on(into(small_club, tmp_path))
    today = club.pipeline.clock().date()
    club.sql("UPDATE tournaments SET event_date = :day", day=today + timedelta(days=5))
    orders = [mailed_family(club, number) for number in range(4)]
    preview_campaign(club.pipeline.services, CUP, CampaignOptions())
    club.pipeline.run(CUP, options=CampaignOptions(note="Not for the Quagmire family"))
    club.pipeline.stand_in.pay(club.payable(orders[0])[0])
    club.ensure_link(orders[0], mailing=False)
    club.set_order(orders[1], status="paid", payment_method="cash")
    given = {
        "message": max(row.id for row in club.messages()),
        "campaign": club.one("SELECT id FROM tournament_fees.campaigns"),
        "now": club.pipeline.clock(),
    }
    for statement in WORDS_OF_PEOPLE.split(";\n"):
        club.sql(statement, **{name: value for name, value in given.items() if f":{name}" in statement})
    lift_and_suppress(club)
    club.pipeline.later(timedelta(days=60))
    return club


def mailed_family(club: SmallClub, number: int) -> int:
    parent = club.parent("Quagmire", f"quagmire{number}@example.com")
    return club.order(club.player(parent, "Zebulon"))


SAID = "550 <quagmire1@example.com> is not here"
WORDS_OF_PEOPLE = f"""
UPDATE tournament_fees.messages SET status = 'failed', reason = 'gave_up', last_error = '{SAID}' WHERE id = :message;
UPDATE tournament_fees.message_orders SET detail = 'Zebulon' WHERE order_id = 1;
INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase, smtp_code, smtp_reply)
VALUES (:message, 2, 'failed', 'rcpt', 550, '{SAID}');
INSERT INTO tournament_fees.bounces VALUES ('a', 0, :message, 'failed', '5.2.2', '{SAID}', 'returned', :now);
INSERT INTO tournament_fees.bounces VALUES ('b', 0, NULL, 'failed', '5.2.2', '{SAID}', 'not ours', :now);
INSERT INTO tournament_fees.operator_actions (action, campaign_id, by_whom, note, decided_at)
VALUES ('retry', :campaign, 'Kim Doe', 'Ms Quagmire called', :now);
INSERT INTO tournament_fees.approvals
(campaign_id, run_id, state, messages, proposed_at, by_whom, note, decided_at)
VALUES (:campaign, gen_random_uuid(), 'approved', 4, :now, 'Kim Doe', 'without Zebulon', :now);
INSERT INTO tournament_fees.approved_orders
SELECT id, 1, 'quagmire0@example.com', 5500, 'usd', 'digest' FROM tournament_fees.approvals;
INSERT INTO tournament_fees.refreshed_links VALUES (gen_random_uuid(), 1, 'kept', 'Zebulon', :now);
INSERT INTO tournament_fees.set_asides (order_id, reason, detail, set_aside_at, cleared_at, cleared_by, note)
VALUES (1, 'paid_twice', 'refund one', :now, :now, 'Kim Doe', 'Ms Quagmire has it back');
INSERT INTO tournament_fees.sightings VALUES (1, 'cs_test_1', :now, '{{"name": "Zebulon"}}')
"""  # noqa: S608  texts of the test
"""What mail servers, Stripe and colleagues write into the ledger, who all name people."""


def lift_and_suppress(club: SmallClub) -> None:
    services = club.pipeline.services
    suppress_address(services, "quagmire3@example.com", reason="asked", by="Kim Doe")
    suppress_address(services, "quagmire2@example.com", reason="asked", by="Kim Doe")
    lift_address(services, "quagmire2@example.com", by="Kim Doe")


def cutoff(club: SmallClub) -> date:
    return club.pipeline.clock().date() - timedelta(days=30)


def purge(club: SmallClub, before: date | None = None, **choice: Any) -> Purge:  # noqa: ANN401  as the form takes it
    return purge_season(club.pipeline.services, before or cutoff(club), PurgeChoice(**choice))


def purge_all(club: SmallClub) -> Purge:
    return purge(club, action="purge", count=purge(club).count, by="Ann Operator")


@pytest.fixture(autouse=True)
def _rights(club: SmallClub) -> Iterator[None]:
    """The steps have the rights to purge, where they have those of a role only."""
    role = club.pipeline.role
    if role:
        club.sql(f"GRANT tournament_fees_purger TO {role}")
    yield
    if role:
        club.sql(f"REVOKE tournament_fees_purger FROM {role}")


def where_people_are(club: SmallClub) -> dict[str, set[str]]:
    """Every column of our schema in which somebody's name or address stands, with what stands there."""
    columns = club.sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'tournament_fees'"
    )
    found: dict[str, set[str]] = {}
    for row in columns:
        said = club.sql(f"SELECT CAST({row.column_name} AS text) AS said FROM tournament_fees.{row.table_name}")  # noqa: S608  names of the schema
        named = {str(one.said) for one in said if any(name in str(one.said).casefold() for name in PEOPLE)}
        if named:
            found[f"{row.table_name}.{row.column_name}"] = named
    return found


def test_no_name_and_no_address_is_left_but_of_those_who_must_not_be_mailed(club: SmallClub) -> None:
    assert set(where_people_are(club)) == WHERE_PEOPLE_ARE, "where they come to be"
    purged = purge_all(club)
    assert purged.campaigns == 1
    assert where_people_are(club) == {
        "suppressions.address": {"quagmire3@example.com"},
        "suppressions.mailbox": {"quagmire3@example.com"},
    }


def test_the_money_the_times_and_who_decided_stay(club: SmallClub) -> None:
    before = {what: club.sql(statement) for what, statement in MONEY.items()}
    assert all(before.values()), "each of them has something to lose"
    purge_all(club)
    assert {what: club.sql(statement) for what, statement in MONEY.items()} == before
    (action,) = club.sql("SELECT * FROM tournament_fees.operator_actions WHERE action = 'purge'")
    assert (action.message_id, action.by_whom) == (None, "Ann Operator")


def test_to_count_changes_nothing(club: SmallClub) -> None:
    before = where_people_are(club)
    counted = purge(club)
    assert dict(counted.records) == {
        "messages: address, mailbox, family": 4,
        "what was said about the links in messages": 1,
        "mail servers' replies": 5,
        "notes beside decisions": 2,
        "mailboxes in approvals": 1,
        "delivery reports' words": 2,
        "names and links asked of Stripe": 4,
        "traces of links that were looked at": 3,
        "addresses that are suppressed no more": 1,
    }
    assert where_people_are(club) == before
    assert list(club.pipeline.services.settings.preview_folder.glob("*")) != []


def test_a_second_time_there_is_nothing_left_and_what_came_late_goes_too(club: SmallClub) -> None:
    count = purge_all(club).count
    with pytest.raises(ConfigurationError, match=f"0 records were found, not {count}"):
        purge(club, action="purge", count=count, by="Ann Operator")
    club.sql(
        "INSERT INTO tournament_fees.bounces"
        " SELECT 'c', 0, min(id), 'failed', '5.2.2', 'quagmire0@example.com', 'returned', now()"
        " FROM tournament_fees.messages"
    )
    assert purge(club).count == 1
    assert purge_all(club).campaigns == 0
    assert "bounces.diagnostic" not in where_people_are(club)


def test_the_previews_of_what_is_purged_are_deleted_and_no_others(club: SmallClub) -> None:
    folder = club.pipeline.services.settings.preview_folder
    other = folder / "preview-spring-cup-2-fee_notice-20260301-100000-abcd.html"
    other.write_text("another tournament", encoding="utf-8")
    assert purge_all(club).pages == 1
    assert list(folder.glob("*")) == [other]


@pytest.mark.parametrize(
    ("state", "uncertain", "said"),
    [
        ("sending", False, "it is not finished: stop it, or let it be sent"),
        pytest.param("awaiting_approval", False, "it is not finished", marks=pytest.mark.only_long),
        pytest.param("draft", False, "it is not finished", marks=pytest.mark.only_long),
        ("done", True, "1 messages are uncertain: decide about them in settle-uncertain"),
        pytest.param("stopped", True, "1 messages are uncertain", marks=pytest.mark.only_long),
    ],
)
def test_what_is_not_finished_or_not_settled_stays_whole(
    club: SmallClub, state: str, said: str, *, uncertain: bool
) -> None:
    club.sql("UPDATE tournament_fees.campaigns SET state = :state", state=state)
    if uncertain:
        first = min(row.id for row in club.messages())
        club.sql("UPDATE tournament_fees.messages SET status = 'uncertain' WHERE id = :id", id=first)
    before = where_people_are(club)
    purged = purge_all(club)
    assert purged.kept[0].startswith(f"{CUP}, fee_notice 1: {said}")
    left = where_people_are(club)
    of_others = {"suppressions.address", "suppressions.mailbox", "bounces.diagnostic"}
    assert {column: words for column, words in left.items() if column not in of_others} == {
        column: words for column, words in before.items() if column not in of_others
    }


def test_a_campaign_that_was_worked_on_since_and_a_tournament_to_come_stay(club: SmallClub) -> None:
    club.sql("UPDATE tournament_fees.campaigns SET changed_at = :now", now=club.pipeline.clock())
    assert purge(club).kept == (f"{CUP}, fee_notice 1: it was worked on since that day",)
    club.sql("UPDATE tournaments SET payment_deadline = :day", day=club.pipeline.clock().date())
    counted = purge(club)
    assert (counted.campaigns, counted.kept) == (0, ())
    with pytest.raises(ConfigurationError, match="'Spring Cup' was not over before"):
        purge(club, tournament=CUP)


def test_a_tournament_without_a_date_and_one_that_was_deleted_go_by_their_last_message(club: SmallClub) -> None:
    club.sql("UPDATE tournaments SET event_date = NULL")
    assert purge(club).campaigns == 1
    club.sql("DELETE FROM tournament_products")
    club.sql("DELETE FROM tournaments")
    assert purge(club).campaigns == 1


def test_an_order_that_another_tournament_is_about_keeps_what_was_asked_of_stripe(club: SmallClub) -> None:
    club.sql("INSERT INTO tournaments (id, name, event_date) VALUES (2, 'Autumn Cup', '2999-01-01')")
    club.sql("INSERT INTO tournament_products VALUES (2, 1, 1)")
    assert dict(purge(club).records)["names and links asked of Stripe"] == 0


def test_a_purged_campaign_mails_nobody_again(club: SmallClub) -> None:
    purge_all(club)
    with pytest.raises(ConfigurationError, match="was stopped for good"):
        open_campaign(club.pipeline.services, CUP, "fee_notice", CampaignOptions())
    with pytest.raises(ConfigurationError, match="no failed message"):
        club.pipeline.retry(failed=True, by="Ann")


def test_a_day_that_is_not_a_week_past_is_refused(club: SmallClub) -> None:
    with pytest.raises(ConfigurationError, match="is not a week past"):
        purge(club, before=club.pipeline.clock().date() - timedelta(days=6))


def test_another_count_takes_nothing_away(club: SmallClub) -> None:
    before = where_people_are(club)
    with pytest.raises(ConfigurationError, match="records were found, not 3"):
        purge(club, action="purge", count=3, by="Ann Operator")
    assert where_people_are(club) == before


NEVER = [
    "UPDATE tournament_fees.delivery_attempts SET smtp_reply = 'taken'",
    "UPDATE tournament_fees.delivery_attempts SET smtp_reply = NULL, outcome = 'sent'",
    "DELETE FROM tournament_fees.delivery_attempts",
    "UPDATE tournament_fees.bounces SET finding = 'noted', diagnostic = NULL",
    "UPDATE tournament_fees.operator_actions SET note = 'what was never said'",
    "UPDATE tournament_fees.operator_actions SET by_whom = 'Eve', note = NULL",
    "UPDATE tournament_fees.approvals SET note = NULL, by_whom = 'Eve'",
    "UPDATE tournament_fees.approvals SET note = 'another'",
    "UPDATE tournament_fees.approved_orders SET mailbox = 'eve@example.org'",
    "UPDATE tournament_fees.approved_orders SET mailbox = 'purged', amount = 1",
]


def test_what_tells_what_happened_can_be_forgotten_in_words_only(club: SmallClub) -> None:
    for statement in NEVER:
        with (
            pytest.raises((RuntimeError, DBAPIError), match=r"append-only|is decided"),
            club.pipeline.owner.transaction() as connection,
        ):
            connection.execute(text(statement))


def test_the_operator_counts_and_purges_in_a_terminal(club: SmallClub) -> None:
    club.sql("UPDATE tournaments SET event_date = '2020-03-01'")
    for table, column in (
        ("messages", "changed_at"),
        ("campaigns", "changed_at"),
        ("checkout_attempts", "requested_at"),
    ):
        club.sql(f"UPDATE tournament_fees.{table} SET {column} = '2020-02-01'")  # noqa: S608  names of the test
    code, said = verb(club, "purge-season", "--before", "2020-06-01", "--by", "Ann")
    assert code == 0
    assert "4 messages: address, mailbox, family" in said
    assert "records of people from before 2020-06-01 would go, of 1 campaigns more." in said
    assert verb(club, "purge-season", "--before", "2020-06-01", "--by", "Ann", "--purge") == (
        2,
        "Error: How many records you mean (a run with 'count' says how many) was expected: nothing was done",
    )
    count = said.splitlines()[-1].split()[0]
    code, said = verb(club, "purge-season", "--before", "2020-06-01", "--by", "Ann", "--purge", "--count", count)
    assert (code, said.splitlines()[-1]) == (
        0,
        f"{count} records of people from before 2020-06-01 are gone, of 1 campaigns more.",
    )
    assert "messages.address" not in where_people_are(club)
