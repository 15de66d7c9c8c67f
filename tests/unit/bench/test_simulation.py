"""The simulation's parents, and what is told of them: the README's figures are those that were simulated last."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.simulation.agenda import Agenda
from tests.bench.simulation.chart import BETWEEN_LABELS, HEIGHT, TOP, apart, draw
from tests.bench.simulation.figures import Figures
from tests.bench.simulation.parents import LONGEST_HOURS, MOST_MAILS, Opening, Parent, draw_parents
from tests.bench.simulation.table import markdown_row
from tests.bench.simulation.ways import WAYS

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "deployments" / "pictures"
MANY = draw_parents(3000, seed=1)


def openings(parents: tuple[Parent, ...]) -> list[Opening]:
    return [opening for parent in parents for reader in parent.readers for opening in reader]


def opened_within(days: float) -> float:
    drawn = openings(MANY)
    return sum(opening.after <= timedelta(days=days) for opening in drawn) / len(drawn)


def simulated() -> list[Figures]:
    told = json.loads((PICTURES / "simulation.json").read_text(encoding="utf-8"))
    return [Figures(**way | {"curve": tuple(way["curve"])}) for way in told["ways"]]


def test_half_of_the_mails_are_opened_within_a_day_and_none_after_two_weeks() -> None:
    assert opened_within(1) == pytest.approx(0.5, abs=0.03)
    assert 1 - opened_within(7) > 0.03, "there is a tail"
    assert max(opening.after for opening in openings(MANY)) <= timedelta(hours=LONGEST_HOURS)


def test_nine_of_ten_pay_a_few_slowly_and_some_mailboxes_have_two_readers() -> None:
    drawn = openings(MANY)
    assert sum(opening.pays for opening in drawn) / len(drawn) == pytest.approx(0.9, abs=0.01)
    assert sum(opening.slowly for opening in drawn) / len(drawn) == pytest.approx(0.04, abs=0.01)
    assert sum(len(parent.readers) == 2 for parent in MANY) / len(MANY) == pytest.approx(0.15, abs=0.02)
    assert {len(reader) for parent in MANY for reader in parent.readers} == {MOST_MAILS}


def test_a_seed_always_draws_the_same_parents_however_many() -> None:
    assert draw_parents(10, seed=1) == MANY[:10]
    assert draw_parents(10, seed=2) != MANY[:10]


def test_what_is_put_on_the_agenda_meanwhile_comes_in_its_turn() -> None:
    agenda, began, done = Agenda(), datetime(2030, 1, 8, tzinfo=UTC), []

    def at(hour: int, name: str) -> None:
        agenda.add(began + timedelta(hours=hour), lambda: done.append(name))

    at(3, "last")
    at(9, "too late")
    at(1, "first")
    for moment, work in agenda.until(began + timedelta(hours=5)):
        work()
        if moment == began + timedelta(hours=1):
            at(2, "meanwhile")
            at(3, "after the last")
    assert done == ["first", "meanwhile", "last", "after the last"]


def test_the_readme_has_the_figures_that_were_simulated_last() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [row.name for row in simulated()] == [way.name for way in WAYS]
    assert [row for row in map(markdown_row, simulated()) if row not in readme] == []
    assert (PICTURES / "simulation.svg").read_text(encoding="utf-8") == draw(simulated())


def test_nobody_of_the_simulated_paid_twice_or_was_mailed_though_paid() -> None:
    assert {(row.paid_twice, row.mailed_though_paid) for row in simulated()} == {(0, 0)}


@pytest.mark.parametrize("ends", [[100.0] * 7, [TOP + HEIGHT] * 7, [TOP] * 7, [300, 299, 100, 90, 91, 340, 353]])
def test_names_of_lines_do_not_overlap_and_keep_their_order(ends: list[float]) -> None:
    places = apart(ends)
    assert all(low + BETWEEN_LABELS <= high + 1e-9 for low, high in pairwise(sorted(places)))
    assert sorted(range(7), key=lambda i: (places[i], i)) == sorted(range(7), key=lambda i: (ends[i], places[i]))
    assert max(places) <= TOP + HEIGHT or min(ends) > TOP


def test_the_picture_is_xml_whose_names_are_texts() -> None:
    figures = [replace(row, at_line="fish & chips <now>") for row in simulated()]
    picture = ET.fromstring(draw(figures))  # noqa: S314  ours
    texts = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert sum("fish & chips <now>" in text for text in texts) == len(WAYS)
