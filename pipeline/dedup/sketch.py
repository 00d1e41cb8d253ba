"""Sketches: the lowest part of a text's shingle hashes, from which Jaccard and both containments can be measured.

A shingle is `WIDTH` words in a row. Of its 32-bit hashes a text keeps those below a bound: the same part of hash space
in every text, so that two sketches compare below the lower of their bounds. The bound leaves `KEPT` hashes (bottom-k
sketch: Broder 1997, "On the resemblance and containment of documents"), but never less than an eighth of a text, so
that a short copy inside a long one leaves enough shingles to be seen (FracMinHash: Irber et al. 2022, "Lightweight
compositional analysis of metagenomes with FracMinHash and minimum metagenome covers"). Short texts keep all.

The hashes stand in text order, which shows how long the stretches are that two texts share.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import U64, mix

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
_NONE = np.empty(0, np.uint32)
_FLAGS = 1 << 16
_FLAG = np.uint64(_FLAGS - 1)


class Sketch(msgspec.Struct, gc=False):
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


def shingle_hashes(words: U64) -> U32:
    """Hash of the shingle that starts at each word; a text shorter than a shingle has one, of all its words.

    Args:
        words: hashes of the words of a text.
    """
    n = len(words) - WIDTH + 1
    if n < 1:
        if not len(words):
            return _NONE
        return (mix(np.add.reduce(words * _WEIGHTS[: len(words)], keepdims=True)) >> _HIGH).astype(np.uint32)
    total = words[:n] * _WEIGHTS[0]
    for i in range(1, WIDTH):
        total += words[i : n + i] * _WEIGHTS[i]
    return (mix(total) >> _HIGH).astype(np.uint32)


def sketches(shingles: Sequence[U32], words: Sequence[int]) -> list[tuple[Sketch, U32]]:
    """The sketches of texts, each with its hashes sorted.

    Args:
        shingles: of `shingle_hashes`, for each text.
        words: number of words of each.
    """
    # Together, because one call for many is several times faster: sorted by text, then by hash.
    count = len(shingles)
    every = np.concatenate(shingles)
    text = np.repeat(np.arange(count), [len(s) for s in shingles])
    wide = (text.astype(np.uint64) << _HIGH) | every
    ordered = np.sort(wide)
    again = _again(ordered)
    repeated = ordered[again]
    if len(repeated):
        ordered = ordered[~again]
    hashes = ordered.astype(np.uint32)
    ends = ordered.searchsorted(np.arange(1, count + 1, dtype=np.uint64) << _HIGH).tolist()
    bounds = [
        bound_of(hashes[a:b], KEPT, EVERYTHING >> 3, _MOST) if b - a > KEPT else EVERYTHING
        for a, b in pairwise([0, *ends])
    ]
    limits = np.array(bounds, np.uint64)
    low = (every < limits[text]).nonzero()[0]
    if len(repeated):
        low = low[_first_places(wide[low], repeated)]
    kept = every[low]
    kept_ends = low.searchsorted(np.cumsum([len(s) for s in shingles])).tolist()
    found = []
    for bound, words_, (a, b), (c, d) in zip(
        bounds, words, pairwise([0, *ends]), pairwise([0, *kept_ends]), strict=True
    ):  # fmt: skip
        found.append((Sketch(kept[c:d], bound, b - a, words_), hashes[a : a + d - c]))
    return found


def _again(ordered: U64) -> NDArray[np.bool_]:
    """Which of sorted values are the same as the one before."""
    same = np.zeros(len(ordered), np.bool_)
    np.equal(ordered[1:], ordered[:-1], out=same[1:])
    return same


def _first_places(values: U64, repeated: U64) -> NDArray[np.bool_]:
    """Which values stand where they stand first.

    Args:
        repeated: those that come again, sorted.
    """
    # Few do; a flag for the low bits of each spares most of the searches.
    flags = np.zeros(_FLAGS, np.bool_)
    flags[repeated & _FLAG] = True
    at = flags[values & _FLAG].nonzero()[0]
    likely = values[at]
    at = at[repeated[np.minimum(repeated.searchsorted(likely), len(repeated) - 1)] == likely]
    first = np.ones(len(values), np.bool_)
    first[at] = False
    first[at[np.unique(values[at], return_index=True)[1]]] = True
    return first


def lowest(values: U32, texts: NDArray[np.intp], count: int, most: int) -> list[U32]:
    """The lowest distinct values of each of `count` texts, sorted; at most so many of one.

    Args:
        texts: of which text each value is.
    """
    wide = (texts.astype(np.uint64) << _HIGH) | values
    wide.sort()
    wide = wide[~_again(wide)]
    cuts = wide.searchsorted(np.arange(count + 1, dtype=np.uint64) << _HIGH)
    values = wide.astype(np.uint32)
    ends = np.minimum(cuts[1:], cuts[:-1] + most)
    return [values[start:end] for start, end in zip(cuts.tolist(), ends.tolist(), strict=False)]


def bound_of(ordered: U32, kept: int, least: int, most: int) -> int:
    """The bound that leaves a number of hashes.

    Args:
        ordered: sorted, distinct.
        kept: so many are left ...
        least: ... or all below this, whichever is more ...
        most: ... but never more than so many.
    """
    if len(ordered) <= kept:
        return EVERYTHING
    bound = max(int(ordered[kept]), least)
    return min(bound, int(ordered[most])) if len(ordered) > most else bound


def below(hashes: U32, bound: int) -> U32:
    """The hashes below a bound."""
    return hashes if bound == EVERYTHING else hashes[hashes < bound]
