"""The candidates of a batch of texts, looked up together before the first of them is decided.

Each text finds what it would find if it were looked up alone, after those before it were decided: the texts of the
index that are still remembered when its turn comes, and those before it in the batch. The index must not change
meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.index import SAME, Index, keys_of
from pipeline.dedup.sketch import U32

LOOKED_UP = 64
"""So many of a text's hashes are looked up in the index, the lowest. Of a text of the same length the keys are among
the lowest 32, of one a sixth as long among the lowest 200."""

NEWEST = 8
"""A shingle that many texts have leads to the newest of them only."""

_HIGH = np.uint64(32)
_LOW = 0xFFFFFFFF


class Lookahead:
    """Looks up the texts of a batch.

    Args:
        sketches: the hashes of each text's sketch, sorted.
        is_remembered: whether a slot that the index gave still stands for its text.
    """

    def __init__(self, index: Index, sketches: Sequence[U32], is_remembered: Callable[[int], bool]) -> None:
        self._index = index
        self._is_remembered = is_remembered
        # Slots of the texts of the batch that were decided and are remembered.
        self._slots: list[int | None] = [None] * len(sketches)
        asked = [s[:LOOKED_UP] for s in sketches]
        lengths = [len(a) for a in asked]
        self._asked = hashes = np.concatenate(asked)
        texts = np.repeat(np.arange(len(sketches)), lengths)
        at, slots, crowded = index.lookup(hashes)

        # The batch's own keys, with the text of each in the lower half; those of the texts before one end at `past`.
        keys, counts = keys_of(sketches)
        owned = keys.astype(np.uint64) << _HIGH
        owned |= np.repeat(np.arange(len(sketches), dtype=np.uint64), counts)
        owned.sort()
        wide = hashes.astype(np.uint64) << _HIGH
        self._first = first = owned.searchsorted(wide)
        self._past = past = owned.searchsorted(wide | texts.astype(np.uint64))
        self._owners = owners = (owned & np.uint64(_LOW)).astype(np.int64)

        # Where there may be more than the newest that count, `_newest` takes its time.
        near = past - first
        slow = near > NEWEST - SAME
        slow[crowded] = True
        self._slow = _cut(np.flatnonzero(slow), texts[slow], len(sketches))
        quick = ~slow[at]
        self._found = _cut(slots[quick], texts[at[quick]], len(sketches))
        near[slow] = 0
        counted = np.repeat(first - np.cumsum(near) + near, near) + np.arange(near.sum())
        self._near = _cut(owners[counted], np.repeat(texts, near), len(sketches))

    def decided(self, n: int, slot: int) -> None:
        """The nth text is remembered in a slot: the texts behind it may find it."""
        self._slots[n] = slot

    def candidates(self, n: int, least: int) -> dict[int, int]:
        """Slots of the texts that the nth has so many keys in common with, or more, and how many those are."""
        found = [*self._found[n]]
        found += [slot for m in self._near[n] if (slot := self._slots[m]) is not None]
        for at in self._slow[n]:
            found += islice(self._newest(at), NEWEST)
        return {slot: n for slot, n in Counter(found).items() if n >= least and self._is_remembered(slot)}

    def _newest(self, at: int) -> Iterator[int]:
        for m in self._owners[self._first[at] : self._past[at]][::-1].tolist():
            slot = self._slots[m]
            if slot is not None and self._is_remembered(slot):
                yield slot
        for slot in self._index.newest(int(self._asked[at])):
            if self._is_remembered(slot):
                yield slot


def _cut(values: NDArray[Any], texts: NDArray[np.intp], count: int) -> list[list[int]]:
    """Values by text; both in the order of the texts."""
    ends = texts.searchsorted(np.arange(count + 1)).tolist()
    every = values.tolist()
    return [every[start:end] for start, end in pairwise(ends)]
