"""The verb that previews, tests and sends a campaign."""

from typing import Annotated

import typer
from rich.console import Console

from deployments.tables import show
from deployments.terminal import check_prefect, end_as, told_in_a_line
from tasks.campaigns.options import CampaignOptions

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
            only_teams=team or (),
            only_players=player or (),
            only_orders=order or (),
            without_teams=without_team or (),
            without_players=without_player or (),
            without_orders=without_order or (),
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
