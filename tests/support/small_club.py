"""A club as small as a test needs it, on real parts; what the club's own system and payers do to it meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import Row, text

from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.core.database import Database
from tasks.links.model import Charge, LinkResult
from tests.support.harness import Pipeline
from tests.support.waiting import until

SCHEMA = Path(__file__).parents[2] / "sql" / "club" / "schema.sql"
CUP = "Spring Cup"
FEE = 5500
Result = TypeVar("Result")
SESSIONS = "/v1/checkout/sessions"
PAYMENT_LINKS = "/v1/payment_links"


def found_small_club(database: Database) -> None:
    """Make the club's tables, a team and a tournament, unless the database was copied from one that has them."""
    with database.transaction() as connection:
        if connection.scalar(text("SELECT to_regclass('orders')")) is None:
            connection.exec_driver_sql(SCHEMA.read_text(encoding="utf-8"), execution_options={"no_parameters": True})
            connection.execute(text("INSERT INTO teams (id, name) VALUES (1, 'Hawks')"))
            connection.execute(text(f"INSERT INTO products (id, name, amount) VALUES (1, 'Hawks entry', {FEE})"))  # noqa: S608
            connection.execute(text(f"INSERT INTO tournaments (id, name) VALUES (1, '{CUP}')"))  # noqa: S608
            connection.execute(text("INSERT INTO tournament_products VALUES (1, 1, 1)"))


@dataclass(frozen=True)
class SmallClub:
    """One tournament, one team; families join as a test says."""

    pipeline: Pipeline

    @classmethod
    def on(cls, pipeline: Pipeline) -> Self:
        found_small_club(pipeline.owner)
        pipeline.grant_where_missing()
        return cls(pipeline)

    @classmethod
    def sending(cls, pipeline: Pipeline, *surnames: str) -> Self:
        """A club with a family of each name, whose campaign is being sent."""
        club = cls.on(pipeline)
        for surname in surnames:
            club.family(surname, f"{surname.lower()}@example.com")
        club.begin_sending()
        return club

    def begin_sending(self) -> None:
        self.open_campaign()
        self.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")

    def sql(self, statement: str, **values: object) -> list[Row[Any]]:
        return self.pipeline.sql(statement, **values)

    def one(self, statement: str, **values: object) -> Any:  # noqa: ANN401  whatever the column holds
        ((value,),) = self.sql(statement, **values)
        return value

    def parent(self, surname: str = "Ek", email: str | None = "jo.ek@example.com") -> int:
        return int(
            self.one(
                "INSERT INTO parents (first_name, last_name, email) VALUES ('Jo', :surname, :email) RETURNING id",
                surname=surname,
                email=email,
            )
        )

    def player(self, parent_id: int, name: str = "Max", commitment: str = "committed") -> int:
        player_id = self.one(
            "INSERT INTO players (parent_id, first_name, last_name) "
            "SELECT id, :name, last_name FROM parents WHERE id = :parent_id RETURNING id",
            name=name,
            parent_id=parent_id,
        )
        self.sql("INSERT INTO player_teams VALUES (:id, 1, :commitment)", id=player_id, commitment=commitment)
        return int(player_id)

    def order(self, player_id: int, status: str = "pending", amount: float = FEE) -> int:
        return int(
            self.one(
                "INSERT INTO orders (player_id, product_id, status, amount) VALUES (:id, 1, :status, :amount) "
                "RETURNING id",
                id=player_id,
                status=status,
                amount=amount,
            )
        )

    def family(self, surname: str = "Ek", email: str | None = "jo.ek@example.com", children: int = 1) -> list[int]:
        """Add a parent with children, each with an order; return the orders."""
        parent = self.parent(surname, email)
        return [self.order(self.player(parent, f"Child{number}")) for number in range(children)]

    def order_now(self, order_id: int) -> Row[Any]:
        (row,) = self.sql("SELECT * FROM orders WHERE id = :id", id=order_id)
        return row

    def set_order(self, order_id: int, **values: object) -> None:
        """Write to an order as the club's own system does."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self.sql(f"UPDATE orders SET {columns} WHERE id = :id", id=order_id, **values)  # noqa: S608  names of the test

    def own_session(
        self, order_id: int, *, amount: int = FEE, store: bool = True, store_url: bool = True, key: str | None = None
    ) -> str:
        """Let the club's own system make a session for an order, without our metadata."""
        client = self.pipeline.stripe_client(key)
        price: Any = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Entry"}}
        session = client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"quantity": 1, "price_data": price}],
                "success_url": "https://club.example.org/paid",
                "client_reference_id": str(order_id),
            }
        )
        if store:
            url = session.url if store_url else None
            self.set_order(order_id, stripe_checkout_session_id=session.id, stripe_checkout_url=url)
        return session.id

    def ensure_link(self, order_id: int, *, committed: bool = True, mailing: bool = True) -> LinkResult:
        """Look after an order's link; whatever happens, one session of it can be paid at most."""
        charge = Charge("Spring Cup: Hawks entry", "Max Ek") if committed else None
        try:
            return self.pipeline.services.keeper.ensure_link(order_id, charge, mailing=mailing)
        finally:
            assert len(self.payable(order_id)) <= 1

    def sessions(self, order_id: int) -> list[dict[str, Any]]:
        """All sessions that Stripe has of an order, newest first."""
        references = {str(order_id), f"order-{order_id}"}
        return [s for s in self.pipeline.stand_in.sessions() if s["client_reference_id"] in references]

    def payable(self, order_id: int) -> list[str]:
        return [s["id"] for s in self.sessions(order_id) if s["status"] == "open"]

    def attempts(self, order_id: int) -> list[tuple[str, str]]:
        rows = self.sql(
            "SELECT origin, state FROM tournament_fees.checkout_attempts WHERE order_id = :id ORDER BY id", id=order_id
        )
        return [(row.origin, row.state) for row in rows]

    def set_aside(self, order_id: int) -> list[str]:
        """The reasons for which an order waits for a person now."""
        rows = self.sql(
            "SELECT reason FROM tournament_fees.set_asides WHERE order_id = :id AND cleared_at IS NULL", id=order_id
        )
        return [row.reason for row in rows]

    def calls(self, method: str = "POST", path: str = SESSIONS) -> list[dict[str, Any]]:
        """The calls that were made to Stripe at just this path."""
        return [r for r in self.pipeline.stand_in.requests() if (r["method"], r["path"]) == (method, path)]

    def open_campaign(self, sequence: str = "1") -> Campaign:
        return open_campaign(self.pipeline.services, CUP, "fee_notice", CampaignOptions(sequence=sequence))

    def messages(self) -> list[Row[Any]]:
        """The ledger's messages, each with its orders."""
        return self.sql(
            "SELECT m.*, ARRAY(SELECT order_id FROM tournament_fees.message_orders mo WHERE mo.message_id = m.id "
            "ORDER BY order_id) AS orders FROM tournament_fees.messages m ORDER BY m.id"
        )

    @contextmanager
    def while_stripe_holds(
        self, method: Literal["GET", "POST"], path: str, work: Callable[[], Result]
    ) -> Iterator["Future[Result]"]:
        """Begin `work` in a thread; the block runs once Stripe has done the first such call and holds its answer back.

        Stripe answers at the end of the block.
        """
        stand_in = self.pipeline.stand_in
        stand_in.add_fault("slow", method=method, path_prefix=path, seconds=25)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            until(lambda: future.done() or not stand_in.faults())  # one is taken off the list when its call is done
            try:
                yield future
            finally:
                stand_in.clear_faults()
