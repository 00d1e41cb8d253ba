"""Lists of the texts of crowded keys. A look-up asks for the newest of many lists at once: these are at hand."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import U32

I64 = NDArray[np.int64]

AT_HAND = 9
"""So many of a list, the newest, can be asked for together."""

_ROW = 16
_COLUMN = np.arange(AT_HAND)


def starts_of(ordered: NDArray[Any]) -> I64:
    """Where each run of equal values begins."""
    differs = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=differs[1:])
    return differs.nonzero()[0]


def rank(ordered: NDArray[Any]) -> I64:
    """How many equal values stand before each of sorted values."""
    starts = starts_of(ordered)
    return np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))


class Crowds:
    """Lists of slots in the order in which they were added; a list is known by a number.

    The newest of each stand in a row of 16 cells, one cache line. What does not fit is kept beside it.
    """

    def __init__(self) -> None:
        self._rows = np.zeros((64, _ROW), np.uint32)
        self._taken = np.zeros(64, np.uint8)
        # All of a list but what its row holds.
        self._older: dict[int, array[int]] = {}
        self._used = 0
        self._free: list[int] = []

    def __len__(self) -> int:
        """Number of lists."""
        return self._used - len(self._free)

    @property
    def slots(self) -> int:
        """Number of slots in all lists."""
        return int(self._taken.sum()) + sum(map(len, self._older.values()))

    def new(self, count: int) -> I64:
        """So many empty lists."""
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        first = self._used
        self._used += count - len(again)
        if self._used > len(self._taken):
            room = self._used * 9 // 8
            self._rows.resize((room, _ROW), refcheck=False)
            self._taken.resize(room, refcheck=False)
        return np.concatenate([np.array(again, np.int64), np.arange(first, self._used)])

    def extend(self, lists: I64, slots: U32) -> None:
        """Add slots, given list by list, those of each in order."""
        starts = starts_of(lists)
        counts = np.diff(starts, append=len(lists))
        distinct = lists[starts]
        full = self._taken[distinct] + counts > _ROW
        if full.any():
            for n in full.nonzero()[0].tolist():
                start, number = int(starts[n]), int(distinct[n])
                every = self._in_row(number) + slots[start : start + int(counts[n])].tolist()
                self._older.setdefault(number, array("I")).extend(every[:-AT_HAND])
                self._put(number, every[-AT_HAND:])
            fits = np.repeat(~full, counts)
            lists, slots = lists[fits], slots[fits]
            distinct, counts = distinct[~full], counts[~full]
        self._rows.reshape(-1)[lists * _ROW + self._taken[lists] + rank(lists)] = slots
        self._taken[distinct] += counts.astype(np.uint8)

    def _in_row(self, number: int) -> list[int]:
        newest: list[int] = self._rows[number, : self._taken[number]].tolist()
        return newest

    def _put(self, number: int, newest: list[int]) -> None:
        """Let these be the newest of a list, in place of its row."""
        self._rows[number, : len(newest)] = newest
        self._taken[number] = len(newest)

    def remove(self, number: int, slot: int) -> bool:
        """Take a slot out of a list; True when nothing is left of the list, which then is no more.

        Raises:
            ValueError: it is not there.
        """
        newest = self._in_row(number)
        older = self._older.get(number)
        if older is None:
            newest.remove(slot)
        elif slot not in newest:
            older.remove(slot)
        else:
            newest.remove(slot)
            first = min(len(older), max(0, len(older) + len(newest) - AT_HAND))
            newest = older[first:].tolist() + newest
            del older[first:]
        if older is not None and not older:
            del self._older[number]
        self._put(number, newest)
        if newest:
            return False
        self._free.append(number)
        return True

    def newest(self, lists: I64) -> tuple[U32, I64]:
        """Rows of the newest `AT_HAND` of some lists, the last added first; and how many of each row count."""
        taken = self._taken[lists].astype(np.int64)
        last = lists * _ROW + taken - 1
        # What is before the first of a list does not count.
        return self._rows.reshape(-1).take(last[:, None] - _COLUMN, mode="clip"), np.minimum(taken, AT_HAND)

    def all(self, number: int) -> list[int]:
        """A whole list, the last added first."""
        return (self._older.get(number, array("I")).tolist() + self._in_row(number))[::-1]
