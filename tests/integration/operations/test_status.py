"""Where the money is: every order counted once, by what the club's tables and the ledger say."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.local.demo_club import TOURNAMENT
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.core.errors import ConfigurationError
from tasks.operations.order_status import OrderStatus
from tasks.operations.status import Status, campaign_status
from tasks.operations.status_report import counts, status_csv, status_markdown, status_sentence
from tests.integration.operations.test_cli import verb
from tests.support.harness import Inbox, Pipeline, ToldClub, own_pipeline
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def small(small_club: Pipeline) -> SmallClub:
    """A club of one family, which was mailed."""
    small = SmallClub.on(small_club)
    small.family()
    small.pipeline.run(CUP)
    return small


@pytest.fixture(scope="module")
def club(server_url: str, catcher: Inbox) -> Iterator[SmallClub]:
    """A club in which orders stand in each way that there is, for tests that only look."""
    with own_pipeline(server_url, catcher.from_now_on()) as pipeline:
        yield club_of_all_standings(SmallClub.on(pipeline))


def club_of_all_standings(club: SmallClub) -> SmallClub:
    families = {
        name: club.family(name, f"{name.lower()}@example.com")[0]
        for name in ("Live", "Stripe", "Cash", "Waived", "Cancelled", "Failed", "Perhaps", "Slow", "Twice", "Gone")
    }
    club.pipeline.run(CUP)
    stand_in = club.pipeline.stand_in
    stand_in.pay(club.payable(families["Stripe"])[0])
    stand_in.pay(club.payable(families["Slow"])[0], slow=True)
    for name in ("Stripe", "Slow"):
        club.ensure_link(families[name], mailing=False)
    stand_in.pay(club.payable(families["Twice"])[0])
    for name, change in {
        "Cash": {"status": "paid", "payment_method": "cash"},
        "Twice": {"status": "paid", "payment_method": "cash"},
        "Waived": {"status": "waived"},
        "Cancelled": {"status": "cancelled"},
    }.items():
        club.set_order(families[name], **change)
    club.ensure_link(families["Twice"], mailing=False)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE family = 'perhaps'")
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'failed', reason = 'refused_by_server',"
        " last_error = '550 failed@example.com is not here' WHERE family = 'failed'"
    )
    club.sql("UPDATE player_teams SET commitment = 'withdrawn' WHERE player_id = :id", id=families["Gone"])
    club.family("New", "new@example.com")
    club.player(club.parent("Bare", "bare@example.com"))
    club.sql("UPDATE players SET first_name = '=HYPERLINK(\"http://example.org\")' WHERE last_name = 'Live'")
    (odd,) = club.family("Odd", "odd@example.com")
    club.set_order(odd, amount=-5)
    club.ensure_link(odd)
    return club


def look(club: SmallClub) -> Status:
    return campaign_status(club.pipeline.services, CUP)


def test_every_order_is_counted_once_and_the_sums_are_right(club: SmallClub) -> None:
    assert counts(look(club)) == {
        OrderStatus.LIVE: 1,
        OrderStatus.PAID_STRIPE: 1,
        OrderStatus.PAID_CASH: 2,
        OrderStatus.WAIVED: 1,
        OrderStatus.CANCELLED: 1,
        OrderStatus.NOT_MAILED: 2,
        OrderStatus.UNCERTAIN: 1,
        OrderStatus.PROCESSING: 1,
        OrderStatus.NOT_COMMITTED: 1,
        OrderStatus.NO_ORDER: 1,
        OrderStatus.SET_ASIDE: 1,
    }
    assert status_sentence(look(club)) == (
        "12 committed, 8 mailed; paid: 1 through Stripe, 2 in cash; waived: 1; "
        "money in: $165.00, outstanding: $275.00; 4 things wait for a person"
    )


def test_a_link_that_died_unpaid_is_found_and_told_what_to_do_about(small: SmallClub) -> None:
    small.pipeline.later(timedelta(days=2))
    status = look(small)
    assert counts(status) == {OrderStatus.DEAD: 1}
    assert "1 links died unpaid" in status_sentence(status)
    assert "| mailed, link has died | 1 | $55.00 | remind-unpaid mails them" in status_markdown(status)


def test_a_link_that_stripe_has_closed_is_dead_before_its_time(small: SmallClub) -> None:
    small.set_order(1, amount=4500)
    small.ensure_link(1, mailing=False)
    assert counts(look(small)) == {OrderStatus.DEAD: 1}


def test_a_failed_message_whose_order_was_mailed_since_waits_no_more(small: SmallClub) -> None:
    small.sql("UPDATE tournament_fees.messages SET status = 'failed', reason = 'refused_by_server'")
    assert [trouble.status for trouble in look(small).troubles] == ["failed"]
    small.pipeline.run(CUP, sequence=2)
    assert look(small).troubles == ()


def test_messages_that_wait_for_an_approval_are_listed_last_as_long_as_they_are_owed(small: SmallClub) -> None:
    small.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply'")
    (paid,) = small.family("Berg", "berg@example.com")
    small.family("Chen", "chen@example.com")
    services, options = small.pipeline.services, CampaignOptions(sequence=2)
    campaign = open_campaign(services, CUP, options.kind, options, require_approval=True)
    assert plan_batches(services, campaign, 10) == []
    small.set_order(paid, status="paid", payment_method="cash")
    status = look(small)
    assert [(trouble.status, trouble.address) for trouble in status.troubles] == [
        ("uncertain", "j…@example.com"),
        ("queued", "j…@example.com"),
        ("queued", "c…@example.com"),
    ]
    assert "; 2 messages wait for an approval; 1 things wait for a person" in status_sentence(status)
    assert "- waits for an approval: run tournament-fees in the UI, and approve" in status_markdown(status)


def test_a_payment_that_crossed_its_email_is_told(small: SmallClub) -> None:
    paid_at = small.pipeline.clock() - timedelta(hours=1)
    small.set_order(1, status="paid", payment_method="cash", paid_at=paid_at)
    assert [one.order_id for one in look(small).orders if one.crossed] == [1]
    assert "orders 1." in status_markdown(look(small))


def test_what_waits_for_a_person_is_named_by_ids_with_what_to_do(club: SmallClub) -> None:
    said = status_markdown(look(club))
    twice = club.one("SELECT order_id FROM tournament_fees.payments WHERE finding = 'paid_twice'")
    assert f"| {twice} | $55.00 | paid twice | pi_" in said
    assert "orders.amount is -5" in said
    assert "| failed | refused by the mail server | 550 f…@example.com is not here |" in said
    assert "| uncertain | the mail server's reply was lost |" in said
    assert "- the mail server's reply was lost: ask the parent" in said


def test_the_report_has_no_names_addresses_or_links(club: SmallClub) -> None:
    said = status_markdown(look(club)) + status_sentence(look(club))
    assert "Child0" not in said
    assert "Jo " not in said
    assert "http" not in said
    assert "failed@" not in said


def test_the_demo_club_adds_up(told_club: ToldClub) -> None:
    status = campaign_status(told_club.pipeline.services, TOURNAMENT)
    by = counts(status)
    assert (by[OrderStatus.PAID_STRIPE], by[OrderStatus.PAID_CASH], by[OrderStatus.PROCESSING]) == (5, 1, 1)
    assert (by[OrderStatus.LIVE], by[OrderStatus.NOT_MAILED], by[OrderStatus.NO_ORDER]) == (26, 1, 1)


def test_an_unknown_tournament_names_the_known_ones(club: SmallClub) -> None:
    with pytest.raises(ConfigurationError, match="no tournament 'Nowhere'; it has 'Spring Cup'"):
        campaign_status(club.pipeline.services, "Nowhere")


def test_the_treasurers_file_has_every_order_and_no_formula(club: SmallClub, tmp_path: Path) -> None:
    file = tmp_path / "spring.csv"
    file.write_text("what was there before", encoding="utf-8")
    file.chmod(0o644)
    code, said = verb(club, "status", CUP, "--csv", str(file))
    assert code == 0
    assert said.endswith(f"13 rows are in {file}, which only you can read: it has names")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == status_csv(look(club))
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    rows = {row["Parent"].removeprefix("Jo "): row for row in csv.DictReader(lines)}
    assert rows["Live"]["Player"].startswith("'=HYPERLINK")
    assert (rows["Live"]["Amount"], rows["Live"]["Currency"], rows["Live"]["Address"]) == (
        "55.00",
        "USD",
        "l…@example.com",
    )
    assert rows["Cash"]["Standing"] == "paid in cash"
    assert rows["Bare"]["Order"] == ""


def test_a_file_that_cannot_be_written_is_one_line(club: SmallClub, tmp_path: Path) -> None:
    code, said = verb(club, "status", CUP, "--csv", str(tmp_path / "nowhere" / "spring.csv"))
    assert code == 2
    assert said.splitlines()[-1].endswith("spring.csv cannot be written: No such file or directory")
