"""What people are told through ALERT_URL, by Prefect's own server, when what the pipeline announces has happened."""

from functools import partial

import pytest

from deployments.local.demo_club import TOURNAMENT
from tasks.prefect_tasks.alerts import ALERTS
from tests.support.deploying import deploy
from tests.support.harness import Pipeline
from tests.support.receiver import receiver
from tests.support.served import Served
from tests.support.small_club import SmallClub
from tests.support.smtp_server import DROP, Script, server

FAILED = f"Tournament fees: {TOURNAMENT}: fee notice, send failed"


def pay_twice(club: Pipeline, player: str) -> int:
    """Let parents pay an order through each of two links that the club's own system has made for it."""
    order = club.order_of(player)
    for _ in range(2):
        club.stand_in.pay(SmallClub(club).own_session(order.id, amount=int(order.amount)))
    return int(order.id)


@pytest.mark.only_long
@pytest.mark.usefixtures("as_it_was")
def test_each_thing_that_a_person_has_to_know_is_told_once(served: Served, club: Pipeline) -> None:
    twice, unpayable = pay_twice(club, "Bruno Barrera"), club.order_of("Felix Fonseca").id
    club.sql("UPDATE orders SET amount = 0 WHERE id = :id", id=unpayable)
    with receiver() as told, server(Script({"dot": [DROP]})) as port:  # nobody learns what became of the first message
        assert deploy(served, ALERT_URL=told.address)[0] == 0
        troubled = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "SEND_LIMIT_PER_DAY": "9", "CLUB_REFERENCE": "{order}"}
        for times in (1, 2):  # what was told is not told again
            assert served.trigger(environment=troubled).wait().type == "FAILED", "a person has to decide"
            served.wait_until(partial(told.has, FAILED, times))
        served.wait_until(lambda: len(told.titles()) > len(ALERTS))
    assert told.titles() == {FAILED: 2, **{f"Tournament fees: {alert.title}": 1 for alert in ALERTS}}
    said = {alert["title"].removeprefix("Tournament fees: "): alert["message"] for alert in told.got}
    assert [alert.title for alert in ALERTS if not said[alert.title].endswith(alert.what_to_do)] == []
    assert said["messages are uncertain"].startswith("1 messages of the campaign fee_notice 1 are uncertain")
    assert said["orders are set aside"].startswith(f"order {unpayable}: orders.amount is 0")
    assert said["payments to look at"].startswith(f"order {twice}: ")
    assert "refund one" in said["payments to look at"]
    assert "wait for the sending limit" in said["the sending limit is reached"]
