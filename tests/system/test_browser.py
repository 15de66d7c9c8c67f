"""What a person sees in a browser: the page of all emails, and the pages that their links lead to."""

import os
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element as text_in
from selenium.webdriver.support.expected_conditions import visibility_of_element_located as visible
from selenium.webdriver.support.ui import WebDriverWait

from deployments.local.mail_catcher.page import write_index
from deployments.local.stack import Stack, local_stack
from deployments.local.temporary_home import temporary_home
from tasks.core.settings_source import load_settings
from tests.support.harness import Inbox, Pipeline, links_in, open_pipeline, open_session

QUIET = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30  # seconds


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with temporary_home() as home, local_stack(home, prefect=False, given={}) as stack:
        yield stack


@pytest.fixture(scope="module")
def club(stack: Stack) -> Iterator[Pipeline]:
    """The demo club, whose 23 messages have been sent."""
    inbox = Inbox(stack.environment["SMTP_URL"], stack.mail_folder or Path())
    with (
        stack.stand_in() as stand_in,
        open_pipeline(load_settings(stack.environment), stand_in, inbox) as pipeline,
    ):
        pipeline.load_demo()
        assert pipeline.run().sent == 23
        yield pipeline


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for argument in ("--headless", f"--user-data-dir={profile}", *QUIET, *root):
            options.add_argument(argument)
        # Both are named, so that selenium looks for neither on the internet.
        with Chrome(options, Service(shutil.which("chromedriver"))) as driver:
            driver.set_window_size(1280, 900)
            yield driver


def see(driver: Chrome, selector: str) -> WebElement:
    """Wait until an element is to be seen."""
    found: WebElement = WebDriverWait(driver, PATIENCE).until(visible((By.CSS_SELECTOR, selector)))
    return found


def opened(driver: Chrome, message: WebElement) -> list[WebElement]:
    """Open a message on the page of all emails and return the payment links of its HTML."""
    if message.get_attribute("open") is None:
        message.find_element(By.CSS_SELECTOR, "summary").click()
    driver.switch_to.frame(message.find_element(By.CSS_SELECTOR, "iframe"))
    see(driver, "a")
    return driver.find_elements(By.CSS_SELECTOR, "a[href*='/c/pay/']")


@contextmanager
def following(driver: Chrome, link: WebElement) -> Iterator[None]:
    """Click a link that opens a tab, and close the tab at the end."""
    page, tabs = driver.current_window_handle, set(driver.window_handles)
    link.click()
    (tab,) = WebDriverWait(driver, PATIENCE).until(lambda _: set(driver.window_handles) - tabs)
    driver.switch_to.window(tab)
    try:
        yield
    finally:
        driver.close()
        driver.switch_to.window(page)


@pytest.fixture(params=["as served", "as a file"])
def index(request: pytest.FixtureRequest, club: Pipeline, stack: Stack) -> str:
    """The address of the page of all emails."""
    return str(stack.mail_url) if request.param == "as served" else write_index(club.inbox.folder).as_uri()


def test_the_page_of_all_emails_shows_each_with_its_own_links(chrome: Chrome, club: Pipeline, index: str) -> None:
    chrome.get(index)
    messages = chrome.find_elements(By.CSS_SELECTOR, "details.message")
    assert len(messages) == len(club.inbox.messages()) == 23
    for message, caught in zip(messages, reversed(club.inbox.messages()), strict=True):
        assert message.find_element(By.CSS_SELECTOR, ".subject").text == caught["Subject"]
        shown = [link.get_attribute("href") for link in opened(chrome, message) if link.is_displayed()]
        assert set(shown) == set(links_in(caught))
        chrome.switch_to.default_content()


@contextmanager
def following_link_to(player: str, chrome: Chrome, club: Pipeline, stack: Stack) -> Iterator[dict[str, Any]]:
    """Open the page of all emails and in it the one about a player; follow its link; give the session that it is of."""
    session = open_session(club, player)
    address = club.message_to(player.split()[1]).address
    chrome.get(str(stack.mail_url))
    everything = chrome.find_elements(By.CSS_SELECTOR, "details.message")
    (message,) = [m for m in everything if address in m.find_element(By.CSS_SELECTOR, ".to").text]
    (link, *_) = [link for link in opened(chrome, message) if link.get_attribute("href") == session["url"]]
    with following(chrome, link):
        yield session


def wait_for_heading(chrome: Chrome, words: str) -> None:
    """Wait until the page says so: a click returns before the page that it leads to is there."""
    WebDriverWait(chrome, PATIENCE).until(text_in((By.CSS_SELECTOR, "h1"), words), f"no heading {words!r}")


def at_stripe(club: Pipeline, session: dict[str, Any]) -> tuple[str, str]:
    """How the session stands."""
    (now,) = [known for known in club.stand_in.sessions() if known["id"] == session["id"]]
    return now["status"], now["payment_status"]


def test_a_link_leads_to_a_page_that_takes_the_payment_once(chrome: Chrome, club: Pipeline, stack: Stack) -> None:
    with following_link_to("Amy Abbott", chrome, club, stack) as session:
        wait_for_heading(chrome, "Pay")
        assert see(chrome, ".amount").text == f"${session['amount_total'] / 100:.2f}"
        assert "Utah Invitational" in see(chrome, "li").text
        see(chrome, "button[value='card']").click()
        wait_for_heading(chrome, "Thank you, this has been paid")
        assert at_stripe(club, session) == ("complete", "paid")
        chrome.get(session["url"])
        wait_for_heading(chrome, "Thank you, this has been paid")
        assert chrome.find_elements(By.CSS_SELECTOR, "button") == []


def test_a_slow_payment_is_said_to_be_on_its_way(chrome: Chrome, club: Pipeline, stack: Stack) -> None:
    with following_link_to("Bruno Barrera", chrome, club, stack) as session:
        see(chrome, "button[value='bank_transfer']").click()
        wait_for_heading(chrome, "Thank you, your bank transfer is on its way")
        assert at_stripe(club, session) == ("complete", "unpaid")


def test_a_page_whose_session_expires_while_it_is_open_takes_no_payment(
    chrome: Chrome, club: Pipeline, stack: Stack
) -> None:
    with following_link_to("Clara Castell", chrome, club, stack) as session:
        pay = see(chrome, "button[value='card']")
        club.services.stripe.sessions.expire(session["id"])
        pay.click()
        wait_for_heading(chrome, "This link has expired")
        assert at_stripe(club, session) == ("expired", "unpaid")


def test_a_link_of_an_expired_session_says_so(chrome: Chrome, club: Pipeline) -> None:
    club.stand_in.advance_clock(24 * 3600)
    chrome.get(club.order_of("Dylan Draper").stripe_checkout_url)
    wait_for_heading(chrome, "This link has expired")
    assert chrome.find_elements(By.CSS_SELECTOR, "button") == []


@contextmanager
def another_site() -> Iterator[tuple[str, "Queue[str | None]"]]:
    """Run a web server; give its address, and from where its visitors say that they come."""
    referrers: Queue[str | None] = Queue()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            referrers.put(self.headers["Referer"])
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://localhost:{server.server_port}/", referrers
        finally:
            server.shutdown()


def test_a_link_of_a_mail_does_not_tell_where_the_mail_was_read(chrome: Chrome, stack: Stack) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "fees@example.org", "robin@example.com", "Look"
    address = urlsplit(stack.environment["SMTP_URL"])
    with another_site() as (site, referrers), smtplib.SMTP(str(address.hostname), int(address.port or 0)) as server:
        link = f'<a referrerpolicy="unsafe-url" href="{site}">Look</a>'
        message.add_alternative(f'<head><meta name="referrer" content="unsafe-url"></head>{link}', subtype="html")
        server.send_message(message)
        chrome.get(str(stack.mail_url))
        opened(chrome, chrome.find_element(By.CSS_SELECTOR, "details.message"))
        with following(chrome, chrome.find_element(By.CSS_SELECTOR, "a")):
            assert referrers.get(timeout=PATIENCE) is None
