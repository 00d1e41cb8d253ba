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
from dataclasses import dataclass

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
    lengths = np.array([len(s) for s in shingles])
    text = np.repeat(np.arange(len(shingles)), lengths)
    every = np.concatenate(shingles)
    ordered = (text.astype(np.uint64) << _HIGH) | every
    ordered.sort()
    distinct = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=distinct[1:])
    repeats = text[~distinct]
    if len(repeats):
        ordered, text = ordered[distinct], text[distinct]
    hashes = ordered.astype(np.uint32)
    counts = np.bincount(text, minlength=len(shingles))
    ends = np.cumsum(counts)
    bounds = [
        bound_of(hashes[end - count : end], KEPT, EVERYTHING >> 3, _MOST)
        for end, count in zip(ends.tolist(), counts.tolist(), strict=True)
    ]
    limits = np.array(bounds, np.uint64)
    low = hashes < limits[text]
    kept_ordered = hashes[low]
    ordered_ends = np.cumsum(np.bincount(text[low], minlength=len(shingles))).tolist()
    text = np.repeat(np.arange(len(shingles)), lengths)
    low = every < limits[text]
    kept = every[low]
    kept_ends = np.cumsum(np.bincount(text[low], minlength=len(shingles))).tolist()
    repeating = set(repeats.tolist())
    found = []
    for n, (bound, a, b, c, d) in enumerate(
        zip(bounds, [0, *ordered_ends], ordered_ends, [0, *kept_ends], kept_ends, strict=False)
    ):
        own = kept[c:d]
        if n in repeating:
            own = np.array(list(dict.fromkeys(own.tolist())), np.uint32)
        found.append((Sketch(own, bound, int(counts[n]), words[n]), kept_ordered[a:b]))
    return found


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
