"""The share of parents who have paid, over the days, as a picture: a line a way, with its name at its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.simulation.figures import STEPS_A_DAY, Figures
from tests.bench.simulation.season import DAYS_TO_PAY
from tests.bench.svg import svg_template

LEFT, TOP, WIDTH, HEIGHT = 60.0, 54.0, 520.0, 300.0
BETWEEN_LABELS = 18.0
OLD, SESSIONS, LINKS = "#595959", "#a84300", "#005a9c"
"""Each is dark enough on white to be read as text, and told apart also by those who are colour-blind."""

STYLES = (
    (OLD, "2 5"),
    (OLD, "8 4"),
    (OLD, "none"),
    (SESSIONS, "8 4"),
    (SESSIONS, "none"),
    (LINKS, "8 4"),
    (LINKS, "none"),
)
"""Colour and dashes of each way, in the order of the ways: what they have in common looks alike."""


@dataclass(frozen=True)
class Line:
    """A way as it is drawn; `label_y` is where its name stands."""

    label: str
    colour: str
    dashes: str
    points: str
    end_y: float
    label_y: float


def draw(figures: Sequence[Figures]) -> str:
    """Return the picture as SVG."""
    ends = [_y(row.curve[-1]) for row in figures]
    lines = [
        Line(f"{row.at_line}, {row.paid:.0%}", colour, dashes, _points(row.curve), end, label)
        for row, (colour, dashes), end, label in zip(figures, STYLES, ends, apart(ends), strict=True)
    ]
    days, shares = range(0, DAYS_TO_PAY + 1, 7), (0.0, 0.25, 0.5, 0.75, 1.0)
    return svg_template(__file__).render(
        lines=lines,
        days=[(day, round(_x(day * STEPS_A_DAY), 1)) for day in days],
        shares=[(f"{share:.0%}", _y(share)) for share in shares],
        box=(LEFT, TOP, LEFT + WIDTH, TOP + HEIGHT),
        summary="; ".join(f"{row.name}: {row.paid:.0%}" for row in figures),
    )


def apart(wanted: Sequence[float]) -> list[float]:
    """Move places that are too near each other as far apart as labels need, up and down from where they would be."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + BETWEEN_LABELS) if placed else wanted[index])
    bottom = TOP + HEIGHT
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], bottom)
        bottom = placed[place] - BETWEEN_LABELS
    return [placed[order.index(index)] for index in range(len(wanted))]


def _x(step: float) -> float:
    return LEFT + WIDTH * step / (DAYS_TO_PAY * STEPS_A_DAY)


def _y(share: float) -> float:
    return round(TOP + HEIGHT * (1 - share), 1)


def _points(curve: Sequence[float]) -> str:
    return " ".join(f"{_x(step):.1f},{_y(share)}" for step, share in enumerate(curve))
