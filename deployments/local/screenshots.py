"""Take the README's pictures of the Prefect UI, with headless Chromium: `make screenshots`."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver import Chrome

from deployments.emails.chromium import browser
from deployments.local.demo_club import TOURNAMENT
from deployments.local.home import REPOSITORY
from deployments.local.prefect_api import prefect_api
from deployments.local.prefect_login import AT_ITS_CLIENTS
from deployments.local.prefect_page import log_in, press, wait_for
from deployments.local.serve import served
from deployments.local.temporary_home import temporary_home
from deployments.local.whole_run import whole_run

PICTURES = REPOSITORY / "deployments" / "pictures"
DEPLOYMENT = "tournament-fees/tournament-fees"
RUN_SECONDS = 120
DRAWN_SECONDS = 3  # a page tells nobody when its lines and charts have stopped moving


def main() -> int:
    """Serve the demo club, run its campaign, and take a picture of each page; return the exit code."""
    if not all(map(shutil.which, ("chromium", "chromedriver"))):
        print("Error: this needs Debian's packages chromium and chromium-driver", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    # Not in the folder of `make serve`, whose campaign may be at work.
    with (
        browser() as (driver, _),
        temporary_home() as home,
        served(home, {}, print) as (stack, _),
        prefect_api(stack.environment) as api,
    ):
        log_in(driver, stack.prefect_url or "", stack.environment[AT_ITS_CLIENTS])
        for name, page, height, words in pages(api):
            take(driver, f"{stack.prefect_url}{page}", PICTURES / f"{name}.png", height, words)
    return 0


def pages(api: httpx.Client) -> Iterator[tuple[str, str, int, str]]:
    """Give name, path, height in pixels and a word of each page: form, approval, approved run, and its report."""
    deployment = _json(api.get(f"/deployments/name/{DEPLOYMENT}"))["id"]
    yield "form", f"/deployments/deployment/{deployment}/run?parameters={{}}", 1300, "Submit"
    body = {"parameters": {"tournament": TOURNAMENT}, "state": {"type": "SCHEDULED"}}
    run = _json(api.post(f"/deployments/{deployment}/create_flow_run", json=body))["id"]
    _wait(api, run, "PAUSED")
    yield "approval", f"/runs/flow-run/{run}", 1200, "Resume"
    approval = {"decision": "approve", "by": "Kim Doe"}
    _json(api.post(f"/flow_runs/{run}/resume", json={"run_input": approval}))
    _wait(api, run, "COMPLETED")
    yield "run", f"/runs/flow-run/{run}", 1000, "Completed"
    wanted = {"flow_run_id": {"any_": [run]}, "key": {"any_": ["tournament-fees"]}}
    (report,) = _json(api.post("/artifacts/filter", json={"artifacts": wanted}))
    yield "report", f"/artifacts/artifact/{report['id']}", 1500, TOURNAMENT


def take(driver: Chrome, url: str, picture: Path, height: int, words: str) -> None:
    """Write a picture of a page, once it shows these words; of the approval, of the form that *Resume* opens."""
    screen = {"width": 1280, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    driver.get(url)
    wait_for(driver, words)
    if words == "Resume":
        press(driver, words)
        wait_for(driver, "Submit")
    time.sleep(DRAWN_SECONDS)  # for what moves into its place: the page does not say when it has
    driver.save_screenshot(str(picture))
    print(picture)


def _wait(api: httpx.Client, run: str, state: str) -> None:
    """Wait until a run is in a state."""
    deadline = time.monotonic() + RUN_SECONDS
    while _json(api.get(f"/flow_runs/{run}"))["state"]["type"] != state:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the run is not {state} after {RUN_SECONDS} s")
        time.sleep(0.3)  # between two looks: asking all the time would keep the server from its work


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401  Prefect's JSON
    return answer.raise_for_status().json()


if __name__ == "__main__":
    with whole_run():
        sys.exit(main())
