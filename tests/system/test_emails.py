"""Every kind of email in every brand, as the programs of others see it: axe-core in Chromium, and SpamAssassin."""

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from deployments.emails.chromium import Reader, reader
from deployments.emails.samples import PICTURED, samples
from tasks.mail.mime import build_message
from tasks.mail.renderer import RenderedMail, Renderer

AXE = Path(__file__).parents[2] / ".local" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RENDERER = Renderer()
CASES = (*PICTURED, "one withheld", "hard names")
# Rules for a page of its own: an email is shown inside a mail program's page, which has the landmarks.
OF_A_WHOLE_PAGE = {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}
MAXIMUM_SCORE = 2.0


def mails(language: str, *cases: str) -> Iterator[tuple[str, RenderedMail]]:
    for kind, brand, case in product(RENDERER.kinds, RENDERER.brands, cases):
        yield f"{kind}, {brand}, {language}, {case}", RENDERER.render(samples(kind, brand, language)[case])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Reader]:
    with reader() as opened:
        yield opened


def axe(chromium: Reader, html: str, scheme: str) -> dict[str, list[dict[str, Any]]]:
    chromium.show(html, 360, scheme)
    chromium.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found: dict[str, list[dict[str, Any]]] = chromium.driver.execute_async_script(
        "const done = arguments[1]; axe.run({rules: arguments[0]}).then(done)", OF_A_WHOLE_PAGE
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_from_reading(chromium: Reader, scheme: str) -> None:
    for name, mail in (*mails("en", *CASES), *mails("es", "one child")):
        found = axe(chromium, mail.html, scheme)
        wrong = [
            (one["id"], node["target"], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]
        ]
        unsure = [one["id"] for one in found["incomplete"]]
        assert "color-contrast" in {one["id"] for one in found["passes"]}
        assert (wrong, unsure) == ([], []), name


def test_axe_finds_what_is_wrong(chromium: Reader) -> None:
    """The check above can fail."""
    _, mail = next(mails("en", "one child"))
    found = axe(chromium, mail.html.replace('lang="en"', "").replace("color: #ffffff", "color: #777777"), "light")
    assert {"html-has-lang", "color-contrast"} <= {one["id"] for one in found["violations"]}


def test_no_email_looks_like_spam(tmp_path: Path) -> None:
    """In local mode: without the tests that ask servers on the net, which see the sender and not the words."""
    names = []
    for number, (name, mail) in enumerate((*mails("en", *PICTURED), *mails("es", "one child"))):
        names.append(name)
        (tmp_path / f"{number:03}.eml").write_bytes(as_received(mail, number))
    files = sorted(tmp_path.glob("*.eml"))
    scores = spam_scores(files)
    assert len(scores) == len(files)
    assert {name: score for name, score in zip(names, scores, strict=True) if score >= MAXIMUM_SCORE} == {}


def test_spamassassin_finds_spam(tmp_path: Path) -> None:
    """The check above can fail: GTUBE is the line that every spam filter must take for spam."""
    spam = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    file = tmp_path / "spam.eml"
    file.write_bytes(b"From: a@example.org\r\nTo: b@example.com\r\nSubject: x\r\n\r\n" + spam + b"\r\n")
    (score,) = spam_scores([file])
    assert score > MAXIMUM_SCORE


def as_received(mail: RenderedMail, number: int) -> bytes:
    content = build_message(
        mail,
        sender="Example Hoops Club <fees@example.org>",
        reply_to="Robin Hale <robin@example.org>",
        to_address="dana.reyes@example.com",
        to_name="Dana Reyes",
        message_id=f"<20261126.{number:08x}@example.org>",
        date=datetime(2026, 11, 26, 15, 40, tzinfo=UTC),
        unsubscribe_url="https://club.example.org/stop?message={message}",
    )
    return (
        b"Received: from mail.example.org (mail.example.org [192.0.2.25])\r\n\tby mx.example.com with ESMTPS id 1;"
        b" Thu, 26 Nov 2026 15:40:02 +0000\r\n" + content
    )


def spam_scores(files: list[Path]) -> list[float]:
    """Score them all in one go, since starting SpamAssassin is what takes long."""
    command = ["spamassassin", "--local", "--test-mode", *map(str, files)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", timeout=600).stdout
    return [float(score) for score in re.findall(r"^X-Spam-Status: .*?score=(-?[\d.]+)", said, re.MULTILINE)]
