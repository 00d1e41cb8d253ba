"""What pairs of texts share, as their sketches say: Jaccard and containment both ways, for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.crowds import I64
from pipeline.dedup.sketch import U32, Sketch
from pipeline.text.words import U64

NEAR_JACCARD, NEAR_SHARE = 1 / 3, 0.45
"""Two texts are one story, re-edited, when they share this part of their shingles, and the shorter this part of its."""

MUCH_JACCARD, MUCH_SHARE, MUCH_WORDS = 0.2, 0.4, 80
"""Less will do for so many words: nobody writes eighty of another's words by chance."""

INSIDE_JACCARD, INSIDE_SHARE = 0.15, 0.7
"""One text is inside the other when this share of it is there, and it is no mere snippet of the other."""

MIN_SHARED = 6
"""Sampled shingles in common below this prove nothing."""

MIN_SHINGLES = 12
"""A shorter text is a copy only when it is exactly the same: one sentence is quoted by many."""

_NONE = np.empty(0, np.uint32)
_HIGH = np.uint64(32)
# So many flags for each hash that is searched in: of what is not there, one in so many passes. And so many cells: one
# hash in eight loses its cell to another and must be searched for.
_FLAGS, _CELLS = 16, 4
_SPREAD = np.uint32(2654435761)


@dataclass(slots=True)
class Overlap:
    """What two texts share, below the lower of their bounds.

    Attributes:
        jaccard: shared shingles over all shingles of both.
        first_in_second, second_in_first: share of the one's shingles that the other has.
        shared: shingles in common in the sample.
        words: about so many words of the shorter text are in the other.
        hits: for each hash of the second sketch, in its order, 1 where the first has it, else 0.
    """

    jaccard: float
    first_in_second: float
    second_in_first: float
    shared: int
    words: float
    hits: bytes


@dataclass(slots=True)
class Several:
    """The sketches of several texts: hashes text after text, and of each text how many, bound, shingles and words."""

    hashes: U32
    lengths: I64
    bounds: I64
    shingles: I64
    words: I64

    @classmethod
    def of(cls, sketches: Sequence[Sketch], hashes: Sequence[U32] | None = None) -> Several:
        """Put sketches together.

        Args:
            hashes: of each, where they are to stand in another order than the text's.
        """
        if hashes is None:
            hashes = [sketch.hashes for sketch in sketches]
        return cls(
            np.concatenate([_NONE, *hashes]),
            np.array([len(h) for h in hashes], np.int64),
            np.array([sketch.bound for sketch in sketches], np.int64),
            np.array([sketch.shingles for sketch in sketches], np.int64),
            np.array([sketch.words for sketch in sketches], np.int64),
        )

    def __add__(self, other: Several) -> Several:
        return Several(
            np.concatenate((self.hashes, other.hashes)),
            np.concatenate((self.lengths, other.lengths)),
            np.concatenate((self.bounds, other.bounds)),
            np.concatenate((self.shingles, other.shingles)),
            np.concatenate((self.words, other.words)),
        )


class Sketches:
    """The sketches of a batch, to measure other texts against.

    Args:
        batch: hashes of each sketch sorted.
    """

    def __init__(self, batch: Several) -> None:
        self._batch = batch
        hashes, lengths = batch.hashes, batch.lengths
        text = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
        self._starts = np.cumsum(lengths) - lengths
        self._hashes: U64 = text << _HIGH | hashes
        self._mask = np.uint32((1 << (_FLAGS * len(hashes)).bit_length()) - 1)
        self._flags = np.zeros(int(self._mask) + 1, np.bool_)
        spread = hashes + text.astype(np.uint32) * _SPREAD
        self._flags[spread & self._mask] = True
        self._cell_mask = np.uint32((1 << (_CELLS * len(hashes)).bit_length()) - 1)
        self._cells = np.zeros(int(self._cell_mask) + 1, np.int32)
        cells, every = spread & self._cell_mask, np.arange(len(hashes), dtype=np.int32)
        self._cells[cells] = every
        # Those that have lost their cell to another, sorted.
        self._lost = self._hashes[self._cells.take(cells) != every]

    def overlaps(self, texts: I64, others: Several) -> list[tuple[int, Overlap]]:
        """Measure pairs; places and overlaps of those that share enough for the one to be a copy of the other.

        Args:
            texts: place in the batch of the first of each pair.
            others: the second of each pair.
        """
        if not len(texts):
            return []
        first = texts.astype(np.uint64)
        values, lengths = others.hashes, others.lengths
        ends = np.cumsum(lengths)
        pair_of = np.repeat(np.arange(len(texts)), lengths)
        # Most pairs share little: a flag spares most of the searches.
        spread = (first.astype(np.uint32) * _SPREAD).take(pair_of)
        spread += values
        likely = self._flags.take(spread & self._mask).nonzero()[0]
        pair = pair_of.take(likely)
        sought = (first << _HIGH).take(pair)
        sought |= values.take(likely)
        is_there = self._are_there(sought, spread.take(likely))
        shared = np.bincount(pair[is_there], minlength=len(texts))
        # What both kept lies below both bounds; of all that they kept, that counts which lies there.
        limits = self._batch.bounds[texts]
        lower = np.minimum(limits, others.bounds).astype(np.uint64)
        own = self._hashes.searchsorted((first << _HIGH) + lower) - self._starts[texts]
        other = lengths
        if (limits < others.bounds).any():
            last = (limits - 1).astype(np.uint32)
            low = (values <= last.take(pair_of)).nonzero()[0]
            other = np.diff(low.searchsorted(ends), prepend=0)
        jaccard = shared / np.maximum(own + other - shared, 1)
        share = shared / np.maximum(np.minimum(own, other), 1)
        words = share * np.minimum(self._batch.words[texts], others.words)
        enough = (
            ((jaccard >= NEAR_JACCARD) & (share >= NEAR_SHARE))
            | ((jaccard >= MUCH_JACCARD) & (share >= MUCH_SHARE) & (words >= MUCH_WORDS))
            | ((jaccard >= INSIDE_JACCARD) & (share >= INSIDE_SHARE))
        )
        enough &= shared >= MIN_SHARED
        enough &= np.minimum(self._batch.shingles[texts], others.shingles) >= MIN_SHINGLES
        # Short texts may be exactly the same.
        enough |= jaccard == 1
        near = enough.nonzero()[0]
        shared, own, other = shared[near], own[near], other[near]
        every = np.zeros(len(values), np.uint8)
        every[likely[is_there]] = 1
        hits = every.tobytes()
        starts = ends - lengths
        measured = (near, jaccard[near], shared / own, shared / other, shared, words[near], starts[near], ends[near])
        columns = (part.tolist() for part in measured)
        return [
            (n, Overlap(of_all, of_own, of_other, common, of_words, hits[start:end]))
            for n, of_all, of_own, of_other, common, of_words, start, end in zip(*columns, strict=True)
        ]

    def _are_there(self, sought: U64, spread: U32) -> NDArray[np.bool_]:
        """Which hashes, each with its text, the batch has.

        Args:
            spread: what chooses the cell of each.
        """
        is_there: NDArray[np.bool_] = self._hashes.take(self._cells.take(spread & self._cell_mask)) == sought
        if len(self._lost):
            absent = (~is_there).nonzero()[0]
            searched = sought[absent]
            is_there[absent] = self._lost.take(self._lost.searchsorted(searched), mode="clip") == searched
        return is_there
