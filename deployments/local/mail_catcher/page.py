"""The page of all caught messages: served by the catcher, or as one file that needs no catcher."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deployments.local.mail_catcher.mailbox import Caught, message_file, numbers, read, read_html

# A message cannot run scripts, load anything from elsewhere, send forms or reach this page; its links open a new tab.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
_NEW_TAB = '<base target="_blank">'
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def write_index(folder: Path) -> Path:
    """Write the page as `index.html` into the folder of the messages, and return its path."""
    file = folder / "index.html"
    draft = folder / "index.draft"
    draft.write_text(build_index(folder), encoding="utf-8")
    return draft.replace(file)


def build_index(folder: Path) -> str:
    """Return one page that holds every message of a folder, the newest first, and needs nothing beside it."""
    return _render(folder, {number: message_page(folder, number) for number in numbers(folder)})


def served_index(folder: Path) -> str:
    """Return the page for the catcher to serve: each message is fetched when it is opened."""
    return _render(folder, {})


def message_page(folder: Path, number: int) -> str:
    """Return a message's HTML with its links turned to new tabs. Raises FileNotFoundError."""
    html = read_html(folder, number)
    if not html:
        return ""
    head = _HEAD.search(html)
    return html[: head.end()] + _NEW_TAB + html[head.end() :] if head else f"<!doctype html>{_NEW_TAB}{html}"


def _render(folder: Path, pages: dict[int, str]) -> str:
    messages = [_cached(folder, number) for number in reversed(numbers(folder))]
    return _TEMPLATES.get_template("page.html.jinja").render(
        messages=messages, pages=pages, sandbox=SANDBOX, policy=f"{POLICY}; frame-src 'self'"
    )


def _cached(folder: Path, number: int) -> Caught:
    return _read_once(folder, number, message_file(folder, number).stat().st_mtime_ns)


@lru_cache(maxsize=5000)
def _read_once(folder: Path, number: int, _written_at: int) -> Caught:
    return read(folder, number)
