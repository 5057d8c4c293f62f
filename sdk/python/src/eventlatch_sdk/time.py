"""Points in time: when something happened, and how a sensor sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from math import floor

from eventlatch_sdk.problem import Reject

EXPECTED = "expected epoch seconds, `YYYY-MM-DD HH:MM:SS` or RFC 3339"

#: From here on a number of seconds is taken for milliseconds: as seconds it would lie after the year 5138.
_MILLISECONDS_FROM = 100_000_000_000

_DAYS_OF_400_YEARS = 146_097
_EPOCH = date(1970, 1, 1).toordinal()

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)([ Tt])(\d\d):(\d\d):(\d\d)(?:(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d)))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class EventTime:
    """When the thing happened that a message tells of.

    As the type of a message's field it accepts what eventlatch's own matchers accept: seconds since the Unix epoch
    (whole or not), ``YYYY-MM-DD HH:MM:SS`` (a clock on the wall, read in the zone of the sensor) or RFC 3339. Anything
    else, also milliseconds, makes the message a reject.
    """

    #: Milliseconds since the Unix epoch; of a civil time as if its clock were UTC's.
    millis: int
    is_civil: bool = False

    @classmethod
    def from_millis(cls, millis: int) -> EventTime:
        """An instant, in milliseconds since the Unix epoch, for producers that count in milliseconds."""
        return cls(millis)

    @classmethod
    def from_civil(cls, time: datetime) -> EventTime:
        """A clock on the wall, to be read in the zone of the sensor. The zone of ``time``, if any, is ignored."""
        seconds = (time.toordinal() - _EPOCH) * 86_400 + time.hour * 3600 + time.minute * 60 + time.second
        return cls(seconds * 1000 + time.microsecond // 1000, is_civil=True)

    @classmethod
    def parse(cls, value: object) -> EventTime:
        """The event time that a JSON value says; raises a :class:`Reject`."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise Reject("must be epoch seconds or text")
        if isinstance(value, str):
            return _from_text(value)
        if not abs(value) < _MILLISECONDS_FROM:
            number = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else value
            raise Reject(f"{number} looks like milliseconds (or smaller units); expected seconds since the Unix epoch")
        if isinstance(value, int):
            return cls(value * 1000)
        # Floor, so that the last instant of a day stays in it; the addend is more than what a double cannot hold.
        return cls(floor(value * 1000.0 + 5e-4))


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time as the sensor sees it: resolved by the service for the sensor's zone and the matcher's shift."""

    #: Milliseconds since the Unix epoch.
    instant: int
    #: The clock on the wall in the sensor's zone.
    civil: datetime
    #: The business day it belongs to. With a shift of two hours the day begins at 22:00 of the day before.
    business_date: date


def _from_text(text: str) -> EventTime:
    time = _parsed(text)
    if time is None:
        raise Reject(f"`{text[:40]}` is not a time; {EXPECTED}")
    return time


def _parsed(text: str) -> EventTime | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, fraction, zulu, sign, off_hours, off_minutes = match.groups()
    civil = zulu is None and sign is None
    if civil and separator != " ":
        return None
    seconds = _seconds(int(year), int(month), int(day), int(hour), int(minute), int(second), civil)
    if seconds is None:
        return None
    if civil:
        return EventTime(seconds * 1000, is_civil=True)
    if sign is not None:
        if int(off_hours) > 23 or int(off_minutes) > 59:
            return None
        offset = int(off_hours) * 3600 + int(off_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return EventTime(seconds * 1000 + int(((fraction or "0") + "00")[:3]))


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int, civil: bool) -> int | None:
    """Seconds since the epoch, as if in UTC."""
    # RFC 3339 knows leap seconds; the second before stands for one.
    if second == 60 and not civil:
        second = 59
    if hour > 23 or minute > 59 or second > 59:
        return None
    # The calendar repeats after 400 years, and Python's begins with the year 1.
    cycles, of_cycle = divmod(year, 400)
    try:
        days = date(400 + of_cycle, month, day).toordinal() + (cycles - 1) * _DAYS_OF_400_YEARS
    except ValueError:
        return None
    return (days - _EPOCH) * 86_400 + hour * 3600 + minute * 60 + second
