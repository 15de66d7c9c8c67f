"""Chromium as this machine has it, driven by Playwright: emails are looked at in it, and checked by axe-core."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tasks.errors import ConfigurationError


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a headless browser for a while; raises ConfigurationError where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise ConfigurationError("Chromium is not on this machine (Debian's package chromium)")
    with sync_playwright() as playwright:
        # Chromium refuses to run as root without --no-sandbox; what it shows here is our own.
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()
