"""The verbs with which people mend what went wrong with messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deployments.cli.output import By, Tournament, check_prefect, end_as, told_in_a_line
from tasks.campaigns.report import stopped_sentence
from tasks.campaigns.summary import summarize
from tasks.operations import suppress
from tasks.operations.bounces import read_bounces, tally_words
from tasks.operations.options import RetryChoice, SettleChoice, StopChoice
from tasks.operations.stop import stop_campaign
from tasks.operations.uncertain import EVIDENCE_HEAD, evidence_rows, show_uncertain
from tasks.operations.uncertain import mark_sent as mark_as_sent
from tasks.services import open_services

app = typer.Typer()

Messages = Annotated[list[int] | None, typer.Option("--message", "-m", help="a message's number; as often as needed")]
Count = Annotated[int, typer.Option(min=1, help="how many you mean; if another number is found, nothing is done")]


@app.command()
def retry(
    by: By,
    tournament: Tournament = "",
    failed: Annotated[bool, typer.Option("--failed", help="those too that failed")] = False,  # noqa: FBT002  a flag
    message: Messages = None,
) -> None:
    """Run the flow retry-failed-sends, here and now: what is due, and what you choose."""
    _run_retry(tournament=tournament, failed=failed, message_ids=tuple(message or ()), by=by)


@app.command()
def uncertain(tournament: Tournament = "", message: Messages = None) -> None:
    """Show what is known of the messages whose delivery is uncertain; nothing is changed."""
    with told_in_a_line(), open_services() as services:
        choice = SettleChoice.read(tournament=tournament, message_ids=tuple(message or ()))
        evidence = show_uncertain(services, choice)
        _print_table(EVIDENCE_HEAD, evidence_rows(evidence))
        print(f"{len(evidence)} uncertain messages")


@app.command()
def mark_sent(count: Count, by: By, tournament: Tournament = "", message: Messages = None) -> None:
    """Record that uncertain messages were sent after all."""
    with told_in_a_line(), open_services() as services:
        chosen = {"tournament": tournament, "message_ids": tuple(message or ()), "count": count, "by": by}
        marked = mark_as_sent(services, SettleChoice.read(action="mark as sent", **chosen))
        print(f"{marked} marked as sent")


@app.command()
def resend(count: Count, by: By, tournament: Tournament = "", message: Messages = None) -> None:
    """Send uncertain messages again: unchanged where that can be, else with a new link in a message of its own."""
    _run_retry(uncertain=True, tournament=tournament, message_ids=tuple(message or ()), count=count, by=by)


@app.command()
def stop(
    tournament: Annotated[str, typer.Argument(help="the tournament's name, as the club has it")],
    by: By,
    why: Annotated[str, typer.Option(help="kept beside the stopped campaign")] = "",
    kind: Annotated[str, typer.Option(help="what the campaign mails")] = "fee_notice",
    sequence: Annotated[str, typer.Option(help="its number or date")] = "1",
) -> None:
    """Stop a campaign for good: what is not on the wire yet is never sent."""
    with told_in_a_line(), open_services() as services:
        campaign = StopChoice.read(kind=kind, sequence=sequence)
        stopped = stop_campaign(services, tournament, campaign, by=by, why=why)
        print(stopped_sentence(summarize(services, stopped, None)))


@app.command()
def suppressions() -> None:
    """Show who is not mailed, addresses masked."""
    with told_in_a_line(), open_services() as services:
        _print_table(suppress.SUPPRESSED_HEAD, suppress.suppressed_rows(suppress.suppressions(services)))


@app.command("suppress")
def suppress_one(
    address: Annotated[str, typer.Argument(help="whom not to mail any more")],
    reason: Annotated[str, typer.Option(help="why")],
    by: By,
) -> None:
    """Put a mailbox on the suppression list."""
    with told_in_a_line(), open_services() as services:
        added = suppress.suppress_address(services, address, reason=reason, by=by)
        print("It is on the suppression list now" if added else "It was on the suppression list already")


@app.command()
def lift(address: Annotated[str, typer.Argument(help="whom to mail again")], by: By) -> None:
    """Take a mailbox off the suppression list: the next run of a campaign mails it again."""
    with told_in_a_line(), open_services() as services:
        suppress.lift_address(services, address, by=by)
        print("It is off the suppression list")


@app.command()
def import_suppressions(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="a CSV file with the columns address, reason and since")
    ],
    by: By,
) -> None:
    """Take over a suppression list, whole or not at all."""
    with told_in_a_line(), open_services() as services:
        lines, new = suppress.import_suppressions(services, file.read_bytes(), by=by)
        print(f"{lines} lines read, {new} mailboxes are new on the suppression list")


@app.command("read-bounces")
def read_what_came_back() -> None:
    """Take in the delivery reports in BOUNCE_MAILBOX."""
    with told_in_a_line(), open_services() as services:
        tally = read_bounces(services)
        print(tally_words(tally))
        for name in tally.malformed:
            print(f"malformed: {name}")
    raise typer.Exit(1 if tally.malformed else 0)


def _run_retry(**chosen: object) -> None:
    from flows.retry_failed_sends import retry_failed_sends  # noqa: PLC0415  Prefect takes seconds to import

    with told_in_a_line():
        choice = RetryChoice.read(**chosen)
        check_prefect()
    state = retry_failed_sends(choice, return_state=True)
    end_as(state)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    shown = Table(*head)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
