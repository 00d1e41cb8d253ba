"""Ages of persons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts.ages import OLDEST, ages


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("A 20-year-old man was found.", [20]),
        ("the six-year-old boy", [6]),
        ("two men, 19 and 21 years old", [19, 21]),
        ("a 19- and 21-year-old were hurt", [19, 21]),
        ("a 3-month-old girl", [0]),
        ("Ana Lem, 34, of Osk, said", [34]),
        ("Jon Bere,32, was held", [32]),
        ("victims: Ana Lem, 34; Jon Bere, 50.", [34, 50]),
        ("a man aged 41", [41]),
        ("at the age of 77", [77]),
        ("A woman of 71 died.", [71]),
    ],
)
def test_finds_ages(text: str, years: list[int]) -> None:
    assert [a.years for a in ages(text)] == years


@pytest.mark.parametrize(
    "text",
    [
        "On January 24, 2015, the court met.",
        "on Sept. 11, officials said",
        "children aged 12 to 15",
        "a 300-year-old oak",
        "the 20-year sentence",
        "a man of 20 years' service",
        "a man of 250 pounds",
    ],
)
def test_what_is_no_age(text: str) -> None:
    assert list(ages(text)) == []


@given(st.text(max_size=200))
def test_spans_lie_in_any_text(text: str) -> None:
    for age in ages(text):
        assert 0 <= age.start < age.end <= len(text)
        assert 0 <= age.years <= OLDEST


def test_a_long_run_of_capitals_ends() -> None:
    assert [a.years for a in ages("A" * 150_000 + " Ann Lee, 34, was hurt")] == [34]
