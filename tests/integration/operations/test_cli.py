"""The operators' verbs in a terminal: what they print, and one line where something cannot be done."""

import re
from pathlib import Path

import pytest

from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub
from tests.support.verbs import run_verb


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with two families, of whose messages one is uncertain and the other queued."""
    club = SmallClub.on(small_club)
    club.family()
    club.pipeline.run(CUP)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply'")
    club.family("Berg", "berg@example.com")
    club.begin_sending()
    return club


def verb(club: SmallClub, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run a verb, with these settings changed; return its exit code and all that it said."""
    return run_verb(arguments, {**club.pipeline.environment, **settings})


# Verbs that ask our tables in each of the ways that there are; those that send look first at whether all is ready.
LOOKING: tuple[tuple[str, ...], ...] = (
    ("status", CUP),
    ("stop", CUP, "--why", "Wrong prices"),
    ("set-asides",),
    ("hold-after-restore", "--backup-at", "2026-03-01T02:00"),
    ("purge-season", "--before", "2026-03-01"),
)


@pytest.mark.parametrize(
    "arguments",
    [*LOOKING[:2], *(pytest.param(words, marks=pytest.mark.only_long) for words in LOOKING[2:])],
    ids=[words[0] for words in LOOKING],
)
def test_old_tables_are_told_in_one_line_with_the_migration_that_they_are_at(
    club: SmallClub, arguments: tuple[str, ...]
) -> None:
    club.sql("DROP SCHEMA tournament_fees CASCADE")
    code, said = verb(club, *arguments)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert re.search(r"^Error: .* are at migration none, not \d{4}: run `python -m deployments.cli migrate`", said)


def test_a_club_table_that_lacks_a_column_is_told_in_one_line(club: SmallClub) -> None:
    club.sql("ALTER TABLE tournaments DROP COLUMN time_zone")
    code, said = verb(club, "status", CUP)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "tournaments.time_zone is missing" in said


@pytest.mark.only_long
def test_uncertain_messages_are_shown_settled_and_the_campaign_is_stopped(club: SmallClub) -> None:
    code, said = verb(club, "uncertain", "-t", CUP)
    assert code == 0
    assert "j…@example.com" in said
    assert "jo.ek@" not in said
    assert said.endswith("1 uncertain messages")
    assert verb(club, "mark-sent", "--count", "2", "--by", "Ann") == (
        2,
        "Error: 1 uncertain messages were found, not 2: look at them again, nothing was done",
    )
    assert verb(club, "mark-sent", "--count", "1", "--by", "Ann") == (0, "1 marked as sent")
    assert verb(club, "stop", CUP, "--by", "Ann", "--why", "Wrong prices") == (
        0,
        "Stopped for good: 1 sent, 1 not sent (1 cancelled)",
    )
    code, said = verb(club, "stop", CUP, "--by", "Ann")
    assert (code, said) == (2, "Error: The campaign fee_notice 1 was stopped before: nothing was done")


@pytest.mark.only_long
def test_the_suppression_list_is_kept_from_the_terminal(club: SmallClub, tmp_path: Path) -> None:
    assert verb(club, "suppress", "Jo.Ek@example.com", "--reason", "asked for it", "--by", "Ann") == (
        0,
        "It is on the suppression list now",
    )
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_text("address\nbea@example.com\nnobody\n", encoding="utf-8")
    right.write_text("address\nbea@example.com\n", encoding="utf-8")
    assert verb(club, "import-suppressions", str(wrong), "--by", "Ann") == (
        2,
        "Error: line 3 has no mail address, one alone, in its column address. Nothing was taken over",
    )
    code, said = verb(club, "import-suppressions", str(right), "--by", "Ann")
    assert (code, said) == (0, "1 lines read, 1 mailboxes are new on the suppression list")
    code, said = verb(club, "suppressions")
    assert code == 0
    assert said.count("…@example.com") == 2
    assert verb(club, "lift", "jo.ek@example.com", "--by", "Ann") == (0, "It is off the suppression list")
    assert verb(club, "lift", "jo.ek@example.com", "--by", "Ann")[0] == 2
    assert verb(club, "read-bounces") == (
        2,
        "Error: BOUNCE_MAILBOX is not set: it names the mailbox to read (see .env.example)",
    )


def test_a_verb_that_runs_a_flow_says_in_a_line_what_it_lacks(club: SmallClub) -> None:
    said = "A choice of failed or uncertain ones (messages or their number are chosen) was expected: nothing was done"
    assert verb(club, "retry", "-m", "1", "--by", "Ann") == (2, f"Error: {said}")
    code, said = verb(club, "resend", "--count", "1", "--by", "Ann")
    assert code == 2
    assert said.startswith("Error: PREFECT_API_URL is not set")
    assert club.one("SELECT count(*) FROM tournament_fees.messages WHERE status = 'uncertain'") == 1


ONE_TOO_FEW = "message_ids.0: Input should be greater than or equal to 1"
BAD_VALUES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("retry", "-m", "0"), ONE_TOO_FEW),
    (("stop", CUP, "--kind", "x" * 51), "kind: String should have at most 50 characters"),
    (("uncertain", "-m", "0"), ONE_TOO_FEW),
    (("mark-sent", "--count", "1", "-m", "0"), ONE_TOO_FEW),
    (("resend", "--count", "1", "-m", "0"), ONE_TOO_FEW),
    (("remind", "-t", "x" * 201), "tournament: String should have at most 200 characters"),
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [*BAD_VALUES[:2], *(pytest.param(*case, marks=pytest.mark.only_long) for case in BAD_VALUES[2:])],
)
def test_a_value_that_a_form_does_not_take_is_told_in_one_line(
    club: SmallClub, arguments: tuple[str, ...], said: str
) -> None:
    assert verb(club, *arguments) == (2, f"Error: {said}")
