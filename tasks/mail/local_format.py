"""Money and dates in words, as Babel's locale data has them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency, get_currency_symbol

from tasks.core.club_time import find_zone

# Stripe's "smallest unit", by https://docs.stripe.com/currencies. It is not Unicode's number of decimals: that is
# 0 for RSD or ALL, which Stripe counts in hundredths, so that Babel's own table would show 100 times the fee. UGX is in
# Stripe's list too, but by its special cases, like ISK, it is counted in hundredths.
_ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# A campaign has few amounts and few days, and says each thousands of times; writing one takes Babel a while.
_KEPT = 256


@dataclass(frozen=True)
class LocalFormat:
    """Format what a letter says for one language and one time zone."""

    language: str
    locale: Locale
    zone: ZoneInfo

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, language: str, time_zone: str) -> "LocalFormat":
        """Make one for an IANA zone and a language such as "es", as the United States write it where Babel knows that.

        Raises:
            ConfigurationError: if there is no such zone.
        """
        try:
            locale = Locale.parse(f"{language}_US")
        except UnknownLocaleError:
            locale = Locale.parse(language)
        return cls(language, locale, find_zone(time_zone))

    @lru_cache(maxsize=_KEPT)  # noqa: B019  the few objects of this class are kept anyway
    def money(self, amount: int, currency: str) -> str:
        """Write an amount in Stripe's smallest unit with its currency: 5500 USD is "$55.00", 5500 JPY "¥5,500"."""
        digits = decimals(currency)
        pattern = self.locale.currency_formats["standard"].pattern.replace("0.00", f"0.{'0' * digits}".rstrip("."))
        if get_currency_symbol(currency, self.locale).isalpha():
            pattern = pattern.replace("¤#", "¤ #")  # "CHF 55.00", not "CHF55.00"
        major = Decimal(amount).scaleb(-digits)
        return _plain_spaces(format_currency(major, currency, pattern, self.locale, currency_digits=False))

    @lru_cache(maxsize=_KEPT)  # noqa: B019  the few objects of this class are kept anyway
    def date(self, day: date) -> str:
        """Write a date in words with its weekday: "Saturday, December 5, 2026"."""
        return _plain_spaces(format_date(day, "full", locale=self.locale))

    def moment(self, moment: datetime, pattern: str) -> str:
        """Write a moment in the club's zone by a Unicode (CLDR) date pattern such as "EEEE, MMMM d 'at' h:mm a"."""
        return _plain_spaces(
            format_datetime(moment.astimezone(UTC), str(pattern), tzinfo=self.zone, locale=self.locale)
        )

    def zone_name(self, moment: datetime) -> str:
        """Name the club's zone as people there do: "Mountain Time".

        "Mountain Standard Time" where that would mislead: in the hour that comes twice when the clocks go back, and
        where they never change, as in Arizona, whose summer is not Colorado's.
        """
        there = moment.astimezone(self.zone)
        comes_twice = there.utcoffset() != there.replace(fold=1 - there.fold).utcoffset()
        exact: Literal["daylight", "standard"] = "daylight" if there.dst() else "standard"
        variant = exact if comes_twice or not self._changes_clocks(there.year) else "generic"
        names = self.locale.meta_zones.get(_meta_zone(self.zone.key), {}).get("long", {})
        # Babel's own function alone would miss the zones that CLDR keeps under an older name.
        return names.get(variant) or get_timezone_name(there, "long", zone_variant=exact, locale=self.locale)

    def sequence(self, names: Iterable[str]) -> str:
        """Write names one after the other: "Ava, Mia, and Zoe"."""
        return format_list([str(name) for name in names], locale=self.locale)

    @lru_cache(maxsize=_KEPT)  # noqa: B019  the few objects of this class are kept anyway
    def _changes_clocks(self, year: int) -> bool:
        seasons = {datetime(year, month, 1, tzinfo=self.zone).utcoffset() for month in (1, 4, 7, 10)}
        return len(seasons) > 1


def decimals(currency: str) -> int:
    """Return how many decimals Stripe's smallest unit of an upper-case currency stands for."""
    if currency in _ZERO_DECIMAL:
        return 0
    return 3 if currency in _THREE_DECIMAL else 2


@lru_cache(maxsize=_KEPT)
def _meta_zone(zone: str) -> str:
    """Return what CLDR calls the zones that share a name, such as America_Eastern; empty where there is no such."""
    older = (old for old, new in get_global("zone_aliases").items() if new == zone)
    known = get_global("meta_zones")
    return next((known[name] for name in (zone, *older) if name in known), "")


def _plain_spaces(text: str) -> str:
    # Babel writes "6:10\u202fPM"; older mail programs show that narrow space as a box.
    return " ".join(text.split())
