"""The candidates of a batch of texts, looked up together before the first of them is decided.

Each text finds what it would find if it were looked up alone, after those before it were decided: the texts of the
index that are still remembered when its turn comes, and those before it in the batch. The index must not change
meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, islice, pairwise

import numpy as np

from pipeline.dedup.crowds import AT_HAND, I64, rank, starts_of
from pipeline.dedup.index import Index
from pipeline.dedup.keys import keys_of
from pipeline.dedup.sketch import U32

LOOKED_UP = 64
"""So many of a text's hashes are looked up in the index, the lowest. Of a text of the same length the keys are among
the lowest 32, of one a sixth as long among the lowest 200."""

NEWEST = AT_HAND - 1
"""A shingle that many texts have leads to the newest of them only."""

IN_BATCH = 1 << 32
"""Added to a text's place in its batch, where slots stand otherwise."""

_HIGH = np.uint64(32)
_FLAGS = 1 << 17
_FLAG = np.uint32(_FLAGS - 1)
# Bits of what a candidate is said by.
_OTHER = 33
_LOW = 0xFFFFFFFF
_COLUMN = np.arange(AT_HAND)


class Lookahead:
    """Looks up the texts of a batch.

    A candidate is said by its slot; one that is a text of the batch by its place in it, `IN_BATCH` added.

    Attributes:
        texts, others: place in the batch, ordered, and candidate of each pair.

    Args:
        sketches: the hashes of each text's sketch, sorted.
        least: for each text, so many keys in common make a candidate.
        is_remembered: whether a slot that the index gave still stands for its text.
    """

    def __init__(
        self, index: Index, sketches: Sequence[U32], least: Sequence[int], is_remembered: Callable[[int], bool]
    ) -> None:
        self._index = index
        self._least = least
        self._is_remembered = is_remembered
        # Slots of the texts of the batch that were decided and are remembered.
        self._slots: list[int | None] = [None] * len(sketches)
        self._decided = 0
        self._removed = False
        asked = [s[:LOOKED_UP] for s in sketches]
        lengths = [len(a) for a in asked]
        self._asked = hashes = np.concatenate(asked)
        self._ends = np.cumsum(lengths)
        texts = np.repeat(np.arange(len(sketches)), lengths)
        at, slots, crowded, crowds = index.lookup(hashes)

        # The batch's own keys, with the text of each in the lower half; those of the texts before one end at `past`.
        self._keys, self._counts = keys, counts = keys_of(
            np.concatenate(sketches), np.array([len(s) for s in sketches]), are_sorted=True
        )
        owned = keys.astype(np.uint64) << _HIGH
        owned |= np.repeat(np.arange(len(sketches), dtype=np.uint64), counts)
        owned.sort()
        # Few hashes are keys of another text of the batch; flags for the low bits of a key, of the keys and of those of
        # several texts, spare most of the searches.
        flags = np.zeros(2 * _FLAGS, np.bool_)
        flags[keys & _FLAG] = True
        ordered = (owned >> _HIGH).astype(np.uint32)
        flags[(ordered[1:][ordered[1:] == ordered[:-1]] & _FLAG) + _FLAGS] = True
        is_own = np.arange(len(hashes)) < np.repeat(self._ends - lengths + counts, lengths)
        likely = flags.take((hashes & _FLAG) + is_own * np.uint32(_FLAGS)).nonzero()[0]
        wide = (hashes[likely].astype(np.uint64)) << _HIGH
        self._first, self._past = first, past = np.zeros((2, len(hashes)), np.int64)
        first[likely] = owned.searchsorted(wide)
        past[likely] = owned.searchsorted(wide | texts[likely].astype(np.uint64))
        self._owners = owners = (owned & np.uint64(_LOW)).astype(np.int64)

        # Of each key the newest count: those before the text in the batch, then the remembered ones.
        near = past - first
        counted = np.minimum(near, NEWEST)
        room = NEWEST - counted
        held = np.bincount(at, minlength=len(hashes))
        if (held > room).any():
            newest_first = np.lexsort((-index.order_of(slots), at))
            at, slots = at[newest_first], slots[newest_first]
            has_room = rank(at) < room[at]
            at, slots = at[has_room], slots[has_room]
        rows, lengths_of = index.crowds.newest(crowds)
        taken = np.minimum(lengths_of, room[crowded])
        held[crowded] = lengths_of
        in_batch = np.repeat(past - np.cumsum(counted), counted) + np.arange(counted.sum())
        found = np.concatenate([slots, rows[taken[:, None] > _COLUMN], owners[in_batch] + IN_BATCH])
        at = np.concatenate([at, np.repeat(crowded, taken), np.repeat(np.arange(len(hashes)), counted)])
        by = texts[at]
        # Of keys of more texts than count: when one is forgotten, an older one takes its place.
        limited = (near + held > NEWEST)[at]
        self._picked = by[limited], found[limited]
        self._picks: tuple[list[int], list[int]] | None = None
        self.texts, self.others, self._shared = self._candidates(by, found)
        self._ranges = list(pairwise(self.texts.searchsorted(np.arange(len(sketches) + 1)).tolist()))

    def _candidates(self, texts: I64, others: I64) -> tuple[I64, I64, I64]:
        """Those that share enough keys with a text: both, ordered by text, and how many keys."""
        # Both in one number, so that equal ones can be counted by sorting.
        both = np.sort(texts << _OTHER | others)
        starts = starts_of(both)
        counts = np.diff(starts, append=len(both))
        both = both[starts]
        texts = both >> _OTHER
        enough = counts >= np.array(self._least, np.int64)[texts]
        return texts[enough], both[enough] & (1 << _OTHER) - 1, counts[enough]

    def decided(self, n: int, slot: int) -> None:
        """The nth text is remembered in a slot: the texts behind it may find it."""
        self._slots[n] = slot
        self._decided += 1

    def keys_of(self, slots: Collection[int]) -> tuple[U32, U32] | None:
        """The keys of remembered texts, and the slot of each key's text; None when some are not of the batch.

        Args:
            slots: in the order in which they were decided.
        """
        stay = [slot in slots for slot in self._slots]
        if not slots or sum(stay) != len(slots):
            return None
        texts = np.repeat(stay, self._counts)
        owners = np.repeat(np.array([slot or 0 for slot in self._slots], np.uint32), self._counts)
        return self._keys[texts], owners[texts]

    def removed(self) -> None:
        """A text is no longer remembered."""
        self._removed = True

    def slot(self, other: int) -> int | None:
        """The slot that a candidate is remembered in; None when it is not."""
        slot = self._slots[other - IN_BATCH] if other >= IN_BATCH else other
        return slot if slot is not None and self._is_remembered(slot) else None

    def is_as_expected(self, n: int) -> bool:
        """True when all texts before the nth are remembered, and what was: its candidates are those of `others`."""
        return self._decided == n and not self._removed

    def expected(self, n: int) -> dict[int, int]:
        """`candidates` of the nth text, if `is_as_expected`."""
        start, end = self._ranges[n]
        return dict(zip(self.others[start:end].tolist(), self._shared[start:end].tolist(), strict=True))

    def candidates(self, n: int) -> dict[int, int]:
        """Candidates of the nth text, whose turn it is, and how many keys each has in common with it."""
        found = self.expected(n)
        if self.is_as_expected(n):
            return found
        if any(self.slot(other) is None for other in self._limited(n)):
            return self._one_by_one(n)
        return {other: shared for other, shared in found.items() if self.slot(other) is not None}

    def _limited(self, n: int) -> set[int]:
        """What the nth text found under keys of more texts than count."""
        if self._picks is None:
            texts, others = self._picked
            order = np.argsort(texts, kind="stable")
            ends = texts[order].searchsorted(np.arange(len(self._slots) + 1)).tolist()
            self._picks = others[order].tolist(), ends
        every, ends = self._picks
        return set(every[ends[n] : ends[n + 1]])

    def _one_by_one(self, n: int) -> dict[int, int]:
        """The same, of what is remembered now."""
        end = int(self._ends[n])
        start = int(self._ends[n - 1]) if n else 0
        shared = Counter(other for at in range(start, end) for other in islice(self._newest(at), NEWEST))
        return {other: count for other, count in shared.items() if count >= self._least[n]}

    def _newest(self, at: int) -> Iterator[int]:
        near = self._owners[self._first[at] : self._past[at]][::-1] + IN_BATCH
        for other in chain(near.tolist(), self._index.newest(int(self._asked[at]))):
            if self.slot(other) is not None:
                yield other
