"""The verbs for what goes by itself through a season."""

from typing import Annotated

import typer

from deployments.terminal import check_prefect, end_as, told_in_a_line

app = typer.Typer()


@app.command()
def remind(
    tournament: Annotated[
        str | None, typer.Option("--tournament", "-t", help="its name; without it, all of them")
    ] = None,
    after_days: Annotated[int, typer.Option(min=1, max=60, help="who was last mailed at least so long ago")] = 3,
    at_most: Annotated[int, typer.Option(min=1, help="never more messages for a tournament")] = 500,
    *,
    dead_links: Annotated[bool, typer.Option(help="also who was mailed later, but whose link has died")] = True,
) -> None:
    """Run the flow remind-unpaid, here and now: who was mailed and has not paid gets a link that works."""
    from flows.remind_unpaid import remind_unpaid  # noqa: PLC0415  Prefect takes seconds to import
    from tasks.reminders import ReminderOptions  # noqa: PLC0415

    with told_in_a_line():
        check_prefect()
    chosen = ReminderOptions(tournament=tournament, after_days=after_days, dead_links=dead_links, at_most=at_most)
    end_as(remind_unpaid(chosen, return_state=True))
