"""The mail catcher: what it keeps, and how it shows it."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployments.local.home import REPOSITORY
from deployments.local.mail_catcher.mailbox import MailFolder, read
from deployments.local.mail_catcher.page import build_index, write_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "0123456789abcdef"
HTML = '<!doctype html><html lang="en"><head><title>x</title></head><body><a href="https://example.com/pay">Pay</a></body></html>'


@dataclass(frozen=True)
class Catcher:
    process: subprocess.Popen[str]
    smtp_port: int
    url: str

    def get(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        request = urllib.request.Request(f"{self.url}/{KEY}{path}")  # noqa: S310 -- our own server
        try:
            # Not urlopen: that keeps the proxies of its first call in this process, which may have been another test's.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), dict(error.headers)

    def client(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30)


@contextmanager
def _catching(folder: Path) -> Iterator[Catcher]:
    command = [sys.executable, "-m", "deployments.local.mail_catcher", "--folder", str(folder)]
    environment = {**os.environ, "MAIL_CATCHER_KEY": KEY}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = re.fullmatch(r"listening on smtp://127\.0\.0\.1:(\d+) and (http://\S+)\n", process.stdout.readline())
        assert said
        try:
            yield Catcher(process, int(said[1]), said[2])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    with _catching(tmp_path_factory.mktemp("mail")) as running:
        yield running


def _message(subject: str = "Fee", html: str = HTML) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "fees@example.org", "Robin <robin@example.com>", subject
    message["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    message.set_content("Hello Robin")
    message.add_alternative(html, subtype="html")
    return message


class _Elements(HTMLParser):
    """The elements of a page and the attributes that they have."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.frames: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag == "iframe":
            self.frames.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_message_is_on_the_disk_before_it_is_accepted_byte_for_byte(tmp_path: Path) -> None:
    content = b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n.one dot\r\n..two dots\r\n.\t\r\n\xff not UTF-8\r\n\r\n"
    with _catching(tmp_path) as catcher, catcher.client() as client:
        client.ehlo()
        client.mail("zoë@example.com", ["SMTPUTF8", "BODY=8BITMIME"])
        client.rcpt("robin@example.com")
        client.rcpt("józef@example.org")
        code, reply = client.data(content)
        catcher.process.kill()
        assert (code, reply) == (250, b"2.0.0 kept as 000001")
        caught = (tmp_path / "000001.eml").read_bytes()
    envelope, kept = caught[: -len(content)], caught[-len(content) :]
    assert kept == content
    assert envelope.decode().splitlines()[:3] == [
        "X-Envelope-From: zoë@example.com",
        "X-Envelope-To: robin@example.com",
        "X-Envelope-To: józef@example.org",
    ]


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for expected in (["000001.eml"], ["000001.eml", "000002.eml"]):
        with _catching(tmp_path) as catcher, catcher.client() as client:
            client.send_message(_message())
            assert sorted(file.name for file in tmp_path.iterdir()) == expected


def test_a_whole_conversation_may_be_sent_ahead(catcher: Catcher) -> None:
    commands = b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
    with socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=30) as client:
        client.sendall(commands)
        client.sendall(b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n")
        replies = b"".join(iter(lambda: client.recv(4096), b"")).decode()
    assert "250-PIPELINING" in replies
    assert "250-SMTPUTF8" in replies
    assert "kept as" in replies
    assert replies.splitlines()[-1].startswith("221")


def test_a_message_that_is_too_large_is_refused(catcher: Catcher) -> None:
    with catcher.client() as client:
        client.ehlo()
        assert client.mail("a@example.org", ["SIZE=99999999"])[0] == 552


def test_the_page_lists_each_message_and_serves_it(tmp_path: Path) -> None:
    with _catching(tmp_path) as catcher, catcher.client() as client:
        for subject in ("first one", "second one"):
            client.send_message(_message(subject))
        status, page, headers = catcher.get("/")
        shown = _Elements(page.decode())
        assert status == 200
        assert shown.text.index("second one") < shown.text.index("first one")
        assert "Hello Robin" in shown.text
        assert [frame["src"] for frame in shown.frames] == ["messages/2.html", "messages/1.html"]
        assert "script-src" not in headers["content-security-policy"]
        status, html, headers = catcher.get("/messages/1.html")
        assert (status, '<head><base target="_blank"><title>' in html.decode()) == (200, True)
        assert "sandbox allow-popups" in headers["content-security-policy"]
        status, eml, _ = catcher.get("/messages/1.eml")
        assert (status, eml) == (200, (tmp_path / "000001.eml").read_bytes())


@pytest.mark.parametrize("path", ["/messages/999999.html", "/messages/999999.eml", "/messages/..%2f.eml", "/.lock"])
def test_what_is_not_there_is_not_found(catcher: Catcher, path: str) -> None:
    assert catcher.get(path)[0] == 404


def test_a_page_of_a_browser_cannot_send_mail(tmp_path: Path) -> None:
    commands = (
        "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"
    )
    with _catching(tmp_path) as catcher:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            with socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=30) as browser:
                browser.sendall(f"{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{commands}".encode())
                with suppress(ConnectionResetError):  # what it has not read
                    while browser.recv(4096):
                        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_catcher_ends_at_a_signal_though_a_client_stays(tmp_path: Path, number: signal.Signals) -> None:
    with _catching(tmp_path) as catcher, catcher.client() as client:
        client.ehlo()
        catcher.process.send_signal(number)
        assert catcher.process.wait(60) == 0


def test_hostile_content_stays_text_and_stays_in_its_frame(tmp_path: Path) -> None:
    attack = "</details></pre>\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    message = _message(f"Hi {attack}", html=f"{attack}<base target=_self><form action=https://example.com></form>")
    message.replace_header("To", Address(attack.replace('"', ""), "robin", "example.com"))
    MailFolder(tmp_path).store("fees@example.org", ["robin@example.com"], message.as_bytes())
    shown = _Elements(write_index(tmp_path).read_text())
    assert not {"script", "img", "form", "base"} & shown.names
    assert attack in shown.text
    [frame] = shown.frames
    assert "allow-scripts" not in str(frame["sandbox"])
    assert "allow-same-origin" not in str(frame["sandbox"])
    assert str(frame["srcdoc"]).startswith('<!doctype html><base target="_blank">')


def test_the_written_page_holds_everything_itself(tmp_path: Path) -> None:
    mail = MailFolder(tmp_path)
    for number in range(3):
        mail.store("fees@example.org", ["robin@example.com"], _message(f"number {number}").as_bytes())
    file = write_index(tmp_path)
    frames = _Elements(file.read_text()).frames
    assert file == tmp_path / "index.html"
    assert [unescape(str(frame["srcdoc"])).count("https://example.com/pay") for frame in frames] == [1, 1, 1]
    assert all("src" not in frame and frame["loading"] == "lazy" for frame in frames)


def test_an_empty_folder_has_a_page(tmp_path: Path) -> None:
    assert "No message yet" in build_index(tmp_path)


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"To: {text}\nDate: {text}\n".encode()))
@example(content=b"To: <\n\n")  # the standard library raises IndexError here
def test_no_content_breaks_the_page(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    MailFolder(folder).store("a@example.org", ["b@example.com"], content)
    build_index(folder)


@given(sender=st.text(max_size=40), recipient=st.text(max_size=40))
def test_an_envelope_adds_its_own_header_lines_only(
    tmp_path_factory: pytest.TempPathFactory, sender: str, recipient: str
) -> None:
    folder = tmp_path_factory.mktemp("envelope")
    file = MailFolder(folder).store(sender, [recipient], b"Subject: x\r\n\r\n")
    lines = file.read_bytes().split(b"\r\n")
    assert [line.split(b":")[0] for line in lines] == [
        *(b"X-Envelope-From", b"X-Envelope-To", b"X-Caught-At", b"Subject"),
        *(b"", b""),
    ]
    assert read(folder, 1).subject == "x"
