"""What a part of the benchmark found: a table to read, and the goals that it was to reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """A figure that is to be reached: at least, or at most, so much."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether it is."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def __str__(self) -> str:
        """Say it in a line; a figure that is missed says by how much."""
        wanted = f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"
        bound = self.at_least if self.at_least is not None else self.at_most
        missed = "" if self.reached or not bound else f", missed by {abs(self.value / bound - 1):.1%}"
        return f"{'reached' if self.reached else 'MISSED '}  {self.name}: {self.value:.3g} ({wanted}{missed})"


@dataclass(frozen=True)
class Findings:
    """A part of the benchmark."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    remarks: Sequence[str] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    """All that was measured, for those who reckon with it."""

    def show(self, console: Console) -> None:
        """Print it."""
        table = Table(*self.columns[:1], title=self.title, title_justify="left")
        for column in self.columns[1:]:
            table.add_column(column, justify="right")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for line in (*map(str, self.goals), *self.remarks):
            console.print(line, highlight=False, soft_wrap=True)
        console.print()

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        goals = [
            {"name": goal.name, "value": round(goal.value, 4), "at_least": goal.at_least, "at_most": goal.at_most}
            for goal in self.goals
        ]
        table = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {
            "title": self.title,
            "table": table,
            "goals": goals,
            "remarks": list(self.remarks),
            "figures": self.figures,
        }
