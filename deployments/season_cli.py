"""The verbs for what goes by itself through a season."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deployments.terminal import By, Tournament, check_prefect, end_as, told_in_a_line, write_private
from tasks.core.errors import ConfigurationError

app = typer.Typer()

TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]


@app.command()
def remind(
    tournament: Tournament = "",
    after_days: Annotated[int, typer.Option(min=1, max=60, help="who was last mailed at least so long ago")] = 3,
    at_most: Annotated[int, typer.Option(min=1, help="never more messages for a tournament")] = 500,
    *,
    dead_links: Annotated[bool, typer.Option(help="also who was mailed later, but whose link has died")] = True,
) -> None:
    """Run the flow remind-unpaid, here and now: who was mailed and has not paid gets a link that works."""
    from flows.remind_unpaid import remind_unpaid  # noqa: PLC0415  Prefect takes seconds to import
    from tasks.campaigns.reminders import ReminderOptions  # noqa: PLC0415

    with told_in_a_line():
        chosen = ReminderOptions.read(
            tournament=tournament, after_days=after_days, dead_links=dead_links, at_most=at_most
        )
        check_prefect()
    end_as(remind_unpaid(chosen, return_state=True))


@app.command()
def status(
    tournament: Annotated[str, typer.Argument(help="its name, as the club has it")],
    csv: Annotated[
        Path | None, typer.Option(dir_okay=False, help="write the treasurer's table, which has names, into this file")
    ] = None,
) -> None:
    """Say where a tournament's money is, and what waits for a person; nothing is changed."""
    from tasks.operations.status import campaign_status  # noqa: PLC0415
    from tasks.operations.status_report import status_csv, status_markdown  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        found = campaign_status(services, tournament)
        Console(soft_wrap=True).print(status_markdown(found), markup=False, highlight=False)
        if csv is not None:
            write_private(csv, status_csv(found))
            print(f"{len(found.orders)} rows are in {csv}, which only you can read: it has names")


@app.command()
def hold_after_restore(
    backup_at: Annotated[datetime, typer.Option(formats=TIMES, help="of when the backup is, in CLUB_TIME_ZONE")],
    by: By,
) -> None:
    """Hold back, after a restore from a backup, what could have gone out since; nothing is sent until it is settled."""
    from tasks.operations import restore as holding_step  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        for said in holding_step.held_words(holding_step.hold_after_restore(services, backup_at, by=by)):
            print(f"{said}.")


@app.command()
def settle_after_restore(
    by: By,
    log: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="the mail server's log since the backup")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="how many messages you mean that were not sent")] = 0,
    *,
    rest_was_not_sent: Annotated[
        bool, typer.Option("--rest-was-not-sent", help="the log is whole: send what it does not have")
    ] = False,
    no_log: Annotated[bool, typer.Option("--no-log", help="there is none: all that is held stays uncertain")] = False,
) -> None:
    """Settle by the mail server's log what a restore left uncertain, and let messages be sent again."""
    from tasks.operations import restore as settling_step  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        if not (log or no_log or rest_was_not_sent):
            raise ConfigurationError("Give the mail server's log, or say --no-log or --rest-was-not-sent")
        settled = settling_step.settle_after_restore(
            services, [file.read_bytes() for file in log or ()], by=by, rest_was_not_sent=rest_was_not_sent, count=count
        )
        print(settling_step.settled_words(settled))


@app.command()
def purge_season(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="of tournaments that ended before this day")],
    by: By,
    tournament: Tournament = "",
    count: Annotated[int, typer.Option(min=0, help="how many records you mean; if that is wrong, nothing is done")] = 0,
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="take them away for good; without it, they are counted")
    ] = False,
) -> None:
    """Take people's data of seasons past out of the pipeline's tables, or say what would go."""
    from tasks.operations import purge as purging_step  # noqa: PLC0415
    from tasks.operations.options import PurgeChoice  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        action = "purge" if purge else "count"
        choice = PurgeChoice.read(action=action, tournament=tournament, count=count, by=by)
        purged = purging_step.purge_season(services, before.date(), choice)
        for words, number in purged.records:
            print(f"{number:6} {words}")
        for kept in purged.kept:
            print(f"stays: {kept}")
        print(f"{purging_step.purge_words(purged, choice)}.")


@app.command()
def doctor() -> None:
    """Look at everything that the pipeline stands on, and say in a line each how it is or how to mend it."""
    from deployments.doctor import examinations  # noqa: PLC0415

    ill = 0
    with told_in_a_line():
        for finding in examinations():
            word = "WRONG" if not finding.well else "NOTE " if finding.warning else "ok   "
            print(f"{word} {finding.about}: {finding.said}", flush=True)
            ill += not finding.well
    print("Everything is ready." if not ill else f"{ill} things to mend.")
    raise typer.Exit(1 if ill else 0)


@app.command()
def deploy() -> None:
    """Make or update Prefect's work pool, deployments, schedules and automations; what is switched on stays on."""
    from deployments.deploying import deploy as make_known  # noqa: PLC0415
    from deployments.deploying import deployment_names  # noqa: PLC0415
    from tasks.core.settings_source import load_schedule_settings  # noqa: PLC0415

    with told_in_a_line():
        settings = load_schedule_settings()
        check_prefect()
        make_known(settings)
        alerts = "alerts go to ALERT_URL" if settings.alert_url else "no alerts: ALERT_URL is not set"
        switched = "schedules are on where somebody switched them on"
        print(f"{len(deployment_names())} deployments are there; {switched}; {alerts}.")
