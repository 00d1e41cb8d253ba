"""Times as wires write them: RFC 3339 and a date alone (JSON lines, Atom), RFC 822 (RSS). Nothing is guessed.

A reading keeps what the text says and no more: a time without an offset names no instant, so its user must choose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pipeline.records import DatePrecision

FOREVER = datetime.max.replace(tzinfo=UTC)
"""Embargoed until this: never released by the clock."""

# RFC 3339 section 5.6, and as W3C-DTF allows it (Atom, dc:date): seconds may be absent, the offset's colon too.
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,100}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)

# The last place on Earth to reach a local time is at UTC-12.
_LATEST_OFFSET = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as read.

    Attributes:
        time: the instant in UTC; where `zoned` is false, the local time, written as if it were UTC.
        precision: whether the text gives a time of day.
        zoned: whether the text says the offset.
    """

    time: datetime
    precision: DatePrecision
    zoned: bool


def parse_rfc3339(text: str) -> Moment:
    """Read an RFC 3339 time, or a date alone.

    A leap second (23:59:60 UTC) is the first instant of the next minute, as in POSIX time. Digits beyond
    microseconds are cut off.

    Raises:
        ValueError: not of this form, no such day or time, or outside the years 1-9999 in UTC.
    """
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise ValueError("not an RFC 3339 time")
    year, month, day, hour, minute, second, fraction, zulu, sign, off_hours, off_minutes = match.groups()
    if hour is None:
        return Moment(datetime(int(year), int(month), int(day), tzinfo=UTC), "date", False)
    seconds = int(second or 0)
    leap = seconds == 60
    micro = int((fraction or "")[:6].ljust(6, "0"))
    local = datetime(int(year), int(month), int(day), int(hour), int(minute), 59 if leap else seconds, micro, UTC)
    zoned = bool(zulu or sign)
    try:
        if sign:
            local -= _offset(sign, int(off_hours), int(off_minutes))
        if leap:
            if (local.hour, local.minute) != (23, 59):
                raise ValueError("a leap second ends a day in UTC")
            local += timedelta(seconds=1)
    except OverflowError:
        raise ValueError("outside the years 1-9999 in UTC") from None
    return Moment(local, "time", zoned)


def _offset(sign: str, hours: int, minutes: int) -> timedelta:
    if hours > 23 or minutes > 59:
        raise ValueError("the offset is over 23:59")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if sign == "-" else size


def parse_rfc822(text: str) -> Moment:
    """Read an RFC 822 / 5322 time as RSS uses it. An unknown zone name (CEST) counts as no zone.

    Raises:
        ValueError: not of this form, no such day or time, or outside the years 1-9999 in UTC.
    """
    try:
        time = parsedate_to_datetime(text.strip())
        if time.tzinfo is None:
            return Moment(time.replace(tzinfo=UTC), "time", False)
        return Moment(time.astimezone(UTC), "time", True)
    except (ValueError, TypeError, IndexError, OverflowError):
        # The standard library's parser leaks all four for one or another malformed text.
        raise ValueError("not an RFC 822 time") from None


def publication(moment: Moment) -> tuple[datetime, DatePrecision]:
    """The publication time of an article: a time without an offset is known to the day only."""
    if moment.zoned:
        return moment.time, moment.precision
    return moment.time.replace(hour=0, minute=0, second=0, microsecond=0), "date"


def release(text: object) -> datetime:
    """The instant an embargo ends, never earlier than its writer can have meant.

    Without an offset (a date alone too) it ends when that local time has come everywhere on Earth. What cannot be
    read never ends: a lost embargo cannot be called back.
    """
    if not isinstance(text, str):
        return FOREVER
    try:
        moment = parse_rfc3339(text)
        return moment.time if moment.zoned else moment.time + _LATEST_OFFSET
    except (ValueError, OverflowError):
        return FOREVER
