"""The club of the demo and the tests: invented people, and checkout sessions that Stripe was asked for in the past."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import stripe
from sqlalchemy import text
from stripe.params.checkout import SessionCreateParams

from deployments.local.stripe_standin.control import StandInControl
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError
from tasks.services import Services

CLUB_SQL = Path(__file__).parents[2] / "sql" / "club"
TOURNAMENT = "Utah Invitational"

DAY = 24 * 3600
LONG_AGO = 3 * DAY
FOUR_HOURS_AGO = DAY // 6
OLD_PRICE = 7500


class Story(Enum):
    """What happened to an order's session before the pipeline came."""

    NO_SESSION = auto()
    EXPIRED = auto()
    EXPIRED_URL_NEVER_STORED = auto()
    PAID = auto()
    PAID_WEBHOOK_LOST = auto()
    OPEN = auto()
    OPEN_URL_NEVER_STORED = auto()
    OPEN_OLD_PRICE = auto()
    SLOW_PAYMENT = auto()
    PAID_IN_CASH = auto()


STORIES = {
    "Amy Abbott": Story.EXPIRED,
    "Bruno Barrera": Story.EXPIRED,
    "Clara Castell": Story.EXPIRED,
    "Dylan Draper": Story.EXPIRED,
    "Elsa Ekberg": Story.EXPIRED,
    "Felix Fonseca": Story.EXPIRED,
    "Grace Garrity": Story.EXPIRED,
    "Holly Hobbs": Story.EXPIRED,
    "Imran Iqbal": Story.EXPIRED,
    "Julia Juarez": Story.EXPIRED,
    "Karl Kessler": Story.EXPIRED_URL_NEVER_STORED,
    "Lotta Lindqvist": Story.EXPIRED_URL_NEVER_STORED,
    "Miles Mbeki": Story.EXPIRED_URL_NEVER_STORED,
    "Nina Novak": Story.EXPIRED_URL_NEVER_STORED,
    "Obi Okafor": Story.EXPIRED_URL_NEVER_STORED,
    "Paige Pruitt": Story.EXPIRED_URL_NEVER_STORED,
    "Queenie Quist": Story.EXPIRED,
    "Rory Rourke": Story.EXPIRED,
    "Sade Salter": Story.PAID,
    "Taro Tanaka": Story.PAID,
    "Una Underhill": Story.PAID,
    "Vito Vargas": Story.PAID_WEBHOOK_LOST,
    "Wanda Wexler": Story.PAID_WEBHOOK_LOST,
    "Alma Delgado": Story.NO_SESSION,
    "Bianca Delgado": Story.NO_SESSION,
    "Carla Delgado": Story.NO_SESSION,
    "Max Ek": Story.NO_SESSION,
    "Tove Ek": Story.NO_SESSION,
    "Hugo Xu": Story.NO_SESSION,
    "Kira Arden": Story.OPEN,
    "Leo Bishop": Story.OPEN_OLD_PRICE,
    "Mia Conti": Story.SLOW_PAYMENT,
    "Nils Dunne": Story.PAID_IN_CASH,
    "Orla Engel": Story.OPEN_URL_NEVER_STORED,
}
"""By player: everybody with an order."""

_BY_PAYING = {Story.PAID, Story.PAID_WEBHOOK_LOST, Story.SLOW_PAYMENT}
_EXPIRED = {Story.EXPIRED, Story.EXPIRED_URL_NEVER_STORED}
_URL_NEVER_STORED = {Story.EXPIRED_URL_NEVER_STORED, Story.OPEN_URL_NEVER_STORED}


@dataclass(frozen=True)
class DemoOrder:
    """An order of the demo club, before its story."""

    player: str
    order_id: int
    amount: int
    currency: str

    @property
    def story(self) -> Story:
        """What happened to its session."""
        return STORIES[self.player]


def load_demo_club_for(services: Services, stand_in: StandInControl | None) -> None:
    """Make the demo club where the pipeline's settings point; `stand_in` is None with a real Stripe account."""
    settings = services.settings
    key, base = settings.stripe_api_key.get_secret_value(), settings.stripe_api_base
    client = stripe.StripeClient(key, base_addresses={"api": base})
    with stand_in or nullcontext() as control:
        load_demo_club(services.database, client, control)


def load_demo_club(database: Database, client: stripe.StripeClient, control: StandInControl | None) -> None:
    """Make the club's tables with its people, and stage what happened at Stripe; `control` moves the stand-in's clock.

    Without it (a real Stripe test account) nothing can be paid or made in the past: expired sessions are made and
    expired at once, and the orders whose story needs a payment are left without a session. Raises a
    ConfigurationError where the database has club tables already.
    """
    orders = _make_tables(database)
    if control is None:
        _stage(database, client, [order for order in orders if order.story not in _BY_PAYING], control)
        return
    recent = {Story.OPEN, Story.OPEN_URL_NEVER_STORED, Story.OPEN_OLD_PRICE, Story.SLOW_PAYMENT, Story.PAID_IN_CASH}
    control.set_clock(time.time() - LONG_AGO)
    _stage(database, client, [order for order in orders if order.story not in recent], control)
    control.set_clock(time.time() - FOUR_HOURS_AGO)
    _stage(database, client, [order for order in orders if order.story in recent], control)
    control.reset_clock()


def is_demo_club(database: Database) -> bool:
    """Return True if the club in a database is the demo's: sql/club/demo.sql leaves a comment on its orders."""
    with database.transaction() as connection:
        comment = connection.execute(text("SELECT obj_description(to_regclass('orders'), 'pg_class')")).scalar()
    return str(comment).startswith("The demo club")


def _make_tables(database: Database) -> list[DemoOrder]:
    with database.transaction() as connection:
        if connection.execute(text("SELECT to_regclass('orders')")).scalar() is not None:
            raise ConfigurationError(
                f"The demo loads invented people, but {database.place} (DATABASE_URL) has club tables already: "
                "unset DATABASE_URL, or name an empty database"
            )
        for file in ("schema.sql", "demo.sql"):
            script = (CLUB_SQL / file).read_text(encoding="utf-8")
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})
        rows = connection.execute(text((CLUB_SQL / "demo_orders.sql").read_text(encoding="utf-8")))
        return [DemoOrder(row.player, row.order_id, int(row.amount), row.currency) for row in rows]


def _stage(
    database: Database,
    client: stripe.StripeClient,
    orders: Sequence[DemoOrder],
    control: StandInControl | None,
) -> None:
    for order in orders:
        if order.story is not Story.NO_SESSION:
            session = _make_session(client, order)
            _let_happen(client, order.story, session.id, control)
            _store(database, order, session)


def _make_session(client: stripe.StripeClient, order: DemoOrder) -> stripe.checkout.Session:
    """Make a session as the club's own system did: without our metadata."""
    amount = OLD_PRICE if order.story is Story.OPEN_OLD_PRICE else order.amount
    request: SessionCreateParams = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency,
                    "unit_amount": amount,
                    "product_data": {"name": f"{TOURNAMENT} entry"},
                },
            }
        ],
        "success_url": "https://club.example.org/paid",
        "client_reference_id": str(order.order_id),
    }
    return client.v1.checkout.sessions.create(request)


def _let_happen(client: stripe.StripeClient, story: Story, session_id: str, control: StandInControl | None) -> None:
    if control is not None and story in _BY_PAYING:
        control.pay(session_id, slow=story is Story.SLOW_PAYMENT)
    if control is None and story in _EXPIRED:
        client.v1.checkout.sessions.expire(session_id)


def _store(database: Database, order: DemoOrder, session: stripe.checkout.Session) -> None:
    paid = order.story in {Story.PAID, Story.PAID_IN_CASH}
    values = {
        "order_id": order.order_id,
        "session_id": session.id,
        "url": None if order.story in _URL_NEVER_STORED else session.url,
        "status": "paid" if paid else "pending",
        "payment_method": ("cash" if order.story is Story.PAID_IN_CASH else "stripe") if paid else None,
    }
    with database.transaction() as connection:
        connection.execute(text((CLUB_SQL / "demo_set_order.sql").read_text(encoding="utf-8")), values)
