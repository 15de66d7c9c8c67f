"""What the club's own tables hold, as values: a tournament, and a committed player."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Tournament:
    """A tournament; the payment deadline is the last day on which a fee can be paid, in the club's time zone."""

    id: int
    name: str
    event_date: date | None
    payment_deadline: date | None
    time_zone: str | None

    @property
    def last_day(self) -> date | None:
        """The last day to pay: the payment deadline, or else the day of the event."""
        return self.payment_deadline or self.event_date


@dataclass(frozen=True)
class CommittedPlayer:
    """A committed player with one of their orders, or without any, as list_committed_players.sql returns them."""

    player_id: int
    player_name: str
    team: str
    brand: str | None
    parent_id: int
    parent_name: str
    parent_surname: str
    email: str | None
    language: str | None
    order_id: int | None
    order_status: str | None
    amount: Decimal | None
    currency: str | None
    due_date: date | None
    product: str | None
