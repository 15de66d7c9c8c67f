"""A parent's browser: opens the link of a mail over HTTP, tells what its page says, and pays there."""

import re
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

import httpx


class Page(StrEnum):
    """What a parent sees behind a link."""

    TO_PAY = "to pay"
    PAID = "paid"
    EXPIRED = "expired"
    SWITCHED_OFF = "switched off"


HEADINGS = {
    "Pay": Page.TO_PAY,
    "Thank you, this has been paid": Page.PAID,
    "Thank you, your bank transfer is on its way": Page.PAID,
    "This link has been used": Page.PAID,
    "This link has expired": Page.EXPIRED,
    "This link has been switched off": Page.SWITCHED_OFF,
}


class Browser:
    """Shows one page at a time."""

    def __init__(self) -> None:
        self._client = httpx.Client(follow_redirects=True, trust_env=False, timeout=60)
        self._address = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, link: str) -> Page:
        """Follow a link. Raises KeyError for a page that says something else."""
        response = self._client.get(link)
        self._address = str(response.url)
        return HEADINGS[_heading(response.text)]

    def pay(self, *, slowly: bool) -> str:
        """Press the page's button, and return the session that was paid."""
        method = "bank_transfer" if slowly else "card"
        response = self._client.post(self._address, data={"method": method})
        if HEADINGS[_heading(response.text)] is not Page.PAID:
            raise RuntimeError(f"a page that could be paid could not: {_heading(response.text)}")
        return urlsplit(self._address).path.rsplit("/", 1)[-1]


def _heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html)
    return found[1] if found else ""
