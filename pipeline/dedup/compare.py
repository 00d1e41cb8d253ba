"""The close comparison: is one text a copy of another, and on what evidence.

Symmetric: the verdict on a pair is the same whichever of the two arrived first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.dedup.sketch import Sketch, at_level
from pipeline.records import CopyKind

NEAR_JACCARD = 0.4
"""Two texts that share this part of their shingles are one story, re-edited."""

CONTAINED_SHARE = 0.7
CONTAINED_JACCARD = 0.12
"""One text is inside the other when this share of it is there, and it is not a mere snippet of the other."""

MIN_SHINGLES = 12
"""A shorter text is a copy only when it is exactly the same: one sentence is quoted by many."""

MIN_SHARED = 6
"""Sampled shingles in common below this prove nothing."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two texts share, as their sketches say.

    Attributes:
        jaccard: shared shingles over all shingles of both.
        first_in_second, second_in_first: share of the one's shingles that the other has.
        shared: shingles in common in the sample.
        level: the sample is 2^-level of all shingles.
    """

    jaccard: float
    first_in_second: float
    second_in_first: float
    shared: int
    level: int


def overlap(first: Sketch, second: Sketch) -> Overlap:
    """Measure what two sketches share, at the coarser of their levels."""
    level = max(first.level, second.level)
    a = at_level(first.hashes, level)
    b = at_level(second.hashes, level)
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return Overlap(
        shared / union if union else 0.0,
        shared / len(a) if len(a) else 0.0,
        shared / len(b) if len(b) else 0.0,
        shared,
        level,
    )


def kind_of(first: Sketch, second: Sketch, found: Overlap) -> CopyKind | None:
    """The relation of two texts that are not exactly the same; None when neither is a copy of the other."""
    if min(first.shingles, second.shingles) < MIN_SHINGLES or found.shared < MIN_SHARED:
        return None
    if found.jaccard >= NEAR_JACCARD:
        return "near"
    if max(found.first_in_second, found.second_in_first) >= CONTAINED_SHARE and found.jaccard >= CONTAINED_JACCARD:
        return "contained"
    return None
