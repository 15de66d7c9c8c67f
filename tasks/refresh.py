"""What a person can choose about a refresh of the checkout links."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.errors import ConfigurationError

_Ids = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=10_000)]


class RefreshOptions(BaseModel):
    """As it is, it looks at all unpaid orders of tournaments to come, and makes no new links."""

    # Titles and descriptions, this class's among them, are what the form in the Prefect UI says.

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    renew: Annotated[
        bool,
        Field(
            title="Make new links",
            description="For orders that are owed and have no live link. Off: they are only counted.",
        ),
    ] = False
    dry_run: Annotated[
        bool,
        Field(
            title="Only say what it would do",
            description="Nothing is made, closed or written, neither at Stripe nor in the orders.",
        ),
    ] = False
    tournament: Annotated[
        str | None,
        Field(title="Only this tournament", description="Its name, as the club has it.", max_length=200),
    ] = None
    team: Annotated[
        str | None, Field(title="Only this team", description="Its name, as the club has it.", max_length=200)
    ] = None
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
        str | None,
        Field(title="Who has dealt with them", description="Kept with the orders to take up again.", max_length=100),
    ] = None

    @model_validator(mode="after")
    def _check_release(self) -> Self:
        if self.release and not self.released_by:
            raise ValueError("say who has dealt with the orders to take up again (released_by)")
        if self.release and self.dry_run:
            raise ValueError("a dry run takes no orders up again: leave release empty, or dry_run off")
        if self.create_missing_orders and self.order_ids:
            raise ValueError("orders that are missing have no ids: leave order_ids empty, or create_missing_orders off")
        return self


def read_options(**chosen: object) -> RefreshOptions:
    """Check what was chosen at a terminal; raises a ConfigurationError that says in a line what is wrong."""
    try:
        return RefreshOptions.model_validate(chosen)
    except ValidationError as error:
        problems = (problem["msg"].removeprefix("Value error, ") for problem in error.errors())
        raise ConfigurationError("; ".join(problems)) from None


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
