"""A mail server that takes its time, as RFC 5321 (4.5.3.2) lets it: minutes for a greeting, minutes before a 354."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tasks.core.errors import TransientError
from tasks.delivery import sender
from tasks.mail.smtp import Mailer
from tasks.mail.transport import DeliveryOutcome, Phase
from tests.integration.delivery.test_fault_matrix import club, deliver, message, new_message
from tests.support.small_club import FEE, SmallClub
from tests.support.smtp_server import ENVELOPE, PIPELINED, Reaction, Script, Talk, mail_settings, server

__all__ = ["club"]


@dataclass
class Slow(Script):
    """A server before whose answer at a point something happens."""

    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)

    def answer(self, point: str, usual: str) -> Reaction:
        self.meanwhile.pop(point, lambda: None)()
        return super().answer(point, usual)


@pytest.fixture
def at_once_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a check count as old at once, as it is after a minute."""
    monkeypatch.setattr(sender, "FRESH_SECONDS", -1)


def minutes_pass(club: SmallClub, message_id: int) -> None:
    club.sql("UPDATE tournament_fees.message_orders SET checked_at = now() - interval '7 minutes'")
    club.sql(
        "UPDATE tournament_fees.messages SET lease_expires_at = now() - interval '2 minutes' WHERE id = :id",
        id=message_id,
    )


def order_of(club: SmallClub, message_id: int) -> int:
    return int(club.one("SELECT order_id FROM tournament_fees.message_orders WHERE message_id = :id", id=message_id))


@pytest.mark.parametrize("extensions", [(), PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.usefixtures("at_once_old")
def test_a_server_that_takes_minutes_to_its_354_gets_the_message(club: SmallClub, extensions: tuple[str, ...]) -> None:
    message_id = new_message(club)
    slow = Slow(extensions=extensions, meanwhile={"DATA": lambda: minutes_pass(club, message_id)})
    with server(slow) as port:
        assert deliver(club, [message_id], f"smtp://127.0.0.1:{port}") is None
    assert message(club, message_id).status == "sent"
    assert len(slow.stored) == slow.heard.count("DATA") == 1, "at the first try"


@pytest.mark.usefixtures("at_once_old")
def test_a_payment_while_the_server_took_its_time_is_seen_before_the_body(club: SmallClub) -> None:
    message_id = new_message(club)
    order = order_of(club, message_id)
    slow = Slow(
        meanwhile={"DATA": lambda: club.pipeline.stand_in.pay(club.order_now(order).stripe_checkout_session_id)}
    )
    with server(slow) as port:
        deliver(club, [message_id], f"smtp://127.0.0.1:{port}")
    assert (message(club, message_id).status, message(club, message_id).reason) == ("skipped", "paid")
    assert slow.stored == []
    assert club.order_now(order).status == "paid"


@pytest.mark.usefixtures("at_once_old")
def test_a_price_that_changed_while_the_server_took_its_time_is_the_one_that_is_mailed(club: SmallClub) -> None:
    message_id = new_message(club)
    order = order_of(club, message_id)
    slow = Slow(meanwhile={"DATA": lambda: club.set_order(order, amount=FEE - 1000)})
    with server(slow) as port:
        deliver(club, [message_id], f"smtp://127.0.0.1:{port}")
    assert message(club, message_id).status == "sent"
    (session,) = [one for one in club.sessions(order) if one["status"] == "open"]
    assert session["amount_total"] == FEE - 1000
    assert session["id"] == club.order_now(order).stripe_checkout_session_id
    assert len(slow.stored) == 1


@pytest.mark.usefixtures("at_once_old")
def test_what_another_worker_has_taken_up_meanwhile_is_left_to_it(club: SmallClub) -> None:
    message_id = new_message(club)
    taken = "UPDATE tournament_fees.messages SET lease_token = gen_random_uuid() WHERE id = :id"
    slow = Slow(meanwhile={"DATA": lambda: club.sql(taken, id=message_id)})
    with server(slow) as port:
        deliver(club, [message_id], f"smtp://127.0.0.1:{port}")
    assert slow.stored == []
    assert message(club, message_id).status == "claimed"
    assert message(club, message_id).attempts == 0


def test_no_link_is_looked_at_before_the_server_has_greeted_us(club: SmallClub) -> None:
    message_id = new_message(club)
    asked: list[int] = []

    def count() -> None:
        asked.append(len(club.pipeline.stand_in.requests()))

    count()
    with server(Slow(meanwhile={"EHLO": count, "MAIL": count})) as port:
        deliver(club, [message_id], f"smtp://127.0.0.1:{port}")
    before, greeted, begun = asked
    assert greeted == before
    assert begun > greeted


class Dripping(Talk):
    """Says some of its replies a byte at a time; they go well in the end."""

    def react(self, reply: Reaction) -> bool:
        if not reply.startswith("drip"):
            return super().react(reply)
        self.request.sendall(b"250-")
        for _ in range(1000):
            if self.script.over.wait(0.02):
                return False
            self.request.sendall(b".")
        return super().react("\r\n250 ok")


@pytest.mark.parametrize("point", ["connect", "EHLO", "MAIL", "dot"])
def test_a_reply_that_comes_a_byte_at_a_time_is_waited_for_no_longer_than_another(point: str) -> None:
    with server(Script({point: ["drip"]}), Dripping) as port:
        settings = mail_settings(f"smtp://127.0.0.1:{port}", smtp_command_timeout_seconds=0.3)
        settings = settings.model_copy(update={"smtp_reply_timeout_seconds": 0.3})
        mailer = Mailer(settings)
        if point in {"connect", "EHLO"}:
            with pytest.raises(TransientError, match="cannot be reached") as caught:
                mailer.deliver(ENVELOPE, lambda: True)
            assert "SMTP_URL" in str(caught.value)
        else:
            delivery = mailer.deliver(ENVELOPE, lambda: True)
            phase = Phase.MAIL if point == "MAIL" else Phase.AFTER_DOT
            outcome = DeliveryOutcome.DEFERRED if point == "MAIL" else DeliveryOutcome.UNCERTAIN
            assert (delivery.phase, delivery.outcome) == (phase, outcome)
            assert delivery.reply == "connection lost: no answer within 0.3 seconds"
