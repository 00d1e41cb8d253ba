"""Candidates: which remembered texts may share enough with a new one to be worth a close comparison.

An inverted index from shingle hash to the slots of the texts that have it. Of each text only the lowest hashes are
keys (32, or a sixteenth of a long text). What a lookup gives is a function of the texts in the index and the order they
were added in; the layout never shows. Every operation takes many texts at once, because the cost of numpy is per call.

Keys live in buckets of 16 cells, one cache line of hashes and one of slots, in the order of the hashes: a bucket holds
an equal part of hash space. The table grows by a quarter at a time and in place, from its end towards its start, a few
buckets with each addition, so that none waits for the whole table to be built anew. A key of many texts, or one whose
bucket is full, lives in a dictionary beside them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import EVERYTHING, U32
from pipeline.text.words import U64

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

_KEYS, _MOST = 32, 2048
_CELLS = 16
SAME = 4
"""Cells of one bucket with the same key; a key of more texts lives in the dictionary."""

_EMPTY = 0xFFFFFFFF
_OWNER = np.uint64(32)
# Keys are the low end of hash space; an odd factor spreads them evenly over the buckets (Knuth's multiplicative hash).
_SCATTER = np.uint32(2654435761)
# Crowded keys are counted in parts of hash space of two to this power.
_PART = 10
# Cells in use, on average: growth begins at the one and is done before the other.
_FULL, _OVERFULL = 9.8, 10.2
# Buckets worth spreading at once.
_SWEPT = 256
_FIRST_BUCKETS = 64


def keys_of(sketches: Sequence[U32]) -> tuple[U32, I64]:
    """The hashes under which texts are found, and how many of each text they are; sorted, text after text.

    Args:
        sketches: the hashes of each text's sketch, distinct.
    """
    lengths = np.array([len(s) for s in sketches], np.int64)
    owners = np.repeat(np.arange(len(sketches)), lengths)
    together: U64 = (owners.astype(np.uint64) << _OWNER) | np.concatenate(sketches)
    together.sort()
    hashes = together.astype(np.uint32)
    place = np.arange(len(hashes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    chosen = ((place < _KEYS) | (hashes < EVERYTHING >> 4)) & (place < _MOST)
    return hashes[chosen], np.bincount(owners[chosen], minlength=len(sketches)).astype(np.int64)


def _by_key(keys: U32, slots: U32) -> tuple[U32, U32]:
    """Both, sorted by key; one key's slots stay in order."""
    # Sorting values is many times faster than a stable sort of places.
    both = keys.astype(np.uint64) << _OWNER
    both |= np.arange(len(keys), dtype=np.uint64)
    both.sort()
    return (both >> _OWNER).astype(np.uint32), slots[both.astype(np.uint32)]


def _rank(ordered: NDArray[Any]) -> I64:
    """How many equal values stand before each of sorted values."""
    at = np.arange(len(ordered))
    first = at.copy()
    first[1:][ordered[1:] == ordered[:-1]] = 0
    return at - np.maximum.accumulate(first)


class Index:
    """Multimap from 32-bit keys to slots: numbers below 2^32 - 1 that stand for texts."""

    def __init__(self) -> None:
        self._buckets = _FIRST_BUCKETS
        # While the table grows: its next number of buckets, and the first old bucket that is already spread over them.
        self._target = _FIRST_BUCKETS
        self._grown_from = _FIRST_BUCKETS
        self._keys = np.zeros((_FIRST_BUCKETS, _CELLS), np.uint32)
        self._slots = np.full((_FIRST_BUCKETS, _CELLS), _EMPTY, np.uint32)
        self._in_cells = 0
        # Slots of a crowded key, in the order they were added; and how many such keys each small part of hash space
        # has, so that most keys need not be looked for.
        self._crowded: dict[int, array[int]] = {}
        self._crowds = np.zeros(1 << 32 - _PART, np.uint16)
        # Order of addition, by slot.
        self._added = np.zeros(1024, np.int64)
        self._additions = 0

    def __len__(self) -> int:
        """Number of keys of all texts together."""
        return self._in_cells + sum(map(len, self._crowded.values()))

    def add(self, keys: U32, slots: U32) -> None:
        """Add texts.

        Args:
            keys: distinct for one text.
            slots: of the text that each key is of; texts in the order in which they are to count as added.
        """
        if not len(keys):
            return
        most = int(slots.max())
        if most >= len(self._added):
            self._added.resize(most * 9 // 8 + 1, refcheck=False)
        self._added[slots] = self._additions + np.arange(len(slots))
        self._additions += len(slots)
        keys = keys * _SCATTER
        keys, slots = _by_key(keys, slots)
        keys, slots = self._add_to_crowds(keys, slots)
        if len(keys):
            self._grow(len(keys))
            self._place(keys, slots)

    def remove(self, keys: U32, slots: U32) -> None:
        """Take out texts that were added with these keys."""
        keys = keys * _SCATTER
        rows = self._address(keys)
        found = (self._keys.take(rows, axis=0) == keys[:, None]) & (self._slots.take(rows, axis=0) == slots[:, None])
        at, cell = found.nonzero()
        self._slots[rows[at], cell] = _EMPTY
        self._in_cells -= len(at)
        elsewhere = np.ones(len(keys), np.bool_)
        elsewhere[at] = False
        for key, slot in zip(keys[elsewhere].tolist(), slots[elsewhere].tolist(), strict=True):
            crowd = self._crowded[key]
            crowd.remove(slot)
            if not crowd:
                del self._crowded[key]
                self._crowds[key >> _PART] -= 1

    def lookup(self, hashes: U32) -> tuple[I64, U32, list[int]]:
        """Find the texts that have a hash as key.

        Returns:
            Place in `hashes` and slot of what was found, ordered by place, at most `SAME` of one; and the places that
            `newest` must be asked for, because many texts have that key.
        """
        keys = hashes * _SCATTER
        rows = self._address(keys)
        at, cell = (self._keys.take(rows, axis=0) == keys[:, None]).nonzero()
        slots = self._slots[rows[at], cell]
        there = slots != _EMPTY
        return at[there], slots[there], self._crowded_among(keys)

    def _crowded_among(self, keys: U32) -> list[int]:
        """The places of crowded keys."""
        crowded = self._crowded
        likely = self._crowds.take(keys >> _PART).nonzero()[0]
        return [at for at, key in zip(likely.tolist(), keys[likely].tolist(), strict=True) if key in crowded]

    def newest(self, hash: int) -> Iterable[int]:
        """Slots of the texts that have a hash as key, the last added first."""
        (key,) = keys = np.array([hash], np.uint32) * _SCATTER
        crowd = self._crowded.get(int(key))
        if crowd is not None:
            return reversed(crowd)
        (row,) = self._address(keys).tolist()
        slots = self._slots[row][self._keys[row] == key]
        return sorted(slots[slots != _EMPTY].tolist(), key=self._added.__getitem__, reverse=True)

    def _address(self, keys: U32) -> I64:
        """The bucket of each key. Buckets from `_grown_from` on are already at the new number of buckets."""
        wide = keys.astype(np.int64)
        old = (wide * self._buckets) >> 32
        if self._grown_from == self._buckets:
            return old
        return np.where(old >= self._grown_from, (wide * self._target) >> 32, old)

    def _add_to_crowds(self, keys: U32, slots: U32) -> tuple[U32, U32]:
        """Add what belongs to crowded keys, old ones and those that have too many texts here; returns the rest.

        Args:
            keys: sorted.
        """
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        counts = np.diff(starts, append=len(keys))
        many = counts > SAME
        many[self._crowded_among(keys[starts])] = True
        if not many.any():
            return keys, slots
        begins, lengths = starts[many], counts[many]
        rows = self._address(keys[begins]).tolist()
        for row, key, first, count in zip(rows, keys[begins].tolist(), begins.tolist(), lengths.tolist(), strict=True):
            self._crowd(row, key, slots[first : first + count].tolist())
        rest = ~np.repeat(many, counts)
        return keys[rest], slots[rest]

    def _crowd(self, row: int, key: int, slots: list[int], alike: bool = True) -> None:
        """Add slots to a crowded key; one that was not takes along what is in its bucket.

        Args:
            alike: False when nothing of the key is in its bucket.
        """
        crowd = self._crowded.get(key)
        if crowd is not None and self._added[crowd[-1]] < self._added[slots[0]]:
            crowd.extend(slots)
            return
        if crowd is None:
            self._crowds[key >> _PART] += 1
        if crowd is not None:
            slots = sorted(crowd.tolist() + slots, key=self._added.__getitem__)
        elif alike:
            there = (self._keys[row] == key) & (self._slots[row] != _EMPTY)
            slots = sorted(self._slots[row, there].tolist() + slots, key=self._added.__getitem__)
            self._slots[row, there] = _EMPTY
            self._in_cells -= int(np.count_nonzero(there))
        self._crowded[key] = array("I", slots)

    def _place(self, keys: U32, slots: U32) -> None:
        """Put sorted keys into free cells of their buckets; those that find none, or too many alike, are crowded."""
        rows = self._address(keys)
        free = self._slots.take(rows, axis=0) == _EMPTY
        alike = np.count_nonzero((self._keys.take(rows, axis=0) == keys[:, None]) & ~free, axis=1)
        alike += _rank(keys)
        # The first of a bucket takes its first free cell, the next the second, and so on.
        nth = _rank(rows)
        reached = np.cumsum(free, axis=1, dtype=np.int8)
        cell = (reached > nth[:, None]).argmax(axis=1)
        fits = (reached[:, -1] > nth) & (alike < SAME)
        self._keys[rows[fits], cell[fits]] = keys[fits]
        self._slots[rows[fits], cell[fits]] = slots[fits]
        self._in_cells += int(np.count_nonzero(fits))
        self._crowd_each(rows, keys, slots, ~fits, alike > 0)

    def _crowd_each(self, rows: I64, keys: U32, slots: U32, which: Bools, alike: Bools) -> None:
        columns = (part[which].tolist() for part in (rows, keys, slots, alike))
        for row, key, slot, has_alike in zip(*columns, strict=True):
            self._crowd(row, key, [slot], has_alike)

    def _grow(self, more: int) -> None:
        """Make room for so many more keys."""
        cells = self._in_cells + more
        while cells > _FULL * self._buckets:
            if self._target == self._buckets:
                # A quarter; more when much comes at once.
                self._target = max(self._buckets * 5 // 4, int(cells / (_FULL * 0.9)))
                self._grown_from = self._buckets
                if self._target > len(self._keys):
                    self._keys.resize((self._target, _CELLS), refcheck=False)
                    self._slots.resize((self._target, _CELLS), refcheck=False)
                self._slots[self._buckets : self._target] = _EMPTY
            done = (cells / self._buckets - _FULL) / (_OVERFULL - _FULL)
            goal = max(0, int(self._buckets * (1 - done)))
            if 0 < self._grown_from - goal < _SWEPT and goal:
                return
            while self._grown_from > goal:
                self._sweep(max(goal, self._grown_from - 16 * _SWEPT))
            if self._grown_from:
                return
            self._buckets = self._grown_from = self._target

    def _sweep(self, start: int) -> None:
        """Spread the buckets from `start` to `_grown_from` over those of the new number of buckets."""
        old = slice(start, self._grown_from)
        # The first bucket that is already done may begin with keys of the last one that is not.
        edge = self._grown_from * self._target // self._buckets
        keys = self._keys[old]
        slots = self._slots[old]
        taken = slots != _EMPTY
        keys, slots = keys[taken], slots[taken]
        self._slots[old] = _EMPTY
        if edge < self._target and edge >= self._grown_from:
            there = self._slots[edge] != _EMPTY
            keys = np.concatenate([keys, self._keys[edge, there]])
            slots = np.concatenate([slots, self._slots[edge, there]])
            self._slots[edge] = _EMPTY
        self._grown_from = start
        keys, slots = _by_key(keys, slots)
        rows = (keys.astype(np.int64) * self._target) >> 32
        cell = _rank(rows)
        fits = cell < _CELLS
        self._keys[rows[fits], cell[fits]] = keys[fits]
        self._slots[rows[fits], cell[fits]] = slots[fits]
        self._in_cells -= int(np.count_nonzero(~fits))
        alike = np.zeros(len(keys), np.bool_)
        alike[1:] = keys[1:] == keys[:-1]
        alike[:-1] |= alike[1:]
        self._crowd_each(rows, keys, slots, ~fits, alike)
