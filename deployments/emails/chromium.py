"""Chromium as a reader of emails: on a phone or a desk, by day or by night."""

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tasks.core.errors import ConfigurationError

QUIET = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Reader:
    """Show emails one after the other, each from a file in `folder`."""

    driver: Chrome
    folder: Path

    def show(self, html: str, width: int, scheme: str) -> None:
        """Open an email on a screen of this width in CSS pixels, in the `scheme` "light" or "dark"."""
        screen = {"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        dark = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        file = self.folder / "email.html"
        file.write_text(html, encoding="utf-8")
        self.driver.get(file.as_uri())

    def take_picture(self, picture: Path) -> None:
        """Write a picture of the whole email that is shown, as a PNG file."""
        width, height = self.driver.execute_script("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        picture.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def reader() -> Iterator[Reader]:
    """Give a headless Chromium for reading emails for a while; raises ConfigurationError where there is none."""
    with browser() as (driver, folder):
        yield Reader(driver, folder)


@contextmanager
def browser(*arguments: str) -> Iterator[tuple[Chrome, Path]]:
    """Give a headless Chromium, started with these arguments too, and a folder for its files.

    Raises a ConfigurationError where there is none.
    """
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        raise ConfigurationError("Chromium is not on this machine (Debian's packages chromium and chromium-driver)")
    options = ChromeOptions()
    options.binary_location = programs[0] or ""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile = f"--user-data-dir={folder}/profile"
        for argument in ("--headless", "--hide-scrollbars", profile, *QUIET, *root, *arguments):
            options.add_argument(argument)
        # Both programs are named, so that selenium looks for neither on the internet.
        with Chrome(options, Service(programs[1])) as driver:
            yield driver, Path(folder)
