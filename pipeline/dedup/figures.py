"""Numbers in their places: what tells two texts of one form apart.

A market close, a weather warning or a company's results reuse a form in which only the numbers change. Two such texts
share most of their wording and are two articles. A copy keeps the numbers that stand in the wording that it shares.

A figure is a number with its place: a hash of the two words before it and the one after it, in which numbers are
masked. Where two texts have the same place with different numbers, the number was changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import U32, lowest
from pipeline.text.words import Words, mix

_MOST = 64
_WEIGHTS = mix(np.arange(101, 104, dtype=np.uint64)) | np.uint64(1)
_MASK = np.uint64(0x9D39247E33776D41)
_HIGH = np.uint64(48)
_NONE = np.empty(0, np.uint32)


@dataclass(slots=True)
class FigureOverlap:
    """How the numbers of two texts compare.

    Attributes:
        places: places that both texts have.
        changed: those of them where the two have no number in common.
        common: numbers that both texts have, anywhere.
        first_only, second_only: numbers that only the one has.
    """

    places: int
    changed: int
    common: int
    first_only: int
    second_only: int


_NO_FIGURES = FigureOverlap(0, 0, 0, 0, 0)


def figures(words: Words, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> list[U32]:
    """The figures of texts: place (16 bits) and number (16 bits), sorted, distinct.

    A text with more than 64 of them (a table) keeps those with the lowest place hashes.

    Args:
        words: of many texts.
        starts, ends: first and past-the-last word of each, in order.
    """
    at = words.number.nonzero()[0]
    if not len(at):
        return [_NONE] * len(starts)
    text = np.searchsorted(starts, at, "right") - 1
    inside = (text >= 0) & (at < ends[text])
    at, text = at[inside], text[inside]
    masked = words.hashes.copy()
    masked[words.number] = _MASK
    place = np.zeros(len(at), np.uint64)
    for offset, weight in zip((-2, -1, 1), _WEIGHTS, strict=True):
        there = at + offset
        seen = (there >= starts[text]) & (there < ends[text])
        place[seen] += masked[there[seen]] * weight
    packed = ((mix(place) >> _HIGH) << np.uint64(16)) | (words.hashes[at] >> _HIGH)
    return lowest(packed.astype(np.uint32), text, len(starts), _MOST)


def compare(first: U32, second: U32) -> FigureOverlap:
    """Compare the figures of two texts."""
    if not len(first) and not len(second):
        return _NO_FIGURES
    a, b = first.tolist(), second.tolist()
    if a == b:
        return FigureOverlap(len({f >> 16 for f in a}), 0, len({f & 0xFFFF for f in a}), 0, 0)
    places = {f >> 16 for f in a} & {f >> 16 for f in b}
    unchanged = {f >> 16 for f in set(a).intersection(b)}
    one, other = {f & 0xFFFF for f in a}, {f & 0xFFFF for f in b}
    common = len(one & other)
    return FigureOverlap(len(places), len(places) - len(unchanged), common, len(one) - common, len(other) - common)
