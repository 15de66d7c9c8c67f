"""What a person is told of a preview: counts, sums and masked rows; nothing breaks out of the Markdown."""

from dataclasses import replace
from datetime import UTC, datetime

from tasks.campaigns.message import Skipped
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.campaigns.preview import MOST_ROWS, Preview, Row
from tasks.campaigns.preview_report import approval_question, preview_markdown, preview_sentence

CAMPAIGN = Campaign(1, "fee_notice", 1, "Spring | Cup [x](http://example.org)", players_without_order=(30,), left_out=4)
PREVIEW = Preview(
    CAMPAIGN,
    messages=2,
    orders=3,
    money="$165.00",
    rows=(Row(5, "k…@example.com", "17 renewed, 18 kept", "$110.00", "no day is said by which to pay"),),
    skipped={"paid": 1, "no_address": 1, "excluded": 7},
    skips=(Skipped(6, "l…@example.com", "paid"), Skipped(7, "…", "no_address", "a | detail")),
    waiting=3,
    sent_before=9,
    warnings={"no day is said by which to pay": 1},
    page="/previews/preview-1.html",
)


def test_the_artifact_says_what_who_and_why() -> None:
    told = preview_markdown(PREVIEW, CampaignOptions(at_most=1))
    assert told.startswith("# Spring \\| Cup \\[x\\](http://example.org): fee notice, preview\n")
    for part in (
        "2 messages would go out, about 3 orders: $165.00. Every message as it would look: `/previews/preview-1.html`",
        "**That is more than the 1 allowed in a run (at_most): a send would stop.**",
        "- 1 of 2 messages: no day is said by which to pay",
        "| 5 | k…@example.com | 17 renewed, 18 kept | $110.00 | no day is said by which to pay |",
        "| left out by choice | 7 |",
        "| 7 | … | no address | a \\| detail |",
        "3 wait for a later time.",
        "9 were sent before.",
        "4 unpaid orders are left out by choice",
        "(ids of players): 30.",
    ):
        assert part in told


def test_within_the_most_messages_nothing_is_said_of_them() -> None:
    assert "more than the" not in preview_markdown(PREVIEW, CampaignOptions())


def test_what_is_too_much_for_prefect_is_on_the_page() -> None:
    long = replace(PREVIEW, messages=250, rows=PREVIEW.rows * MOST_ROWS)
    assert "And 150 more: the page has all." in preview_markdown(long, CampaignOptions())


def test_the_sentence_tells_the_sum_the_skips_and_the_page() -> None:
    assert preview_sentence(PREVIEW) == (
        "Preview: 2 messages would go out, about 3 orders: $165.00, 9 skipped; 1 kinds of warnings; nothing was sent. "
        "Every message: /previews/preview-1.html"
    )
    assert "no message would go out, 9 skipped" in preview_sentence(replace(PREVIEW, messages=0))


def test_the_form_tells_what_there_is_to_approve_and_until_when() -> None:
    asked = approval_question(PREVIEW, datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    assert asked.startswith("**Spring \\| Cup")
    for part in (
        "2 messages would go out, about 3 orders: $165.00.",
        "`/previews/preview-1.html`",
        "Skipped: 1 paid, 1 no address, 7 left out by choice.",
        "Warnings: 1 messages: no day is said by which to pay.",
        "Without an answer until 2026-03-01 12:30 UTC nothing is sent, and the run fails.",
    ):
        assert part in asked
