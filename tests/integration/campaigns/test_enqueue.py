"""The queue over real parts: a message a family and mailbox, each order in one of them, however often it is opened."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.campaigns.options import Campaign
from tasks.campaigns.report import markdown
from tasks.core.email_address import mailbox_of, parse_address
from tasks.core.errors import ConfigurationError
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


def queue(club: SmallClub) -> list[tuple[str, str, str, list[int]]]:
    """Mailbox, status, reason and orders of each message."""
    return [(row.mailbox, row.status, row.reason or "", list(row.orders)) for row in club.messages()]


def mailed(club: SmallClub) -> Counter[str]:
    return Counter(str(message["X-Envelope-To"]) for message in club.pipeline.inbox.messages())


# One mailbox, one family


def test_a_parent_of_three_gets_one_message(club: SmallClub) -> None:
    orders = club.family(children=3)
    club.open_campaign()
    assert queue(club) == [("jo.ek@example.com", "queued", "", orders)]


def test_two_rows_of_one_mailbox_get_one_message(club: SmallClub) -> None:
    orders = club.family("Ek", "Jo.Ek@gmail.com") + club.family("EK ", "joek+hoops@googlemail.com")
    club.open_campaign()
    assert queue(club) == [("joek@gmail.com", "queued", "", orders)]
    assert club.messages()[0].address == "Jo.Ek@gmail.com", "mail goes to a stored address"


def test_another_family_in_the_same_mailbox_gets_a_message_of_its_own(club: SmallClub) -> None:
    (one,), (other,) = club.family("Ek", "joek@gmail.com"), club.family("Berg", "jo.ek@gmail.com")
    club.open_campaign()
    assert queue(club) == [("joek@gmail.com", "queued", "", [one]), ("joek@gmail.com", "queued", "", [other])]
    assert [row.part for row in club.messages()] == [1, 2]


def test_a_dot_anywhere_else_is_another_mailbox(club: SmallClub) -> None:
    club.family("Ek", "jo.ek@example.com")
    club.family("Ek", "joek@example.com")
    club.open_campaign()
    assert [row[0] for row in queue(club)] == ["jo.ek@example.com", "joek@example.com"]


def test_parents_without_an_address_are_never_merged(club: SmallClub) -> None:
    club.family("Ek", None)
    club.family("Ek", "")
    club.family("Ek", "ask her father")
    club.open_campaign()
    assert [row[1:3] for row in queue(club)] == [
        ("skipped", "no_address"),
        ("skipped", "no_address"),
        ("skipped", "invalid_address"),
    ]


def test_a_committed_player_without_an_order_is_accounted_for(club: SmallClub) -> None:
    player = club.player(club.parent())
    campaign = club.open_campaign()
    assert queue(club) == [("jo.ek@example.com", "skipped", "no_order", [])]
    assert campaign.players_without_order == (player,)


def test_a_child_without_an_order_is_named_although_a_siblings_message_goes(club: SmallClub) -> None:
    parent = club.parent()
    club.order(club.player(parent, "Max"))
    forgotten = club.player(parent, "Tove")
    summary = club.pipeline.run(CUP)
    assert summary.sent == 1
    assert f"without a link (ids of players): {forgotten}." in markdown(summary)


@pytest.mark.parametrize("commitment", ["invited", "declined", "withdrawn"])
def test_a_player_who_has_not_committed_is_not_mailed(club: SmallClub, commitment: str) -> None:
    club.family("Berg", "berg@example.com")
    club.order(club.player(club.parent(), commitment=commitment))
    club.open_campaign()
    assert [row[0] for row in queue(club)] == ["berg@example.com"]


# Again


def test_a_second_opening_changes_nothing(club: SmallClub) -> None:
    club.family("Ek", "jo.ek@example.com", children=2)
    club.family("Berg", None)
    first = club.open_campaign()
    before = [row._asdict() for row in club.messages()]
    assert club.open_campaign() == first
    assert [row._asdict() for row in club.messages()] == before


def test_another_number_is_another_campaign(club: SmallClub) -> None:
    club.family()
    assert club.open_campaign("1").id != club.open_campaign("2").id
    assert len(club.messages()) == 2


def test_a_stopped_campaign_is_not_opened_again(club: SmallClub) -> None:
    club.family()
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
    with pytest.raises(ConfigurationError, match="stopped for good"):
        club.open_campaign()


def test_an_empty_tournament_is_said(club: SmallClub) -> None:
    with pytest.raises(ConfigurationError, match="no committed players"):
        club.open_campaign()
    assert club.sql("SELECT id FROM tournament_fees.campaigns") == []


def test_openings_at_the_same_moment_make_one_campaign_and_no_message_twice(club: SmallClub) -> None:
    for number in range(5):
        club.family(f"Family{number}", f"family{number}@example.com", children=2)
    barrier = Barrier(4)

    def open_together(_: int) -> Campaign:
        barrier.wait()
        return club.open_campaign()

    with ThreadPoolExecutor(4) as pool:
        campaigns = list(pool.map(open_together, range(4)))
    assert len(set(campaigns)) == 1
    assert Counter(row[0] for row in queue(club)) == {f"family{number}@example.com": 1 for number in range(5)}
    assert sorted(order for row in queue(club) for order in row[3]) == list(range(1, 11))


# What changes in between


def test_a_corrected_address_moves_the_order_before_it_is_sent(club: SmallClub) -> None:
    (order,) = club.family()
    club.open_campaign()
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo@example.org": 1}
    assert [row[3] for row in queue(club)] == [[], [order]]
    assert [row[1] for row in queue(club)] == ["skipped", "sent"]


def test_a_correction_within_the_same_mailbox_is_the_address_that_is_mailed(club: SmallClub) -> None:
    club.family("Ek", "joek@gmail.com")
    club.open_campaign()
    club.sql("UPDATE parents SET email = 'jo.ek@gmail.com'")
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@gmail.com": 1}
    assert len(queue(club)) == 1


def test_an_address_corrected_after_the_message_was_sent_is_not_mailed_again(club: SmallClub) -> None:
    club.family()
    club.pipeline.run(CUP)
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@example.com": 1}


def test_a_surname_corrected_after_the_message_was_sent_is_not_mailed_again(club: SmallClub) -> None:
    club.family()
    club.pipeline.run(CUP)
    club.sql("UPDATE parents SET last_name = 'Ek-Berg'")
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@example.com": 1}


def test_an_address_that_appears_brings_the_message_back(club: SmallClub) -> None:
    (order,) = club.family("Ek", None)
    club.open_campaign()
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo@example.org": 1}
    assert ("jo@example.org", "sent", "", [order]) in queue(club)


def test_an_order_that_appears_brings_the_message_back(club: SmallClub) -> None:
    player = club.player(club.parent())
    club.open_campaign()
    order = club.order(player)
    club.pipeline.run(CUP)
    assert queue(club) == [("jo.ek@example.com", "sent", "", [order])]


def test_a_new_order_joins_a_message_that_is_still_queued(club: SmallClub) -> None:
    parent = club.parent()
    first = club.order(club.player(parent, "Max"))
    club.open_campaign()
    second = club.order(club.player(parent, "Tove"))
    club.open_campaign()
    assert queue(club) == [("jo.ek@example.com", "queued", "", [first, second])]


def test_a_new_order_after_the_message_was_sent_gets_a_supplement(club: SmallClub) -> None:
    parent = club.parent()
    first = club.order(club.player(parent, "Max"))
    club.pipeline.run(CUP)
    second = club.order(club.player(parent, "Tove"))
    club.pipeline.run(CUP)
    assert queue(club) == [("jo.ek@example.com", "sent", "", [first]), ("jo.ek@example.com", "sent", "", [second])]
    assert mailed(club) == {"jo.ek@example.com": 2}


def test_a_slow_payment_that_fails_after_the_familys_message_gets_one_of_its_own(club: SmallClub) -> None:
    slow, plain = club.family(children=2)
    session = club.own_session(slow)
    club.pipeline.stand_in.pay(session, slow=True)
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@example.com": 1}
    club.pipeline.stand_in.fail(session)
    club.pipeline.run(CUP)
    assert queue(club) == [("jo.ek@example.com", "sent", "", [plain]), ("jo.ek@example.com", "sent", "", [slow])]
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@example.com": 2}


def test_a_slow_payment_that_fails_brings_a_skipped_message_back(club: SmallClub) -> None:
    (order,) = club.family()
    session = club.own_session(order)
    club.pipeline.stand_in.pay(session, slow=True)
    club.pipeline.run(CUP)
    assert queue(club) == [("jo.ek@example.com", "skipped", "processing", [order])]
    club.pipeline.stand_in.fail(session)
    club.pipeline.run(CUP)
    assert queue(club) == [("jo.ek@example.com", "sent", "", [order])]


def test_a_player_who_leaves_before_the_send_is_not_mailed(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    club.family()
    club.open_campaign()
    club.sql("UPDATE player_teams SET commitment = 'withdrawn' WHERE player_id = (SELECT max(id) FROM players)")
    club.pipeline.run(CUP)
    assert mailed(club) == {"berg@example.com": 1}
    assert ("skipped", "not_committed") in [row[1:3] for row in queue(club)]


def test_nobody_is_mailed_twice_by_a_run_a_day_later(club: SmallClub) -> None:
    club.family(children=2)
    club.pipeline.run(CUP)
    club.pipeline.later(timedelta(days=1))
    club.pipeline.run(CUP)
    assert mailed(club) == {"jo.ek@example.com": 1}


# Any small club, and anything that happens to it


@dataclass(frozen=True)
class Parent:
    surname: str
    email: str | None
    children: tuple[str, ...]


EMAILS = st.sampled_from(
    [
        "jo.ek@gmail.com",
        "JoEk@gmail.com",
        "jo.e.k+hoops@googlemail.com",
        "jo.ek@example.com",
        "Jo.Ek@Example.com",
        "joek@example.com",
        "ask her father",
        "",
        None,
    ]
)
SURNAMES = st.sampled_from(["Ek", "EK", "Berg"])
STATES = st.sampled_from(["none", "pending", "paid", "cancelled", "waived"])
PARENTS = st.builds(Parent, SURNAMES, EMAILS, st.lists(STATES, min_size=1, max_size=3).map(tuple))
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("email"), st.integers(0, 5), EMAILS),
        st.tuples(st.just("surname"), st.integers(0, 5), SURNAMES),
        st.tuples(st.just("child"), st.integers(0, 5), STATES),
        st.tuples(st.just("sent"), st.integers(0, 5), st.sampled_from(["sent", "failed", "uncertain"])),
        st.tuples(st.just("skipped"), st.integers(0, 5), st.just("paid")),
        st.tuples(st.just("open"), st.just(0), st.none()),
    ),
    max_size=6,
)


def empty(club: SmallClub) -> None:
    club.sql("ALTER TABLE tournament_fees.delivery_attempts DISABLE TRIGGER USER")
    for table in ("message_orders", "messages", "campaigns"):
        club.sql(f"DELETE FROM tournament_fees.{table}")  # noqa: S608  the names above
    for table in ("orders", "player_teams", "players", "parents"):
        club.sql(f"DELETE FROM {table}")  # noqa: S608  the names above


def add_child(club: SmallClub, parent: int, state: str) -> None:
    player = club.player(parent)
    if state != "none":
        club.order(player, state)


def change(club: SmallClub, parents: list[int], what: str, number: int, value: Any) -> None:  # noqa: ANN401  as drawn
    parent = parents[number % len(parents)]
    messages = [row.id for row in club.messages()]
    match what:
        case "email":
            club.sql("UPDATE parents SET email = :value WHERE id = :id", value=value, id=parent)
        case "surname":
            club.sql("UPDATE parents SET last_name = :value WHERE id = :id", value=value, id=parent)
        case "child":
            add_child(club, parent, value)
        case "open":
            club.open_campaign()
        case "sent" if messages:
            message = messages[number % len(messages)]
            club.sql(
                "UPDATE tournament_fees.message_orders mo SET session_id = 'cs_' || order_id"
                " FROM tournament_fees.messages m WHERE m.id = mo.message_id AND m.id = :id AND m.status = 'queued'",
                id=message,
            )
            club.sql(
                "UPDATE tournament_fees.messages SET status = :value WHERE id = :id AND status = 'queued'",
                value=value,
                id=message,
            )
        case "skipped" if messages:
            club.sql(
                "UPDATE tournament_fees.messages SET status = 'skipped', reason = 'paid' WHERE id = :id"
                " AND status = 'queued'",
                id=messages[number % len(messages)],
            )


def check(club: SmallClub, settled: dict[int, tuple[str, list[int]]]) -> None:
    """What must hold of a queue that was just brought up to date."""
    messages = club.messages()
    carried = [order for row in messages for order in row.orders]
    committed = club.sql(
        "SELECT p.id AS parent, p.email, p.last_name, o.id AS order_id, o.status FROM parents p "
        "JOIN players c ON c.parent_id = p.id LEFT JOIN orders o ON o.player_id = c.id ORDER BY 1, 4"
    )
    assert sorted(carried) == sorted(row.order_id for row in committed if row.order_id is not None)
    home = {order: row for row in messages for order in row.orders}
    for row in committed:
        parsed = parse_address(row.email)
        mailbox = mailbox_of(parsed) if parsed else f"parent:{row.parent}"
        family = row.last_name.casefold()
        own = [m for m in messages if (m.mailbox, m.family) == (mailbox, family)]
        if row.order_id is None:
            assert own, "everybody has a message with a state"
            continue
        message = home[row.order_id]
        if message.status in {"queued", "skipped"}:
            assert message in own
            unsent = [m for m in own if m.status in {"queued", "skipped"} and m.orders]
            assert unsent == [message], "all that a family is owed is in one message"
            assert not parsed or message.status == "queued" or row.status != "pending"
            assert parsed or message.reason in {"no_address", "invalid_address"}
            assert not parsed or parse_address(message.address) is not None
    for row in messages:
        assert row.reason or row.status != "skipped"
        assert row.orders or row.status != "queued", "nothing is queued that would say nothing"
        if row.id in settled:
            assert (row.status, list(row.orders)) == settled[row.id], "what has left the queue is never touched"


@given(parents=st.lists(PARENTS, min_size=1, max_size=4), changes=CHANGES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_order_is_in_one_message_and_everybody_has_a_state(
    club: SmallClub, parents: list[Parent], changes: list[tuple[str, int, Any]]
) -> None:
    empty(club)
    rows = []
    for parent in parents:
        rows.append(club.parent(parent.surname, parent.email))
        for state in parent.children:
            add_child(club, rows[-1], state)
    club.open_campaign()
    check(club, {})
    for what, number, value in changes:
        change(club, rows, what, number, value)
    settled = {
        row.id: (row.status, list(row.orders))
        for row in club.messages()
        if row.status in {"sent", "failed", "uncertain"}
    }
    for _ in range(2):
        club.open_campaign()
        check(club, settled)
