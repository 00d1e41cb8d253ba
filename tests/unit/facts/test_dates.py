"""Days and hours that a text speaks of."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts.dates import clocks, dates

FRIDAY = date(2015, 1, 30)


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("on Friday", date(2015, 1, 30), date(2015, 1, 30), "day"),
        ("late Thursday", date(2015, 1, 29), date(2015, 1, 29), "day"),
        ("last Friday", date(2015, 1, 23), date(2015, 1, 23), "day"),
        ("next Tuesday", date(2015, 2, 3), date(2015, 2, 3), "day"),
        ("He will appear in court on Monday", date(2015, 2, 2), date(2015, 2, 2), "day"),
        ("Jan. 24, 2013", date(2013, 1, 24), date(2013, 1, 24), "day"),
        ("24 January", date(2015, 1, 24), date(2015, 1, 24), "day"),
        ("December 30", date(2014, 12, 30), date(2014, 12, 30), "day"),
        ("01/26/2015", date(2015, 1, 26), date(2015, 1, 26), "day"),
        ("26/01/2015", date(2015, 1, 26), date(2015, 1, 26), "day"),
        ("born 7/4/76", date(1976, 7, 4), date(1976, 7, 4), "day"),
        ("the plan for 7/4/30", date(2030, 7, 4), date(2030, 7, 4), "day"),
        ("2015-01-26", date(2015, 1, 26), date(2015, 1, 26), "day"),
        ("March 2013", date(2013, 3, 1), date(2013, 3, 31), "month"),
        ("two weeks ago", date(2015, 1, 13), date(2015, 1, 19), "week"),
        ("last month", date(2014, 12, 1), date(2014, 12, 31), "month"),
        ("yesterday", date(2015, 1, 29), date(2015, 1, 29), "day"),
    ],
)
def test_resolves_against_publication(text: str, first: date, last: date, precision: str) -> None:
    (found,) = dates(text, FRIDAY)
    assert (found.first, found.last, found.precision) == (first, last, precision)


@pytest.mark.parametrize(("text", "year"), [("7/4/69", 1969), ("7/4/68", 2068), ("7/4/12", 2012)])
def test_two_digits_of_a_year_without_publication(text: str, year: int) -> None:
    assert [d.first.year for d in dates(text, None)] == [year]


def test_without_publication_only_full_dates_are_known() -> None:
    text = "On Friday, as on Jan. 24, and on Jan. 25, 2013, two weeks ago"
    assert [d.first for d in dates(text, None)] == [date(2013, 1, 25)]


@pytest.mark.parametrize("text", ["Feb. 30, 2015", "13/13/2015", "99999999 years ago", "2015-00-10"])
def test_days_that_do_not_exist_are_left_out(text: str) -> None:
    assert list(dates(text, FRIDAY)) == []


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("at 1:15 a.m.", 75),
        ("at 11 p.m.", 1380),
        ("at 12:30 am", 30),
        ("at noon", 720),
        ("at 14:30 GMT", 870),
    ],
)
def test_times_of_day(text: str, minutes: int) -> None:
    assert [c.minutes for c in clocks(text)] == [minutes]


@given(st.text(max_size=200), st.dates())
def test_any_text_and_day(text: str, published: date) -> None:
    for found in dates(text, published):
        assert found.first <= found.last
        assert 0 <= found.start < found.end <= len(text)


@given(st.dates(min_value=date(1, 2, 1)), st.sampled_from(["Monday", "Wednesday", "Sunday"]))
def test_a_bare_weekday_is_within_the_last_week(published: date, name: str) -> None:
    (found,) = dates(f"It happened on {name}.", published)
    assert 0 <= (published - found.first).days <= 6
    assert found.first.strftime("%A") == name
