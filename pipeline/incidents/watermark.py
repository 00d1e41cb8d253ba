"""How far event time has come, without believing every date that a wire sends.

A watermark that jumps ahead closes and forgets everything; one that lags forgets a little late. So a single absurd
date (year 9999, a concert announced for next summer) must not move it, while a wire that was silent for a week must
not stall it for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.incidents.decision import Watermark

TOLERANCE = timedelta(hours=48)
"""A time so far ahead of the watermark is believed at once: clocks, time zones and embargoes differ by less."""

CONFIRMATIONS = 10
"""Articles in a row, all further ahead, after which the gap is believed to be real."""

FIRST_CONFIRMATIONS = 2
"""The same before there is any watermark."""


def advance(mark: Watermark, event_time: datetime) -> Watermark:
    """The watermark after an article of the given event time. Never goes back."""
    if mark.time is not None and event_time <= _plus(mark.time):
        return Watermark(time=max(mark.time, event_time))
    ahead = mark.ahead + 1
    earliest = event_time if mark.earliest is None else min(mark.earliest, event_time)
    if ahead >= (FIRST_CONFIRMATIONS if mark.time is None else CONFIRMATIONS):
        return Watermark(time=earliest)
    return Watermark(time=mark.time, ahead=ahead, earliest=earliest)


def believed(mark: Watermark, event_time: datetime) -> datetime:
    """The article's time for closing and forgetting: no further ahead than is believed at once."""
    return event_time if mark.time is None else min(event_time, _plus(mark.time))


def _plus(time: datetime) -> datetime:
    try:
        return time + TOLERANCE
    except OverflowError:  # the last two days of year 9999
        return time
