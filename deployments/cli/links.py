"""The verbs for orders' links: refresh them, and release what waited for a person."""

from typing import Annotated

import typer
from rich.console import Console

from deployments.cli.output import check_prefect, end_as, told_in_a_line

app = typer.Typer()


@app.command()
def refresh(  # noqa: PLR0913  one for each choice of the form
    tournament: Annotated[str, typer.Option(help="only this tournament")] = "",
    team: Annotated[str, typer.Option(help="only this team")] = "",
    player: Annotated[list[int] | None, typer.Option(help="only this player's orders, by id; can be repeated")] = None,
    order: Annotated[list[int] | None, typer.Option(help="only this order, by id; can be repeated")] = None,
    *,
    renew: Annotated[bool, typer.Option("--renew", help="make new links where they have expired")] = False,
    link_kind: Annotated[
        str, typer.Option(help="of the new links: checkout_session (up to 24 hours) or payment_link (until paid)")
    ] = "checkout_session",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what it would do")] = False,
    create_missing_orders: Annotated[
        bool, typer.Option("--create-missing-orders", help="for committed players without one")
    ] = False,
) -> None:
    """Run the flow refresh-checkout-links, here and now: reconcile unpaid orders with Stripe, renew dead links."""
    from flows.refresh_checkout_links import refresh_checkout_links  # noqa: PLC0415
    from tasks.refresh.options import RefreshOptions  # noqa: PLC0415
    from tasks.refresh.report import refresh_markdown  # noqa: PLC0415
    from tasks.refresh.summary import RefreshSummary  # noqa: PLC0415

    with told_in_a_line():
        check_prefect()
        options = RefreshOptions.read(
            renew=renew,
            link_kind=link_kind,
            dry_run=dry_run,
            tournament=tournament,
            team=team,
            player_ids=player or (),
            order_ids=order or (),
            create_missing_orders=create_missing_orders,
        )
    state = refresh_checkout_links(options, return_state=True)
    summary = state.result(raise_on_failure=False)
    if isinstance(summary, RefreshSummary):
        Console(soft_wrap=True).print(refresh_markdown(summary), markup=False, highlight=False)
    end_as(state)


@app.command()
def set_asides() -> None:
    """List the orders that wait for a person, and why."""
    from tasks.links.set_asides import waiting_orders  # noqa: PLC0415
    from tasks.services import open_services  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        rows = waiting_orders(services.database)
        for row in rows:
            print(f"order {row.order_id}, since {row.set_aside_at:%Y-%m-%d %H:%M}: {row.reason}: {row.detail}")
        print(f"{len(rows)} orders wait for a person.")


@app.command()
def release(
    order: Annotated[list[int], typer.Argument(help="the orders' ids")],
    by: Annotated[str, typer.Option(help="who has dealt with them")],
    note: Annotated[str | None, typer.Option(help="what was done about them")] = None,
) -> None:
    """Take set-aside orders up again: the next run judges them anew; one that is still pending is owed again."""
    from tasks.links.set_asides import release as take_up_again  # noqa: PLC0415
    from tasks.services import open_services, utc_now  # noqa: PLC0415

    with told_in_a_line(), open_services() as services:
        released = take_up_again(services.database, order, released_by=by, now=utc_now(), note=note)
        print(f"{released} orders are taken up again by the next run.")
