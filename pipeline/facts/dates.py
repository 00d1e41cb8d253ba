"""Days that a text speaks of, resolved against its publication: "Friday", "Jan. 24", "two weeks ago".

Conventions are those of English news: a bare weekday is the last one up to the day of publication, unless the words
before it look ahead; "last Friday" is never the day of publication; 1/2/2015 is the second of January unless that
is impossible.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from pipeline.facts import scan
from pipeline.facts.numbers import NUMBER, parse

Precision = Literal["day", "week", "month", "year"]
Kind = Literal["explicit", "weekday", "relative"]

_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if n}
_MONTHS |= {name.lower(): n for n, name in enumerate(calendar.month_abbr) if n} | {"sept": 9}
_WEEKDAYS = {name.lower(): n for n, name in enumerate(calendar.day_name)}

_MONTH = "|".join(sorted((m.capitalize() for m in _MONTHS), key=len, reverse=True))
_WEEKDAY = "|".join(d.capitalize() for d in _WEEKDAYS)

_FIND = re.compile(
    rf"""
    (?P<iso>\b(?P<iy>(?:19|20)\d\d)-(?P<im>\d\d)-(?P<id>\d\d)\b)
    | (?P<us>(?<![\d/])(?P<um>\d{{1,2}})/(?P<ud>\d{{1,2}})/(?P<uy>(?:19|20)\d\d|\d\d)(?![\d/]))
    | (?P<mdy>\b(?P<mm>{_MONTH})\.?\s(?P<md>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:\d)(?:,?\s(?P<my>(?:19|20)\d\d)\b)?)
    | (?P<dmy>\b(?P<dd>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<dm>{_MONTH})\b\.?(?:,?\s(?P<dy>(?:19|20)\d\d)\b)?)
    | (?P<my_>\b(?P<ym>{_MONTH})\.?,?\s(?:of\s)?(?P<yy>(?:19|20)\d\d)\b)
    | (?P<weekday>\b(?:(?P<which>[Ll]ast|[Nn]ext|(?:[Tt]his\s)?[Pp]ast|[Tt]his(?:\scoming)?)\s)?
        (?P<day>{_WEEKDAY})\b)
    | (?P<ago>\b(?P<count>{NUMBER}|an?|several)\s(?P<unit>day|week|month|year)s?\s(?:ago|earlier)\b)
    | (?P<last>\b[Ll]ast\s(?P<period>week|month|year|weekend)\b)
    | (?P<word>\b(?:[Tt]oday|[Tt]onight|[Yy]esterday|[Tt]omorrow|[Ll]ast\snight|[Oo]vernight|
        [Tt]his\s(?:morning|afternoon|evening|week|weekend))\b)
    """,
    re.VERBOSE,
)
# Where _FIND can begin: figures, one of its words, a number before "ago".
_SMALL = ("last", "next", "past", "this", "today", "tonight", "yesterday", "tomorrow", "overnight")
_OPENING = re.compile(
    r"\d+|A(?:pr|ug)|Dec|F(?:eb|ri)|J(?:an|ul|un)|Last|M(?:ar|ay|on)|N(?:ext|ov)|O(?:ct|ver)|Past|S(?:at|ep|un)|"
    r"T(?:hi|hu|od|om|on|ue)|Wed|Yes"
)
_AGO = ("ago", "earlier")
_AGO_REACH = 80

_AHEAD = re.compile(
    r"\b(?:will|would|scheduled|expected|set\s(?:for|to)|due|until|upcoming|coming|plans?|before)\b[^.!?]*$"
)
_AHEAD_CHARS = 60
_AHEAD_YEARS = 20
_DATELINE_CHARS = 160

_WORDS = {
    "today": (0, 0), "tonight": (0, 0), "this morning": (0, 0), "this afternoon": (0, 0), "this evening": (0, 0),
    "yesterday": (-1, -1), "last night": (-1, -1), "tomorrow": (1, 1), "overnight": (-1, 0), "this week": (-6, 0),
    "this weekend": (-3, 2),
}  # fmt: skip
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}


@dataclass(frozen=True, slots=True)
class DateMention:
    """A day, or a range of days, that a text speaks of: `text[start:end]`.

    Attributes:
        first, last: the days meant, both included; the same for a single day.
        kind: explicit names the month; weekday and relative need the publication day.
    """

    start: int
    end: int
    first: date
    last: date
    precision: Precision
    kind: Kind


def dates(text: str, published: date | None) -> Iterator[DateMention]:
    """Days that a text speaks of, in order.

    Args:
        published: day of publication, in the zone of the newsroom as far as known; None: only dates with a year.
    """
    for match in scan.matches(_FIND, text, _starts(text)):
        found = _resolve(match, published)
        if found is not None:
            first, last, precision, kind = found
            yield DateMention(match.start(), match.end(), first, last, precision, kind)


@lru_cache(maxsize=4)
def dates_of(text: str, published: date | None) -> tuple[DateMention, ...]:
    """The same, remembered: an article is read for what records show, and soon after for what it is compared by."""
    return tuple(dates(text, published))


def _starts(text: str) -> list[int]:
    found = scan.starts_of(_OPENING, text)
    for word in _SMALL:
        found += scan.places_of(word, text)
    for word in _AGO:
        found += scan.words_before(text, scan.places_of(word, text), _AGO_REACH)
    return sorted(found)


def dateline(text: str) -> date | None:
    """The full date that a text opens with (in its first 160 characters): when it was published, if it says so."""
    for found in dates(text[:_DATELINE_CHARS], None):
        if found.precision == "day":
            return found.first
    return None


def _resolve(match: re.Match[str], published: date | None) -> tuple[date, date, Precision, Kind] | None:
    try:
        if match["my_"]:
            return _month(int(match["yy"]), _MONTHS[match["ym"].lower()])
        day = _explicit(match, published)
        if day is not None:
            return day, day, "day", "explicit"
        if published is None:
            return None
        if match["weekday"]:
            day = _weekday(match, published)
            return day, day, "day", "weekday"
        return _relative(match, published)
    except (ValueError, OverflowError):  # the 31st of a short month; 10,000 years ago
        return None


def _explicit(match: re.Match[str], published: date | None) -> date | None:
    if match["iso"]:
        return date(int(match["iy"]), int(match["im"]), int(match["id"]))
    if match["us"]:
        year, month, day = int(match["uy"]), int(match["um"]), int(match["ud"])
        if month > 12:
            month, day = day, month
        return date(year if year > 99 else _century(year, published), month, day)
    for form, d, m, y in (("mdy", "md", "mm", "my"), ("dmy", "dd", "dm", "dy")):
        if match[form]:
            month, day = _MONTHS[match[m].lower()], int(match[d])
            if match[y]:
                return date(int(match[y]), month, day)
            return None if published is None else _nearest(published, month, day)
    return None


def _century(year: int, published: date | None) -> int:
    """The year of two digits at most 20 years after publication; without one, as POSIX reads it (69 is 1969)."""
    latest = 2068 if published is None else published.year + _AHEAD_YEARS
    return latest - (latest - year) % 100


def _nearest(published: date, month: int, day: int) -> date:
    """The day of that month closest to publication; 29 February in a leap year near by."""
    found = []
    for year in (published.year - 1, published.year, published.year + 1):
        try:
            found.append(date(year, month, day))
        except ValueError:  # 29 February
            continue
    # News looks back more than ahead: a day half a year ahead is more likely last year's.
    return min(found, key=lambda d: (abs((published - d).days) + (30 if d > published else 0), d))


def _weekday(match: re.Match[str], published: date) -> date:
    back = (published.weekday() - _WEEKDAYS[match["day"].lower()]) % 7
    which = (match["which"] or "").lower()
    before = match.string[max(0, match.start() - _AHEAD_CHARS) : match.start()]
    if which in ("next", "this coming"):
        return published + timedelta(days=7 - back)
    if not which and _AHEAD.search(before):
        return published + timedelta(days=(7 - back) % 7)
    if which == "last" and back == 0:
        back = 7
    return published - timedelta(days=back)


def _relative(match: re.Match[str], published: date) -> tuple[date, date, Precision, Kind] | None:
    if match["word"]:
        word = " ".join(match["word"].lower().split())
        first, last = _WORDS[word]
        precision: Precision = "week" if word in ("this week", "this weekend") else "day"
        return published + timedelta(days=first), published + timedelta(days=last), precision, "relative"
    if match["last"]:
        period = match["period"]
        if period == "month":
            before = published.replace(day=1) - timedelta(days=1)
            return (*_month(before.year, before.month)[:3], "relative")
        if period == "year":
            return date(published.year - 1, 1, 1), date(published.year - 1, 12, 31), "year", "relative"
        return published - timedelta(days=9), published - timedelta(days=1), "week", "relative"
    text = match["count"].lower()
    count = 1 if text in ("a", "an") else 3 if text == "several" else parse(text)
    if count is None:
        return None
    unit = match["unit"]
    day = published - timedelta(days=count * _UNITS[unit])
    slack = timedelta(days={"day": 0, "week": 3, "month": 15, "year": 183}[unit])
    return day - slack, day + slack, unit if unit != "day" else "day", "relative"  # type: ignore[return-value]


def _month(year: int, month: int) -> tuple[date, date, Precision, Kind]:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), "month", "explicit"


_CLOCK = re.compile(
    r"(?<![\d:.$])(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?\s?(?P<half>[ap])\.?\s?m\b\.?"
    r"|(?<![\d:.$])(?P<hour24>[01]?\d|2[0-3]):(?P<minute24>[0-5]\d)(?!\s?[:\d])(?:\s?(?:GMT|hours|hrs))?"
    r"|\b(?P<word>noon|midnight)\b",
    re.IGNORECASE,
)
_FIGURES = re.compile(r"\d+")
_NOON = re.compile(r"[nNmM](?i:oon|idnight)")


@dataclass(frozen=True, slots=True)
class ClockMention:
    """A time of day: `text[start:end]`, in minutes after midnight."""

    start: int
    end: int
    minutes: int


def clocks(text: str) -> Iterator[ClockMention]:
    """Times of day that a text names, in order."""
    starts = sorted(scan.starts_of(_FIGURES, text) + scan.starts_of(_NOON, text))
    for match in scan.matches(_CLOCK, text, starts):
        if match["word"]:
            minutes = 720 if match["word"].lower() == "noon" else 0
        elif match["half"]:
            minutes = int(match["hour"]) % 12 * 60 + int(match["minute"] or 0) + 720 * (match["half"].lower() == "p")
        else:
            minutes = int(match["hour24"]) * 60 + int(match["minute24"])
        yield ClockMention(match.start(), match.end(), minutes)
