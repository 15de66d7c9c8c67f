"""The simulation of a season at a small size: what holds in it for every parent, whichever way they are mailed."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.bench.simulation.browser import Page
from tests.bench.simulation.club import season_of
from tests.bench.simulation.figures import Figures, judge
from tests.bench.simulation.parents import draw_parents
from tests.bench.simulation.season import DEADLINE, Season
from tests.bench.simulation.ways import WAYS, Way

PARENTS = draw_parents(20, seed=2)
MINTED_ONCE = WAYS[2]
SESSIONS, LINKS = WAYS[4], WAYS[6]


def nothing(_: datetime) -> None:
    """Show no progress."""


def lived(way: Way, season: Season) -> Figures:
    season.run(nothing)
    return judge(way.name, way.at_line, season)


def recorded(season: Season) -> set[int]:
    """The parents whose orders the club's own table calls paid."""
    rows = season.club.sql("SELECT id FROM orders WHERE status = 'paid'")
    return {parent for parent, order in season.orders.items() if order in {row.id for row in rows}}


@pytest.mark.only_long
def test_no_payment_link_is_dead_before_the_deadline_and_none_lives_after_it(server_url: str, tmp_path: Path) -> None:
    with season_of(LINKS, PARENTS, server_url, tmp_path) as season:
        figures = lived(LINKS, season)
        assert {click.saw for click in season.clicks if click.owed} == {Page.TO_PAY}
        assert {click.saw for click in season.clicks if not click.owed} == {Page.PAID}, "two read one mailbox"
        assert not any(link["active"] for link in season.club.pipeline.stand_in.payment_links())
        assert season.club.pipeline.clock() > DEADLINE
        assert recorded(season) == set(season.paid)
    assert (figures.paid_twice, figures.mailed_though_paid) == (0, 0)
    assert 1 < figures.mails_a_parent < 4


@pytest.mark.only_long
def test_reminders_bring_dead_sessions_back_and_ask_nobody_who_has_paid(server_url: str, tmp_path: Path) -> None:
    with season_of(SESSIONS, PARENTS, server_url, tmp_path) as season:
        figures = lived(SESSIONS, season)
        met_dead = {click.parent for click in season.clicks if click.owed and click.saw is Page.EXPIRED}
        assert met_dead & set(season.paid), "somebody who met a dead link has paid by a later one"
        assert recorded(season) == set(season.paid)
    assert (figures.paid_twice, figures.mailed_though_paid) == (0, 0)
    assert 1 < figures.mails_a_parent < 4


@pytest.mark.only_long
def test_links_that_are_made_once_die_and_a_seed_repeats_its_season(server_url: str, tmp_path: Path) -> None:
    seasons = []
    for folder in ("one", "two"):
        with season_of(MINTED_ONCE, PARENTS, server_url, tmp_path / folder) as season:
            figures = lived(MINTED_ONCE, season)
            seasons.append((figures, season.clicks, season.mails, season.paid))
    assert seasons[0] == seasons[1]
    assert 0.2 < seasons[0][0].first_click_live < 0.8
