"""Run the main job on the embedded stack, with invented people: `make demo`."""

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from rich.console import Console
from sqlalchemy import text

from deployments.local.demo_club import CLUB_SQL, TOURNAMENT, load_demo_club_for
from deployments.local.given import check_given
from deployments.local.home import HomeInUseError, sole_use, stack_home
from deployments.local.mail_catcher.mailbox import numbers, read_html
from deployments.local.mail_catcher.page import write_index
from deployments.local.prefect_login import AT_ITS_CLIENTS, how_to_log_in
from deployments.local.process_marks import mark_of
from deployments.local.process_tree import stop_left
from deployments.local.processes import ChildFailedError
from deployments.local.stack import Stack, given_settings, local_stack
from tasks.core.errors import ConfigurationError, PermanentError, TransientError
from tasks.core.migrations import migrate
from tasks.services import open_services

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
            if given.get("STAY", "") not in {"", "0"} and code == 0:
                stay(stack, given)
    except (ConfigurationError, PermanentError, TransientError, HomeInUseError, ChildFailedError) as error:
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
        stop_left(home / "run", mark_of(home))  # or its records would be gone
        for entry in home.iterdir():
            if entry.name != ".lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def play(stack: Stack) -> int:
    """Load the club, mail everybody, let one parent pay, and run the same campaign again."""
    os.environ.update(stack.environment)
    step("Loading a club of invented people; their checkout sessions are made at Stripe, three days ago")
    with open_services() as services:
        load_demo_club_for(services, stack.stand_in() if stack.stripe_url else None)
        migrate(services.database)
    step(f"Running the campaign for {TOURNAMENT!r}")
    first = run_campaign(stack)
    if stack.stripe_url and stack.mail_folder:
        step("A parent opens her email and pays")
        pay_from_first_mail(stack.mail_folder)
    step("Running the same campaign again")
    second = run_campaign(stack)
    console.print(
        "Nothing was sent: nobody is mailed twice." if second == 0 else f"{second} messages were sent!", style="bold"
    )
    if stack.mail_folder:
        console.print(f"\nThe emails, to look at: {write_index(stack.mail_folder).as_uri()}")
    return 0 if first > 0 and second == 0 else 1


def run_campaign(stack: Stack) -> int:
    """Run the campaign as an operator does in a terminal, and return how many messages it has sent."""
    before = sent()
    command = [sys.executable, "-m", "deployments.cli", "send", TOURNAMENT]
    if stack.children.run("campaign", command, environment=stack.environment):
        raise PermanentError("the campaign did not come to its end: its last line says why")
    return sent() - before


def sent() -> int:
    """Count the messages that the ledger has as sent."""
    statement = text((CLUB_SQL / "demo_sent.sql").read_text(encoding="utf-8"))
    with open_services() as services, services.database.transaction() as connection:
        return int(connection.execute(statement).scalar_one())


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


def stay(stack: Stack, given: Mapping[str, str]) -> None:
    """Keep everything running, so that a person can open mails and pay."""
    console.print(f"\nCaught mail: {stack.mail_url}\nPrefect:     {stack.prefect_url}")
    console.print(
        f"Log in:      {how_to_log_in(stack.home, stack.environment[AT_ITS_CLIENTS], given)}\nCtrl-C ends it."
    )
    while True:
        time.sleep(3600)  # nothing is left to do but to be there, until Ctrl-C or SIGTERM raises out of it


def step(title: str) -> None:
    """Print what comes next."""
    console.print(f"\n[bold]{title}[/bold]")


if __name__ == "__main__":
    sys.exit(main())
