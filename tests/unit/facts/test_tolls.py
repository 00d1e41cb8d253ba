"""Counts of killed and wounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.facts.tolls import summary, tolls


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 dead, 3 injured in a shooting", [("killed", 1, 1), ("wounded", 3, 3)]),
        ("Four people were wounded", [("wounded", 4, 4)]),
        ("killing at least 11", [("killed", 11, None)]),
        ("The blast killed a contractor", [("killed", 1, 1)]),
        ("left two women dead and 3 others hurt", [("killed", 2, 2), ("wounded", 3, 3)]),
        ("The death toll rises to 45", [("killed", 45, 45)]),
        ("Death toll from strike on the city's flats rises to four", [("killed", 4, 4)]),
        ("The toll has risen to at least 26, officials said", [("killed", 26, None)]),
        ("The death toll has climbed to 26", [("killed", 26, 26)]),
        ("The death toll from the attack at 10 p.m. is not known", []),
        ("They took the dead to two hospitals", []),
        ("Forty bodies were recovered", [("killed", 40, 40)]),
        ("Three bodies of water were searched", []),
        ("Two policemen died", [("killed", 2, 2)]),
        ("12 drowned off the coast", [("killed", 12, 12)]),
        ("Two speakers were drowned out", []),
        ("Nine tourists lost their lives", [("killed", 9, 9)]),
        ("Three perished in the fire", [("killed", 3, 3)]),
        ("up to 30 soldiers were killed", [("killed", 0, 30)]),
        ("No casualties were reported", [("killed", 0, 0), ("wounded", 0, 0)]),
        ("nobody was hurt", [("wounded", 0, 0)]),
        ("the 2015 killed list", []),
        ("killed 3 miles away", []),
    ],
)
def test_counts(text: str, found: list[tuple[str, int, int | None]]) -> None:
    assert [(t.kind, t.low, t.high) for t in tolls(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "A woman of 71 died in hospital",
        "A man aged 34 was killed",
        "Boys aged 7 and 9 were injured",
        "A girl of six was hurt",
        "A mother of three was killed",
        "The Boeing 737 killed nobody",
        "Ice on Route 9 killed a driver",
        "The crash of Flight 17 killed hopes of peace",
        "The bomb of March 4 killed hopes of peace",
    ],
)
def test_ages_and_names_with_a_number_are_no_counts(text: str) -> None:
    assert not [t for t in tolls(text) if t.low > 1]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A family of five died", 5),
        ("In the camp 12 died", 12),
        ("On Monday 12 died", 12),
        ("Of the men 30 were killed", 30),
        ("Two people have died", 2),
        ("Three people have been confirmed dead", 3),
        ("One person has since died, three have been killed", 3),
        ("By the end of October 436 people were murdered", 436),
        ("A man aged 34 and two others were killed", 2),
    ],
)
def test_a_group_is_a_count(text: str, count: int) -> None:
    assert [t.low for t in tolls(text)] == [count]


def test_summary_is_the_range_of_the_counts() -> None:
    text = "Officials said 9 people were killed; a witness said at least 11 dead. Two were wounded."
    assert summary(text) == {"killed": {"min": 9, "max": None}, "wounded": {"min": 2, "max": 2}}
    assert summary("The mayor resigned.") == {"killed": None, "wounded": None}


def test_a_number_too_large_for_a_record_is_no_toll() -> None:
    text = "At least 100,000,000,000,000,000,000 ants were killed, and two people wounded."
    assert codec.decode(codec.encode(summary(text)), dict) == {"killed": None, "wounded": {"min": 2, "max": 2}}


@given(st.text(max_size=200))
def test_any_text_gives_sane_ranges(text: str) -> None:
    for toll in tolls(text):
        assert 0 <= toll.start < toll.end <= len(text)
        assert toll.high is None or toll.low <= toll.high
