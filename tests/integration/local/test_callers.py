"""Who gets in: what the stand-in and the mail catcher answer to the machine's other users and to other sites' pages."""

import re
import smtplib
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import stripe
from starlette.routing import Route

from deployments.local.kept_secrets import kept_secret
from deployments.local.mail_catcher.web import mail_pages
from deployments.local.stack import Stack, local_stack
from deployments.local.stripe_standin.app import make_app
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.parts import Parts
from deployments.local.temporary_home import temporary_home

OPEN = {"/_standin/health", "/c/pay/{id}", "/b/{slug}"}
"""What needs no secret: the payment pages are for who has their address."""
NO_DATABASE = {"DATABASE_URL": "postgresql://club.example.org/club"}
"""The user's own, which nothing here asks: PostgreSQL would take long to start."""
WRONG = "0" * 32
FOREIGN: dict[str, dict[str, str]] = {
    "another site's name": {"Host": "rebound.example.com"},
    "a name that begins as ours": {"Host": "127.0.0.1.example.com"},
    "another site's page": {"Origin": "https://elsewhere.example.org"},
    "a page without an origin": {"Origin": "null"},
    "a page of another user's server": {"Origin": "http://127.0.0.1:1"},
    "both of another site": {"Host": "rebound.example.com", "Origin": "http://rebound.example.com"},
}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "eA==",
}


@dataclass(frozen=True)
class Door:
    """A route and a method of one of the servers."""

    server: str
    method: str
    route: str


def doors() -> list[Door]:
    """All that the servers have: a new one is in the tests by itself."""
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts.open(Path(folder) / "stripe.sqlite3")
        apps = {"stand-in": make_app(parts, "", WRONG, WRONG), "catcher": mail_pages(Path(folder), WRONG)}
        parts.store.close()
    found = []
    for server, app in apps.items():
        for route in app.routes:
            assert isinstance(route, Route), "no websocket, nothing mounted"
            found += [Door(server, method, route.path) for method in sorted(route.methods or ())]
    return found


DOORS = doors()


@dataclass(frozen=True)
class Place:
    """A stack of which each part has something to read."""

    stack: Stack
    stand_in: StandInControl
    browser: httpx.Client
    said: list[str]
    ids: Mapping[str, str]

    def ask(self, door: Door, known: str | None, headers: Mapping[str, str]) -> httpx.Response:
        """Knock at a door with a secret ("right" is the right one) or without, and with these headers."""
        path = re.sub(r"{(\w+).*}", lambda part: self.ids[part[1]], door.route)
        mail = urlsplit(str(self.stack.mail_url))
        if door.server == "catcher":
            key = mail.path.strip("/") if known == "right" else known
            url = f"http://{mail.netloc}" + (f"/{key}" if key else "") + path
            return self.browser.request(door.method, url, headers=headers)
        if known:
            headers = {**headers, "Authorization": f"Bearer {self._secret(door, known)}"}
        return self.browser.request(door.method, f"{self.stack.stripe_url}{path}", headers=headers)

    def _secret(self, door: Door, known: str) -> str:
        if door.route.startswith("/_standin/"):
            return kept_secret(self.stack.home, "stripe-control") if known == "right" else known
        return self.stack.environment["STRIPE_API_KEY"] if known == "right" else f"sk_test_{known}"

    def state(self) -> list[Any]:
        """All that the stand-in knows, the log of requests too."""
        known = self.stand_in
        return [known.sessions(), known.payment_links(), known.faults(), known.requests()]


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Stack, list[str]]]:
    said: list[str] = []
    with (
        temporary_home(in_memory=True) as home,
        local_stack(home, prefect=False, given=NO_DATABASE, progress=said.append) as stack,
    ):
        address = urlsplit(stack.environment["SMTP_URL"])
        with smtplib.SMTP(str(address.hostname), int(address.port or 0), timeout=30) as server:
            server.sendmail("fees@example.org", ["robin@example.com"], b"Subject: A private matter\r\n\r\nHello\r\n")
        yield stack, said


@pytest.fixture
def place(started: tuple[Stack, list[str]]) -> Iterator[Place]:
    stack, said = started
    with stack.stand_in() as stand_in, httpx.Client(trust_env=False) as browser:
        stand_in.reset()
        price: Any = {"currency": "usd", "unit_amount": 5500, "product_data": {"name": "Entry"}}
        lines: Any = [{"quantity": 1, "price_data": price}]
        given = stack.environment
        client = stripe.StripeClient(given["STRIPE_API_KEY"], base_addresses={"api": given["STRIPE_API_BASE"]})
        session = client.v1.checkout.sessions.create(
            {"mode": "payment", "line_items": lines, "success_url": "https://club.example.org/paid"}
        )
        link = client.v1.payment_links.create({"line_items": lines})
        stand_in.add_fault("429", path_prefix="/v1/payment_intents/")
        slug = link.url.rpartition("/")[2]
        ids = {"id": session.id, "slug": slug, "path": "v1/checkout/sessions", "number": "1"}
        yield Place(stack, stand_in, browser, said, ids)


STRANGERS = {
    "without a secret": (None, {}),
    "with a wrong one": (WRONG, {}),
    **{f"with the right one, {who}": ("right", headers) for who, headers in FOREIGN.items()},
}


@pytest.mark.parametrize(("known", "headers"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_reads_and_does_nothing(place: Place, known: str | None, headers: dict[str, str]) -> None:
    before = place.state()
    closed = [door for door in DOORS if door.route not in OPEN]
    answers = {door: place.ask(door, known, headers) for door in closed}
    assert {door for door, answer in answers.items() if answer.status_code not in {401, 403}} == set()
    assert place.state() == before
    for answer in answers.values():
        assert not any(name.startswith(("access-control", "set-cookie")) for name in answer.headers)
        assert "private matter" not in answer.text


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_another_sites_page_neither_pays_nor_reads_what_is_open(place: Place, headers: dict[str, str]) -> None:
    before = place.state()
    for door in DOORS:
        if door.route in OPEN:
            assert place.ask(door, None, headers).status_code == 403, door
    assert place.state() == before


OWN = {
    "a program": {},
    "a page by name": {"Host": "localhost:8025", "Origin": "http://localhost:8025"},
    "a page through a tunnel": {"Host": "127.0.0.1:9", "Origin": "http://127.0.0.1:9"},
}


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_who_has_the_secret_comes_in_and_parents_need_none(place: Place, headers: dict[str, str]) -> None:
    for door in DOORS:
        known = None if door.route in OPEN else "right"
        assert place.ask(door, known, headers).status_code not in {401, 403}, door


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_no_other_site_is_allowed_to_ask(place: Place, headers: dict[str, str]) -> None:
    for door in DOORS:
        answer = place.ask(Door(door.server, "OPTIONS", door.route), "right", {**PREFLIGHT, **headers})
        assert answer.status_code == 403, door
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_no_door_offers_a_websocket(place: Place) -> None:
    for door in DOORS:
        if door.method == "GET":
            assert place.ask(door, "right", WEBSOCKET).status_code != 101, door


def test_the_bare_address_says_in_plain_words_where_the_whole_one_is(place: Place) -> None:
    answer = place.ask(Door("catcher", "GET", "/"), None, {})
    assert answer.headers["content-type"].startswith("text/html")
    assert "make serve" in answer.text


def test_nobody_else_is_shown_a_secret(place: Place) -> None:
    for door in DOORS:
        place.ask(door, "right", {})
    folder = place.stack.home / "secrets"
    files = list(folder.iterdir())
    assert {file.name for file in files} >= {"mail", "stripe-api", "stripe-control"}
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert folder.stat().st_mode & 0o777 == 0o700
    shown = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    shown += [log.read_text() for log in (place.stack.home / "logs").iterdir()]
    shown += [*place.said, repr(place.stack)]
    assert [line for line in shown for file in files if file.read_text() in line] == []


def test_secrets_stay_but_that_of_a_bookmark_whose_port_somebody_has_taken(home: Path) -> None:
    def known() -> tuple[Stack, str, str]:
        with local_stack(home, prefect=False, given=NO_DATABASE, progress=lambda _: None) as stack:
            return stack, stack.environment["STRIPE_API_KEY"], kept_secret(home, "stripe-control")

    first, again = known(), known()
    assert again == first
    address = urlsplit(str(first[0].mail_url))
    with socket.create_server(("127.0.0.1", int(address.port or 0))):
        moved = known()
    assert moved[1:] == first[1:]
    assert urlsplit(str(moved[0].mail_url)).path != address.path


def test_a_secret_that_others_may_have_read_is_made_anew(tmp_path: Path) -> None:
    first = kept_secret(tmp_path, "mail")
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert kept_secret(tmp_path, "mail") == first
    file = tmp_path / "secrets" / "mail"
    file.chmod(0o640)
    second = kept_secret(tmp_path, "mail")
    assert second != first
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("")  # as a full disk leaves it
    assert len({kept_secret(tmp_path, "mail"), kept_secret(tmp_path, "other"), first, second}) == 4
