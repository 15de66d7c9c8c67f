"""The verbs for who looks after the pipeline: set up, check, restore, and let go of old data."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.output import By, Tournament, check_prefect, told_in_a_line
from tasks.core.errors import ConfigurationError

app = typer.Typer()

TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]


@app.command()
def migrate() -> None:
    """Create or update the pipeline's own tables; the club's are only looked at."""
    from tasks.core.migrations import check_club_tables  # noqa: PLC0415  a verb loads only what it needs
    from tasks.core.migrations import migrate as bring_up_to_date  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        check_club_tables(services.database)
        bring_up_to_date(services.database)
        print(f"The pipeline's tables in {services.database.place} are up to date.")


@app.command()
def hold_after_restore(
    backup_at: Annotated[datetime, typer.Option(formats=TIMES, help="of when the backup is, in CLUB_TIME_ZONE")],
    by: By,
) -> None:
    """Hold back, after a restore from a backup, what could have gone out since; nothing is sent until it is settled."""
    from tasks.operations import restore  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        for said in restore.held_words(restore.hold_after_restore(services, backup_at, by=by)):
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
    from tasks.operations import restore  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        if not (log or no_log or rest_was_not_sent):
            raise ConfigurationError("Give the mail server's log, or say --no-log or --rest-was-not-sent")
        settled = restore.settle_after_restore(
            services, [file.read_bytes() for file in log or ()], by=by, rest_was_not_sent=rest_was_not_sent, count=count
        )
        print(restore.settled_words(settled))


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
    from tasks.operations import purge as season  # noqa: PLC0415
    from tasks.operations.options import PurgeChoice  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        action = "purge" if purge else "count"
        choice = PurgeChoice.read(action=action, tournament=tournament, count=count, by=by)
        purged = season.purge_season(services, before.date(), choice)
        for words, number in purged.records:
            print(f"{number:6} {words}")
        for kept in purged.kept:
            print(f"stays: {kept}")
        print(f"{season.purge_words(purged, choice)}.")


@app.command()
def doctor() -> None:
    """Look at everything that the pipeline stands on, and say in a line each how it is or how to mend it."""
    from deployments.doctor import all_findings  # noqa: PLC0415

    ill = 0
    with told_in_a_line():
        for finding in all_findings():
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
