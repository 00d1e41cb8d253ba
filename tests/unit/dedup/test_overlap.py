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
    MUCH_JACCARD,
    MUCH_SHARE,
    NEAR_JACCARD,
    NEAR_SHARE,
    Overlap,
    Sketches,
)
from pipeline.dedup.remembered import packed
from pipeline.dedup.sketch import EVERYTHING

# A small space, so that texts share hashes; bounds in the middle of it and above all.
_hashes = st.sets(st.integers(0, 60), max_size=40)
_bounds = st.sampled_from([20, 45, EVERYTHING])


@st.composite
def _sketches(draw: st.DrawFn) -> tuple[list[int], int]:
    bound = draw(_bounds)
    return [h * 70_000_000 for h in draw(_hashes) if h < bound], min(bound * 70_000_000, EVERYTHING)


def plainly(first: tuple[list[int], int], second: tuple[list[int], int]) -> Overlap | None:
    bound = min(first[1], second[1])
    a, b = ({h for h in hashes if h < bound} for hashes, _ in (first, second))
    shared = len(a & b)
    if not shared or shared < min(MIN_SHARED, len(a)):
        return None
    jaccard, share = shared / len(a | b), shared / min(len(a), len(b))
    bounds = ((NEAR_JACCARD, NEAR_SHARE), (MUCH_JACCARD, MUCH_SHARE), (INSIDE_JACCARD, INSIDE_SHARE))
    if not any(jaccard >= least and share >= least_share for least, least_share in bounds):
        return None
    hits = bytes(h in a & b for h in second[0][::-1])
    return Overlap(jaccard, shared / len(a), shared / len(b), shared, hits)


@settings(max_examples=200, deadline=None)
@given(st.lists(_sketches(), min_size=1, max_size=6), st.lists(_sketches(), max_size=6))
def test_pairs_measured_together_are_what_sets_say(
    batch: list[tuple[list[int], int]], others: list[tuple[list[int], int]]
) -> None:
    sketches = Sketches([np.array(sorted(h), np.uint32) for h, _ in batch], [bound for _, bound in batch])
    pairs = [(n, other) for n in range(len(batch)) for other in others]
    seconds = [packed(np.array(hashes[::-1], np.uint32)) for _, (hashes, _) in pairs]
    bounds = np.array([bound for _, (_, bound) in pairs], np.int64)
    found = dict(sketches.overlaps([n for n, _ in pairs], seconds, bounds))
    assert [found.get(n) for n in range(len(pairs))] == [plainly(batch[n], other) for n, other in pairs]


@pytest.mark.parametrize("texts", [0, 3])
def test_a_batch_without_words_shares_nothing(texts: int) -> None:
    sketches = Sketches([np.empty(0, np.uint32)] * texts, [EVERYTHING] * texts)
    assert sketches.overlaps([], [], np.empty(0, np.int64)) == []
    others = [packed(np.arange(9, dtype=np.uint32))] * bool(texts)
    assert sketches.overlaps([0] * len(others), others, np.full(len(others), EVERYTHING)) == []
