"""Clubs whose tables have other types and gaps than ours: one odd row costs only itself."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from deployments.local.serve import check_may_play
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.core.settings import Settings
from tasks.links.model import LinkOutcome
from tasks.mail.letter import Letter
from tasks.mail.renderer import RenderedMail, Renderer
from tasks.mail.sample_letters import SOME_LINK
from tasks.services import open_services
from tests.support.harness import Pipeline, links_in
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


@pytest.mark.parametrize(
    "kind",
    [
        "integer",
        pytest.param("bigint", marks=pytest.mark.only_long),
        "numeric(10, 2)",
        pytest.param("double precision", marks=pytest.mark.only_long),
    ],
)
def test_amounts_of_any_type_of_number_are_charged(club: SmallClub, kind: str) -> None:
    club.sql(f"ALTER TABLE orders ALTER COLUMN amount TYPE {kind}")
    (order,) = club.family()
    assert club.pipeline.run(CUP).sent == 1
    (session,) = club.sessions(order)
    assert (session["amount_total"], session["currency"]) == (5500, "usd")
    assert club.pipeline.run(CUP, 2).links == {"kept": 1}


def test_a_status_of_an_enum_and_a_padded_currency_are_read(club: SmallClub) -> None:
    club.sql("ALTER TABLE orders DROP CONSTRAINT orders_status_check, ALTER COLUMN status DROP DEFAULT")
    club.sql("CREATE TYPE order_status AS ENUM ('pending', 'paid', 'waived', 'cancelled', 'refunded')")
    club.sql("ALTER TABLE orders ALTER COLUMN status TYPE order_status USING status::order_status")
    club.sql("ALTER TABLE orders ALTER COLUMN currency TYPE char(5)")
    player = club.player(club.parent())
    club.sql("INSERT INTO orders (player_id, product_id, status, amount) VALUES (:id, 1, 'pending', 5500)", id=player)
    assert club.pipeline.run(CUP).sent == 1
    club.pipeline.stand_in.pay(club.one("SELECT stripe_checkout_session_id FROM orders"))
    assert club.pipeline.run(CUP, 2).links == {"found paid": 1}
    assert club.one("SELECT CAST(status AS text) FROM orders") == "paid"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount", None, "orders.amount is no number"),
        pytest.param("amount", float("inf"), "orders.amount is no number", marks=pytest.mark.only_long),
        ("amount", 1e40, "orders.amount is 1000000000000000"),
        pytest.param("currency", None, "orders.currency is not a three-letter code", marks=pytest.mark.only_long),
        ("status", None, "orders.status is ''"),
        pytest.param("status", "Pending", "orders.status is 'Pending'", marks=pytest.mark.only_long),
    ],
)
def test_an_order_that_cannot_be_understood_is_set_aside_and_the_others_go(
    club: SmallClub, column: str, value: object, said: str
) -> None:
    club.sql(f"ALTER TABLE orders DROP CONSTRAINT orders_status_check, ALTER COLUMN {column} DROP NOT NULL")
    (odd,), _ = club.family("Odd", "odd@example.com"), club.family("Ek", "jo.ek@example.com")
    club.set_order(odd, **{column: value})
    summary = club.pipeline.run(CUP)
    assert summary.sent == 1
    (problem,) = summary.problems
    assert (problem.order_id, problem.reason) == (odd, "link_under_review")
    assert problem.detail.startswith(said)
    assert club.sessions(odd) == []


def test_an_empty_session_id_is_none(club: SmallClub) -> None:
    first, second = *club.family("Ek", "jo.ek@example.com"), *club.family("Oh", "al.oh@example.com")
    for order in (first, second):
        club.set_order(order, stripe_checkout_session_id="", stripe_checkout_url="", stripe_payment_intent_id="")
    assert club.pipeline.run(CUP).links == {"made": 2}
    club.pipeline.stand_in.pay(club.order_now(first).stripe_checkout_session_id)
    assert club.pipeline.run(CUP, 2).links == {"found paid": 1, "kept": 1}


def test_a_padded_session_id_is_read(club: SmallClub) -> None:
    club.sql("ALTER TABLE orders ALTER COLUMN stripe_checkout_session_id TYPE char(80)")
    (order,) = club.family()
    assert club.pipeline.run(CUP).links == {"made": 1}
    assert club.pipeline.run(CUP, 2).links == {"kept": 1}
    club.pipeline.stand_in.pay(club.order_now(order).stripe_checkout_session_id.strip())
    assert club.pipeline.run(CUP, 3).links == {"found paid": 1}


@pytest.mark.parametrize("method", ["", "Stripe", "stripe    "])
def test_a_paid_order_whose_payment_is_told_in_the_clubs_own_way_is_not_paid_twice(
    club: SmallClub, method: str
) -> None:
    (order,) = club.family()
    session = club.own_session(order)
    club.pipeline.stand_in.pay(session)
    club.set_order(order, status="paid", payment_method=method, stripe_payment_intent_id="")
    assert club.ensure_link(order).outcome is LinkOutcome.ALREADY_PAID
    assert club.set_aside(order) == []


def test_odd_rows_of_other_tournaments_stop_none(club: SmallClub) -> None:
    club.sql("ALTER TABLE tournaments ALTER COLUMN name DROP NOT NULL")
    club.sql("INSERT INTO tournaments (id, name, event_date) VALUES (2, NULL, NULL), (3, 'Open', 'infinity')")
    club.family()
    assert club.pipeline.run(CUP).sent == 1


def test_a_date_without_end_is_none(club: SmallClub) -> None:
    (order,) = club.family()
    club.sql("UPDATE tournaments SET event_date = 'infinity', payment_deadline = 'infinity'")
    club.set_order(order, due_date="infinity")
    assert club.pipeline.run(CUP).sent == 1


def test_texts_of_a_database_without_an_encoding_are_texts(server_url: str) -> None:
    name = sql.Identifier(f"test_{uuid4().hex}")
    admin = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'").format(name)
        )
        url = make_url(server_url).set(database=name.as_string(connection).strip('"'))
        database = Database(url.render_as_string(hide_password=False))
        with database.transaction() as inside:
            assert inside.execute(text("SELECT CAST('Ñuño' AS text)")).scalar() == "Ñuño"
        database.close()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_a_turn_outlasts_the_limits_of_a_clubs_sessions(club: SmallClub, settings: Settings) -> None:
    name = make_url(settings.database_url.get_secret_value()).database
    for limit in ("statement_timeout", "lock_timeout", "idle_session_timeout"):
        club.sql(f"ALTER DATABASE {name} SET {limit} = '500ms'")
    club.pipeline.owner.engine.dispose()  # new connections have the limits
    waits = Event()

    def take_turn() -> bool:
        with open_services(settings) as services, services.database.turn("cup", waits.set):
            return True

    with ThreadPoolExecutor(1) as pool:
        with open_services(settings) as services, services.database.turn("cup", lambda: None):
            second = pool.submit(take_turn)
            assert waits.wait(60)
            with services.database.transaction() as connection:
                connection.execute(text("SET statement_timeout = 0"))
                connection.execute(text("SELECT pg_sleep(2)"))  # longer than any of the limits
            assert not second.done()
        assert second.result()


def test_missing_names_leave_nobody_out(club: SmallClub) -> None:
    for table, column in (("parents", "last_name"), ("players", "last_name"), ("teams", "name")):
        club.sql(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
    club.family("Ek", "jo.ek@example.com")
    club.family("Odd", "odd@example.com")
    club.sql("UPDATE parents SET last_name = NULL WHERE email = 'odd@example.com'")
    club.sql("UPDATE players SET last_name = NULL")
    club.sql("UPDATE teams SET name = NULL")
    assert club.pipeline.run(CUP).sent == 2
    assert all(len(links_in(message)) == 1 for message in club.pipeline.inbox.messages())


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_an_order_that_nobody_owes_any_more_is_skipped_for_what_it_is(club: SmallClub, status: str) -> None:
    (order,) = club.family()
    club.set_order(order, status=status)
    assert dict(club.pipeline.run(CUP).messages) == {("skipped", "not_owed"): 1}


class OddRenderer(Renderer):
    """Meets a bug with one family."""

    def render(self, letter: Letter) -> RenderedMail:
        if letter.parent == "Jo Odd" and letter.lines[0].url != SOME_LINK:
            raise ZeroDivisionError
        return super().render(letter)


def test_a_bug_with_one_family_is_loud_and_costs_no_other_its_message(club: SmallClub) -> None:
    club.family("Odd", "odd@example.com")
    club.family("Ek", "jo.ek@example.com")
    pipeline = replace(club.pipeline, services=replace(club.pipeline.services, renderer=OddRenderer()))
    with pytest.raises(ZeroDivisionError):
        pipeline.run(CUP)
    assert [(row.address, row.status, row.reason) for row in club.messages()] == [
        ("odd@example.com", "failed", "bug"),
        ("jo.ek@example.com", "sent", None),
    ]
    assert [message["X-Envelope-To"] for message in club.pipeline.inbox.messages()] == ["jo.ek@example.com"]


def test_make_serve_plays_with_no_club_but_the_demos(small_club: Pipeline) -> None:
    SmallClub.on(small_club)
    with pytest.raises(ConfigurationError, match=r"has a club that is not the demo's.* Set that too"):
        check_may_play(small_club.services.database)


def test_make_serve_plays_with_the_demos_club(demo_club: Pipeline) -> None:
    check_may_play(demo_club.services.database)
