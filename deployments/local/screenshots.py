"""Take the README's pictures of the Prefect UI, with headless Chromium: `make screenshots`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.wait import WebDriverWait

from deployments.emails.chromium import browser
from deployments.local.demo_club import TOURNAMENT
from deployments.local.home import REPOSITORY
from deployments.local.processes import Child
from deployments.local.serve import served
from deployments.local.temporary_home import temporary_home
from deployments.local.whole_run import whole_run

PICTURES = REPOSITORY / "deployments" / "pictures"
DEPLOYMENT = "tournament-fees/tournament-fees"
PAGE_SECONDS = 120
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def main() -> int:
    """Serve the demo club, run its campaign, and take a picture of each page; return the exit code."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("Error: Chromium is not on this machine (Debian's package chromium)", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    # Not in the folder of `make serve`, whose campaign may be at work.
    with (
        temporary_home() as home,
        served(home, {}, print) as (stack, worker),
        httpx.Client(base_url=f"{stack.prefect_url}/api", trust_env=False, timeout=60) as api,
    ):
        for name, page, height in pages(api, stack.prefect_url or "", worker):
            take(chromium, f"{stack.prefect_url}{page}", PICTURES / f"{name}.png", height)
            print(PICTURES / f"{name}.png")
    return 0


def pages(api: httpx.Client, site: str, worker: Child) -> Iterator[tuple[str, str, int]]:
    """Give the name, path and height in pixels of each page: the form, then the approved run and its report."""
    deployment = _json(api.get(f"/deployments/name/{DEPLOYMENT}"))["id"]
    yield "form", f"/deployments/deployment/{deployment}/run?parameters={{}}", 1300
    body = {"parameters": {"tournament": TOURNAMENT}, "state": {"type": "SCHEDULED"}}
    run = _json(api.post(f"/deployments/{deployment}/create_flow_run", json=body))["id"]
    worker.wait_until(lambda: _has_come_to(api, run, "PAUSED"), every=0.3)
    take_form(f"{site}/runs/flow-run/{run}", PICTURES / "approval.png")
    approval = {"decision": "approve", "by": "Kim Doe"}
    _json(api.post(f"/flow_runs/{run}/resume", json={"run_input": approval}))
    worker.wait_until(lambda: _has_come_to(api, run, "COMPLETED"), every=0.3)
    yield "run", f"/runs/flow-run/{run}", 1000
    wanted = {"flow_run_id": {"any_": [run]}, "key": {"any_": ["tournament-fees"]}}
    (report,) = _json(api.post("/artifacts/filter", json={"artifacts": wanted}))
    yield "report", f"/artifacts/artifact/{report['id']}", 1500


def take(chromium: str, url: str, picture: Path, height: int) -> None:
    """Write a picture of a page that draws itself with JavaScript: 30 s of its own time are enough for it."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    still = ["--force-prefers-reduced-motion", "--run-all-compositor-stages-before-draw"]
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        subprocess.run(
            [
                *(chromium, "--headless", "--disable-gpu", *quiet, *still, *root),
                *("--hide-scrollbars", f"--window-size=1280,{height}", "--virtual-time-budget=30000"),
                *(f"--user-data-dir={profile}", f"--screenshot={picture}", url),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def take_form(url: str, picture: Path) -> None:
    """Write a picture of the form in which a run is approved."""
    with browser() as (driver, _):
        driver.set_window_size(1280, 1200)
        driver.get(url)
        wait = WebDriverWait(driver, PAGE_SECONDS)
        wait.until(element_to_be_clickable(("xpath", "//button[normalize-space()='Resume']"))).click()
        wait.until(element_to_be_clickable(("xpath", "//button[normalize-space()='Submit']")))
        driver.save_screenshot(str(picture))
    print(picture)


def _has_come_to(api: httpx.Client, run: str, state: str) -> bool:
    """Return True if a run is in a state. Raises RuntimeError where it has ended in another one."""
    now = _json(api.get(f"/flow_runs/{run}"))["state"]
    if now["type"] in ENDS - {state}:
        raise RuntimeError(f"the run is {now['type']}, not {state}: {now['message']}")
    return bool(now["type"] == state)


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401  Prefect's JSON
    return answer.raise_for_status().json()


if __name__ == "__main__":
    with whole_run():
        sys.exit(main())
