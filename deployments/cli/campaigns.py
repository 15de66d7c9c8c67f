"""The verbs for campaigns: send, remind, and say how a tournament stands."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deployments.cli.output import Tournament, check_prefect, end_as, told_in_a_line, write_private
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.report import link_rows, message_rows
from tasks.campaigns.summary import Summary

app = typer.Typer()


Ids = list[int] | None
Names = list[str] | None


@app.command()
def send(  # noqa: PLR0913  one for each choice of the form
    tournament: Annotated[str, typer.Argument(help="the tournament's name, as the club has it")],
    *,
    mode: Annotated[
        str, typer.Option(help="send; preview: show every message, mail nobody; test: mail a few to --to")
    ] = ("send"),
    kind: Annotated[str, typer.Option(help="the kind of message")] = "fee_notice",
    sequence: Annotated[int, typer.Option(min=1, max=99, help="another one starts a new campaign")] = 1,
    link_kind: Annotated[
        str, typer.Option(help="checkout_session: works up to 24 hours; payment_link: until it is paid")
    ] = "checkout_session",
    note: Annotated[str, typer.Option(help="a paragraph to all parents above the fees")] = "",
    team: Annotated[Names, typer.Option(help="only this team; can be repeated")] = None,
    player: Annotated[Ids, typer.Option(help="only this player, by id; can be repeated")] = None,
    order: Annotated[Ids, typer.Option(help="only this order, by id; can be repeated")] = None,
    without_team: Annotated[Names, typer.Option(help="leave out this team; can be repeated")] = None,
    without_player: Annotated[Ids, typer.Option(help="leave out this player, by id; can be repeated")] = None,
    without_order: Annotated[Ids, typer.Option(help="leave out this order, by id; can be repeated")] = None,
    to: Annotated[str, typer.Option(help="the address for a test: yours, not a parent's")] = "",
    test_messages: Annotated[int, typer.Option(min=1, max=20, help="how many messages for a test")] = 3,
    at_most: Annotated[int, typer.Option(min=1, help="never more messages than this in one run")] = 500,
) -> None:
    """Run the flow tournament-fees for a tournament, here and now."""
    from flows.tournament_fees import tournament_fees  # noqa: PLC0415  Prefect takes seconds to import
    from tasks.campaigns.preview import Preview  # noqa: PLC0415
    from tasks.campaigns.preview_report import preview_markdown  # noqa: PLC0415
    from tasks.campaigns.summary import Summary  # noqa: PLC0415

    with told_in_a_line():
        check_prefect()
        options = CampaignOptions.read(
            mode=mode,
            kind=kind,
            sequence=sequence,
            link_kind=link_kind,
            note=note,
            teams=team or (),
            player_ids=player or (),
            order_ids=order or (),
            without_teams=without_team or (),
            without_player_ids=without_player or (),
            without_order_ids=without_order or (),
            test_address=to,
            test_messages=test_messages,
            at_most=at_most,
        )
    state = tournament_fees(tournament, options, return_state=True)
    result = state.result(raise_on_failure=False)
    if isinstance(result, Summary):
        show(result, Console())
    if isinstance(result, Preview):
        Console(soft_wrap=True).print(preview_markdown(result, options), markup=False, highlight=False)
    end_as(state)


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


def show(summary: Summary, console: Console) -> None:
    """Print how the campaign's links and messages stand, and what this run sent."""
    links = Table("how the link stands", "orders", title="Links", title_justify="left")
    for link, count in link_rows(summary):
        links.add_row(link, str(count))
    messages = Table("state", "reason", "messages", title="Messages", title_justify="left")
    for status, reason, count in message_rows(summary):
        messages.add_row(status, reason, str(count))
    console.print(links)
    console.print(messages)
    console.print(f"Sent in this run: {summary.sent}")
