"""Candidates: which remembered texts may share enough with a new one to be worth a close comparison.

An inverted index from shingle hash to the slots of the texts that have it as key (`keys.py`). What a lookup gives is a
function of the texts in the index and the order they were added in; the layout never shows. Every operation takes many
texts at once, because the cost of numpy is per call.

Keys live in buckets of 16 cells, one cache line of hashes and one of slots, in the order of the hashes: a bucket holds
an equal part of hash space. Its taken cells come first and are counted, so that a new key's cell is known without a
look at the others. The table grows by a quarter at a time and in place, from its end towards its start, a few buckets
with each addition, so that none waits for the whole table to be built anew. A key of many texts has one cell, which
says where the list of its texts is (`crowds.py`); a key whose bucket is full has such a list too, and is in a
dictionary beside the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.crowds import I64, Crowds, rank, starts_of
from pipeline.dedup.sketch import U32
from pipeline.text.words import U64

Bools = NDArray[np.bool_]

_CELLS = 16
SAME = 4
"""Cells of one bucket with the same key; a key of more texts is crowded: it has one cell, for the list of them."""

# What a crowded key's cell holds above the number of its list.
_CROWD = np.uint32(1 << 31)

_OWNER = np.uint64(32)
# Keys are the low end of hash space; an odd factor spreads them evenly over the buckets (Knuth's multiplicative hash).
_SCATTER = np.uint32(2654435761)
_CELL = np.arange(_CELLS, dtype=np.uint8)
# Keys in the dictionary are counted in parts of hash space of two to this power.
_PART = 10
# Cells in use, on average: growth begins at the one and is done before the other.
_FULL, _OVERFULL = 9.8, 10.2
# Buckets read at once.
_READ = 1 << 14
# Keys put into an empty index at once: few enough to stay in the cache.
_BUILT = 1 << 17
# Buckets worth spreading at once.
_SWEPT = 256
_FIRST_BUCKETS = 64
# Buckets (17 MB) up to which the table nearly doubles, so that keys are moved twice on the way and not five times.
_SMALL = 1 << 17


def numbered(keys: U32, texts: U32) -> U64:
    """Keys with the numbers of their texts, as `Index.build` takes them."""
    together: U64 = ((keys * _SCATTER).astype(np.uint64) << _OWNER) | texts
    together.sort()
    return together


def _by_key(keys: U32, slots: U32) -> tuple[U32, U32]:
    """Both, sorted by key; one key's slots stay in order."""
    # Sorting values is many times faster than a stable sort of places.
    both = keys.astype(np.uint64) << _OWNER
    both |= np.arange(len(keys), dtype=np.uint64)
    both.sort()
    return (both >> _OWNER).astype(np.uint32), slots[both.astype(np.uint32)]


class Index:
    """Multimap from 32-bit keys to slots: numbers below 2^31 that stand for texts."""

    def __init__(self) -> None:
        self._buckets = _FIRST_BUCKETS
        # While the table grows: its next number of buckets, and the first old bucket that is already spread over them.
        self._target = _FIRST_BUCKETS
        self._grown_from = _FIRST_BUCKETS
        self._keys = np.zeros((_FIRST_BUCKETS, _CELLS), np.uint32)
        self._slots = np.zeros((_FIRST_BUCKETS, _CELLS), np.uint32)
        self._taken = np.zeros(_FIRST_BUCKETS, np.uint8)
        self._in_cells = 0
        self._crowds = Crowds()
        # Lists of the keys whose buckets are full; and how many such keys each small part of hash space has, so that
        # most keys need not be looked for.
        self._homeless: dict[int, int] = {}
        self._homeless_in = np.zeros(1 << 32 - _PART, np.uint16)
        # Order of addition, by slot.
        self._added = np.zeros(1024, np.int64)
        self._additions = 0

    def __len__(self) -> int:
        """Number of keys of all texts together."""
        return self._in_cells - len(self._crowds) + len(self._homeless) + self._crowds.slots

    @property
    def is_empty(self) -> bool:
        """True when there is no key."""
        return not self._in_cells and not self._homeless

    def add(self, keys: U32, slots: U32) -> None:
        """Add texts.

        Args:
            keys: distinct for one text.
            slots: of the text that each key is of; texts in the order in which they are to count as added.
        """
        if not len(keys):
            return
        self._note_order(slots)
        keys = keys * _SCATTER
        keys, slots = _by_key(keys, slots)
        # First, because it may crowd some of these keys.
        self._grow(len(keys))
        starts = starts_of(keys)
        counts = np.diff(starts, append=len(keys))
        distinct = keys[starts]
        rows = self._address(distinct)
        at, _, stored, crowds = self._look_for(distinct, rows)
        known = crowds >= 0
        in_crowd = np.repeat(known, counts)
        if len(joins := in_crowd.nonzero()[0]):
            self._crowds.extend(np.repeat(crowds[known], counts[known]), slots[joins])
        held = np.bincount(at[stored < _CROWD], minlength=len(distinct))
        many = (counts + held > SAME) & ~known
        self._place(np.repeat(rows, counts), keys, slots, np.repeat(many, counts), in_crowd)

    def _place(self, rows: I64, keys: U32, slots: U32, many: Bools, done: Bools) -> None:
        """Put keys into their buckets; those of too many texts, and those that find no room, are crowded.

        Args:
            rows: bucket of each.
            keys: sorted.
            many: whether it is of too many.
            done: whether it is in its crowd already.
        """
        few = (~(many | done)).nonzero()[0]
        left = few[self._fill(rows[few], keys[few], slots[few])]
        if len(left):
            many = many.copy()
            many[left] = True
        if len(more := many.nonzero()[0]):
            self._crowd(keys[more], slots[more])

    def _note_order(self, slots: U32) -> None:
        most = int(slots.max())
        if most >= len(self._added):
            self._added.resize(most * 9 // 8 + 1, refcheck=False)
        self._added[slots] = self._additions + np.arange(len(slots))
        self._additions += len(slots)

    def build(self, pieces: Sequence[U64], slots: U32) -> Iterator[bool]:
        """Add all texts of an empty index, several times faster than `add`; each step is a part of a second's work.

        The keys are taken by parts of hash space. So all texts that have a key are known at once, nothing need be
        looked for in the table, and the buckets are filled one after the other.

        Args:
            pieces: of `numbered`; together all keys of all texts.
            slots: of the texts, in the order in which they are to count as added.
        """
        assert self.is_empty
        self._note_order(slots)
        total = sum(map(len, pieces))
        self._grow(total)
        parts = 1 + total // _BUILT
        edges = np.array([(n << 64) // parts for n in range(1, parts)], np.uint64)
        cuts = [[0, *piece.searchsorted(edges).tolist(), len(piece)] for piece in pieces]
        for n in range(parts):
            part = np.concatenate([piece[cut[n] : cut[n + 1]] for piece, cut in zip(pieces, cuts, strict=True)])
            part.sort()
            keys, owners = (part >> _OWNER).astype(np.uint32), slots[part.astype(np.uint32)]
            counts = np.diff(starts_of(keys), append=len(keys))
            many = np.repeat(counts > SAME, counts)
            self._place(self._address(keys), keys, owners, many, np.zeros(len(keys), np.bool_))
            yield True

    def remove(self, keys: U32, slots: U32) -> None:
        """Take out texts that were added with these keys."""
        keys, slots = _by_key(keys * _SCATTER, slots)
        rows = self._address(keys)
        at, cell, stored, crowds = self._look_for(keys, rows)
        gone = stored == slots[at]
        crowded = (stored >= _CROWD).nonzero()[0]
        cell_of = dict(zip(at[crowded].tolist(), crowded.tolist(), strict=True))
        for n in (crowds >= 0).nonzero()[0].tolist():
            if not self._crowds.remove(int(crowds[n]), int(slots[n])):
                continue
            # The last of its crowd.
            if n in cell_of:
                gone[cell_of[n]] = True
            else:
                key = int(keys[n])
                del self._homeless[key]
                self._homeless_in[key >> _PART] -= 1
        self._vacate(rows[at[gone]], cell[gone])

    def _vacate(self, rows: I64, cells: I64) -> None:
        """Empty cells, given by ascending row; a bucket's last taken cell moves into each.

        Its last cells first: what moves is then never itself to be emptied.
        """
        order = np.lexsort((-cells, rows))
        rows, cells = rows[order], cells[order]
        nth = rank(rows)
        for n in range(int(nth.max(initial=-1)) + 1):
            row, cell = rows[nth == n], cells[nth == n]
            last = self._taken[row] - 1
            self._keys[row, cell] = self._keys[row, last]
            self._slots[row, cell] = self._slots[row, last]
            self._taken[row] = last
        self._in_cells -= len(rows)

    def lookup(self, hashes: U32) -> tuple[I64, U32, I64, I64]:
        """Find the texts that have a hash as key.

        Returns:
            Place in `hashes` and slot of what was found, ordered by place, at most `SAME` of one; and places, ordered,
            with the list in `crowds` of those that many texts have.
        """
        keys = hashes * _SCATTER
        at, _, stored, crowds = self._look_for(keys, self._address(keys))
        single = stored < _CROWD
        crowded = (crowds >= 0).nonzero()[0]
        return at[single], stored[single], crowded, crowds[crowded]

    @property
    def crowds(self) -> Crowds:
        """The texts of the keys of many texts."""
        return self._crowds

    def order_of(self, slots: U32) -> I64:
        """When texts were added: the higher, the later."""
        return self._added[slots]

    def newest(self, hash: int) -> list[int]:
        """Slots of the texts that have a hash as key, the last added first."""
        _, slots, _, crowds = self.lookup(np.array([hash], np.uint32))
        if len(crowds):
            return self._crowds.all(int(crowds[0]))
        newest: list[int] = slots[np.argsort(self.order_of(slots))[::-1]].tolist()
        return newest

    def _look_for(self, keys: U32, rows: I64) -> tuple[I64, I64, U32, I64]:
        """Cells of some keys, and their crowds.

        Returns:
            Place in `keys`, cell of the bucket and what it holds, of each time that a key is in the table; and the list
            of each key, -1 for a key that has none.
        """
        at, cell = self._cells_of(keys, rows)
        stored = self._slots.reshape(-1).take(rows[at] * _CELLS + cell)
        crowds = np.full(len(keys), -1, np.int64)
        crowded = (stored >= _CROWD).nonzero()[0]
        crowds[at[crowded]] = stored[crowded] ^ _CROWD
        likely = self._homeless_in.take(keys >> _PART).nonzero()[0]
        for n, key in zip(likely.tolist(), keys[likely].tolist(), strict=True):
            if (crowd := self._homeless.get(key)) is not None:
                crowds[n] = crowd
        return at, cell, stored, crowds

    def _cells_of(self, keys: U32, rows: I64) -> tuple[I64, I64]:
        """Place in `keys`, and the cell of its bucket, of each time that a key is in the table."""
        found = []
        # A few thousand at a time, so that what is read of the buckets stays in the cache.
        for start in range(0, max(len(keys), 1), _READ):
            some = slice(start, start + _READ)
            # Places in one dimension are found several times faster than in two.
            places = (self._keys.take(rows[some], axis=0) == keys[some, None]).ravel().nonzero()[0]
            found.append(places + start * _CELLS)
        at, cell = divmod(found[0] if len(found) == 1 else np.concatenate(found), _CELLS)
        # What once stood in a free cell may still be read there.
        there = cell < self._taken[rows[at]]
        return at[there], cell[there]

    def _address(self, keys: U32) -> I64:
        """The bucket of each key. Buckets from `_grown_from` on are already at the new number of buckets."""
        wide = keys.astype(np.int64)
        old = (wide * self._buckets) >> 32
        if self._grown_from == self._buckets:
            return old
        return np.where(old >= self._grown_from, (wide * self._target) >> 32, old)

    def _crowd(self, keys: U32, slots: U32) -> None:
        """Make crowds of keys; what the buckets have of these keys goes along.

        Args:
            keys: sorted, not empty, not crowded.
            slots: those of each in the order they were added.
        """
        distinct = keys[starts_of(keys)]
        rows = self._address(distinct)
        at, cell = self._cells_of(distinct, rows)
        if len(at):
            keys = np.concatenate([keys, distinct[at]])
            slots = np.concatenate([slots, self._slots[rows[at], cell]])
            self._vacate(rows[at], cell)
            order = np.lexsort((self._added[slots], keys))
            keys, slots = keys[order], slots[order]
        crowds = self._crowds.new(len(distinct))
        self._crowds.extend(np.repeat(crowds, np.diff(starts_of(keys), append=len(keys))), slots)
        left = self._fill(rows, distinct, crowds.astype(np.uint32) | _CROWD)
        self._let_out(distinct[left], crowds[left])

    def _let_out(self, keys: U32, crowds: I64) -> None:
        """Note crowded keys that find no room."""
        for key, crowd in zip(keys.tolist(), crowds.tolist(), strict=True):
            self._homeless[key] = crowd
            self._homeless_in[key >> _PART] += 1

    def _fill(self, rows: I64, keys: U32, slots: U32) -> I64:
        """Put keys into the next cells of their buckets, given in ascending order; returns the places of those left."""
        cell = self._taken[rows] + rank(rows)
        fits = cell < _CELLS
        left = (~fits).nonzero()[0]
        if len(left):
            rows, cell, keys, slots = rows[fits], cell[fits], keys[fits], slots[fits]
        # One index into the table is several times faster than two.
        at = rows * _CELLS + cell
        self._keys.reshape(-1)[at] = keys
        self._slots.reshape(-1)[at] = slots
        # The last of a bucket stays.
        self._taken[rows] = cell + 1
        self._in_cells += len(rows)
        return left

    def _grow(self, more: int) -> None:
        """Make room for so many more keys."""
        cells = self._in_cells + more
        while cells > _FULL * self._buckets:
            if self._target == self._buckets:
                # A quarter, because free cells cost memory; a small table nearly doubles. More when much comes at once.
                larger = self._buckets
                for _ in range(3 if larger < _SMALL else 1):
                    larger = larger * 5 // 4
                self._target = max(larger, int(cells / (_FULL * 0.9)))
                self._grown_from = self._buckets
                if self._target > len(self._keys):
                    self._keys.resize((self._target, _CELLS), refcheck=False)
                    self._slots.resize((self._target, _CELLS), refcheck=False)
                    self._taken.resize(self._target, refcheck=False)
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
        # The first bucket that is already done may begin with keys of the last one that is not.
        edge = self._grown_from * self._target // self._buckets
        swept = slice(start, self._grown_from)
        there = self._taken[swept, None] > _CELL
        keys, slots = self._keys[swept][there], self._slots[swept][there]
        self._taken[swept] = 0
        if self._grown_from <= edge < self._target:
            taken = int(self._taken[edge])
            keys = np.concatenate((keys, self._keys[edge, :taken]))
            slots = np.concatenate((slots, self._slots[edge, :taken]))
            self._taken[edge] = 0
        keys, slots = _by_key(keys, slots)
        self._in_cells -= len(keys)
        self._grown_from = start
        left = self._fill((keys.astype(np.int64) * self._target) >> 32, keys, slots)
        if len(left):
            keys, slots = keys[left], slots[left]
            crowded = slots >= _CROWD
            self._let_out(keys[crowded], (slots[crowded] ^ _CROWD).astype(np.int64))
            keys, slots = keys[~crowded], slots[~crowded]
            order = np.lexsort((self._added[slots], keys))
            if len(order):
                self._crowd(keys[order], slots[order])
