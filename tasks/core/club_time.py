"""The club's clock: time zones, and the hours in which nobody is written to."""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.core.errors import ConfigurationError

_SPAN = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", re.ASCII)


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone of this IANA name; raises a ConfigurationError where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, malformed, or a folder of the database
        raise ConfigurationError(
            f"There is no time zone {name!r}: set the tournament's time zone to an IANA name such as America/Denver."
        ) from error


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day is over there, in UTC; the last days that there are have none after them."""
    day = min(day, date.max - timedelta(days=2))
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def closing(last_day: date | None, zone: str | None, otherwise: str) -> datetime | None:
    """Return the last minute of the last day to pay, in UTC; None where there is no such day, or one in the year 9999.

    A zone that does not exist, which a campaign refuses, keeps no refresh from its work: the other one counts.
    """
    if last_day is None or last_day.year == MAXYEAR:
        return None
    try:
        local = find_zone(zone or otherwise)
    except ConfigurationError:
        local = find_zone(otherwise)
    return end_of_day(last_day, local) - timedelta(minutes=1)


@dataclass(frozen=True)
class QuietHours:
    """A stretch of each day, on the wall clock, such as 20:00 to 08:00; it begins at `start` and is over at `end`."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> "QuietHours | None":
        """Read `20:00-08:00`, or None from `off`; raises ValueError."""
        if text.strip().lower() == "off":
            return None
        found = _SPAN.fullmatch(text.strip())
        try:
            start, end = (time.fromisoformat(part) for part in found.groups()) if found else (time(), time())
        except ValueError:  # such as 25:00
            start = end = time()
        if start == end:
            raise ValueError("is not a part of the day such as 20:00-08:00, or off")
        return cls(start, end)

    def cover(self, clock: time) -> bool:
        """Return True if a time on the wall clock is quiet."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the quiet that `now` is in ends, in UTC; None where it is in none."""
        local = now.astimezone(zone)
        clock = local.time()
        if not self.cover(clock):
            return None
        if self.start > self.end and clock >= self.start:
            return datetime.combine(local.date() + timedelta(days=1), self.end, zone).astimezone(UTC)
        # In the hour that a clock is set back over, `end` comes twice: the one of our own pass is meant.
        return datetime.combine(local.date(), self.end, zone).replace(fold=local.fold).astimezone(UTC)
