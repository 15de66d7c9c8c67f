"""What a person can choose about a refresh of the checkout links."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tasks.core.forms import A_NAME, ON, SOME, Form, Rule, has, no

_Ids = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=10_000)]


class RefreshOptions(Form):
    """As it is, it looks at all unpaid orders of tournaments to come, and makes no new links."""

    # Titles and descriptions, this class's among them, are what the form in the Prefect UI says.

    model_config = ConfigDict(str_strip_whitespace=True)
    rules = (
        Rule(has(release=SOME), has(released_by=A_NAME), "who has dealt with the orders to take up again"),
        Rule(has(release=SOME), no(has(dry_run=ON)), "no dry run (it takes no orders up again)"),
        Rule(
            has(create_missing_orders=ON),
            no(has(order_ids=SOME)),
            "no choice of orders (missing ones have no ids)",
        ),
    )

    renew: Annotated[
        bool,
        Field(
            title="Make new links",
            description="For orders that are owed and have no live link. Off: they are only counted.",
        ),
    ] = False
    link_kind: Annotated[
        Literal["checkout_session", "payment_link"],
        Field(
            title="Kind of the new links",
            description="'checkout_session' works for up to 24 hours, 'payment_link' until it has been paid through "
            "once or the payment deadline is over: choose what the campaign mails. Links that work stay what they are.",
        ),
    ] = "checkout_session"
    dry_run: Annotated[
        bool,
        Field(
            title="Only say what it would do",
            description="Nothing is made, closed or written, neither at Stripe nor in the orders.",
        ),
    ] = False
    tournament: Annotated[
        str,
        Field(title="Only this tournament", description="Its name, as the club has it.", max_length=200),
    ] = ""
    team: Annotated[str, Field(title="Only this team", description="Its name, as the club has it.", max_length=200)] = (
        ""
    )
    player_ids: Annotated[
        _Ids, Field(title="Only these players", description="Their ids in the club's database; none: all.")
    ] = ()
    order_ids: Annotated[
        _Ids, Field(title="Only these orders", description="Their ids in the club's database; none: all.")
    ] = ()
    create_missing_orders: Annotated[
        bool,
        Field(
            title="Make missing orders",
            description="For committed players who have no order for their tournament, at the product's price of now.",
        ),
    ] = False
    release: Annotated[
        _Ids,
        Field(
            title="Orders to take up again",
            description="Set-aside orders that somebody has dealt with: they are judged anew, and a payment that was "
            "set aside counts as settled between you and the parent. An order that is still pending is owed again.",
        ),
    ] = ()
    released_by: Annotated[
        str,
        Field(
            title="Who has dealt with them",
            description="Kept with the orders to take up again; it is needed for them.",
            max_length=100,
        ),
    ] = ""


@dataclass(frozen=True)
class RefreshBatch:
    """Orders that one task run looks at; `first` and `last` count from 1 among those of the run."""

    first: int
    order_ids: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number of its last order."""
        return self.first + len(self.order_ids) - 1

    def __len__(self) -> int:
        """Count its orders."""
        return len(self.order_ids)

    def __str__(self) -> str:
        """Name the task run in the UI."""
        return f"orders {self.first} to {self.last}"
