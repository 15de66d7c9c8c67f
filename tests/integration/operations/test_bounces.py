"""Mail that comes back, to a maildir or an IMAP folder: taken in once, and believed where it names our message."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tasks.core.errors import ConfigurationError, TransientError
from tasks.operations.bounces import BounceTally, read_bounces, tally_words
from tests.support.harness import Pipeline
from tests.support.imap_server import ImapServer
from tests.support.small_club import CUP, SmallClub

REPORT = """\
From: MAILER-DAEMON@mail.example.org
To: fees@example.org
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

It could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{recipient}>: said so

--b1
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b1--
"""


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club whose one message was sent."""
    club = SmallClub.on(small_club)
    club.family()
    club.pipeline.run(CUP)
    return club


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    return tmp_path / "bounces"


def report(club: SmallClub, **said: str) -> bytes:
    values = {
        "recipient": "jo.ek@example.com",
        "action": "failed",
        "status": "5.1.1",
        "message_id": club.messages()[0].message_id,
    }
    return REPORT.format(**{**values, **said}).replace("\n", "\r\n").encode()


def read(club: SmallClub, place: object) -> BounceTally:
    settings = club.pipeline.services.settings.model_copy(update={"bounce_mailbox": SecretStr(str(place))})
    return read_bounces(replace(club.pipeline.services, settings=settings))


def read_one(club: SmallClub, maildir: Path, content: bytes) -> BounceTally:
    (maildir / "new" / "1.example").write_bytes(content)
    return read(club, f"maildir:{maildir}")


def bounces(club: SmallClub) -> list[tuple[Any, ...]]:
    rows = club.sql("SELECT message_id IS NOT NULL, action, status, finding FROM tournament_fees.bounces")
    return [tuple(row) for row in rows]


def listed(club: SmallClub) -> list[tuple[str, str]]:
    rows = club.sql("SELECT mailbox, source FROM tournament_fees.suppressions WHERE lifted_at IS NULL")
    return [(row.mailbox, row.source) for row in rows]


def test_a_mailbox_that_does_not_exist_is_not_mailed_again(club: SmallClub, maildir: Path) -> None:
    tally = read_one(club, maildir, report(club))
    assert (tally_words(tally), bounces(club)) == ("1 suppressed", [(True, "failed", "5.1.1", "suppressed")])
    assert listed(club) == [("jo.ek@example.com", "bounce")]
    summary = club.pipeline.run(CUP, sequence=2)
    assert summary.messages == {("skipped", "suppressed"): 1}


def test_the_report_names_what_came_back(club: SmallClub, maildir: Path) -> None:
    read_one(club, maildir, report(club, status="5.2.2"))
    summary = club.pipeline.run(CUP)
    (problem,) = summary.problems
    assert (problem.status, problem.reason) == ("sent", "came_back")
    assert problem.detail == "5.2.2 550 5.2.2 <j…@example.com>: said so"


def test_a_report_is_taken_in_once(club: SmallClub, maildir: Path) -> None:
    content = report(club)
    read_one(club, maildir, content)
    assert [file.name for file in maildir.rglob("*") if file.is_file()] == ["1.example:2,S"]
    assert tally_words(read(club, f"maildir:{maildir}")) == "nothing new"
    (maildir / "new" / "2.example").write_bytes(content)  # as where the process died before it could mark it
    club.sql("UPDATE tournament_fees.suppressions SET lifted_at = now(), lifted_by = 'Ann'")
    assert tally_words(read(club, f"maildir:{maildir}")) == "nothing new"
    assert list((maildir / "new").iterdir()) == []
    assert listed(club) == [], "what a person has lifted stays lifted"
    assert len(bounces(club)) == 1


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"status": "5.2.2"}, "returned"),
        ({"status": "5.7.1"}, "returned"),
        ({"action": "delayed", "status": "4.4.1"}, "noted"),
        ({"action": "delivered", "status": "2.0.0"}, "noted"),
        ({"action": "failed", "status": "4.4.7"}, "noted"),
        ({"recipient": "somebody@example.com"}, "another recipient"),
        ({"message_id": "<guessed@example.org>"}, "not ours"),
    ],
)
def test_what_does_not_surely_say_that_the_mailbox_is_gone_suppresses_nobody(
    club: SmallClub, maildir: Path, said: dict[str, str], finding: str
) -> None:
    read_one(club, maildir, report(club, **said))
    assert [row[3] for row in bounces(club)] == [finding]
    assert listed(club) == []


def test_what_is_not_ours_is_left_unread_for_whom_it_concerns(club: SmallClub, maildir: Path) -> None:
    content = report(club, message_id="<theirs@example.net>")
    assert tally_words(read_one(club, maildir, content)) == "1 not ours"
    assert [file.name for file in (maildir / "new").iterdir()] == ["1.example"]
    assert tally_words(read(club, f"maildir:{maildir}")) == "nothing new"


def test_malformed_reports_and_other_mail_are_left_and_told(club: SmallClub, maildir: Path) -> None:
    (maildir / "new" / "1.example").write_bytes(report(club).replace(b"Status: 5.1.1", b"Status: bad"))
    (maildir / "cur" / "2.example:2,").write_bytes(b"From: jo.ek@example.com\r\n\r\nI have paid.\r\n")
    (maildir / "new" / "3.example").write_bytes(report(club))
    (maildir / "new" / ".hidden").write_bytes(b"")
    tally = read(club, f"maildir:{maildir}")
    assert tally_words(tally) == "1 suppressed, 1 malformed reports left unread, 1 other messages left unread"
    assert tally.malformed == ["new/1.example: a recipient lacks its Final-Recipient, Action or Status"]
    assert (maildir / "new" / "1.example").exists()
    assert (maildir / "cur" / "2.example:2,").exists()


def test_what_is_too_large_is_left(club: SmallClub, maildir: Path) -> None:
    assert read_one(club, maildir, report(club) + b"x" * 1_000_001).other_mail == 1


@pytest.mark.parametrize("place", ["maildir:/nowhere/at/all", None])
def test_a_mailbox_that_is_not_there_is_named(club: SmallClub, place: str | None) -> None:
    with pytest.raises(ConfigurationError, match="BOUNCE_MAILBOX"):
        read(club, place) if place else read_bounces(club.pipeline.services)


# IMAP


@contextmanager
def imap(*messages: bytes) -> Iterator[ImapServer]:
    with ImapServer(list(messages)) as server:
        yield server


def test_an_imap_folder_is_read_and_what_was_taken_in_is_seen(club: SmallClub) -> None:
    with imap(report(club), b"From: ann@example.com\r\n\r\nHello\r\n", report(club, status="5.2.2")) as server:
        tally = read(club, server.place("fees%40example.org", "pass%20word", "INBOX"))
        assert tally_words(tally) == "1 returned, 1 suppressed, 1 other messages left unread"
        assert server.seen == {1, 3}
        assert tally_words(read(club, server.place("fees%40example.org", "pass%20word", "INBOX"))) == (
            "1 other messages left unread"
        )
    assert listed(club) == [("jo.ek@example.com", "bounce")]


def test_a_wrong_password_is_told_without_it(club: SmallClub) -> None:
    with imap() as server, pytest.raises(ConfigurationError, match="refuses the user name or password") as caught:
        read(club, server.place("fees%40example.org", "hunter2"))
    assert "hunter2" not in str(caught.value)


def test_a_password_and_a_folder_beyond_ascii_are_told_as_imap_wants_them(club: SmallClub) -> None:
    with imap(report(club)) as server:
        place = server.place("fees%40example.org", quote("pässwörd"), quote('Zurück & "da"'))
        assert tally_words(read(club, place)) == "1 suppressed"
    with imap() as server, pytest.raises(ConfigurationError, match="refuses the user name or password") as caught:
        read(club, server.place("fees%40example.org", quote("hünter2")))
    assert "nter2" not in str(caught.value)


def test_an_unknown_folder_is_named(club: SmallClub) -> None:
    with imap() as server, pytest.raises(ConfigurationError, match="has no folder 'Bounces'"):
        read(club, server.place("fees%40example.org", "pass%20word", "Bounces"))


def test_a_server_that_is_away_is_named_with_its_place(club: SmallClub) -> None:
    with imap() as server:
        place = server.place("fees%40example.org", "pass%20word")
    with pytest.raises(TransientError, match=r"IMAP server 127.0.0.1:\d+ \(BOUNCE_MAILBOX\) cannot be reached"):
        read(club, place)


def test_a_server_that_hangs_up_in_the_middle_loses_nothing(club: SmallClub) -> None:
    with imap(report(club), report(club, status="5.2.2")) as server:
        server.hang_up_after_fetches = 3  # size and body of the first, size of the second
        with pytest.raises(TransientError, match="was lost"):
            read(club, server.place("fees%40example.org", "pass%20word"))
        assert [row[3] for row in bounces(club)] == ["suppressed"]
        server.hang_up_after_fetches = None
        assert tally_words(read(club, server.place("fees%40example.org", "pass%20word"))) == "1 returned"
