"""The comparisons as a picture: a panel a part, a bar a contestant, its figure behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.svg import svg_template

LABELS, BAR_WIDTH, BAR_HEIGHT, HEADING = 270.0, 400.0, 22.0, 46.0
Figures = Mapping[str, Mapping[str, Any]]
"""Of each contestant the rates and, where there is one, the ideal rate."""

OURS, OTHERS = "#005a9c", "#8c959f"


@dataclass(frozen=True)
class Bar:
    """A contestant."""

    label: str
    value: float
    figure: str
    colour: str
    width: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Panel:
    """A comparison; its longest bar takes the whole width."""

    title: str
    y: float
    bars: Sequence[Bar]


def draw(found: Mapping[str, Figures]) -> str:
    """Return the picture as SVG; it has what was measured of the two comparisons of delivery, by part."""
    panels: list[Panel] = []
    y = 12.0
    for part, title, what in (
        ("delivery", "Messages a second into the same sink", "{:,.0f} a second"),
        ("slow-line", "Share of the ideal rate where each reply takes 30 ms, by connections", "{:.0%}"),
    ):
        if part in found:
            panels.append(_panel(title, y, _bars(found[part], what)))
            y += HEADING + len(panels[-1].bars) * (BAR_HEIGHT + 6) + 14
    return svg_template(__file__).render(panels=panels, height=round(y), left=LABELS)


def _bars(figures: Figures, figure: str) -> list[Bar]:
    """Make a bar of each contestant's figures: its rate, or its share of the ideal where there is one."""
    bars = []
    for name, of_it in figures.items():
        value = median(of_it["rates"]) / of_it.get("ideal", 1)
        colour = OURS if name.startswith("tournament-fees") else OTHERS
        bars.append(Bar(name, value, figure.format(value), colour))
    return bars


def _panel(title: str, y: float, bars: Sequence[Bar]) -> Panel:
    most = max(bar.value for bar in bars)
    placed = [
        Bar(
            bar.label,
            bar.value,
            bar.figure,
            bar.colour,
            round(BAR_WIDTH * bar.value / most, 1),
            y + HEADING + place * (BAR_HEIGHT + 6),
        )
        for place, bar in enumerate(bars)
    ]
    return Panel(title, y, placed)
