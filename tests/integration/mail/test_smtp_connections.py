"""How connections are used: few round trips, again and again, and none that is worn."""

import pytest

from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tests.integration.mail.test_smtp import LOCKSTEP, yes
from tests.support.smtp_server import CONTENT, DROP, ENVELOPE, PIPELINED, Reaction, Script, mailer_to

REFUSED = Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, "5.1.1 no such user")


def never_asked() -> bool:
    raise AssertionError("the body of a refused message was begun")


def outcomes(script: Script, messages: int, per_connection: int = 100) -> list[str]:
    with mailer_to(script, per_connection=per_connection) as mailer:
        return [mailer.deliver(ENVELOPE, yes).outcome.value for _ in range(messages)]


@pytest.mark.parametrize(("extensions", "trips"), [(PIPELINED, 2), (LOCKSTEP, 4)], ids=["pipelined", "lockstep"])
def test_a_message_costs_as_few_round_trips_as_the_server_allows(extensions: tuple[str, ...], trips: int) -> None:
    server = Script(extensions=extensions)
    assert outcomes(server, 50) == ["sent"] * 50
    assert server.turns == len(["greeting", "EHLO"]) + 50 * trips
    assert server.connections == 1
    assert "RSET" not in server.heard
    assert server.heard[-1] == "QUIT"


def test_one_connection_serves_several_messages() -> None:
    server = Script({"RCPT": ["550 no", "250 ok", "450 later"]})
    assert outcomes(server, 4) == ["failed", "sent", "deferred", "sent"]
    assert server.connections == 1
    assert server.heard.count("RSET") == 2, "only after a message that came to nothing"


def test_forgetting_a_message_that_came_to_nothing_costs_no_round_trip_of_its_own() -> None:
    server = Script({"RCPT": ["550 no", "250 ok", "450 later"]}, extensions=PIPELINED)
    assert outcomes(server, 4) == ["failed", "sent", "deferred", "sent"]
    assert server.turns == len(["greeting", "EHLO"]) + 2 * 2 + 2 * 1
    assert server.heard.count("RSET") == 2


def test_a_connection_serves_no_more_messages_than_it_may() -> None:
    server = Script(extensions=PIPELINED)
    assert outcomes(server, 7, per_connection=3) == ["sent"] * 7
    assert server.connections == 3
    assert server.heard.count("QUIT") == 3


# A used connection that has come to its end


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.parametrize("answer", ["421 4.7.0 enough messages", DROP])
def test_a_used_connection_that_comes_to_its_end_costs_its_next_message_nothing(
    answer: Reaction, extensions: tuple[str, ...]
) -> None:
    server = Script({"MAIL": ["250 ok", answer]}, extensions=extensions)
    assert outcomes(server, 3) == ["sent"] * 3
    assert server.connections == 2


def test_a_new_connection_that_is_closed_at_once_puts_its_message_off() -> None:
    server = Script({"MAIL": ["421 closing"] * 2})
    assert outcomes(server, 2) == ["deferred", "deferred"]
    assert server.connections == 2


def test_a_second_try_on_a_new_connection_is_the_last() -> None:
    server = Script({"MAIL": ["250 ok", "421 enough", "421 no more"]})
    assert outcomes(server, 2) == ["sent", "deferred"]
    assert server.connections == 2


def test_a_connection_that_the_server_closed_while_idle_is_opened_again() -> None:
    server = Script({"taken": ["250 2.0.0 taken\r\n421 4.4.2 idle too long"]})
    assert outcomes(server, 2) == ["sent", "sent"]
    assert server.connections == 2


def test_what_the_server_says_unasked_is_never_taken_for_an_answer() -> None:
    server = Script({"taken": ["250 2.0.0 taken\r\n250 what is this about?"]}, extensions=PIPELINED)
    assert outcomes(server, 2) == ["sent", "sent"]
    assert server.connections == 2
    assert sum(line.startswith("MAIL") for line in server.heard) == 2, "nothing more is said on such a connection"


@pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_an_answer_to_data_that_is_none_ends_the_connection(extensions: tuple[str, ...]) -> None:
    server = Script({"DATA": ["250 what?"]}, extensions=extensions)
    assert outcomes(server, 2) == ["deferred", "sent"]
    assert server.connections == 2


def test_a_body_that_has_begun_is_never_sent_again_by_itself() -> None:
    server = Script({"dot": ["250 ok", DROP]}, extensions=PIPELINED)
    assert outcomes(server, 2) == ["sent", "uncertain"]
    assert server.connections == 1


# PIPELINING (RFC 2920): the server agrees to DATA although it has refused what came before


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        ("554 5.5.1 no valid recipients", 1),
        ("250 2.0.0 taken, for nobody", 1),
        ("451 later", 1),
        ("421 closing", 2),
        ("what?", 2),
        (DROP, 2),
    ],
)
def test_a_lone_dot_ends_what_has_nobody_to_go_to(answer: Reaction, connections: int) -> None:
    server = Script({"RCPT": [f"550 {REFUSED.reply}"], "DATA": ["354 go on"], "dot": [answer]}, extensions=PIPELINED)
    with mailer_to(server) as mailer:
        assert mailer.deliver(ENVELOPE, never_asked) == REFUSED
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert [
        (for_whom, content) for for_whom, content in zip(server.stored_for, server.stored, strict=True) if for_whom
    ] == [((ENVELOPE.recipient,), CONTENT)]
    assert server.connections == connections


def test_a_recipient_that_is_put_off_is_put_off_whatever_the_answer_to_the_lone_dot() -> None:
    server = Script({"RCPT": ["450 later"], "DATA": ["354 go on"], "dot": ["554 no"]}, extensions=PIPELINED)
    with mailer_to(server) as mailer:
        delivery = mailer.deliver(ENVELOPE, yes)
    assert (delivery.outcome, delivery.code) == (DeliveryOutcome.DEFERRED, 450)


def test_a_server_that_agrees_to_data_without_a_sender_is_hung_up_on() -> None:
    server = Script({"MAIL": ["451 later"], "RCPT": ["250 ok"], "DATA": ["354 go on"]}, extensions=PIPELINED)
    with mailer_to(server) as mailer:
        delivery = mailer.deliver(ENVELOPE, yes)
        assert (delivery.outcome, delivery.phase, delivery.code) == (DeliveryOutcome.DEFERRED, Phase.MAIL, 451)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert server.cut == [b""]
    assert server.stored == [CONTENT]
    assert server.connections == 2


def test_a_refusal_stands_although_the_server_then_hangs_up() -> None:
    server = Script({"RCPT": ["550 5.1.1 no such user"], "DATA": [DROP]}, extensions=PIPELINED)
    assert outcomes(server, 2) == ["failed", "sent"]


def test_a_server_that_does_not_forget_is_left() -> None:
    server = Script({"RCPT": ["550 no"], "RSET": ["502 what is that?"]}, extensions=PIPELINED)
    assert outcomes(server, 2) == ["failed", "sent"]
    assert server.connections == 2
    assert server.stored == [CONTENT]
