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

LONGEST_GAP = timedelta(days=3660)
"""A time further ahead of the watermark than any silence or gap of an archive is a mistake."""

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


def paused(time: datetime, mark: Watermark) -> Watermark:
    """A watermark that stops at `time` on its way to `mark`; the next article ahead of it takes it on."""
    return Watermark(time=time, ahead=CONFIRMATIONS - 1, earliest=mark.time)


def believed(mark: Watermark, event_time: datetime) -> datetime:
    """The article's time for closing and forgetting: its own, unless that cannot be right.

    A time ahead of the watermark is kept even while it is not believed: after a silence the first articles are all
    ahead, and must still be remembered when the watermark follows them.
    """
    if mark.time is None or event_time <= mark.time or event_time - mark.time <= LONGEST_GAP:
        return event_time
    return _plus(mark.time)


def _plus(time: datetime) -> datetime:
    try:
        return time + TOLERANCE
    except OverflowError:  # the last two days of year 9999
        return time
