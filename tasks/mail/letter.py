import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tasks.errors import PermanentError

# What a letter says where the club's tables are silent.
DEFAULT_LANGUAGE = "en"
DEFAULT_BRAND = "default"
# A guessed zone would tell some parents a wrong hour; "6:10 PM UTC" is awkward but true.
DEFAULT_TIME_ZONE = "UTC"


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
    without spaces.

    Raises:
        PermanentError: if a PAYABLE line has no such url or no aware `link_expires_at`; this order needs a person.
    """

    player: str
    team: str
    amount: int
    currency: str
    due_date: date | None
    state: LinkState
    url: str | None
    link_expires_at: datetime | None

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
        if self.link_expires_at is None or self.link_expires_at.tzinfo is None:
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

    `kind` names a folder of templates/, `brand` a file of templates/brands/. `time_zone` is the club's IANA zone, in
    which the end of a link is told. Pass DEFAULT_TIME_ZONE, DEFAULT_LANGUAGE and DEFAULT_BRAND where the club has none.
    `parent` may be empty. A line without a due date is due at `payment_deadline`, if there is one.
    """

    kind: str
    parent: str
    tournament: str
    event_date: date | None
    payment_deadline: date | None
    time_zone: str
    language: str
    brand: str
    lines: tuple[FeeLine, ...]

    @property
    def payable(self) -> tuple[FeeLine, ...]:
        """Return the lines that carry a link, in their order."""
        return tuple(line for line in self.lines if line.state is LinkState.PAYABLE)

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
