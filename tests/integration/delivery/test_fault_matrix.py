"""The fault matrix: what a message and its batch come to, by where the mail server fails and how.

Each case goes the whole way, from a family of the club to what the ledger tells afterwards.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Row

from tasks.campaigns.options import Batch, Campaign
from tasks.core.errors import ConfigurationError, TransientError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.mail.letter import Letter
from tasks.mail.renderer import RenderedMail, Renderer
from tasks.mail.smtp import Mailer
from tasks.operations.health_checks import check_ready
from tasks.services import Services
from tests.support.harness import Inbox, own_pipeline
from tests.support.small_club import CUP, SmallClub
from tests.support.smtp_server import DROP, HANG, PIPELINED, Script, server

LOCKSTEP = ("8BITMIME", "SMTPUTF8")


@dataclass(frozen=True)
class End:
    """What a fault comes to: the message's state and reason, the attempt in the ledger, and what the batch raises."""

    status: str
    reason: str | None = None
    attempt: str | None = None
    error: type[Exception] | None = None


AWAY = End("queued", error=TransientError)  # the message was not begun; Prefect tries the batch again
WRONG = End("queued", error=ConfigurationError)  # the message was not begun; a person mends a setting
LATER = End("queued", "put_off_by_server", "deferred")
REFUSED = End("failed", "refused_by_server", "failed")
UNCERTAIN = End("uncertain", "no_reply", "uncertain")

FAULTS = ("4xx", "5xx", "421", DROP, HANG, "nonsense")
MATRIX = {
    #            4xx    5xx      421    drop       hang       nonsense
    "connect":  (AWAY,  WRONG,   AWAY,  AWAY,      AWAY,      AWAY),
    "EHLO":     (AWAY,  WRONG,   AWAY,  AWAY,      AWAY,      AWAY),
    "STARTTLS": (AWAY,  WRONG,   AWAY,  AWAY,      AWAY,      AWAY),
    "AUTH":     (AWAY,  WRONG,   AWAY,  AWAY,      AWAY,      AWAY),
    "MAIL":     (LATER, WRONG,   LATER, LATER,     LATER,     LATER),
    "RCPT":     (LATER, REFUSED, LATER, LATER,     LATER,     LATER),
    "DATA":     (LATER, REFUSED, LATER, LATER,     LATER,     LATER),
    "body":     (LATER, REFUSED, LATER, LATER,     LATER,     LATER),
    "dot":      (LATER, REFUSED, LATER, UNCERTAIN, UNCERTAIN, UNCERTAIN),
}  # fmt: skip
CASES = [
    pytest.param(point, fault, end, extensions, id=f"{point} {fault} {name}")
    for point, ends in MATRIX.items()
    for fault, end in zip(FAULTS, ends, strict=True)
    for name, extensions in (("lockstep", LOCKSTEP), ("pipelined", PIPELINED))
]

WORDS = {
    "4xx": {
        "STARTTLS": "454 4.7.0 no encryption just now",
        "AUTH": "454 4.7.0 cannot check that now",
        "RCPT": "450 4.2.1 mailbox busy",
        "body": "452 4.3.1 disk full",
    },
    "5xx": {
        "connect": "554 5.3.2 no service here",
        "STARTTLS": "502 5.5.1 no such command",
        "AUTH": "535 5.7.8 wrong password",
        "RCPT": "550 5.1.1 no such user",
        "body": "552 5.3.4 too big",
    },
}
USUAL_WORDS = {"4xx": "451 4.3.0 later", "5xx": "554 5.6.0 no", "421": "421 4.3.2 closing", "nonsense": "what?"}
PHASES = {"MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "body": "body", "dot": "after the dot"}
CLOCKS = {
    "connect": "greeting",
    "EHLO": "command",
    "STARTTLS": "command",
    "AUTH": "command",
    "MAIL": "mail",
    "RCPT": "rcpt",
    "DATA": "data",
    "body": "body",
    "dot": "reply",
}
"""Which of the time-outs runs out where the server hangs."""


@pytest.fixture(scope="module")
def club(server_url: str, catcher: Inbox) -> Iterator[SmallClub]:
    """A club whose campaign is being sent; each case adds a family of its own."""
    with own_pipeline(server_url, catcher) as pipeline:
        yield SmallClub.on(pipeline)


class LongWinded(Renderer):
    """Write letters of more than 2 MB, which do not fit into any buffer on the way."""

    def render(self, letter: Letter) -> RenderedMail:
        mail = super().render(letter)
        return replace(mail, text=mail.text + ("Lorem ipsum dolor sit amet. " * 30 + "\n") * 4_000)


@pytest.fixture(scope="module")
def large() -> Renderer:
    return LongWinded()


def impatient(services: Services, waits: Mapping[str, float]) -> Services:
    """Let the services' mailers wait less long for some answers."""

    class Impatient(Services):
        @contextmanager
        def mailer(self) -> Iterator[Mailer]:
            with super().mailer() as mailer:
                mailer.timeouts = replace(mailer.timeouts, **waits)
                yield mailer

    return Impatient(**{field.name: getattr(services, field.name) for field in fields(services)})


def new_messages(club: SmallClub, *addresses: str) -> list[int]:
    """Add a family with an order for each address, and queue the messages to them."""
    before = club.one("SELECT count(*) FROM parents")
    surnames = [f"Family{before + number}" for number in range(len(addresses))]
    for surname, address in zip(surnames, addresses, strict=True):
        club.family(surname, address or f"{surname.lower()}@example.com")
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    rows = club.sql("SELECT family, id FROM tournament_fees.messages")
    ids = {row.family: row.id for row in rows}
    return [ids[surname.casefold()] for surname in surnames]


def new_message(club: SmallClub, address: str = "") -> int:
    (message_id,) = new_messages(club, address)
    return message_id


def deliver(
    club: SmallClub, message_ids: list[int], url: str, renderer: Renderer | None = None, **waits: float
) -> Exception | None:
    """Deliver messages as a batch does, and return the error with which it stopped."""
    services = club.pipeline.services
    services = replace(
        services,
        settings=services.settings.model_copy(update={"smtp_url": SecretStr(url)}),
        renderer=renderer or services.renderer,
    )
    services.settings.__dict__.pop("smtp", None)  # what was read from the other address
    campaign = Campaign(club.one("SELECT id FROM tournament_fees.campaigns"), "fee_notice", 1, CUP)
    try:
        deliver_batch(impatient(services, waits), campaign, Batch(1, tuple(message_ids)), None)
    except (TransientError, ConfigurationError) as error:
        return error
    return None


def message(club: SmallClub, message_id: int) -> Row[Any]:
    (row,) = club.sql("SELECT * FROM tournament_fees.messages WHERE id = :id", id=message_id)
    return row


def story(club: SmallClub, message_id: int) -> list[tuple[str, str, int | None]]:
    rows = club.sql(
        "SELECT outcome, phase, smtp_code, smtp_reply FROM tournament_fees.delivery_attempts "
        "WHERE message_id = :id ORDER BY id",
        id=message_id,
    )
    assert all(row.smtp_reply for row in rows if row.outcome != "sending")
    return [(row.outcome, row.phase, row.smtp_code) for row in rows]


def said(point: str, fault: str) -> str:
    return fault if fault in {DROP, HANG} else WORDS.get(fault, {}).get(point, USUAL_WORDS[fault])


def code_of(words: str) -> int | None:
    return None if words in {DROP, HANG} else int(words[:3]) if words[:3].isdecimal() else -1


def expected_story(point: str, fault: str, end: End) -> list[tuple[str, str, int | None]]:
    if end.attempt is None:
        return []
    code = code_of(said(point, fault))
    if point == "body" and fault == "nonsense":
        code = None  # what is no reply is not told as one
    before = [("sending", "body", None)] if point in {"body", "dot"} else []
    return [*before, (end.attempt, PHASES[point], code)]


@pytest.mark.parametrize(("point", "fault", "end", "extensions"), CASES)
def test_each_fault_comes_to_its_end(
    club: SmallClub, large: Renderer, point: str, fault: str, end: End, extensions: tuple[str, ...]
) -> None:
    needed = {"STARTTLS": ("STARTTLS",), "AUTH": ("AUTH PLAIN",)}.get(point, ())
    login = "fees:invented@" if point == "AUTH" else ""
    played = Script({point: [said(point, fault)]}, extensions=(*needed, *extensions))
    message_id = new_message(club)
    waits = {CLOCKS[point]: 0.3} if fault == HANG else {}
    with server(played) as port:
        url = f"smtp://{login}127.0.0.1:{port}"
        error = deliver(club, [message_id], url, large if point == "body" else None, **waits)
    row = message(club, message_id)
    assert (row.status, row.reason) == (end.status, end.reason)
    assert type(error) is (end.error or type(None))
    assert story(club, message_id) == expected_story(point, fault, end)
    assert row.attempts == (end.attempt is not None)
    assert row.lease_token is None
    assert played.stored == []
    assert (row.next_attempt_at > club.pipeline.clock()) == (end is LATER)


@pytest.mark.parametrize("fault", [DROP, HANG, "nonsense"])
@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_a_message_that_was_taken_and_whose_reply_was_lost_is_never_sent_again(
    club: SmallClub, fault: str, extensions: tuple[str, ...]
) -> None:
    played = Script({"taken": [said("taken", fault)]}, extensions=extensions)
    message_id = new_message(club)
    with server(played) as port:
        for _ in range(3):
            deliver(club, [message_id], f"smtp://127.0.0.1:{port}", reply=0.3 if fault == HANG else 20)
    row = message(club, message_id)
    assert (row.status, row.reason, row.attempts) == ("uncertain", "no_reply", 1)
    assert len(played.stored) == 1
    assert story(club, message_id) == expected_story("dot", fault, UNCERTAIN)


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_what_goes_well_is_told_as_such(club: SmallClub, extensions: tuple[str, ...]) -> None:
    played = Script(extensions=extensions)
    message_id = new_message(club)
    with server(played) as port:
        assert deliver(club, [message_id], f"smtp://127.0.0.1:{port}") is None
    assert story(club, message_id) == [("sending", "body", None), ("sent", "after the dot", 250)]
    assert message(club, message_id).status == "sent"
    assert len(played.stored) == 1


# A batch


def test_a_bad_address_in_a_batch_of_fifty_costs_only_itself(club: SmallClub) -> None:
    ids = new_messages(club, *[""] * 50)
    played = Script({"RCPT": [*["250 ok"] * 20, "550 5.1.1 no such user"]}, extensions=PIPELINED)
    with server(played) as port:
        assert deliver(club, ids, f"smtp://127.0.0.1:{port}") is None
    assert [message(club, number).status for number in ids] == ["sent"] * 20 + ["failed"] + ["sent"] * 29
    assert len(played.stored) == len(set(played.stored_for)) == 49
    assert played.connections == 1


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("josé.ek@example.com", "553 5.6.7 internationalized address not permitted"),
        ("josé.ek@example.com", "550 no such option for you"),
        ("", "554 5.3.4 message too big for system"),
    ],
)
def test_a_sender_that_is_refused_for_what_one_message_asks_for_costs_only_that(
    club: SmallClub, address: str, answer: str
) -> None:
    ids = new_messages(club, "", address, "", "")
    played = Script({"MAIL": ["250 ok", answer]}, extensions=PIPELINED)
    with server(played) as port:
        assert deliver(club, ids, f"smtp://127.0.0.1:{port}") is None
    assert [message(club, number).status for number in ids] == ["sent", "failed", "sent", "sent"]


@pytest.mark.parametrize(
    ("point", "answer", "touched", "attempt"),
    [
        ("connect", "421 too many connections", 0, None),
        ("MAIL", "450 4.7.1 too much mail from you", 3, "deferred"),
        ("RCPT", "451 4.3.0 temporary lookup failure", 10, "deferred"),
        ("dot", DROP, 3, "uncertain"),
    ],
)
def test_a_whole_server_in_trouble_stops_the_batch_and_costs_few_messages_an_attempt(
    club: SmallClub, point: str, answer: str, touched: int, attempt: str | None
) -> None:
    ids = new_messages(club, *[""] * 15)
    with server(Script({point: [answer] * 50}, extensions=PIPELINED)) as port:
        error = deliver(club, ids, f"smtp://127.0.0.1:{port}")
    assert isinstance(error, TransientError)
    assert "SMTP_URL" in str(error)
    assert [message(club, number).attempts for number in ids] == [1] * touched + [0] * (15 - touched)
    assert {row[0] for number in ids for row in story(club, number)} - {"sending"} == ({attempt} if attempt else set())
    with server(Script(extensions=PIPELINED)) as port:
        assert deliver(club, ids, f"smtp://127.0.0.1:{port}") is None
    assert [message(club, number).status for number in ids[touched:]] == ["sent"] * (15 - touched)


def test_a_server_that_refuses_everybody_stops_the_batch_with_one_error(club: SmallClub) -> None:
    ids = new_messages(club, *[""] * 6)
    with server(Script({"RCPT": ["554 5.7.1 <x@example.com>: Relay access denied"] * 6})) as port:
        error = deliver(club, ids, f"smtp://127.0.0.1:{port}")
    assert isinstance(error, ConfigurationError)
    assert "x@example.com" not in str(error)
    assert [message(club, number).status for number in ids] == ["failed"] * 3 + ["queued"] * 3


# Bad input


def test_a_server_elsewhere_without_encryption_gets_nothing(club: SmallClub) -> None:
    message_id = new_message(club)
    played = Script({}, extensions=PIPELINED)
    with server(played) as port:
        error = deliver(club, [message_id], f"smtp://0.0.0.0:{port}")  # not by a loopback name
    assert isinstance(error, ConfigurationError)
    assert "offers no TLS" in str(error)
    assert (message(club, message_id).status, message(club, message_id).attempts) == ("queued", 0)
    assert not any(line.startswith(("AUTH", "MAIL")) for line in played.heard)


def test_a_wrong_password_stops_everything_with_one_error_before_anything_is_begun(club: SmallClub) -> None:
    ids = new_messages(club, *[""] * 3)
    played = Script({"AUTH": ["535 5.7.8 wrong"] * 9}, extensions=("AUTH PLAIN", *PIPELINED))
    with server(played) as port:
        url = f"smtp://fees:XYZZY@127.0.0.1:{port}"
        error = deliver(club, ids, url)
        services = club.pipeline.services
        settings = services.settings.model_copy(update={"smtp_url": SecretStr(url)})
        settings.__dict__.pop("smtp", None)
        with pytest.raises(ConfigurationError, match="user name or password"):
            check_ready(replace(services, settings=settings))
    assert isinstance(error, ConfigurationError)
    assert "XYZZY" not in str(error)
    assert [(message(club, number).status, story(club, number)) for number in ids] == [("queued", [])] * 3


def test_a_letter_of_two_megabytes_goes_where_the_server_takes_it(club: SmallClub, large: Renderer) -> None:
    small, big = new_messages(club, "", "")
    limited = Script(extensions=("PIPELINING", "SIZE 1000000"))
    with server(limited) as port:
        assert deliver(club, [big], f"smtp://127.0.0.1:{port}", large) is None
        assert deliver(club, [small], f"smtp://127.0.0.1:{port}") is None
    row = message(club, big)
    assert (row.status, row.reason) == ("failed", "refused_by_server")
    assert "1000000 at most (SIZE)" in row.last_error
    assert story(club, big) == [("failed", "mail", None)]
    assert message(club, small).status == "sent"

    willing = Script(extensions=PIPELINED)
    other = new_message(club)
    with server(willing) as port:
        assert deliver(club, [other], f"smtp://127.0.0.1:{port}", large) is None
    assert message(club, other).status == "sent"
    assert len(willing.stored[0]) > 2_000_000


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("  ", "no_address"),
        ("ann@example.com, bea@example.com", "invalid_address"),
        ("ann@example.com\r\nBcc: eve@example.org", "invalid_address"),
    ],
)
def test_what_is_no_address_is_skipped_by_name(club: SmallClub, stored: str, reason: str) -> None:
    bad, good = new_messages(club, stored, "")
    played = Script(extensions=PIPELINED)
    with server(played) as port:
        assert deliver(club, [bad, good], f"smtp://127.0.0.1:{port}") is None
    assert (message(club, bad).status, message(club, bad).reason) == ("skipped", reason)
    assert message(club, good).status == "sent"
    assert len(played.stored) == 1


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("jürgen@bücher.example.com", "jürgen@xn--bcher-kva.example.com"),
        ("juergen@bücher.example.com", "juergen@xn--bcher-kva.example.com"),
    ],
)
def test_an_address_beyond_ascii_is_mailed_on_both_sides_of_the_at(club: SmallClub, stored: str, told: str) -> None:
    played = Script(extensions=PIPELINED)
    with server(played) as port:
        assert deliver(club, [new_message(club, stored)], f"smtp://127.0.0.1:{port}") is None
    assert played.stored_for == [(told,)]
