"""The fast way to run a pattern finds what the plain way finds."""

from __future__ import annotations

import calendar
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts import addresses, ages, dates, scan, tolls

_TEXT = """
killed wounded dead died Killing deaths of no one nobody was were reported hurt two twenty-five a hundred at least up to
12 1,200 3rd 2014 5/6/2014 2014-05-06 May Sept. 31 of Friday last next this past today Overnight tomorrow several days
ago earlier weeks years year-old 20-year-old aged 34 Smith, 20, noon 9:15 p.m. 23:10 North Morgan Street streets and Elm
Avenues Interstate 95 U.S. Highway 1 block St. Dr ST the . , - ' ’ éa Ж
"""
_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety an dozen hundred thousand million
about around some over more than no fewer than nearly almost as many as
"""
_DAYS = [name for names in (calendar.month_name, calendar.month_abbr, calendar.day_name) for name in names if name]
WORDS = _TEXT.split() + _NUMBERS.split() + _DAYS
TEXTS = st.lists(st.sampled_from([*WORDS, "\n"]), max_size=25).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words), " ".join(words).upper(), " ".join(words).lower()])
)


def plainly(pattern, text, starts):  # type: ignore[no-untyped-def]
    list(starts)
    return pattern.finditer(text)


@given(TEXTS)
def test_extractors_find_what_their_patterns_find_without_the_search_for_starts(text: str) -> None:
    def all_of(text: str) -> list[object]:
        return [
            *dates.dates(text, date(2014, 5, 6)), *dates.clocks(text), *tolls.tolls(text), *ages.ages(text),
            *addresses.addresses(text),
        ]  # fmt: skip

    found = all_of(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "matches", plainly)
        assert all_of(text) == found


def test_every_number_and_qualifier_begins_a_toll() -> None:
    qualifiers = (
        "", "At least", "more than", "over", "no fewer than", "up to", "as many as", "Fewer than", "nearly", "almost",
        "about", "Around", "some",
    )  # fmt: skip
    for qualifier, number in product(qualifiers, [*_NUMBERS.split()[:28], "a dozen", "12"]):
        said = f"{qualifier} {number} people".strip()
        assert len(list(tolls.tolls(f"Police said: {said} were killed."))) == 1, said


@pytest.mark.parametrize("day", _DAYS)
def test_every_month_and_weekday_is_found(day: str) -> None:
    said = f"{day} 12, 2014" if day not in calendar.day_name else day
    assert [d.start for d in dates.dates(f"It was {said}.", date(2014, 12, 20))] == [7]


def test_words_before_several_places_come_once_and_in_order() -> None:
    text = "one two three ago four ago"
    places = list(scan.places_of("ago", text))
    assert [text[i:].split()[0] for i in scan.words_before(text, places, 10)] == ["two", "three", "ago", "four"]
