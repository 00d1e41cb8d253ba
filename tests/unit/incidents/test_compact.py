"""What is packed to save memory comes out as it went in, and compares as its parts do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.incidents.decision import Features
from pipeline.incidents.index import WEIGHT_ONE, Index
from pipeline.incidents.profile import Profile
from pipeline.incidents.score import SIGNALS, query_of, signals
from pipeline.incidents.stowed import pack, pack_vector, read_said, said_of, unpack, unpack_vector

words = st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=12)


@given(card=st.binary(), why=st.binary(), said=st.binary())
def test_what_is_stowed_comes_back(card: bytes, why: bytes, said: bytes) -> None:
    assert unpack(pack(card, why, said)) == (card, why, said)


@given(words=words)
def test_a_vector_comes_back(words: list[str]) -> None:
    vector = tuple(words), tuple(range(len(words)))
    assert unpack_vector(pack_vector(*vector)) == vector


def test_what_an_article_says_comes_back_without_its_vectors() -> None:
    features = Features(
        words=("a",), weights=(1,), names=("osk",), rarity=(7,), places=("osk",), ages=(21,), killed=(1, -1)
    )
    assert read_said(said_of(features)) == Features(names=("osk",), places=("osk",), ages=(21,), killed=(1, -1))


@given(query=words, others=st.lists(words, max_size=5))
def test_cosines_are_the_sums_over_shared_words(query: list[str], others: list[list[str]]) -> None:
    index = Index()
    for seq, other in enumerate(others):
        index.add(seq, other, [100 + n for n in range(len(other))])
    looked_up = index.look_up(query, [7 * n for n in range(len(query))])
    expected = [
        sum(7 * query.index(w) * (100 + n) for n, w in enumerate(other) if w in query) / (WEIGHT_ONE * WEIGHT_ONE)
        for other in others
    ]
    assert index.cosines(looked_up, range(len(others))) == expected
    for seq, other in enumerate(others):
        assert {w for _, w in index.shared(looked_up, seq)} == set(query) & set(other)


def values(mine: Features, other: Features) -> dict[str, float]:
    index = Index()
    query = query_of(2, mine, index.look_up(mine.words, mine.weights))
    stranger = Profile.of(0, Features(names=("elsewhere",), rarity=(500,)))
    _, found, _ = signals(query, [stranger, Profile.of(1, other), stranger], [0.0, 0.25, 0.0])
    return dict(zip(SIGNALS, found, strict=True))


def test_signals_are_of_the_right_pair() -> None:
    one = Features(
        words=("blaze", "mill"),
        weights=(60_000, 20_000),
        opening=(1,),
        opening_weights=(WEIGHT_ONE,),
        headline_weights=(WEIGHT_ONE,),
        opening_norm=16.0,
        names=("osk", "brandt"),
        rarity=(900, 400),
        places=("osk",),
        leads=("brandt",),
        persons=("brandt",),
        ages=(21, 40),
        addresses=("mill st",),
        days=(738_000,),
        killed=(2, 2),
    )
    other = Features(
        words=("tarn", "mill", "yard"),
        opening=(0, 1, 2),
        opening_weights=(round(WEIGHT_ONE * 0.64), round(WEIGHT_ONE * 0.48), round(WEIGHT_ONE * 0.6)),
        headline_weights=(round(WEIGHT_ONE * 0.8), round(WEIGHT_ONE * 0.6), 0),
        opening_norm=81.0,
        names=("brandt", "osk", "tarn"),
        rarity=(300, 950, 100),
        leads=("tarn",),
        persons=("tarn",),
        ages=(40,),
        addresses=("tarn rd",),
        days=(738_000, 738_001),
        killed=(3, -1),
    )
    found = values(one, other)
    assert found["text"] == math.log(0.27)
    assert found["opening"] == pytest.approx(math.log(0.48 + 0.05), abs=1e-4)
    assert found["covered"] == 1.0
    assert found["told"] == pytest.approx(math.log1p(math.sqrt(math.sqrt(0.48 * 16 * 81))), abs=1e-3)
    assert (found["ages"], found["ages_differ"]) == (1.0, 0.0)
    assert (found["streets"], found["streets_differ"]) == (0.0, 1.0)
    assert (found["days"], found["days_differ"]) == (1.0, 0.0)
    assert found["names"] == math.log1p(300 * 0.003)
    assert found["places"] == math.log1p(900 * 0.003)
    assert (found["places_differ"], found["persons_differ"], found["tolls_differ"]) == (0.0, 1.0, 1.0)
    assert (found["leads"], found["leads_differ"]) == (0.0, 0.5)


def test_nothing_said_is_neither_agreement_nor_contradiction() -> None:
    found = values(Features(), Features())
    assert found["covered"] == 0.5
    assert {n for n, v in found.items() if v} == {"text", "opening", "covered"}


def test_equal_words_of_different_kinds_are_not_taken_for_each_other() -> None:
    found = values(Features(names=("may",), rarity=(900,)), Features(persons=("may",), addresses=("may",)))
    assert found["names"] == found["persons_differ"] == 0.0
