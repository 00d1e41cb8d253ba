"""How far event time is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.incidents.decision import Watermark
from pipeline.incidents.watermark import CONFIRMATIONS, advance, believed

START = datetime(2023, 3, 24, tzinfo=UTC)
KNOWN = Watermark(time=START)


def after(mark: Watermark, *hours: float) -> Watermark:
    for h in hours:
        mark = advance(mark, START + timedelta(hours=h))
    return mark


def test_moves_with_time_and_never_back() -> None:
    assert after(KNOWN, 5, 3).time == START + timedelta(hours=5)


def test_one_absurd_date_moves_nothing() -> None:
    assert after(KNOWN, 24 * 365 * 100, 1).time == START + timedelta(hours=1)


def test_a_first_absurd_date_is_not_believed_alone() -> None:
    assert after(Watermark(), 24 * 365 * 100).time is None
    assert after(Watermark(), 24 * 365 * 100, 0).time == START


def test_a_wire_that_was_silent_goes_on() -> None:
    gap = [24 * 30 + h for h in range(CONFIRMATIONS)]
    assert after(KNOWN, *gap[:-1]).time == START
    assert after(KNOWN, *gap).time == START + timedelta(days=30)


def test_the_last_days_of_the_calendar_are_no_error() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    mark = Watermark(time=last)
    assert advance(mark, last).time == last
    assert believed(mark, last) == last


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=40))
def test_never_goes_back(times: list[datetime]) -> None:
    mark = Watermark()
    for time in times:
        new = advance(mark, time)
        assert mark.time is None or (new.time is not None and new.time >= mark.time)
        mark = new
