"""Candidates: which remembered texts may share enough with a new one to be worth a close comparison.

An inverted index from shingle hash to the slots of the texts that have it. Of each text only the lowest hashes are
keys (32, or a sixteenth of a long text); the lowest of a new text are looked up. What a lookup gives is a function of
the texts in the index and the order they were added in; the layout never shows.

Keys live in buckets of 16 cells, one cache line of hashes and one of slots, in the order of the hashes: a bucket holds
an equal part of hash space. The table grows by a quarter at a time and in place, from its end towards its start, a few
buckets with each addition, so that none waits for the whole table to be built anew. A key of many texts, or one whose
bucket is full, lives in a dictionary beside them.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import EVERYTHING, U32, bound_of

I64 = NDArray[np.int64]

NEWEST = 8
"""A shingle that many texts have leads to the newest of them only."""

_KEYS, _MOST = 32, 2048
_CELLS = 16
# Cells of one bucket with the same key; more go to the dictionary.
_SAME = 4
_EMPTY = 0xFFFFFFFF
# Keys are the low end of hash space; an odd factor spreads them evenly over the buckets (Knuth's multiplicative hash).
_SCATTER = np.uint32(2654435761)
# Cells in use, on average: growth begins at the one and is done before the other.
_FULL, _OVERFULL = 9.8, 10.2
# Buckets worth spreading at once.
_SWEPT = 256
_FIRST_BUCKETS = 64
# Texts that wait to be put into the table together.
_BATCH = 128


def keys_of(ordered: U32) -> U32:
    """Those of a sketch's hashes, sorted, under which its text is found."""
    if len(ordered) <= _KEYS:
        return ordered
    return ordered[: ordered.searchsorted(np.uint32(bound_of(ordered, _KEYS, EVERYTHING >> 4, _MOST)))]


class Index:
    """Multimap from 32-bit keys to slots."""

    def __init__(self) -> None:
        self._buckets = _FIRST_BUCKETS
        # While the table grows: its next number of buckets, and the first old bucket that is already spread over them.
        self._target = _FIRST_BUCKETS
        self._grown_from = _FIRST_BUCKETS
        self._keys = np.zeros((_FIRST_BUCKETS, _CELLS), np.uint32)
        self._slots = np.full((_FIRST_BUCKETS, _CELLS), _EMPTY, np.uint32)
        self._in_cells = 0
        # Slots of a crowded key, in the order they were added.
        self._crowded: dict[int, array[int]] = {}
        # Texts that are not in the table yet; the first slot of each of their keys, and the later ones.
        self._waiting: dict[int, list[int]] = {}
        self._recent: dict[int, int] = {}
        self._again: dict[int, list[int]] = {}
        # Order of addition, by slot.
        self._added = np.zeros(1024, np.int64)
        self._additions = 0

    def add(self, slot: int, keys: U32) -> None:
        """Add a text; it is found from the next lookup on.

        Args:
            slot: any number below 2^32 - 1 that is not in the index.
            keys: distinct.
        """
        if slot >= len(self._added):
            self._added.resize(slot * 9 // 8 + 1, refcheck=False)
        self._added[slot] = self._additions
        self._additions += 1
        crowded = self._crowded
        waiting = []
        full = len(self._waiting) >= _BATCH
        for key in (keys * _SCATTER).tolist():
            if key in crowded:
                crowded[key].append(slot)
                continue
            waiting.append(key)
            if self._recent.setdefault(key, slot) != slot:
                again = self._again.setdefault(key, [])
                again.append(slot)
                # A key has at most _SAME slots in the table: with those that wait, no more than a lookup gives.
                full |= len(again) >= NEWEST - _SAME
        self._waiting[slot] = waiting
        if full:
            self._settle()

    def remove(self, slot: int, keys: U32) -> None:
        """Take out a text that was added with these keys."""
        if slot in self._waiting:
            self._settle()
        keys = keys * _SCATTER
        rows = self._address(keys)
        found = (self._keys.take(rows, axis=0) == keys[:, None]) & (self._slots.take(rows, axis=0) == slot)
        at, cell = found.nonzero()
        self._slots[rows[at], cell] = _EMPTY
        self._in_cells -= len(at)
        if len(at) < len(keys):
            in_cells = set(at.tolist())
            for n, key in enumerate(keys.tolist()):
                if n not in in_cells:
                    crowd = self._crowded[key]
                    crowd.remove(slot)
                    if not crowd:
                        del self._crowded[key]

    def lookup(self, hashes: U32) -> U32:
        """Slots of the texts that have a hash as key, once for every such hash; the newest of them for one hash.

        Args:
            hashes: distinct.
        """
        keys = hashes * _SCATTER
        rows = self._address(keys)
        at, cell = (self._keys.take(rows, axis=0) == keys[:, None]).nonzero()
        found = self._slots[rows[at], cell]
        found = found[found != _EMPTY]
        recent, crowded, again = self._recent, self._crowded, self._again
        each = keys.tolist()
        more = [recent[key] for key in each if key in recent]
        if again:
            more += [slot for key in each if key in again for slot in again[key]]
        if crowded:
            more += [slot for key in each if key in crowded for slot in crowded[key][-NEWEST:]]
        return np.concatenate([found, np.array(more, np.uint32)]) if more else found

    def _address(self, keys: U32) -> I64:
        """The bucket of each key. Buckets from `_grown_from` on are already at the new number of buckets."""
        wide = keys.astype(np.int64)
        old = (wide * self._buckets) >> 32
        if self._grown_from == self._buckets:
            return old
        return np.where(old >= self._grown_from, (wide * self._target) >> 32, old)

    def _settle(self) -> None:
        """Put the texts that wait into the table."""
        if not self._waiting:
            return
        waiting = self._waiting
        keys = np.array([key for each in waiting.values() for key in each], np.uint32)
        slots = np.repeat(np.array(list(waiting), np.uint32), [len(each) for each in waiting.values()])
        self._waiting.clear()
        self._recent.clear()
        self._again.clear()
        # Stable: one key's slots stay in the order they were added.
        order = np.argsort(keys, kind="stable")
        keys, slots = keys[order], slots[order]
        self._grow(len(keys))
        while len(keys):
            keys, slots = self._place_some(keys, slots)

    def _place_some(self, keys: U32, slots: U32) -> tuple[U32, U32]:
        """Place at most one of the sorted keys a bucket; returns the rest."""
        rows = self._address(keys)
        first = np.empty(len(rows), np.bool_)
        first[0] = True
        np.not_equal(rows[1:], rows[:-1], out=first[1:])
        now, now_slots, rows = keys[first], slots[first], rows[first]
        free = self._slots.take(rows, axis=0) == _EMPTY
        cell = free.argmax(axis=1)
        fits = free[np.arange(len(rows)), cell]
        same = (self._keys.take(rows, axis=0) == now[:, None]) & ~free
        if same.any():
            fits &= np.count_nonzero(same, axis=1) < _SAME
        if fits.all():
            self._keys[rows, cell] = now
            self._slots[rows, cell] = now_slots
            self._in_cells += len(rows)
        else:
            self._keys[rows[fits], cell[fits]] = now[fits]
            self._slots[rows[fits], cell[fits]] = now_slots[fits]
            self._in_cells += int(np.count_nonzero(fits))
            for row, key, slot in zip(
                rows[~fits].tolist(), now[~fits].tolist(), now_slots[~fits].tolist(), strict=True
            ):
                self._crowd(row, key, slot)
            later = ~first
            for at in later.nonzero()[0].tolist():
                crowd = self._crowded.get(int(keys[at]))
                if crowd is not None:
                    crowd.append(int(slots[at]))
                    later[at] = False
            return keys[later], slots[later]
        return keys[~first], slots[~first]

    def _crowd(self, row: int, key: int, slot: int) -> None:
        """Move a key's slots from its bucket to the dictionary and add one."""
        there = self._keys[row].tolist()
        slots = self._slots[row].tolist()
        cells = [n for n in range(_CELLS) if there[n] == key and slots[n] != _EMPTY]
        crowd = [slot, *(slots[n] for n in cells), *self._crowded.get(key, ())]
        crowd.sort(key=self._added.__getitem__)
        self._crowded[key] = array("I", crowd)
        for n in cells:
            self._slots[row, n] = _EMPTY
        self._in_cells -= len(cells)

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
        order = np.argsort(keys, kind="stable")
        keys, slots = keys[order], slots[order]
        rows = (keys.astype(np.int64) * self._target) >> 32
        # Place in its bucket: distance from the bucket's first key.
        cell = np.arange(len(rows)) - np.searchsorted(rows, rows)
        fits = cell < _CELLS
        self._keys[rows[fits], cell[fits]] = keys[fits]
        self._slots[rows[fits], cell[fits]] = slots[fits]
        self._in_cells -= int(np.count_nonzero(~fits))
        for row, key, slot in zip(rows[~fits].tolist(), keys[~fits].tolist(), slots[~fits].tolist(), strict=True):
            self._crowd(row, key, slot)
