"""The report: counts in words, and no text of the club's that could break out of its table cell."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.campaigns.letters import skip_reason
from tasks.campaigns.options import Campaign
from tasks.campaigns.report import WORDS, link_rows, markdown, message_rows, plain, sentence, table
from tasks.campaigns.summary import NOT_LOOKED_AT, Problem, Summary
from tasks.links.model import LinkOutcome

CAMPAIGN = Campaign(1, "fee_notice", 1, "Utah Invitational", (30, 41))


def summary(
    messages: dict[tuple[str, str], int] | None = None,
    *,
    campaign: Campaign = CAMPAIGN,
    links: dict[str, int] | None = None,
    deliveries: dict[str, int] | None = None,
    problems: tuple[Problem, ...] = (),
) -> Summary:
    return Summary(campaign, links or {}, messages or {}, deliveries or {}, problems)


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)


def test_a_run_ends_with_one_sentence() -> None:
    said = sentence(
        summary(
            {
                ("sent", ""): 18,
                ("skipped", "paid"): 3,
                ("skipped", "no_address"): 1,
                ("queued", ""): 2,
                ("claimed", ""): 1,
                ("sending", ""): 1,
            },
            deliveries={"sent": 5},
        )
    )
    assert said == "5 sent, 4 skipped, 4 still to send"


def test_what_needs_a_person_is_said_with_what_to_do() -> None:
    said = sentence(summary({("failed", "gave_up"): 2, ("uncertain", "no_reply"): 1}))
    assert said == (
        "0 sent, 0 skipped, 0 still to send; 2 failed: mend the cause, then run retry-failed-sends; "
        "1 uncertain: decide about each in settle-uncertain"
    )


def test_links_come_with_the_usual_states_first_and_who_is_not_mailed_last() -> None:
    rows = link_rows(summary(links={"renewed": 18, "kept": 1, "payment processing": 2, NOT_LOOKED_AT: 3}))
    assert [name for name, count in rows if not count] == ["backfilled", "made", "found paid", "set aside"]
    assert [name for name, count in rows if count] == [
        "kept",
        "renewed",
        "payment processing",
        "not looked at (nobody to mail)",
    ]


@given(st.dictionaries(st.sampled_from([*LinkOutcome, NOT_LOOKED_AT]), st.integers(1, 50)))
def test_every_order_is_in_some_row(links: dict[str, int]) -> None:
    counted = {str(link): count for link, count in links.items()}
    assert sum(count for _, count in link_rows(summary(links=counted))) == sum(links.values())


def test_reasons_are_told_in_words() -> None:
    rows = message_rows(summary({("skipped", "no_address"): 1, ("skipped", "paid"): 2, ("sent", ""): 3}))
    assert rows == [("sent", "", 3), ("skipped", "no address", 1), ("skipped", "paid", 2)]


def test_every_reason_for_a_skip_has_words() -> None:
    words = {skip_reason([]), "no_address", "invalid_address", "not_committed", "link_under_review"}
    assert words <= set(WORDS)
    assert not any("_" in said for said in WORDS.values())


def test_the_report_says_what_a_person_should_look_at() -> None:
    problem = Problem(4, 24, 7, "j…@example.org", "failed", "refused_by_server", "550 no such | user\n<x>")
    report = markdown(summary({("failed", "refused_by_server"): 1}, problems=(problem,)))
    (row,) = [line for line in report.splitlines() if line.startswith("| 4 ")]
    assert "refused by the mail server" in row
    assert "| 24 | 7 |" in row
    assert len(cells(row)) == 9
    assert "- refused by the mail server: correct the parent's address" in report
    assert "Committed players without an order, and so without a link (ids of players): 30, 41." in report


def test_a_report_without_trouble_has_no_such_part() -> None:
    report = markdown(summary({("sent", ""): 1}, campaign=Campaign(1, "fee_notice", 1, "Utah Invitational")))
    assert "To look at" not in report
    assert "without an order" not in report


@given(st.text())
def test_text_stays_in_its_cell(text: str) -> None:
    line = table(("a", "b"), [(plain(text), "end")]).splitlines()
    assert len(line) == 3
    assert len(cells(line[2])) == 4
    assert "\\\\|" not in line[2].replace("\\\\", ""), "an escaped backslash leaves no bar unescaped"


@given(st.text(alphabet="\\|[]<>`*_#a \n", max_size=30))
def test_each_mark_of_markdown_is_escaped(text: str) -> None:
    shown = plain(text)
    assert re.fullmatch(r"(?:[a ]|\\[\\|\[\]<>`*_#])*", shown)
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(text.split())


@pytest.mark.parametrize("name", ["[click](https://example.org)", "<img src=x>", "`code`", "# head"])
def test_a_tournaments_name_is_only_text(name: str) -> None:
    first = markdown(summary(campaign=Campaign(1, "fee_notice", 1, name))).splitlines()[0]
    assert first == f"# {plain(name)}: fee notice"
    assert not re.search(r"(?<!\\)[\[<`]", first)
