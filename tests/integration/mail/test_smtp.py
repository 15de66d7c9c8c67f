"""The mail server as a script plays it: what became of a message is told by how far the talk came."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks.core.errors import ConfigurationError, TransientError
from tasks.mail.smtp import Mailer
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tests.support.smtp_server import CONTENT, DROP, ENVELOPE, HANG, PIPELINED, Reaction, Script, mailer_to, script

LOCKSTEP = ("8BITMIME", "SMTPUTF8")


def yes() -> bool:
    return True


def deliver(script: Script, begin_body: Callable[[], bool] = yes) -> Delivery:
    with mailer_to(script) as mailer:
        return mailer.deliver(ENVELOPE, begin_body)


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED, ()], ids=["lockstep", "pipelined", "bare"])
def test_a_message_is_stored_byte_for_byte(extensions: tuple[str, ...]) -> None:
    taken = Script(extensions=extensions)
    assert deliver(taken) == Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT, 250, "2.0.0 taken")
    assert taken.stored == [CONTENT]
    assert taken.stored_for == [("jo.ek@example.com",)]
    (mail,) = (line for line in taken.heard if line.startswith("MAIL"))
    assert mail.split()[:2] == ["MAIL", "FROM:<fees@example.org>"]


TABLE = [
    # the server's answer at a point, and what became of the message
    ("MAIL", "451 later", DeliveryOutcome.DEFERRED, Phase.MAIL, 451),
    ("MAIL", "552 5.3.4 too big", DeliveryOutcome.FAILED, Phase.MAIL, 552),
    ("MAIL", "421 closing", DeliveryOutcome.DEFERRED, Phase.MAIL, 421),
    ("MAIL", "what?", DeliveryOutcome.DEFERRED, Phase.MAIL, -1),
    ("MAIL", "354 go on", DeliveryOutcome.DEFERRED, Phase.MAIL, 354),
    ("MAIL", DROP, DeliveryOutcome.DEFERRED, Phase.MAIL, None),
    ("RCPT", "450 4.2.1 busy", DeliveryOutcome.DEFERRED, Phase.RCPT, 450),
    ("RCPT", "550 5.1.1 no such user", DeliveryOutcome.FAILED, Phase.RCPT, 550),
    ("RCPT", "421 closing", DeliveryOutcome.DEFERRED, Phase.RCPT, 421),
    ("RCPT", DROP, DeliveryOutcome.DEFERRED, Phase.RCPT, None),
    ("DATA", "451 later", DeliveryOutcome.DEFERRED, Phase.DATA, 451),
    ("DATA", "554 no", DeliveryOutcome.FAILED, Phase.DATA, 554),
    ("DATA", "421 closing", DeliveryOutcome.DEFERRED, Phase.DATA, 421),
    ("DATA", "250 what?", DeliveryOutcome.DEFERRED, Phase.DATA, 250),
    ("DATA", DROP, DeliveryOutcome.DEFERRED, Phase.DATA, None),
    ("dot", "451 4.3.0 later", DeliveryOutcome.DEFERRED, Phase.AFTER_DOT, 451),
    ("dot", "552 too big", DeliveryOutcome.FAILED, Phase.AFTER_DOT, 552),
    ("dot", "421 closing", DeliveryOutcome.DEFERRED, Phase.AFTER_DOT, 421),
    ("dot", DROP, DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None),
    ("dot", HANG, DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None),
    ("dot", "what?", DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, -1),
    ("dot", "354 go on", DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, 354),
]
TABLE_NAMES = [f"{row[0]} {row[1]}" for row in TABLE]


def played(point: str, answer: Reaction, extensions: tuple[str, ...]) -> Script:
    return Script({point: [answer]}, extensions=extensions)


def impatient(mailer: Mailer, answer: Reaction) -> Mailer:
    if answer == HANG:
        mailer.timeouts = replace(mailer.timeouts, reply=0.3)
    return mailer


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.parametrize(("point", "answer", "outcome", "phase", "code"), TABLE, ids=TABLE_NAMES)
def test_what_became_of_a_message_and_the_next_one_goes_out(
    point: str,
    answer: Reaction,
    outcome: DeliveryOutcome,
    phase: Phase,
    code: int | None,
    extensions: tuple[str, ...],
) -> None:
    server = played(point, answer, extensions)
    with mailer_to(server) as mailer:
        delivery = impatient(mailer, answer).deliver(ENVELOPE, yes)
        assert (delivery.outcome, delivery.phase, delivery.code) == (outcome, phase, code)
        assert delivery.reply
        assert server.stored == []
        mailer.timeouts = replace(mailer.timeouts, reply=20)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.stored == [CONTENT]


def test_a_reply_that_does_not_come_is_told_as_such() -> None:
    server = script("dot", HANG)
    with mailer_to(server) as mailer:
        assert impatient(mailer, HANG).deliver(ENVELOPE, yes).reply == "connection lost: no answer within 0.3 seconds"


def test_the_servers_words_are_kept_as_one_line() -> None:
    delivery = deliver(script("RCPT", "550-5.1.1 no such\r\n550 5.1.1 user\there"))
    assert delivery.reply == "5.1.1 no such 5.1.1 user here"


# The guard


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_a_message_that_is_withdrawn_leaves_nothing_behind(extensions: tuple[str, ...]) -> None:
    server = Script(extensions=extensions)
    with mailer_to(server) as mailer:
        assert mailer.deliver(ENVELOPE, lambda: False).outcome is DeliveryOutcome.WITHDRAWN
        assert server.stored == []
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.stored == [CONTENT]
    waited = 0
    while not server.cut and waited < 1000:  # its thread may not have heard yet that we hung up
        waited += 1
        threading.Event().wait(0.01)
    assert server.cut == [b""], "nothing was said where the server waits for a body"
    assert server.connections == 2, "only hanging up takes a DATA back"


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_the_body_is_begun_only_after_the_go_ahead(extensions: tuple[str, ...]) -> None:
    asked: list[str] = []

    def begin() -> bool:
        asked.append("begun")
        return True

    for point, answer in (("MAIL", "450 no"), ("RCPT", "550 no"), ("DATA", "451 later")):
        deliver(Script({point: [answer]}, extensions=extensions), begin)
    assert asked == []
    deliver(Script(extensions=extensions), begin)
    assert asked == ["begun"]


def test_no_byte_of_the_body_is_out_when_it_is_begun() -> None:
    server = Script(extensions=PIPELINED)
    seen: list[int] = []

    def begin() -> bool:
        seen.append(len(server.heard) + len(server.stored))
        return True

    deliver(server, begin)
    assert seen == [len(["EHLO", "MAIL", "RCPT", "DATA"])]


def test_an_error_before_the_body_leaves_nothing_behind() -> None:
    def fail() -> bool:
        raise TransientError("the database is away")

    server = Script()
    with mailer_to(server) as mailer:
        with pytest.raises(TransientError):
            mailer.deliver(ENVELOPE, fail)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.stored == [CONTENT]


# The body


LARGE = replace(ENVELOPE, content=b"Subject: fees\r\n\r\n" + (b"x" * 998 + b"\r\n") * 8_000)


@pytest.mark.parametrize(
    ("trouble", "outcome", "code"),
    [
        (DROP, DeliveryOutcome.DEFERRED, None),
        (HANG, DeliveryOutcome.DEFERRED, None),
        ("421 shutting down", DeliveryOutcome.DEFERRED, 421),
        ("452 4.3.1 disk full", DeliveryOutcome.DEFERRED, 452),
        ("552 5.3.4 too big", DeliveryOutcome.FAILED, 552),
    ],
)
def test_what_is_lost_before_the_final_dot_was_surely_not_taken(
    trouble: Reaction, outcome: DeliveryOutcome, code: int | None
) -> None:
    server = script("body", trouble)
    with mailer_to(server) as mailer:
        mailer.timeouts = replace(mailer.timeouts, body=0.5 if trouble == HANG else 20)
        delivery = mailer.deliver(LARGE, yes)
        assert (delivery.outcome, delivery.phase, delivery.code) == (outcome, Phase.BODY, code)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.stored == [CONTENT]


# What the server cannot take


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    envelope = replace(ENVELOPE, recipient="josé@example.com")
    with mailer_to(Script(extensions=())) as mailer:
        delivery = mailer.deliver(envelope, yes)
    assert (delivery.outcome, delivery.phase) == (DeliveryOutcome.FAILED, Phase.MAIL)
    assert "SMTPUTF8" in delivery.reply
    able = Script()
    with mailer_to(able) as mailer:
        assert mailer.deliver(envelope, yes).outcome is DeliveryOutcome.SENT
    assert "RCPT TO:<josé@example.com>" in able.heard
    assert any("SMTPUTF8" in line for line in able.heard)


def test_a_message_that_is_larger_than_the_server_takes_is_not_offered_to_it() -> None:
    server = Script(extensions=("SIZE 50",))
    with mailer_to(server) as mailer:
        delivery = mailer.deliver(ENVELOPE, yes)
        assert (delivery.outcome, delivery.phase, delivery.code) == (DeliveryOutcome.FAILED, Phase.MAIL, None)
        assert "SIZE" in delivery.reply
        small = replace(ENVELOPE, content=b"Subject: fees\r\n\r\n")
        assert mailer.deliver(small, yes).outcome is DeliveryOutcome.SENT
    assert [line for line in server.heard if line.startswith("MAIL")] == ["MAIL FROM:<fees@example.org> SIZE=17"]


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE x"])
def test_a_server_that_states_no_size_takes_any(size: str) -> None:
    assert deliver(Script(extensions=(size,))).outcome is DeliveryOutcome.SENT


@pytest.mark.parametrize(
    "recipient",
    ["", "jo@example.com\r\nRCPT TO:<eve@example.org>", "jo@example.com> SIZE=1", "a b@example.com", "x" * 260],
)
def test_what_is_no_address_costs_only_itself(recipient: str) -> None:
    server = Script(extensions=PIPELINED)
    with mailer_to(server) as mailer:
        assert mailer.deliver(replace(ENVELOPE, recipient=recipient), yes).outcome is DeliveryOutcome.FAILED
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.stored_for == [("jo.ek@example.com",)]


# What would go the same way for every message


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_wants_a_login_is_a_wrong_setting(point: str, extensions: tuple[str, ...]) -> None:
    server = played(point, "530 5.7.0 authentication required", extensions)
    with mailer_to(server) as mailer, pytest.raises(ConfigurationError, match="user name and password in SMTP_URL"):
        mailer.deliver(ENVELOPE, yes)
    assert server.stored == []


def test_a_server_that_wants_a_login_only_after_the_body_ends_its_message_and_takes_no_other() -> None:
    server = script("dot", "530 5.7.0 authentication required")
    with mailer_to(server) as mailer:
        delivery = mailer.deliver(ENVELOPE, yes)
        assert (delivery.outcome, delivery.phase) == (DeliveryOutcome.DEFERRED, Phase.AFTER_DOT)
        with pytest.raises(ConfigurationError, match="user name and password in SMTP_URL"):
            mailer.deliver(ENVELOPE, yes)
    assert server.stored == []


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_a_server_that_refuses_our_own_address_is_a_wrong_setting(extensions: tuple[str, ...]) -> None:
    server = played("MAIL", "553 5.7.1 <fees@example.org>: not owned by user", extensions)
    with mailer_to(server) as mailer, pytest.raises(ConfigurationError, match="MAIL_FROM") as caught:
        mailer.deliver(ENVELOPE, yes)
    assert "fees@example.org" not in str(caught.value)


@pytest.mark.parametrize("words", ["550 5.7.1 not you", "554 Relay access denied"])
def test_a_server_that_refuses_everybody_for_its_policy_is_a_wrong_setting(words: str) -> None:
    with mailer_to(script("RCPT", *[words] * 9)) as mailer:
        assert [mailer.deliver(ENVELOPE, yes).outcome for _ in range(3)] == [DeliveryOutcome.FAILED] * 3
        with pytest.raises(ConfigurationError, match="policy"):
            mailer.deliver(ENVELOPE, yes)


def test_many_bad_addresses_are_no_wrong_setting() -> None:
    with mailer_to(script("RCPT", *["550 5.1.1 no such user"] * 20)) as mailer:
        assert {mailer.deliver(ENVELOPE, yes).outcome for _ in range(20)} == {DeliveryOutcome.FAILED}
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT


@pytest.mark.parametrize(
    ("point", "answer", "most"),
    [
        ("MAIL", "450 4.7.1 too much mail from you", 3),
        ("MAIL", "421 closing", 3),
        ("RCPT", DROP, 3),
        ("RCPT", "451 4.3.0 temporary lookup failure", 10),
        ("dot", "452 4.3.1 disk full", 10),
        ("dot", DROP, 3),
    ],
)
def test_a_server_in_trouble_does_not_use_up_every_messages_attempts(point: str, answer: Reaction, most: int) -> None:
    server = script(point, *[answer] * 50)
    unsent = {DeliveryOutcome.DEFERRED, DeliveryOutcome.UNCERTAIN}
    with mailer_to(server) as mailer:
        assert {mailer.deliver(ENVELOPE, yes).outcome for _ in range(most)} <= unsent
        before = server.connections
        for _ in range(3):
            with pytest.raises(TransientError, match=f"none of the last {most} messages"):
                mailer.deliver(ENVELOPE, yes)
        assert server.connections == before


def test_a_message_that_goes_out_in_between_shows_that_the_server_is_well() -> None:
    server = script("MAIL", *["450 later", "450 later", "250 ok"] * 5)
    with mailer_to(server) as mailer:
        outcomes = [mailer.deliver(ENVELOPE, yes).outcome.value for _ in range(15)]
    assert outcomes == ["deferred", "deferred", "sent"] * 5


def test_what_we_withdraw_ourselves_says_nothing_about_the_server() -> None:
    with mailer_to(Script()) as mailer:
        assert {mailer.deliver(ENVELOPE, lambda: False).outcome for _ in range(12)} == {DeliveryOutcome.WITHDRAWN}
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT


def test_what_we_withdraw_ourselves_does_not_hide_that_the_server_is_in_trouble() -> None:
    server = script("MAIL", "450 later", "250 ok", "450 later", "250 ok", "450 later")
    with mailer_to(server) as mailer:
        outcomes = [mailer.deliver(ENVELOPE, lambda: False).outcome.value for _ in range(5)]
        assert outcomes == ["deferred", "withdrawn", "deferred", "withdrawn", "deferred"]
        with pytest.raises(TransientError, match="none of the last 3 messages"):
            mailer.deliver(ENVELOPE, yes)
