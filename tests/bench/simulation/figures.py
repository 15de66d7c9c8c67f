"""What came of a season, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.bench.simulation.browser import Page
from tests.bench.simulation.season import DAYS_TO_PAY, FIRST_MAIL, Click, Season

STEP = timedelta(hours=6)
STEPS_A_DAY = timedelta(days=1) // STEP


@dataclass(frozen=True)
class Figures:
    """Of one way. Shares are of 1; one of clicks is of those by whom the fee was still owed."""

    name: str
    at_line: str
    parents: int
    first_click_live: float
    clicks: int
    clicks_live: float
    paid: float
    mails_a_parent: float
    paid_twice: int
    mailed_though_paid: int
    curve: tuple[float, ...]
    """Who has paid, every six hours from the first mail to the deadline."""


def judge(name: str, at_line: str, season: Season) -> Figures:
    """Count what was seen, and at Stripe what was paid; the two must agree."""
    payments = _payments(season)
    if {parent for parent, count in payments.items() if count} != set(season.paid):
        raise RuntimeError("Stripe has other payments than the parents made")
    count = len(season.parents)
    owed = [click for click in season.clicks if click.owed]
    return Figures(
        name=name,
        at_line=at_line,
        parents=count,
        first_click_live=_live(_first(owed)),
        clicks=len(owed),
        clicks_live=_live(owed),
        paid=len(season.paid) / count,
        mails_a_parent=len(season.mails) / count,
        paid_twice=sum(times > 1 for times in payments.values()),
        mailed_though_paid=sum(not mail.owed for mail in season.mails),
        curve=tuple(_paid_by(season, step) / count for step in range(DAYS_TO_PAY * STEPS_A_DAY + 1)),
    )


def _payments(season: Season) -> dict[int, int]:
    """How many times each parent's fee was paid."""
    at_stripe = season.at_stripe()
    return {
        parent: sum(session["payment_status"] == "paid" for session in at_stripe.get(order, []))
        for parent, order in season.orders.items()
    }


def _first(clicks: Sequence[Click]) -> list[Click]:
    firsts: dict[int, Click] = {}
    for click in clicks:
        firsts.setdefault(click.parent, click)
    return list(firsts.values())


def _live(clicks: Sequence[Click]) -> float:
    return sum(click.saw is Page.TO_PAY for click in clicks) / len(clicks)


def _paid_by(season: Season, step: int) -> int:
    return sum(at <= FIRST_MAIL + step * STEP for at in season.paid.values())
