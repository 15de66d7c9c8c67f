"""The figures as a table, for a terminal and for the README."""

from collections.abc import Sequence

from rich.table import Table

from tests.bench.simulation.figures import Figures

HEADINGS = (
    "how the link was mailed",
    "first click found a live link",
    "all clicks that did",
    "paid in the end",
    "mails a parent",
    "paid twice",
    "mailed though paid",
)


def cells(figures: Figures) -> tuple[str, ...]:
    """Return what a row says."""
    return (
        figures.name,
        f"{figures.first_click_live:.0%}",
        f"{figures.clicks_live:.0%}",
        f"{figures.paid:.0%}",
        f"{figures.mails_a_parent:.1f}",
        str(figures.paid_twice),
        str(figures.mailed_though_paid),
    )


def markdown_row(figures: Figures) -> str:
    """Return a row as the README has it."""
    return f"| {' | '.join(cells(figures))} |"


def terminal_table(figures: Sequence[Figures]) -> Table:
    """Return the table for a terminal."""
    table = Table(title=f"{figures[0].parents} parents, three weeks", title_justify="left")
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right", overflow="fold")
    for row in figures:
        table.add_row(*cells(row))
    return table
