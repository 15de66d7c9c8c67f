"""Quiet hours on a wall clock, with its two odd days a year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.club_time import QuietHours, end_of_day, find_zone
from tasks.core.errors import ConfigurationError

DENVER = ZoneInfo("America/Denver")
ZONES = st.sampled_from(["America/Denver", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]).map(ZoneInfo)
WALL = st.times().map(lambda at: f"{at:%H:%M}")
SPANS = st.tuples(WALL, WALL).filter(lambda pair: pair[0] != pair[1]).map("-".join)


def quiet(text: str = "20:00-08:00") -> QuietHours:
    parsed = QuietHours.parse(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize("text", ["", "20-8", "25:00-08:00", "20:00", "08:00-08:00", "20:00-08:60", "8 pm - 8 am"])
def test_what_is_no_part_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a part of the day such as 20:00-08:00"):
        QuietHours.parse(text)


@pytest.mark.parametrize("text", ["off", " OFF "])
def test_quiet_hours_can_be_switched_off(text: str) -> None:
    assert QuietHours.parse(text) is None


@pytest.mark.parametrize(
    ("wall", "ends"),
    [
        ("2026-03-03 19:59", None),
        ("2026-03-03 20:00", "2026-03-04 08:00"),
        ("2026-03-03 23:59", "2026-03-04 08:00"),
        ("2026-03-04 00:00", "2026-03-04 08:00"),
        ("2026-03-04 07:59", "2026-03-04 08:00"),
        ("2026-03-04 08:00", None),
    ],
)
def test_a_night_ends_in_the_morning(wall: str, ends: str | None) -> None:
    now = datetime.fromisoformat(wall).replace(tzinfo=DENVER)
    expected = ends and datetime.fromisoformat(ends).replace(tzinfo=DENVER).astimezone(UTC)
    assert quiet().until(now.astimezone(UTC), DENVER) == expected


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  gets one
    span=SPANS,
    zone=ZONES,
)
def test_quiet_ends_within_a_day_and_never_before_it_began(now: datetime, span: str, zone: ZoneInfo) -> None:
    hours = quiet(span)
    until = hours.until(now, zone)
    if until is None:
        return
    assert timedelta() < until - now <= timedelta(hours=27)
    again = hours.until(until, zone)
    assert again is None or again - until <= timedelta(hours=3), "only a clock set back makes it quiet once more"


def test_the_hour_that_comes_twice_ends_at_its_own_pass() -> None:
    second_pass = datetime(2026, 11, 1, 8, 10, tzinfo=UTC)  # 1:10 in Denver, once more
    assert quiet("20:00-01:30").until(second_pass, DENVER) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_a_day_is_over_at_its_own_midnight() -> None:
    assert end_of_day(date(2026, 3, 8), DENVER) == datetime(2026, 3, 9, 6, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Utah/Salt_Lake", "../etc/passwd", "America"])
def test_a_zone_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no time zone"):
        find_zone(name)
