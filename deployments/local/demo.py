"""Run the main job on the embedded stack, with invented people: `make demo`."""

import os
import re
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import httpx
from rich.console import Console

from deployments.local.demo_club import TOURNAMENT, load_demo_club_for
from deployments.local.given import check_given
from deployments.local.home import HomeInUseError, sole_use, stack_home
from deployments.local.mail_catcher.mailbox import numbers, read_html
from deployments.local.mail_catcher.page import write_index
from deployments.local.stack import Stack, given_settings, local_stack
from deployments.tables import show
from tasks.errors import ConfigurationError, PermanentError, TransientError
from tasks.migrations import migrate
from tasks.services import open_services
from tasks.steps.summarize import Summary

console = Console(soft_wrap=True, highlight=False)


def main() -> int:
    """Run the demo and return its exit code."""
    started = time.monotonic()
    try:
        given = given_settings()
        check_given(given)
        home = stack_home(given) / "demo"
        wipe(home)
        step(f"Starting the embedded stack in {home}")
        with local_stack(home, given=given, progress=lambda line: console.print(f"  {line}")) as stack:
            code = play(stack)
            if given.get("STAY") and code == 0:
                stay(stack)
    except (ConfigurationError, PermanentError, TransientError, HomeInUseError) as error:
        console.print(f"Error: {error}", style="red")
        return 2
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return 130
    console.print(f"Done in {time.monotonic() - started:.0f} s.")
    return code


def wipe(home: Path) -> None:
    """Empty the demo's own folder, which nobody else may be using."""
    with sole_use(home):
        for entry in home.iterdir():
            if entry.name != ".lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def play(stack: Stack) -> int:
    """Load the club, mail everybody, let one parent pay, and run the same campaign again."""
    os.environ.update(stack.environment)  # before Prefect is imported, which reads it then
    step("Loading a club of invented people; their checkout sessions are made at Stripe, three days ago")
    with open_services() as services:
        load_demo_club_for(services, stack.stripe_url)
        migrate(services.database)
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as worker:
        step(f"Running the campaign for {TOURNAMENT!r}")
        first = run_and_show(worker)
        if stack.stripe_url and stack.mail_folder:
            step("A parent opens her email and pays")
            pay_from_first_mail(stack.mail_folder)
        step("Running the same campaign again")
        second = run_and_show(worker)
    nothing = "Nothing was sent: nobody is mailed twice." if second.sent == 0 else f"{second.sent} messages were sent!"
    console.print(nothing, style="bold")
    if stack.mail_folder:
        console.print(f"\nThe emails, to look at: {write_index(stack.mail_folder).as_uri()}")
    return 0 if first.sent > 0 and second.sent == 0 else 1


def run_campaign() -> tuple[str, Summary | None]:
    """Run the flow as the Prefect UI would; return its last words and what came of it."""
    from flows.tournament_fees import tournament_fees  # noqa: PLC0415  Prefect reads its settings when imported

    state = tournament_fees(TOURNAMENT, return_state=True)
    summary = state.result(raise_on_failure=False)
    return f"{state.name}: {state.message}", summary if isinstance(summary, Summary) else None


def run_and_show(worker: ProcessPoolExecutor) -> Summary:
    """Run the campaign in a process of its own, and print what came of it.

    Prefect's client goes on writing logs for a while: that process ends before its server does.
    """
    said, summary = worker.submit(run_campaign).result()
    if summary is None:
        raise PermanentError(f"the campaign did not come to its end. {said}")
    show(summary, console)
    return summary


def pay_from_first_mail(folder: Path) -> None:
    """Do what a parent does: open the link of a caught email, and press the button on the page."""
    html = read_html(folder, numbers(folder)[0])
    found = re.search(r'href="(http[^"]+/c/pay/[^"#]+)', html)
    if found is None:
        raise PermanentError("the first email has no payment link")
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(found[1])
        page.raise_for_status()
        paid = browser.post(
            found[1], data={"method": "card"}, headers={"Origin": str(page.url.copy_with(path="/"))[:-1]}
        )
    console.print(f"  {'Paid.' if paid.is_success or paid.is_redirect else f'The page refused it: {paid.status_code}'}")


def stay(stack: Stack) -> None:
    """Keep everything running, so that a person can open mails and pay."""
    console.print(f"\nCaught mail: {stack.mail_url}\nPrefect:     {stack.prefect_url}\nCtrl-C ends it.")
    while True:
        time.sleep(3600)


def step(title: str) -> None:
    """Print what comes next."""
    console.print(f"\n[bold]{title}[/bold]")


if __name__ == "__main__":
    sys.exit(main())
