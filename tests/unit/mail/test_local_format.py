from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mail.local_format import LocalFormat, decimals

US = LocalFormat.of("en", "America/Denver")
WHEN = "EEEE, MMMM d 'at' h:mm a"


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (5500, "USD", "$55.00"),
        (5, "USD", "$0.05"),
        (123456789, "USD", "$1,234,567.89"),
        (5500, "JPY", "¥5,500"),
        (5500, "KWD", "KWD 5.500"),
        (5550, "RSD", "RSD 55.50"),
        (5500, "ISK", "ISK 55.00"),
        (5500, "CAD", "CA$55.00"),
        (5500, "XXQ", "XXQ 55.00"),
    ],
)
def test_money_is_in_stripe_s_smallest_unit(amount: int, currency: str, shown: str) -> None:
    assert US.money(amount, currency) == shown


@settings(deadline=None)  # other work on the machine must not fail a property
@given(st.integers(0, 10**12), st.sampled_from(["USD", "EUR", "JPY", "KWD", "RSD", "MGA"]))
def test_no_cent_is_rounded_away(amount: int, currency: str) -> None:
    digits = "".join(character for character in US.money(amount, currency) if character.isdigit())
    assert int(digits) == amount
    assert len(digits) > decimals(currency)


def test_spanish_money_and_dates_are_those_of_the_united_states() -> None:
    spanish = LocalFormat.of("es", "America/Denver")
    assert spanish.money(5500, "USD") == "$55.00"
    assert spanish.date(date(2026, 12, 5)) == "sábado, 5 de diciembre de 2026"


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        ("America/Denver", datetime(2026, 11, 24, 1, 10, tzinfo=UTC), "Monday, November 23 at 6:10 PM Mountain Time"),
        ("America/Denver", datetime(2026, 7, 1, 1, 10, tzinfo=UTC), "Tuesday, June 30 at 7:10 PM Mountain Time"),
        # Arizona does not change its clocks: its summer is an hour behind what Colorado calls Mountain Time.
        (
            "America/Phoenix",
            datetime(2026, 7, 1, 1, 10, tzinfo=UTC),
            "Tuesday, June 30 at 6:10 PM Mountain Standard Time",
        ),
        (
            "UTC",
            datetime(2026, 11, 24, 1, 10, tzinfo=UTC),
            "Tuesday, November 24 at 1:10 AM Coordinated Universal Time",
        ),
        # The hour that comes twice in the night when the clocks go back.
        (
            "America/New_York",
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            "Sunday, November 1 at 1:30 AM Eastern Daylight Time",
        ),
        (
            "America/New_York",
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
            "Sunday, November 1 at 1:30 AM Eastern Standard Time",
        ),
        ("America/New_York", datetime(2026, 11, 1, 7, 30, tzinfo=UTC), "Sunday, November 1 at 2:30 AM Eastern Time"),
        # CLDR knows these by an older name.
        (
            "America/Indiana/Indianapolis",
            datetime(2026, 7, 1, 1, 10, tzinfo=UTC),
            "Tuesday, June 30 at 9:10 PM Eastern Time",
        ),
        ("Asia/Kolkata", datetime(2026, 7, 1, 1, 10, tzinfo=UTC), "Wednesday, July 1 at 6:40 AM India Standard Time"),
    ],
)
def test_a_moment_is_told_in_the_club_s_zone(zone: str, moment: datetime, shown: str) -> None:
    local = LocalFormat.of("en", zone)
    assert f"{local.moment(moment, WHEN)} {local.zone_name(moment)}" == shown


def test_names_are_put_in_a_row_as_the_language_does() -> None:
    assert US.sequence(["Ava"]) == "Ava"
    assert US.sequence(["Ava", "Mia", "{0}"]) == "Ava, Mia, and {0}"
    assert LocalFormat.of("es", "UTC").sequence(["Ava", "Mia", "Zoe"]) == "Ava, Mia y Zoe"
