"""The parents of the simulation: when they open a mail, whether they pay, and who else reads the mailbox."""

from dataclasses import dataclass
from datetime import timedelta
from math import exp, log
from random import Random

MEDIAN_HOURS = 24.0
SPREAD = 1.4
"""Of the logarithm of the delay: with it a tenth open after six days or more."""

LONGEST_HOURS = 14 * 24.0
PAYS = 0.9
PAYS_SLOWLY = 0.04
SECOND_READER = 0.15
MOST_MAILS = 4
"""The first mail and as many reminders as a family gets."""


@dataclass(frozen=True)
class Opening:
    """What a reader does with a mail: opens it so long after it came, and pays or not where its link lives."""

    after: timedelta
    pays: bool
    slowly: bool


@dataclass(frozen=True)
class Parent:
    """A mailbox with one child to pay for. Each of its readers has an opening for each mail, in order of arrival."""

    number: int
    readers: tuple[tuple[Opening, ...], ...]

    @property
    def address(self) -> str:
        """Nobody's: names of example.com are reserved."""
        return f"parent{self.number}@example.com"


def draw_parents(count: int, seed: int) -> tuple[Parent, ...]:
    """Return the parents of a seed. Each has dice of his own, so that he is the same among ten and among a thousand."""
    return tuple(_draw_parent(number, Random(f"{seed}/{number}")) for number in range(1, count + 1))  # noqa: S311  dice


def _draw_parent(number: int, dice: Random) -> Parent:
    readers = 2 if dice.random() < SECOND_READER else 1
    return Parent(number, tuple(tuple(_draw_opening(dice) for _ in range(MOST_MAILS)) for _ in range(readers)))


def _draw_opening(dice: Random) -> Opening:
    return Opening(_draw_delay(dice), pays=dice.random() < PAYS, slowly=dice.random() < PAYS_SLOWLY)


def _draw_delay(dice: Random) -> timedelta:
    """Draw from a lognormal distribution without what is longer than anybody waits.

    In whole minutes and a half: nobody clicks at the very moment at which the club's schedules begin.
    """
    while (hours := exp(log(MEDIAN_HOURS) + SPREAD * dice.normalvariate())) >= LONGEST_HOURS:
        pass
    return timedelta(minutes=int(hours * 60), seconds=30)
