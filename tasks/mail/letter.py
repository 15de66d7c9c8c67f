import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tasks.core.errors import PermanentError

DEFAULT_BRAND = "default"
"""The brand of a team that has none of its own, and of the frame around the fees of teams of several brands."""


class LinkState(StrEnum):
    """Say what a parent is told about one fee."""

    PAYABLE = "payable"
    PAID = "paid"
    PROCESSING = "processing"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class FeeLine:
    """Hold one player's fee.

    `amount` is in the smallest currency unit as Stripe counts it (cents for USD), `currency` an ISO 4217 code in any
    case, `link_expires_at` in UTC. Only a PAYABLE line's `url` is shown: an absolute http(s) address in printable ASCII
    without spaces. `brand` is the team's: it names a file of templates/brands/.

    Raises:
        PermanentError: if a PAYABLE line has no such url or, unless it is lasting, no aware `link_expires_at`; this
            order needs a person.
    """

    player: str
    team: str
    amount: int
    currency: str
    due_date: date | None
    state: LinkState
    url: str | None
    link_expires_at: datetime | None
    brand: str = DEFAULT_BRAND
    lasting: bool = False
    """The link works until it has been paid through, or until `link_expires_at` where there is such a time."""

    def __post_init__(self) -> None:
        """Refuse to promise a link that cannot be opened."""
        if self.state is not LinkState.PAYABLE:
            return
        # The address itself is a secret: whoever holds it can open the payment page. It is not repeated in the error.
        if not self.url or not _is_web_address(self.url):
            raise PermanentError(
                "A fee to be paid has no usable payment link (it must start with https:// and hold no spaces or "
                "non-ASCII characters). Check the order's checkout session."
            )
        endless = self.lasting and self.link_expires_at is None
        if not endless and (self.link_expires_at is None or self.link_expires_at.tzinfo is None):
            raise PermanentError(
                "A payment link comes without the time in UTC at which it expires. Read its session again."
            )


@dataclass(frozen=True)
class Total:
    """Hold the sum of the payable fees in one currency, in its smallest unit."""

    amount: int
    currency: str


@dataclass(frozen=True)
class Letter:
    """Hold everything that one email says; templates see nothing else of the database.

    `kind` names a folder of templates/. `time_zone` is the club's IANA zone, in which the end of a link is told, and
    `language` the parent's; None where the club's tables are silent. `parent` may be empty. A line without a due date
    is due at `payment_deadline`, if there is one.
    """

    kind: str
    parent: str
    tournament: str
    event_date: date | None
    payment_deadline: date | None
    time_zone: str | None
    language: str | None
    lines: tuple[FeeLine, ...]
    note: str = ""
    """What the club has to say to all parents beside the fees, in one paragraph."""
    is_test: bool = False
    """Whether it goes to somebody of the club, to be looked at: it says so, and its links lead nowhere."""

    @property
    def payable(self) -> tuple[FeeLine, ...]:
        """Return the lines that carry a link, in their order."""
        return tuple(line for line in self.lines if line.state is LinkState.PAYABLE)

    @property
    def lasting(self) -> bool:
        """Whether all of its links work until they have been paid through."""
        return all(line.lasting for line in self.payable)

    @property
    def brands(self) -> tuple[str, ...]:
        """Return the brands of the lines, each once, in their order."""
        return tuple(dict.fromkeys(line.brand for line in self.lines))

    @property
    def brand(self) -> str:
        """Return the brand that signs: the one of all lines, else the default, since no team speaks for another."""
        return self.brands[0] if len(self.brands) == 1 else DEFAULT_BRAND

    @property
    def totals(self) -> tuple[Total, ...]:
        """Return a sum for each currency; nothing where no two payable lines share one, since it would add nothing."""
        currencies = Counter(line.currency.upper() for line in self.payable)
        if all(count == 1 for count in currencies.values()):
            return ()
        return tuple(
            Total(sum(line.amount for line in self.payable if line.currency.upper() == currency), currency)
            for currency in currencies
        )


def _is_web_address(url: str) -> bool:
    return re.fullmatch(r"https?://[!-~]+", url) is not None
