"""What pairs of texts share, as their sketches say: Jaccard and containment both ways, for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.crowds import I64
from pipeline.dedup.sketch import U32
from pipeline.text.words import U64

NEAR_JACCARD, NEAR_SHARE = 1 / 3, 0.45
"""Two texts are one story, re-edited, when they share this part of their shingles, and the shorter this part of its."""

MUCH_JACCARD, MUCH_SHARE = 0.2, 0.4
"""Less will do when it is many words."""

INSIDE_JACCARD, INSIDE_SHARE = 0.15, 0.7
"""One text is inside the other when this share of it is there, and it is no mere snippet of the other."""

MIN_SHARED = 6
"""Sampled shingles in common below this prove nothing."""

_HIGH = np.uint64(32)
# So many flags for each hash that is searched in: of what is not there, one in so many passes. And so many cells: of
# what is there, one in eight has lost its cell to another and must be searched for.
_FLAGS, _CELLS = 16, 4
_SPREAD = np.uint32(2654435761)


@dataclass(slots=True)
class Overlap:
    """What two texts share, below the lower of their bounds.

    Attributes:
        jaccard: shared shingles over all shingles of both.
        first_in_second, second_in_first: share of the one's shingles that the other has.
        shared: shingles in common in the sample.
        hits: for each hash of the second sketch, in its order, 1 where the first has it, else 0.
    """

    jaccard: float
    first_in_second: float
    second_in_first: float
    shared: int
    hits: bytes


class Sketches:
    """The sketches of a batch, to measure other texts against.

    Args:
        ordered: hashes of each sketch, sorted.
        bounds: of each sketch.
    """

    def __init__(self, ordered: Sequence[U32], bounds: Sequence[int]) -> None:
        lengths = [len(hashes) for hashes in ordered]
        hashes = np.concatenate([np.empty(0, np.uint32), *ordered])
        text = np.repeat(np.arange(len(ordered), dtype=np.uint64), lengths)
        self._starts = np.cumsum(lengths) - lengths
        self._bounds = np.array(bounds, np.uint64)
        self._hashes: U64 = text << _HIGH | hashes
        self._mask = np.uint32((1 << (_FLAGS * len(hashes)).bit_length()) - 1)
        self._flags = np.zeros(int(self._mask) + 1, np.bool_)
        spread = hashes + text.astype(np.uint32) * _SPREAD
        self._flags[spread & self._mask] = True
        self._cell_mask = np.uint32((1 << (_CELLS * len(hashes)).bit_length()) - 1)
        self._cells = np.zeros(int(self._cell_mask) + 1, np.int32)
        self._cells[spread & self._cell_mask] = np.arange(len(hashes), dtype=np.int32)

    def overlaps(self, texts: Sequence[int], others: Sequence[bytes], bounds: I64) -> list[tuple[int, Overlap]]:
        """Measure pairs; places and overlaps of those that share enough for the one to be a copy of the other.

        Args:
            texts: place in the batch of the first of each pair.
            others: hashes of the sketch of the second, packed, in any order.
            bounds: of these sketches.
        """
        if not texts:
            return []
        first = np.array(texts, np.uint64)
        values = np.frombuffer(b"".join(others), "<u4")
        lengths = np.fromiter(map(len, others), np.int64, len(others)) >> 2
        ends = np.cumsum(lengths)
        # Most pairs share little: a flag spares most of the searches.
        flags = np.repeat(first.astype(np.uint32) * _SPREAD, lengths)
        flags += values
        flags &= self._mask
        likely = self._flags.take(flags).nonzero()[0]
        pair = ends.searchsorted(likely, "right")
        sought = first[pair] << _HIGH | values[likely]
        is_there = self._are_there(sought, flags[likely])
        shared = np.bincount(pair[is_there], minlength=len(texts))
        # What both kept lies below both bounds; of all that they kept, that counts which lies there.
        limits = self._bounds[first]
        other_limits = bounds.astype(np.uint64)
        own = self._hashes.searchsorted((first << _HIGH) + np.minimum(limits, other_limits)) - self._starts[first]
        other = lengths
        if (limits < other_limits).any():
            last = (limits - np.uint64(1)).astype(np.uint32)
            low = (values <= np.repeat(last, lengths)).nonzero()[0]
            other = np.diff(low.searchsorted(ends), prepend=0)
        enough = (shared > 0) & (shared >= np.minimum(MIN_SHARED, own))
        jaccard = shared / np.maximum(own + other - shared, 1)
        share = shared / np.maximum(np.minimum(own, other), 1)
        enough &= (
            ((jaccard >= NEAR_JACCARD) & (share >= NEAR_SHARE))
            | ((jaccard >= MUCH_JACCARD) & (share >= MUCH_SHARE))
            | ((jaccard >= INSIDE_JACCARD) & (share >= INSIDE_SHARE))
        )
        near = enough.nonzero()[0]
        shared, own, other = shared[near], own[near], other[near]
        every = np.zeros(len(values), np.uint8)
        every[likely[is_there]] = 1
        hits = every.tobytes()
        starts = ends - lengths
        measured = (near, jaccard[near], shared / own, shared / other, shared, starts[near], ends[near])
        columns = (part.tolist() for part in measured)
        return [
            (n, Overlap(of_all, of_own, of_other, common, hits[start:end]))
            for n, of_all, of_own, of_other, common, start, end in zip(*columns, strict=True)
        ]

    def _are_there(self, sought: U64, spread: U32) -> NDArray[np.bool_]:
        """Which hashes, each with its text, the batch has.

        Args:
            spread: what chooses the cell of each.
        """
        is_there: NDArray[np.bool_] = self._hashes.take(self._cells.take(spread & self._cell_mask)) == sought
        lost = (~is_there).nonzero()[0]
        searched = sought[lost]
        is_there[lost] = self._hashes.take(self._hashes.searchsorted(searched), mode="clip") == searched
        return is_there
