"""The threshold follows how often a wire tells its events again, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.incidents.decision import Features
from pipeline.incidents.index import WEIGHT_ONE, Index
from pipeline.incidents.profile import Profile
from pipeline.incidents.score import BRIEF_STEMS, FULL_STEMS, SIGNALS, Link, briefness, links, query_of, weights


def test_a_young_wire_decides_nothing_by_its_habit() -> None:
    assert weights().for_wire(0, 0).join == weights().join
    assert abs(weights().for_wire(2, 1).join - weights().join) < 0.02


def test_events_told_again_lower_the_threshold_and_single_ones_raise_it() -> None:
    told_again, single = weights().for_wire(3_000, 1_000), weights().for_wire(1_000, 950)
    assert told_again.join < weights().join < single.join


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_threshold_moves_no_further_than_its_bound(incidents: int, again: int) -> None:
    moved = abs(weights().for_wire(incidents + again, incidents).join - weights().join)
    assert moved <= 2 * weights().incident["prior"] + 0.001


def link(words: int, norm: float) -> Link:
    """Between two articles that open with the same word and share it alone, of so many stems, as heavy as `norm`."""
    texts = [
        Features(
            words=("fire", *(f"word {text} {n}" for n in range(words - 1))),
            weights=(WEIGHT_ONE, *[0] * (words - 1)),
            opening=(0,),
            opening_weights=(WEIGHT_ONE,),
            headline_weights=(WEIGHT_ONE,),
            opening_norm=norm,
        )
        for text in range(2)
    ]
    query = query_of(1, texts[1], Index().look_up(texts[1].words, texts[1].weights))
    return links(query, [Profile.of(0, texts[0])], [1.0], weights().coefficients)[0]


def test_headlines_that_are_the_same_common_word_prove_less_than_those_that_are_the_same_rare_one() -> None:
    common, rare = link(1, 4.0), link(1, 64.0)
    assert common.values[SIGNALS.index("text")] == rare.values[SIGNALS.index("text")]
    # The square root of the weight is about the inverse document frequency.
    assert common.values[SIGNALS.index("told")] == pytest.approx(1.0986, abs=1e-3)
    assert rare.values[SIGNALS.index("told")] == pytest.approx(2.1972, abs=1e-3)
    assert common.score < rare.score


def test_full_texts_are_compared_by_the_weights_for_full_texts_alone() -> None:
    assert link(FULL_STEMS, 4.0).score == link(FULL_STEMS, 64.0).score
    assert link(FULL_STEMS, 4.0).brief == 0.0
    assert link(BRIEF_STEMS, 4.0).brief == 1.0


@pytest.mark.parametrize("stems", [BRIEF_STEMS, (BRIEF_STEMS + FULL_STEMS) // 2, FULL_STEMS])
def test_the_parts_that_are_told_of_a_link_add_up_to_it(stems: int) -> None:
    found = link(stems, 16.0)
    pair = weights().blended(found.brief)
    told = pair["bias"] + sum(pair[n] * v for n, v in zip(SIGNALS, found.values, strict=True))
    assert found.score == pytest.approx(max(-6.0, min(6.0, told)))


@given(st.integers(0, 150), st.integers(0, 150), st.integers(0, 150))
def test_more_text_is_never_briefer(a: int, b: int, more: int) -> None:
    assert 0.0 <= briefness(a, b + more) <= briefness(a, b) <= 1.0
    assert briefness(a, b) == briefness(b, a)


def signal(name: str, mine: Features, theirs: Features) -> float:
    query = query_of(1, mine, Index().look_up((), ()))
    values = links(query, [Profile.of(0, theirs)], [0.0], weights().coefficients)[0].values
    return values[SIGNALS.index(name)]


@pytest.mark.parametrize(
    ("mine", "theirs", "agree", "differ"),
    [(600, 604, 1, 0), (600, 615, 0, 0), (600, 700, 0, 1), (1438, 2, 1, 0), (1430, 15, 0, 0)],
)
def test_times_of_day_may_be_rounded(mine: int, theirs: int, agree: int, differ: int) -> None:
    one, other = Features(clocks=(mine,)), Features(clocks=(theirs,))
    assert (signal("hours", one, other), signal("hours_differ", one, other)) == (agree, differ)


@pytest.mark.parametrize(
    ("mine", "theirs", "differ"),
    [
        ((2, 2), (3, 3), 1),
        ((50, 50), (59, 59), 0),
        ((10, 10), (40, 40), 1),
        ((3, -1), (9, 9), 0),
        ((84, 84), (60, -1), 0),
    ],
)
def test_a_large_toll_may_grow(mine: tuple[int, ...], theirs: tuple[int, ...], differ: int) -> None:
    assert signal("tolls_differ", Features(killed=mine), Features(killed=theirs)) == differ
