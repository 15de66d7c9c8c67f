"""A preview: every message as it would go out, and nothing done: not in the ledger, not at Stripe, not in a mailbox."""

import re
import stat
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from deployments.local.demo_club import TOURNAMENT
from tasks.campaigns.dry_run import LINK_DIES_SOON, LINK_IS_REPLACED, MERGED_SURNAMES, TWO_SURNAMES
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import Preview, preview_campaign
from tasks.campaigns.preview_report import preview_markdown, preview_sentence
from tasks.core.errors import ConfigurationError
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, FEE, SmallClub

CAMPAIGN_TABLES = (
    "campaigns", "messages", "message_orders", "delivery_attempts", "checkout_attempts", "order_leases", "payments",
    "set_asides", "operator_actions", "approvals", "approved_orders",
)  # fmt: skip


@pytest.fixture
def demo(demo_club: Pipeline, tmp_path: Path) -> Pipeline:
    return into(demo_club, tmp_path)


@pytest.fixture
def club(small_club: Pipeline, tmp_path: Path) -> SmallClub:
    return SmallClub.on(into(small_club, tmp_path))


def into(pipeline: Pipeline, folder: Path, **changed: Any) -> Pipeline:  # noqa: ANN401  whatever the setting is
    return pipeline.under(preview_folder=folder / "previews", **changed)


def preview(pipeline: Pipeline, tournament: str = TOURNAMENT, **chosen: Any) -> Preview:  # noqa: ANN401  as the form
    return preview_campaign(pipeline.services, tournament, CampaignOptions(mode="preview", **chosen))


def page_of(shown: Preview) -> str:
    return Path(shown.page).read_text(encoding="utf-8")


def everything(pipeline: Pipeline) -> dict[str, list[Any]]:
    """All that the club and the ledger have, but what was learnt about Stripe by lists."""
    tables = [*(f"tournament_fees.{name}" for name in CAMPAIGN_TABLES), "orders", "parents", "players"]
    return {table: pipeline.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}  # noqa: S608  names above


def test_a_preview_shows_what_a_send_sends_and_does_none_of_it(demo: Pipeline) -> None:
    before, sessions = everything(demo), demo.stand_in.sessions()
    shown = preview(demo)
    assert everything(demo) == before
    assert demo.stand_in.sessions() == sessions
    assert {request["method"] for request in demo.stand_in.requests()} == {"GET"}
    assert demo.inbox.messages() == []

    assert (shown.messages, shown.orders) == (23, 26)
    assert shown.skipped == {"paid": 6, "processing": 1, "no_address": 1, "no_order": 1}
    assert preview_sentence(shown) == (
        f"Preview: 23 messages would go out, about 26 orders: {shown.money}, 9 skipped; 1 kinds of warnings; "
        f"nothing was sent. Every message: {shown.page}"
    )
    summary = demo.run()
    assert (summary.sent, summary.having("skipped")) == (shown.messages, sum(shown.skipped.values()))
    total = sum(demo.order_of(name).amount for name in payable_players(demo))
    assert shown.money == f"${total / 100:,.2f}"


def payable_players(demo: Pipeline) -> list[str]:
    rows = demo.sql(
        "SELECT concat_ws(' ', p.first_name, p.last_name) AS name FROM tournament_fees.message_orders mo"
        " JOIN tournament_fees.messages m ON m.id = mo.message_id AND m.status = 'sent'"
        " JOIN players p ON p.id = mo.player_id WHERE mo.session_id IS NOT NULL"
    )
    return [row.name for row in rows]


def test_the_page_has_each_message_as_it_is_sent_but_for_its_links(demo: Pipeline) -> None:
    page = page_of(preview(demo))
    demo.run()
    frames = [unescape(frame) for frame in re.findall(r'srcdoc="([^"]*)"', page)]
    assert len(frames) == 23
    for mail in demo.inbox.messages():
        assert str(mail["X-Envelope-To"]) in page
        assert without_links(body_of(mail, "html")) in {without_links(frame) for frame in frames}
    assert "/c/pay/" not in page
    assert page.count("https://payment-link.invalid/order-") >= 26
    assert "hana.xu" not in page
    assert "no address" in page


def body_of(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    assert part is not None
    return str(part.get_content())


def without_links(html: str) -> str:
    """The page without the links and the times at which they end."""
    html = re.sub(r"https?://(127\.0\.0\.1:\d+/c/pay/[^\"<]*|payment-link\.invalid/order-\d+)", "LINK", html)
    return "\n".join(re.sub(r"This link works until [^.]*\.", "", html).split())


def test_only_its_owner_can_read_the_page_and_old_ones_go(demo: Pipeline) -> None:
    first = Path(preview(demo).page)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    other = first.parent / "of-the-operator.html"
    other.touch()
    demo.later(timedelta(days=13))
    second = Path(preview(demo).page)
    assert first.exists()
    demo.later(timedelta(days=2))
    preview(demo)
    assert not first.exists()
    assert not second.exists()
    assert other.exists()


def test_what_prefect_keeps_of_it_is_masked_and_without_names(demo: Pipeline) -> None:
    shown = preview(demo)
    told = preview_markdown(shown, CampaignOptions())
    assert "| 1 | k…@example.com | 1 renewed | $65.00 |" in told
    assert "| no address | 1 |" in told
    assert f"`{shown.page}`" in told
    for secret in ("/c/pay/", "cs_test_", "karen.abbott", "Abbott", "Delgado"):
        assert secret not in told + preview_sentence(shown) + repr(shown)


def test_after_a_send_a_preview_has_nothing_left_to_show(demo: Pipeline) -> None:
    demo.run()
    shown = preview(demo)
    assert (shown.messages, shown.sent_before) == (0, 23)
    assert "no message would go out" in preview_sentence(shown)
    assert preview(demo, sequence=2).messages == 23


def test_a_preview_shows_who_is_chosen_and_warns_where_a_send_would_stop(demo: Pipeline) -> None:
    shown = preview(demo, player_ids=[24, 1], at_most=1)
    assert (shown.messages, shown.campaign.left_out) == (2, 28)
    told = preview_markdown(shown, CampaignOptions(at_most=1))
    assert "more than the 1 allowed in a run" in told
    assert "unpaid orders are left out by choice" in told
    assert "left out by choice" in told


def test_a_note_is_in_the_message_as_text(demo: Pipeline) -> None:
    shown = preview(demo, kind="correction", note="We wrote <b>$75</b>: it is $65. See https://example.org")
    frames = [unescape(frame) for frame in re.findall(r'srcdoc="([^"]*)"', page_of(shown))]
    assert all("We wrote &lt;b&gt;$75&lt;/b&gt;: it is $65. See https example.org" in frame for frame in frames)
    assert all("An earlier email of ours" in frame for frame in frames)


def test_a_payment_that_nobody_recorded_and_a_session_that_was_overwritten_are_seen(club: SmallClub) -> None:
    (lost,), (overwritten,), (owed,) = (club.family(name, f"{name}@example.com") for name in ("Ek", "Berg", "Chen"))
    club.pipeline.stand_in.pay(club.own_session(lost))
    club.pipeline.stand_in.pay(club.own_session(overwritten))
    club.own_session(overwritten)
    shown = preview(club.pipeline, CUP)
    assert (shown.messages, shown.skipped) == (1, {"paid": 2})
    assert [row.orders for row in shown.rows] == [f"{owed} made"]


# Warnings


def warned(club: SmallClub, **chosen: Any) -> dict[str, int]:  # noqa: ANN401  as the form takes it
    return dict(preview(club.pipeline, CUP, **chosen).warnings)


def test_no_day_to_pay_by_is_warned_of(club: SmallClub) -> None:
    club.family()
    assert warned(club) == {"no day is said by which to pay": 1}
    club.sql("UPDATE tournaments SET payment_deadline = current_date + 9")
    assert warned(club) == {}


@pytest.fixture
def quiet(club: SmallClub) -> SmallClub:
    """A club of which there is nothing to warn."""
    club.sql("UPDATE tournaments SET payment_deadline = current_date + 9")
    return club


def test_two_brands_and_a_long_name_are_warned_of(quiet: SmallClub) -> None:
    quiet.family(children=2)
    quiet.sql("INSERT INTO teams (id, name, brand) VALUES (2, 'Owls', 'red-rock')")
    quiet.sql("INSERT INTO tournament_products VALUES (1, 2, 1)")
    quiet.sql("UPDATE player_teams SET team_id = 2 WHERE player_id = 2")
    quiet.sql("UPDATE players SET first_name = repeat('A', 90) WHERE id = 2")
    said = warned(quiet)
    assert len(said) == 2
    assert any("several brands" in warning for warning in said)
    assert any("is shortened" in warning for warning in said)


def test_two_surnames_in_one_mailbox_are_warned_of_merged_or_not(quiet: SmallClub) -> None:
    quiet.family("Ek", "both@example.com")
    quiet.family("Berg", "both@example.com")
    assert warned(quiet) == {TWO_SURNAMES: 2}
    assert warned(quiet, shared_mailboxes="one message") == {MERGED_SURNAMES: 1}


def test_a_message_that_gmail_would_cut_is_warned_of(quiet: SmallClub) -> None:
    quiet.family(children=25)
    assert any("Gmail hides the end" in warning for warning in warned(quiet))


def test_a_link_that_dies_soon_is_told_kept_or_replaced(quiet: SmallClub, tmp_path: Path) -> None:
    (order,) = quiet.family()
    quiet.own_session(order)
    assert warned(quiet) == {}
    quiet.pipeline.later(timedelta(hours=15))
    assert warned(quiet) == {LINK_IS_REPLACED: 1}
    patient = into(quiet.pipeline, tmp_path, checkout_minimum_life_hours=1)
    keeper = replace(
        patient.services.keeper, policy=replace(patient.services.keeper.policy, minimum_life=timedelta(hours=1))
    )
    patient = replace(patient, services=replace(patient.services, keeper=keeper))
    assert dict(preview(patient, CUP).warnings) == {LINK_DIES_SOON: 1}


# Bad input


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(club: SmallClub, tmp_path: Path) -> None:
    club.family()
    (tmp_path / "previews").write_text("a file")
    with pytest.raises(ConfigurationError, match="set PREVIEW_FOLDER to a folder in which"):
        preview(club.pipeline, CUP)


def test_what_a_send_refuses_a_preview_refuses(club: SmallClub) -> None:
    with pytest.raises(ConfigurationError, match="no committed players"):
        preview(club.pipeline, CUP)
    club.family()
    with pytest.raises(ConfigurationError, match="is of player 99"):
        preview(club.pipeline, CUP, player_ids=[99])
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
    with pytest.raises(ConfigurationError, match="stopped for good"):
        preview(club.pipeline, CUP)


def test_an_order_of_an_odd_amount_costs_the_preview_nobody_else(quiet: SmallClub) -> None:
    quiet.family("Ek", "ek@example.com")
    (odd,) = quiet.family("Berg", "berg@example.com")
    quiet.set_order(odd, amount=FEE + 0.5)
    shown = preview(quiet.pipeline, CUP)
    assert (shown.messages, shown.skipped) == (1, {"link_under_review": 1})
    assert "whole number of cents" in page_of(shown)


def test_hostile_names_do_not_break_out_of_the_page(quiet: SmallClub) -> None:
    name = '"></iframe><script>alert(1)</script>'
    quiet.family()
    quiet.sql("UPDATE parents SET first_name = :name", name=name)
    quiet.sql("UPDATE tournaments SET name = :name", name=f"{CUP} {name}")
    page = page_of(preview(quiet.pipeline, f"{CUP} {name}"))
    assert "<script" not in page
    assert page.count("</iframe>") == 1
