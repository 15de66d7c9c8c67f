"""Bad input: one clear error before anything is sent, or one message or order that stands alone with its reason."""

import socket
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
from pydantic import SecretStr

from deployments.local.demo_club import TOURNAMENT
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.core.errors import ConfigurationError, TransientError
from tasks.core.settings import Settings
from tasks.mail.renderer import Renderer
from tasks.mail.template_files import TEMPLATES
from tasks.services import open_services
from tests.support.harness import Pipeline, links_in, nothing_happened
from tests.support.web_server import web_server

OF_TWO = CampaignOptions(player_ids=(1, 2))

HOSTILE_NAMES = {
    "quotes": 'O\'Neil "Ace" Ó',
    "script": "<script>alert(1)</script>",
    "line break": "Ann\r\nBcc: eve@example.org",
    "emoji": "Zoë 🏀👩‍👧",
    "300 characters": "A" * 300,
    "template": "{{ 7 * 7 }}{% for %}",
    "a NUL-free control": "Ann\x07\x1b[31m",
}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_settings(club: Pipeline, **changed: object) -> Settings:
    return club.services.settings.model_copy(update=changed)


def test_an_unknown_tournament_names_the_known_ones(demo_club: Pipeline) -> None:
    with pytest.raises(ConfigurationError, match=r"no tournament 'Utah Open'.*'Winter Classic', 'Utah Invitational'"):
        demo_club.run("Utah Open")
    nothing_happened(demo_club)


def test_a_tournament_is_found_in_any_case_and_with_spaces_around(demo_club: Pipeline) -> None:
    assert demo_club.run("  utah INVITATIONAL ").sent == 23


def test_two_tournaments_of_one_name_are_not_guessed_between(demo_club: Pipeline) -> None:
    demo_club.sql("INSERT INTO tournaments (name) VALUES ('Utah Invitational')")
    with pytest.raises(ConfigurationError, match="2 tournaments named 'Utah Invitational'"):
        demo_club.run()
    nothing_happened(demo_club)


def test_an_empty_tournament_says_where_to_look(demo_club: Pipeline) -> None:
    with pytest.raises(
        ConfigurationError, match="'Winter Classic' has no committed players: check tournament_products"
    ):
        demo_club.run("Winter Classic")
    nothing_happened(demo_club)
    assert demo_club.sql("SELECT * FROM tournament_fees.campaigns") == []


def test_an_unreachable_stripe_is_named_with_its_place(demo_club: Pipeline) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    with open_services(with_settings(demo_club, stripe_api_base=nowhere)) as services:
        club = replace(demo_club, services=services)
        with pytest.raises(TransientError, match=f"Stripe at {nowhere} cannot be reached"):
            club.run()
    nothing_happened(demo_club)


@pytest.mark.parametrize(
    "status", [pytest.param(200, marks=pytest.mark.only_long), pytest.param(403, marks=pytest.mark.only_long), 404]
)
def test_a_server_that_is_not_stripe_is_named_with_its_place(demo_club: Pipeline, status: int) -> None:
    with (
        web_server(lambda _path, _body: (status, "<html>Welcome</html>")) as place,
        open_services(with_settings(demo_club, stripe_api_base=f"http://{place}")) as services,
    ):
        club = replace(demo_club, services=services)
        with pytest.raises(ConfigurationError, match=f"Stripe at http://{place} answers with status {status} and no"):
            club.run()
    nothing_happened(demo_club)


def test_an_unreachable_mail_server_is_named_with_its_place(demo_club: Pipeline) -> None:
    port = closed_port()
    with open_services(with_settings(demo_club, smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"))) as services:
        club = replace(demo_club, services=services)
        with pytest.raises(TransientError, match=rf"mail server 127.0.0.1:{port} \(SMTP_URL\) cannot be reached"):
            club.run()
    nothing_happened(demo_club)


def test_an_unreachable_database_is_named_with_its_place_and_without_its_password(demo_club: Pipeline) -> None:
    port = closed_port()
    url = SecretStr(f"postgresql+psycopg://club:hunter2@127.0.0.1:{port}/club")
    with open_services(with_settings(demo_club, database_url=url)) as services:
        club = replace(demo_club, services=services)
        with pytest.raises(TransientError, match=rf"PostgreSQL at 127.0.0.1:{port}, database club") as caught:
            club.run()
    assert "hunter2" not in str(caught.value)
    nothing_happened(demo_club)


def test_a_key_that_stripe_does_not_take_is_a_configuration_error(demo_club: Pipeline) -> None:
    with open_services(with_settings(demo_club, stripe_api_key=SecretStr("sk_test_revoked_0000000000"))) as services:
        club = replace(demo_club, services=services)
        with pytest.raises(ConfigurationError, match="does not accept STRIPE_API_KEY") as caught:
            club.run()
    assert "sk_test" not in str(caught.value)
    nothing_happened(demo_club)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("subject.txt", marks=pytest.mark.only_long),
        pytest.param("body.txt", marks=pytest.mark.only_long),
        "body.html",
    ],
)
def test_a_template_with_an_undefined_variable_stops_before_the_first_send(
    demo_club: Pipeline, tmp_path: Path, part: str
) -> None:
    templates = copytree(TEMPLATES, tmp_path / "templates")
    file = templates / "fee_notice" / part
    source = file.read_text(encoding="utf-8")
    place = "{{ own.subject" if part == "subject.txt" else "{{ own.opening"
    file.write_text(source.replace(place, "{{ letter.coach }}" + place), encoding="utf-8")
    club = replace(demo_club, services=replace(demo_club.services, renderer=Renderer(templates)))
    with pytest.raises(ConfigurationError, match=rf"{part}.*coach"):
        club.run()
    nothing_happened(demo_club)


def test_a_template_that_fails_for_one_family_only_stops_before_the_first_send(
    demo_club: Pipeline, tmp_path: Path
) -> None:
    templates = copytree(TEMPLATES, tmp_path / "templates")
    file = templates / "fee_notice" / "body.txt"
    broken = "{% if letter.lines|length == 3 %}{{ letter.coach }}{% endif %}"  # only the three sisters meet it
    source = file.read_text(encoding="utf-8")
    file.write_text(source.replace("{{ own.opening", broken + "{{ own.opening"), encoding="utf-8")
    club = replace(demo_club, services=replace(demo_club.services, renderer=Renderer(templates)))
    with pytest.raises(ConfigurationError, match="coach"):
        club.run()
    nothing_happened(demo_club)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("{{ letter.coach }}", marks=pytest.mark.only_long),
        pytest.param("{{ letter.tournament + 1 }}", marks=pytest.mark.only_long),
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_that_fails_where_a_fee_is_paid_stops_before_the_first_send(
    demo_club: Pipeline, tmp_path: Path, broken: str
) -> None:
    templates = copytree(TEMPLATES, tmp_path / "templates")
    file = templates / "shared" / "words.jinja"
    paid = 'state == "paid" %}'
    assert paid in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace(paid, paid + broken), encoding="utf-8")
    club = replace(demo_club, services=replace(demo_club.services, renderer=Renderer(templates)))
    club.sql("UPDATE orders SET status = 'paid' WHERE player_id = 25")  # one of the three sisters
    with pytest.raises(ConfigurationError, match=r"templates/shared/words.jinja, line \d+: .*Correct it"):
        club.run()
    nothing_happened(demo_club)
    campaign = open_campaign(club.services, TOURNAMENT, "fee_notice", CampaignOptions())
    with pytest.raises(ConfigurationError, match=r"words\.jinja"):
        plan_batches(club.services, campaign, 500)
    nothing_happened(demo_club)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_name_is_text_and_nothing_else(demo_club: Pipeline, name: str) -> None:
    demo_club.sql("UPDATE players SET first_name = :name WHERE id = 1", name=name)
    demo_club.sql("UPDATE parents SET first_name = :name WHERE id = 1", name=name)
    assert demo_club.run(options=OF_TWO).sent == 2
    (message,) = demo_club.inbox.to("karen.abbott@example.com")
    html = message.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()
    assert message["Bcc"] is None
    assert len(str(message["Subject"])) <= 150
    assert len(links_in(message)) == 1


@pytest.mark.parametrize(
    "address",
    [
        "not an address",
        "ann@example.com, bea@example.com",
        "ann@",
        "@example.com",
        "ann@example.com\r\nBcc: e@x.org",
    ],
)
def test_an_address_that_is_no_address_costs_only_itself(demo_club: Pipeline, address: str) -> None:
    demo_club.sql("UPDATE parents SET email = :address WHERE id = 1", address=address)
    summary = demo_club.run(options=OF_TWO)
    message = demo_club.message_to("Abbott")
    assert (message.status, message.reason) == ("skipped", "invalid_address")
    assert summary.sent == 1
    assert "abbott" not in str(summary.problems)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("0", "usd", "orders.amount is 0"),
        ("-5500", "usd", "orders.amount is -5500"),
        ("5500.5", "usd", "orders.amount is 5500.5"),
        ("20", "usd", "Stripe: "),  # below Stripe's least amount
        ("100000000", "usd", "orders.amount is 100000000"),
        ("5500", "xyz", "Stripe: Invalid currency"),
        ("5500", "dollars", "orders.currency is not a three-letter code"),
        ("5500", "", "orders.currency is not a three-letter code"),
    ],
)
def test_an_order_that_cannot_be_charged_is_set_aside_with_the_reason(
    demo_club: Pipeline, amount: str, currency: str, said: str
) -> None:
    order = demo_club.order_of("Amy Abbott")
    demo_club.sql(
        "UPDATE orders SET amount = CAST(:amount AS numeric), currency = :currency WHERE id = :id",
        amount=amount, currency=currency, id=order.id,
    )  # fmt: skip
    summary = demo_club.run(options=OF_TWO)
    message = demo_club.message_to("Abbott")
    assert (message.status, message.reason) == ("skipped", "link_under_review")
    (problem,) = [problem for problem in summary.problems if problem.reason == "link_under_review"]
    assert said in problem.detail
    assert summary.sent == 1
    assert all(session["status"] != "open" for session in demo_club.sessions_of("Amy Abbott"))

    demo_club.sql("UPDATE orders SET amount = 5500, currency = 'usd' WHERE id = :id", id=order.id)
    assert demo_club.run(options=OF_TWO).sent == 1
    assert demo_club.sql("SELECT * FROM tournament_fees.set_asides WHERE cleared_at IS NULL") == []


def test_a_sister_whose_order_cannot_be_charged_is_named_while_the_others_are_mailed(demo_club: Pipeline) -> None:
    order = demo_club.order_of("Bianca Delgado")
    demo_club.sql("UPDATE orders SET amount = 0 WHERE id = :id", id=order.id)
    demo_club.run()
    (message,) = demo_club.inbox.to("rosa.delgado@example.com")
    assert len(links_in(message)) == 2
    assert "Bianca" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one

    demo_club.sql("UPDATE orders SET amount = 6500 WHERE id = :id", id=order.id)
    assert demo_club.run().sent == 1
    _, supplement = demo_club.inbox.to("rosa.delgado@example.com")
    assert len(links_in(supplement)) == 1
    assert demo_club.run().sent == 0


def test_a_parents_unknown_language_stops_nobody_and_is_said_before_the_send(demo_club: Pipeline) -> None:
    demo_club.sql("UPDATE parents SET language = 'fr' WHERE id = 24")  # of the three sisters
    campaign = open_campaign(demo_club.services, TOURNAMENT, "fee_notice", CampaignOptions())
    said: list[str] = []
    batches = plan_batches(demo_club.services, campaign, 500, said.append)
    messages = sum(len(batch.message_ids) for batch in batches)
    assert f"1 of {messages} messages: there are no emails in the parent's language 'fr': in 'en' instead" in said


def test_a_brand_or_time_zone_that_does_not_exist_stops_before_the_first_send(demo_club: Pipeline) -> None:
    demo_club.sql("UPDATE tournaments SET time_zone = 'Utah/Salt_Lake' WHERE id = 1")
    with pytest.raises(ConfigurationError, match="Utah/Salt_Lake"):
        demo_club.run()
    nothing_happened(demo_club)
    demo_club.sql("UPDATE tournaments SET time_zone = NULL WHERE id = 1")
    demo_club.sql("UPDATE teams SET brand = 'purple' WHERE id = 3")
    with pytest.raises(ConfigurationError, match="purple"):
        demo_club.run()
    nothing_happened(demo_club)
