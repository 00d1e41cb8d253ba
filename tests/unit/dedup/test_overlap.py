"""Overlaps of many pairs together, against plain sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.overlap import (
    INSIDE_JACCARD,
    INSIDE_SHARE,
    MIN_SHARED,
    MIN_SHINGLES,
    MUCH_JACCARD,
    MUCH_SHARE,
    MUCH_WORDS,
    NEAR_JACCARD,
    NEAR_SHARE,
    Overlap,
    Several,
    Sketches,
)
from pipeline.dedup.sketch import EVERYTHING, Sketch

# A small space, so that texts share hashes; bounds in the middle of it and above all; few words and many.
_hashes = st.sets(st.integers(0, 60), max_size=40)
_bounds = st.sampled_from([20, 45, EVERYTHING])
_words = st.sampled_from([10, 100, 300])


@st.composite
def _sketches(draw: st.DrawFn) -> Sketch:
    bound = draw(_bounds)
    hashes = [h * 70_000_000 for h in draw(_hashes) if h < bound]
    bound = min(bound * 70_000_000, EVERYTHING)
    return Sketch(np.array(hashes, np.uint32), bound, len(hashes), draw(_words))


def plainly(first: Sketch, second: Sketch) -> Overlap | None:
    bound = min(first.bound, second.bound)
    a, b = ({h for h in sketch.hashes.tolist() if h < bound} for sketch in (first, second))
    shared = len(a & b)
    if not shared:
        return None
    jaccard, share = shared / len(a | b), shared / min(len(a), len(b))
    words = share * min(first.words, second.words)
    enough = (
        (jaccard >= NEAR_JACCARD and share >= NEAR_SHARE)
        or (jaccard >= MUCH_JACCARD and share >= MUCH_SHARE and words >= MUCH_WORDS)
        or (jaccard >= INSIDE_JACCARD and share >= INSIDE_SHARE)
    )
    proven = shared >= MIN_SHARED and min(first.shingles, second.shingles) >= MIN_SHINGLES
    if a != b and not (enough and proven):
        return None
    hits = bytes(h in a & b for h in second.hashes.tolist())
    return Overlap(jaccard, shared / len(a), shared / len(b), shared, words, hits)


@settings(max_examples=200, deadline=None)
@given(st.lists(_sketches(), min_size=1, max_size=6), st.lists(_sketches(), max_size=6))
def test_pairs_measured_together_are_what_sets_say(batch: list[Sketch], others: list[Sketch]) -> None:
    sketches = Sketches(Several.of(batch, [np.sort(sketch.hashes) for sketch in batch]))
    pairs = [(n, other) for n in range(len(batch)) for other in others]
    texts = np.array([n for n, _ in pairs], np.int64)
    found = dict(sketches.overlaps(texts, Several.of([other for _, other in pairs])))
    assert [found.get(n) for n in range(len(pairs))] == [plainly(batch[n], other) for n, other in pairs]


@pytest.mark.parametrize("texts", [0, 3])
def test_a_batch_without_words_shares_nothing(texts: int) -> None:
    sketches = Sketches(Several.of([Sketch(np.empty(0, np.uint32), EVERYTHING, 0, 0)] * texts))
    assert sketches.overlaps(np.empty(0, np.int64), Several.of(())) == []
    others = [Sketch(np.arange(9, dtype=np.uint32), EVERYTHING, 9, 13)] * bool(texts)
    assert sketches.overlaps(np.zeros(len(others), np.int64), Several.of(others)) == []
