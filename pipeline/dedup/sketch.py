"""Sketches: a fixed fraction of a text's shingle hashes, from which Jaccard and both containments can be measured.

A shingle is `WIDTH` words in a row. Of its 32-bit hashes a text keeps those below 2^(32 - level): the same part of hash
space in every text, so that two sketches compare at the coarser of their levels (FracMinHash: Irber et al. 2022,
"Lightweight compositional analysis of metagenomes with FracMinHash and minimum metagenome covers"; Broder 1997, "On the
resemblance and containment of documents", calls it mod sampling). Short texts keep every shingle (level 0).

The hashes stand in text order, which shows how long the stretches are that two texts share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import Words, mix

U32 = NDArray[np.uint32]

WIDTH = 5
"""Words in a shingle. Independent reports of one event share almost none of five words."""

KEPT = 128
"""A text of more shingles than this keeps a fraction: between half of this and this."""

# Never keep less than an eighth, so that a short copy inside a long text leaves enough shingles to be seen ...
_COARSEST = 3
# ... but never more than this, however long the text.
_MOST = 4096

_WEIGHTS = mix(np.arange(1, WIDTH + 1, dtype=np.uint64)) | np.uint64(1)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is remembered of a text's wording.

    Attributes:
        hashes: distinct, all below 2^(32 - level), in the order of their first places in the text.
        level: the part of hash space that is kept is 2^-level.
        shingles: number of distinct shingles of the whole text.
        words: number of words of the whole text.
    """

    hashes: U32
    level: int
    shingles: int
    words: int


def shingle_hashes(words: Words) -> U32:
    """Hash of the shingle that starts at each word; a text shorter than a shingle has one, of all its words."""
    h = words.hashes
    n = len(h) - WIDTH + 1
    if n < 1:
        if not len(h):
            return np.empty(0, np.uint32)
        return (mix(np.add.reduce(h * _WEIGHTS[: len(h)], keepdims=True)) >> _HIGH).astype(np.uint32)
    total = h[:n] * _WEIGHTS[0]
    for i in range(1, WIDTH):
        total += h[i : n + i] * _WEIGHTS[i]
    return (mix(total) >> _HIGH).astype(np.uint32)


def level_for(shingles: int) -> int:
    """The level at which a text of so many distinct shingles is kept."""
    level = 0
    while shingles >> level > KEPT and level < _COARSEST:
        level += 1
    while shingles >> level > _MOST:
        level += 1
    return level


def below(level: int) -> int:
    """Exclusive upper bound of the hashes kept at a level."""
    return 1 << (32 - level)


def distinct(hashes: U32) -> U32:
    """The hashes without repetitions, in the order of their first places."""
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return hashes
    _, first = np.unique(hashes, return_index=True)
    return hashes[np.sort(first)]


def sketch(hashes: U32, words: int) -> Sketch:
    """The sketch of a text.

    Args:
        hashes: of `shingle_hashes`, distinct.
        words: number of words of the text.
    """
    level = level_for(len(hashes))
    return Sketch(at_level(hashes, level), level, len(hashes), words)


def at_level(hashes: U32, level: int) -> U32:
    """The hashes that a level keeps."""
    return hashes[hashes < below(level)] if level else hashes
