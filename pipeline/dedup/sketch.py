"""Sketches: the lowest part of a text's shingle hashes, from which Jaccard and both containments can be measured.

A shingle is `WIDTH` words in a row. Of its 32-bit hashes a text keeps those below a bound: the same part of hash space
in every text, so that two sketches compare below the lower of their bounds. The bound leaves `KEPT` hashes (bottom-k
sketch: Broder 1997, "On the resemblance and containment of documents"), but never less than an eighth of a text, so
that a short copy inside a long one leaves enough shingles to be seen (FracMinHash: Irber et al. 2022, "Lightweight
compositional analysis of metagenomes with FracMinHash and minimum metagenome covers"). Short texts keep all.

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
"""A text of more shingles than this keeps so many, or an eighth of them, whichever is more."""

EVERYTHING = 1 << 32
"""The bound of a text that keeps all its hashes."""

# No text keeps more than this, however long.
_MOST = 4096

_WEIGHTS = mix(np.arange(1, WIDTH + 1, dtype=np.uint64)) | np.uint64(1)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is remembered of a text's wording.

    Attributes:
        hashes: distinct, all below `bound`, in the order of their first places in the text.
        bound: every hash of the text below this is kept; at most 2^32.
        shingles: number of distinct shingles of the whole text.
        words: number of words of the whole text.
    """

    hashes: U32
    bound: int
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
    bound = bound_of(hashes, KEPT, EVERYTHING >> 3, _MOST)
    return Sketch(below(hashes, bound), bound, len(hashes), words)


def bound_of(hashes: U32, kept: int, least: int, most: int) -> int:
    """The bound that leaves a number of hashes.

    Args:
        hashes: distinct.
        kept: so many are left ...
        least: ... or all below this, whichever is more ...
        most: ... but never more than so many.
    """
    if len(hashes) <= kept:
        return EVERYTHING
    bound = max(int(np.partition(hashes, kept)[kept]), least)
    return min(bound, int(np.partition(hashes, most)[most])) if len(hashes) > most else bound


def below(hashes: U32, bound: int) -> U32:
    """The hashes below a bound."""
    return hashes if bound == EVERYTHING else hashes[hashes < bound]
