"""Sketches: a fixed fraction of a text's shingle hashes, from which Jaccard and both containments can be measured.

A shingle is `WIDTH` words in a row. Of its 32-bit hashes a text keeps those below 2^32 / 2^level: the same part of
hash space in every text, so that two sketches compare at the coarser of their levels (FracMinHash: Irber et al. 2022,
"Lightweight compositional analysis of metagenomes with FracMinHash"; the idea is mod-p sketching, Broder 1997). Short
texts keep every shingle (level 0).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import Words, mix

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

WIDTH = 5
"""Words in a shingle. Independent reports of one event share almost none of five words."""

KEPT = 128
"""A text of more shingles than this keeps a fraction: between half of this and this."""

# Never keep less than an eighth, so that a short copy inside a long text leaves enough shingles to be seen ...
_COARSEST = 3
# ... but never more than this, however long the text.
_MOST = 4096

_WEIGHTS = mix(np.arange(1, WIDTH + 1, dtype=np.uint64)) | np.uint64(1)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is remembered of a text's wording.

    Attributes:
        hashes: sorted, distinct, all below 2^(32 - level).
        level: the part of hash space that is kept is 2^-level.
        shingles: number of distinct shingles of the whole text.
        words: number of words of the whole text.
    """

    hashes: U32
    level: int
    shingles: int
    words: int

    def packed(self) -> str:
        """The hashes as base64 of little-endian uint32."""
        return base64.b64encode(self.hashes.astype("<u4").tobytes()).decode("ascii")


def unpacked(data: str) -> U32:
    """The hashes of a sketch from `Sketch.packed`."""
    return np.frombuffer(base64.b64decode(data), "<u4").astype(np.uint32, copy=False)


def shingle_hashes(words: Words) -> U32:
    """Hash of the shingle that starts at each word; a text shorter than a shingle has one, of all its words."""
    h = words.hashes
    n = len(h) - WIDTH + 1
    if n < 1:
        if not len(h):
            return np.empty(0, np.uint32)
        return (mix(np.add.reduce(h * _WEIGHTS[: len(h)], keepdims=True)) >> np.uint64(32)).astype(np.uint32)
    total = h[:n] * _WEIGHTS[0]
    for i in range(1, WIDTH):
        total += h[i : n + i] * _WEIGHTS[i]
    return (mix(total) >> np.uint64(32)).astype(np.uint32)


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


def sketch(hashes: U32, words: int) -> Sketch:
    """The sketch of a text.

    Args:
        hashes: of `shingle_hashes`, in text order.
        words: number of words of the text.
    """
    distinct = np.unique(hashes)
    level = level_for(len(distinct))
    kept = distinct if level == 0 else distinct[: np.searchsorted(distinct, np.uint32(below(level)))]
    return Sketch(kept, level, len(distinct), words)


def at_level(hashes: U32, level: int) -> U32:
    """The part of sorted hashes that a coarser level keeps."""
    return hashes if level == 0 else hashes[: np.searchsorted(hashes, np.uint32(below(level)))]
