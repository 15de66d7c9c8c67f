"""Whom a run is about: who is chosen is mailed, who is left out is not, by no retry either, but by a later run."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.report import markdown
from tasks.core.errors import ConfigurationError
from tests.support.harness import Pipeline, links_in, nothing_happened
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with two teams: a family of three, of whom one plays for the second team, and two families of one."""
    club = SmallClub.on(small_club)
    club.sql("INSERT INTO teams (id, name) VALUES (2, 'Owls')")
    club.sql("INSERT INTO products (id, name, amount) VALUES (2, 'Owls entry', 6500)")
    club.sql("INSERT INTO tournament_products VALUES (1, 2, 2)")
    for surname, children in (("Ek", 3), ("Berg", 1), ("Chen", 1)):
        club.family(surname, f"{surname.lower()}@example.com", children)
    club.sql("UPDATE player_teams SET team_id = 2 WHERE player_id = 3")
    club.sql("UPDATE orders SET product_id = 2 WHERE player_id = 3")
    return club


def run(club: SmallClub, **chosen: Any) -> int:  # noqa: ANN401  as the form takes it
    return club.pipeline.run(CUP, options=CampaignOptions(**chosen)).sent


def mailed(club: SmallClub) -> list[tuple[str, int]]:
    """To whom how many links went, message by message."""
    return [(str(mail["X-Envelope-To"]), len(links_in(mail))) for mail in club.pipeline.inbox.messages()]


def states(club: SmallClub) -> list[tuple[str, str, str, list[int]]]:
    return [(row.family, row.status, row.reason or "", list(row.orders)) for row in club.messages()]


def order_of(club: SmallClub, player: int) -> int:
    return int(club.one("SELECT id FROM orders WHERE player_id = :id", id=player))


def test_one_players_link_now_is_one_player_id(club: SmallClub) -> None:
    assert run(club, player_ids=[2]) == 1
    assert mailed(club) == [("ek@example.com", 1)]
    assert states(club) == [
        ("ek", "sent", "", [order_of(club, 2)]),
        ("berg", "skipped", "excluded", []),
        ("chen", "skipped", "excluded", []),
    ]


def test_a_later_run_mails_the_rest_and_nobody_twice(club: SmallClub) -> None:
    run(club, player_ids=[2])
    assert run(club) == 3
    assert mailed(club) == [
        ("ek@example.com", 1), ("berg@example.com", 1), ("chen@example.com", 1), ("ek@example.com", 2),
    ]  # fmt: skip
    assert run(club) == 0


@pytest.mark.parametrize(
    ("chosen", "links"),
    [
        ({"teams": ["owls "]}, {"ek@example.com": 1}),
        pytest.param(
            {"teams": ["Hawks"]},
            {"ek@example.com": 2, "berg@example.com": 1, "chen@example.com": 1},
            marks=pytest.mark.only_long,
        ),
        ({"teams": ["Hawks"], "player_ids": [1, 4]}, {"ek@example.com": 1, "berg@example.com": 1}),
        pytest.param({"without_teams": ["Hawks"]}, {"ek@example.com": 1}, marks=pytest.mark.only_long),
        pytest.param({"without_player_ids": [4, 5]}, {"ek@example.com": 3}, marks=pytest.mark.only_long),
        ({"player_ids": [1, 2], "without_teams": ["Owls"], "without_player_ids": [4]}, {"ek@example.com": 2}),
    ],
)
def test_teams_and_players_are_chosen_and_left_out(
    club: SmallClub, chosen: dict[str, object], links: dict[str, int]
) -> None:
    run(club, **chosen)
    assert dict(mailed(club)) == links


def test_orders_are_chosen_and_left_out(club: SmallClub) -> None:
    assert run(club, order_ids=[order_of(club, 1), order_of(club, 4)], without_order_ids=[order_of(club, 4)]) == 1
    assert mailed(club) == [("ek@example.com", 1)]


def test_who_is_left_out_is_not_mailed_by_a_retry_though_an_earlier_run_had_queued_it(club: SmallClub) -> None:
    club.open_campaign()
    open_campaign(club.pipeline.services, CUP, "fee_notice", CampaignOptions(without_player_ids=(1, 4)))
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    club.pipeline.retry()
    assert sorted(mailed(club)) == [("chen@example.com", 1), ("ek@example.com", 2)]


def test_a_message_that_waits_for_its_next_try_loses_who_is_left_out(club: SmallClub) -> None:
    club.open_campaign()
    club.sql("UPDATE tournament_fees.messages SET attempts = 1, reason = 'put_off_by_server' WHERE family = 'ek'")
    run(club, without_player_ids=[1])
    assert dict(mailed(club))["ek@example.com"] == 2


def test_one_that_was_left_out_and_has_paid_meanwhile_is_skipped_as_paid(club: SmallClub) -> None:
    run(club, without_player_ids=[4])
    club.set_order(order_of(club, 4), status="paid", payment_method="cash")
    assert run(club) == 0
    assert ("berg", "skipped", "paid", [order_of(club, 4)]) in states(club)


def test_a_child_without_an_order_is_told_only_where_it_is_chosen(club: SmallClub) -> None:
    forgotten = club.player(club.parent("Diaz", "diaz@example.com"))
    run(club, player_ids=[1])
    assert ("diaz", "skipped", "excluded", []) in states(club)
    run(club, player_ids=[forgotten])
    assert ("diaz", "skipped", "no_order", []) in states(club)


def test_the_report_says_how_many_are_left_out(club: SmallClub) -> None:
    summary = club.pipeline.run(CUP, options=CampaignOptions(without_player_ids=(1, 4)))
    assert "2 unpaid orders are left out by choice" in markdown(summary)
    assert "| skipped | left out by choice | 1 |" in markdown(summary)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"player_ids": [1, 999]}, "is of player 999: check"),
        ({"without_player_ids": [998], "without_order_ids": [999]}, "is of player 998, order 999"),
        ({"teams": ["Hawks", "Eagles"]}, "is of team 'Eagles'"),
        ({"teams": ["Owls"], "player_ids": [1]}, "is left"),
        ({"player_ids": [1], "without_teams": ["hawks"]}, "is left"),
    ],
)
def test_a_choice_of_nobody_is_one_error_before_anything_is_done(
    club: SmallClub, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"Nobody committed to 'Spring Cup' {said}"):
        run(club, **chosen)
    nothing_happened(club.pipeline)
    assert club.sql("SELECT * FROM tournament_fees.campaigns") == []


PLAYERS = st.frozensets(st.integers(1, 5), max_size=5)


@given(st.lists(st.tuples(PLAYERS, PLAYERS), max_size=3))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_chosen_run_by_run_each_is_mailed_once_and_none_that_was_never_meant(
    club: SmallClub, choices: list[tuple[frozenset[int], frozenset[int]]]
) -> None:
    forget(club)
    meant: set[int] = set()
    for only, without in choices:
        now = (only or set(range(1, 6))) - without
        if now and not only & without:
            run(club, player_ids=sorted(only), without_player_ids=sorted(without))
            meant |= now
        assert sent_players(club) == sorted(meant)
    run(club)
    assert sent_players(club) == [1, 2, 3, 4, 5]
    assert sum(links for _, links in mailed(club)) == 5


def sent_players(club: SmallClub) -> list[int]:
    rows = club.sql(
        "SELECT mo.player_id FROM tournament_fees.message_orders mo JOIN tournament_fees.messages m"
        " ON m.id = mo.message_id WHERE m.status = 'sent' ORDER BY 1"
    )
    return [row.player_id for row in rows]


def forget(club: SmallClub) -> None:
    """Begin with an empty ledger and inbox: hypothesis runs its examples on one club."""
    with club.pipeline.owner.transaction() as connection:
        connection.exec_driver_sql("TRUNCATE tournament_fees.campaigns CASCADE")
    club.pipeline.inbox = club.pipeline.inbox.from_now_on()


# Never more than so many


def test_the_most_messages_count_what_would_go_out_and_not_who_has_paid(club: SmallClub) -> None:
    paid = club.own_session(order_of(club, 4))
    club.pipeline.stand_in.pay(paid)  # at Stripe; the order does not know
    club.set_order(order_of(club, 5), status="paid", payment_method="cash")
    campaign = club.open_campaign()
    (batch,) = plan_batches(club.pipeline.services, campaign, 1)
    assert len(batch) == 3


def test_one_more_than_allowed_stops_before_the_first(club: SmallClub) -> None:
    campaign = club.open_campaign()
    with pytest.raises(ConfigurationError, match=r"3 messages would go out, more than the 2 allowed"):
        plan_batches(club.pipeline.services, campaign, 2)
    nothing_happened(club.pipeline)
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "draft"
