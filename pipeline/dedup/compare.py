"""The close comparison: is one text a copy of another, and on what evidence.

Symmetric: the verdict on a pair is the same whichever of the two arrived first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup import figures
from pipeline.dedup.sketch import U32, WIDTH, Sketch, at_level, below
from pipeline.records import CopyKind

NEAR_JACCARD = 0.4
"""Two texts that share this part of their shingles are one story, re-edited."""

CONTAINED_SHARE = 0.7
CONTAINED_JACCARD = 0.15
"""One text is inside the other when this share of it is there, and it is no mere snippet of the other."""

MIN_SHINGLES = 12
"""A shorter text is a copy only when it is exactly the same: one sentence is quoted by many."""

MIN_SHARED = 6
"""Sampled shingles in common below this prove nothing."""

CHANGED_SHARE = 0.4
"""Two texts are of one form when this share of the numbers in common places was changed ..."""

CHANGED_PER_WORD = 0.02
"""... and so many numbers a shared word. A long story with a new toll stays below this."""

COMMON_NUMBERS = 0.8
"""A copy has this share of the numbers of the shorter-numbered text; fewer, and it may be a form filled in anew ..."""

LONG_RUN = 0.8
"""... unless one stretch makes up this share of the shorter text: then the other numbers stand in what was added."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as the comparison needs it; `hashes` sorted and where each stood are made once for many comparisons."""

    sketch: Sketch
    figures: U32
    ordered: U32
    places: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two texts share, as their sketches say.

    Attributes:
        jaccard: shared shingles over all shingles of both.
        first_in_second, second_in_first: share of the one's shingles that the other has.
        shared: shingles in common in the sample.
        run: length in words of the longest stretch that the sample shows in either text.
    """

    jaccard: float
    first_in_second: float
    second_in_first: float
    shared: int
    run: int


def text(sketch: Sketch, figures: U32) -> Text:
    """Prepare a text for comparisons."""
    places = np.argsort(sketch.hashes)
    return Text(sketch, figures, sketch.hashes[places], places)


def overlap(first: Text, second: Sketch) -> Overlap | None:
    """Measure what two texts share, at the coarser of their levels; None when it is too little to matter."""
    level = max(first.sketch.level, second.level)
    a, places, b = first.ordered, first.places, second.hashes
    if level > first.sketch.level:
        size = int(np.searchsorted(a, np.uint32(below(level))))
        a, places = a[:size], places[:size]
    if level > second.level:
        b = at_level(b, level)
    if not len(a) or not len(b):
        return None
    at = np.searchsorted(a, b)
    at[at == len(a)] = 0
    hit = a[at] == b
    shared = int(np.count_nonzero(hit))
    jaccard = shared / (len(a) + len(b) - shared)
    if shared < MIN_SHARED or jaccard < CONTAINED_JACCARD:
        return None
    hit_first = np.zeros(len(first.sketch.hashes), np.bool_)
    hit_first[places[at[hit]]] = True
    if level > first.sketch.level:
        hit_first = hit_first[np.sort(places)]
    run = max(_longest(hit), _longest(hit_first))
    return Overlap(jaccard, shared / len(a), shared / len(b), shared, (run << level) + WIDTH - 1)


def _longest(hit: NDArray[np.bool_]) -> int:
    """Length of the longest stretch of True."""
    misses = np.flatnonzero(~hit)
    if not len(misses):
        return len(hit)
    return max(int(misses[0]), len(hit) - 1 - int(misses[-1]), int(np.diff(misses).max(initial=1)) - 1)


def kind_of(first: Text, second: Sketch, second_figures: U32, found: Overlap) -> CopyKind | None:
    """The relation of two texts that are not exactly the same; None when neither is a copy of the other."""
    if min(first.sketch.shingles, second.shingles) < MIN_SHINGLES:
        return None
    share = max(found.first_in_second, found.second_in_first)
    if found.jaccard >= NEAR_JACCARD:
        kind: CopyKind = "near"
    elif share >= CONTAINED_SHARE and found.jaccard >= CONTAINED_JACCARD:
        kind = "contained"
    else:
        return None
    shorter = min(first.sketch.words, second.words)
    return None if _same_form(first.figures, second_figures, share * shorter, found.run / shorter) else kind


def _same_form(first: U32, second: U32, shared_words: float, run_share: float) -> bool:
    """True when two texts share a form and not the story: its numbers were filled in anew."""
    if not len(first) or not len(second):
        return False
    numbers = figures.compare(first, second)
    limit = CHANGED_PER_WORD * shared_words
    if numbers.changed > limit and numbers.changed >= CHANGED_SHARE * numbers.places:
        return True
    only = min(numbers.first_only, numbers.second_only)
    fewest = numbers.common + only
    return only > limit and numbers.common < COMMON_NUMBERS * fewest and run_share < LONG_RUN
