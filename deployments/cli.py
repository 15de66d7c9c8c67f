"""The pipeline's verbs for a terminal: `python -m deployments.cli --help`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from deployments.tables import show
from tasks.errors import ConfigurationError, PermanentError, TransientError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """Turn an error that a person can act on into one line and exit code 2; anything else is a bug and stays loud."""
    try:
        yield
    except (ConfigurationError, PermanentError, TransientError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def migrate() -> None:
    """Create or update the pipeline's own tables; the club's are only looked at."""
    from tasks.migrations import check_club_tables  # noqa: PLC0415  a verb loads only what it needs
    from tasks.migrations import migrate as bring_up_to_date  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        check_club_tables(services.database)
        bring_up_to_date(services.database)
        print(f"The pipeline's tables in {services.database.place} are up to date.")


@app.command()
def check() -> None:
    """See whether the database, Stripe, the mail server and the templates are ready."""
    from tasks.services import open_services  # noqa: PLC0415
    from tasks.steps.check_ready import check_ready  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        check_ready(services)
        print("Database, Stripe, mail server and templates are ready.")


@app.command()
def send(
    tournament: Annotated[str, typer.Argument(help="the tournament's name, as the club has it")],
    sequence: Annotated[int, typer.Option(min=1, max=99, help="another one starts a new campaign")] = 1,
) -> None:
    """Run the flow tournament-fees for a tournament, here and now."""
    from flows.tournament_fees import tournament_fees  # noqa: PLC0415  Prefect takes seconds to import
    from tasks.campaign import CampaignOptions  # noqa: PLC0415
    from tasks.steps.summarize import Summary  # noqa: PLC0415

    state = tournament_fees(tournament, CampaignOptions(sequence=sequence), return_state=True)
    summary = state.result(raise_on_failure=False)
    if isinstance(summary, Summary):
        show(summary, Console())
    print(f"{state.name}: {state.message}")
    raise typer.Exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    app()
