"""The hours of a page's time stamps are no hours of an event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts.dates import clocks
from pipeline.facts.stamps import is_stamped


def told(text: str) -> list[int]:
    return [c.minutes for c in clocks(text) if not is_stamped(text, c.start, c.end)]


@pytest.mark.parametrize(
    "text",
    [
        "Posted: Monday, May 18, 2015 5:16 PM EDT Updated: Monday, June 1, 2015 5:16 PM EDT",
        "18 September 2013 Last updated at 13:59 GMT",
        "UPDATED: 19:14 GMT, 12 April 2013",
        "Xinhua | Updated: 2017-09-15 17:52",
        "Posted 12/19/2005 3:36 PM",
        "April 23, 2013 6:12 AM\n\nCHICAGO (CBS)",
        "9:53 AM, MON 22 JUL 2013",
    ],
)
def test_hours_of_stamps_are_left_out(text: str) -> None:
    assert list(clocks(text))
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("On Sunday, April 2, 2006 at 4:43 p.m., six companies of firefighters", [1003]),
        ("The flight left at 9:45 am on December 31st, 2017.", [585]),
        ("on Tuesday, October 11, 2016, at 11:35 p.m. Officers arrived", [1415]),
        ("Posted: May 18, 2015 5:16 PM EDT. He was shot at 1:15 a.m. on Monday.", [75]),
        ("It happened around 2 p.m. in the 2000 block of Mistletoe Road", [840]),
    ],
)
def test_hours_of_events_stay(text: str, minutes: list[int]) -> None:
    assert told(text) == minutes


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_any_place_in_any_text_has_an_answer(text: str, start: int, length: int) -> None:
    assert is_stamped(text, start, start + length) in (True, False)
