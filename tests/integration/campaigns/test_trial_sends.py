"""A test: a few real messages to one address of the club's, marked, with links that lead nowhere; nothing is kept."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from deployments.local.demo_club import TOURNAMENT
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.trial_send import send_test
from tasks.core.errors import PermanentError
from tests.integration.campaigns.test_preview import body_of, everything
from tests.support.harness import Pipeline, links_in
from tests.support.smtp_server import Script, server

HERSELF = "office@club.example.org"


def send(club: Pipeline, **chosen: Any) -> int:  # noqa: ANN401  as the form takes it
    chosen = {"test_address": HERSELF, **chosen}
    return send_test(club.services, TOURNAMENT, CampaignOptions(mode="test", **chosen))


def test_a_few_messages_go_to_that_address_alone_and_nothing_is_kept(demo_club: Pipeline) -> None:
    before, sessions = everything(demo_club), demo_club.stand_in.sessions()
    assert send(demo_club) == 3
    assert everything(demo_club) == before
    assert demo_club.stand_in.sessions() == sessions
    assert {request["method"] for request in demo_club.stand_in.requests()} == {"GET"}
    mails = demo_club.inbox.messages()
    assert [mail["X-Envelope-To"] for mail in mails] == [HERSELF] * 3
    assert [mail["To"] for mail in mails] == [HERSELF] * 3
    assert all(str(mail["Subject"]).startswith("[TEST] Tournament fee") for mail in mails)
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert demo_club.run().sent == 23, "a test is no part of the campaign"


def test_no_link_of_a_test_can_be_paid_also_where_there_is_a_live_one(demo_club: Pipeline) -> None:
    assert send(demo_club, player_ids=[32], test_messages=1) == 1  # whose session is open
    (mail,) = demo_club.inbox.messages()
    assert links_in(mail) == []
    for part in ("plain", "html"):
        assert "https://payment-link.invalid/order-" in body_of(mail, part)
        assert "This is a test, sent to you alone" in body_of(mail, part)
    assert "Kira" in body_of(mail, "plain")


def test_those_that_differ_most_come_first(demo_club: Pipeline) -> None:
    send(demo_club, test_messages=5)
    brands = {body_of(mail, "plain").splitlines()[-1] for mail in demo_club.inbox.messages()}
    several = [mail for mail in demo_club.inbox.messages() if "fees for" in str(mail["Subject"])]
    assert len(brands) >= 3
    assert len(several) >= 2


def test_the_real_email_says_nothing_of_a_test(demo_club: Pipeline) -> None:
    demo_club.run()
    assert not any("This is a test" in body_of(mail, "plain") for mail in demo_club.inbox.messages())


def test_where_nothing_would_go_out_there_is_nothing_to_test(demo_club: Pipeline) -> None:
    demo_club.run()
    with pytest.raises(PermanentError, match="nothing to test"):
        send(demo_club)


def test_a_server_that_refuses_the_address_is_told_with_its_words(demo_club: Pipeline) -> None:
    refusing = Script({"RCPT": ["250 fine", f"550 5.1.1 <{HERSELF}> unknown"]})
    with server(refusing) as port:
        settings = demo_club.services.settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{port}")})
        club = replace(demo_club, services=replace(demo_club.services, settings=settings))
        with pytest.raises(
            PermanentError, match=r"1 of 3 test messages were sent, then the mail server: 550 5\.1\.1"
        ) as told:
            send(club)
    assert "office@" not in str(told.value)
    assert len(refusing.stored) == 1
