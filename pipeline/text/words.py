"""Words of a text as numbers: 64-bit hashes with character offsets, computed on whole arrays.

A word is a run of letters, digits and marks; a decimal point or comma between two digits belongs to the number. In
scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) every character is a word of its own.
Case, accents and width do not count: "Erdoğan", "ERDOGAN" and "Ｅｒｄｏｇａｎ" are one word.

The hash of a word is a polynomial over Z/2^64 of random numbers that stand for its folded characters. It is the same on
every machine and in every process.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Code points from here on (rare Han, tags, private use) share one table entry: a word character of its own.
_LIMIT = 0x20000
_SEPARATOR, _JOINS, _ALONE, _POINT = 0, 1, 2, 3
# Powers of the base are tabled for this many characters; longer texts are hashed slice by slice.
_SLICE = 1 << 16
_PADDED = _SLICE + 2
_BASE = 0x9E3779B97F4A7C15 | 1
_MASK = (1 << 64) - 1
# Scripts without spaces between words.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x30FF),  # radicals, kana
    (0x31F0, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width kana
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text, in order.

    Attributes:
        hashes: one uint64 a word.
        starts, ends: half-open character offsets into the text.
        number: True where the word starts with a digit.
        capital: True where the word starts with an upper-case letter.
    """

    hashes: U64
    starts: I32
    ends: I32
    number: Bools
    capital: Bools

    def __len__(self) -> int:
        return len(self.hashes)

    def __getitem__(self, part: slice) -> Words:
        return Words(self.hashes[part], self.starts[part], self.ends[part], self.number[part], self.capital[part])


@dataclass(frozen=True, slots=True)
class _Tables:
    kind: NDArray[np.uint8]
    digit: Bools
    upper: Bools
    value: U64
    power: U64
    inverse: U64


def mix(x: U64) -> U64:
    """The finaliser of splitmix64, element by element: a bijection that spreads every input bit.

    Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _fold(char: str) -> int:
    """Code point of a character without case, accent and width."""
    base = unicodedata.normalize("NFKD", char)
    lowered = base[0].lower() if base else char
    return ord(lowered[0])


@cache
def _tables() -> _Tables:
    kind = np.zeros(_LIMIT + 1, np.uint8)
    digit = np.zeros(_LIMIT + 1, np.bool_)
    upper = np.zeros(_LIMIT + 1, np.bool_)
    folded = np.arange(_LIMIT + 1, dtype=np.uint64)
    for code in range(_LIMIT):
        char = chr(code)
        category = unicodedata.category(char)
        if category[0] in "LNM" or code in (0x200C, 0x200D):
            kind[code] = _JOINS
            folded[code] = _fold(char)
        digit[code] = category == "Nd"
        upper[code] = category in ("Lu", "Lt")
    for first, last in _UNSPACED:
        block = kind[first : last + 1]
        block[block == _JOINS] = _ALONE
    kind[_LIMIT] = _ALONE
    kind[[ord("."), ord(",")]] = _POINT
    power = np.empty(_PADDED, np.uint64)
    inverse = np.empty(_PADDED, np.uint64)
    back = pow(_BASE, -1, 1 << 64)
    p = q = 1
    for i in range(_PADDED):
        power[i], inverse[i] = p, q
        p, q = p * _BASE & _MASK, q * back & _MASK
    value = mix(folded + np.uint64(0x1234567))
    value[(kind == _SEPARATOR) | (kind == _POINT)] = 0
    return _Tables(kind, digit, upper, value, power, inverse)


def _slices(text: str) -> list[tuple[int, str]]:
    """Pieces of at most _SLICE characters, cut at white space where there is some."""
    if len(text) <= _SLICE:
        return [(0, text)]
    pieces = []
    at = 0
    while at < len(text):
        end = min(at + _SLICE, len(text))
        if end < len(text):
            space = max(text.rfind(" ", at, end), text.rfind("\n", at, end))
            end = space + 1 if space > at else end
        pieces.append((at, text[at:end]))
        at = end
    return pieces


def _words(text: str) -> Words:
    t = _tables()
    # One separator before and after spares the special cases at both ends.
    padded = f" {text} "
    codes: NDArray[np.uint8] | NDArray[np.uint32]
    if padded.isascii():
        codes = np.frombuffer(padded.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.uint32)
        codes = np.minimum(codes, np.uint32(_LIMIT))
    # Taking from tables is faster by numbers of their own size that need not be looked at for being too large.
    places = codes.astype(np.intp)
    kind = t.kind.take(places, mode="clip")
    points = (kind == _POINT).nonzero()[0]
    if len(points):
        between = t.digit.take(codes.take(points - 1)) & t.digit.take(codes.take(points + 1))
        kind[points] = np.where(between, _JOINS, _SEPARATOR)
    inside = kind != _SEPARATOR
    alone = kind == _ALONE if codes.dtype == np.uint32 else None
    if alone is not None and alone.any():
        starts, ends = _with_lone_characters(inside, alone)
    else:
        at = (inside[1:] != inside[:-1]).nonzero()[0]
        starts, ends = at[::2] + 1, at[1::2] + 1
    if not len(starts):
        return _EMPTY
    sums = t.value.take(places, mode="clip")
    sums *= t.power[: len(codes)]
    np.cumsum(sums, out=sums)
    hashes = (sums.take(ends - 1) - sums.take(starts - 1)) * t.inverse.take(starts)
    first = codes.take(starts)
    return Words(
        hashes,
        (starts - 1).astype(np.int32),
        (ends - 1).astype(np.int32),
        t.digit.take(first),
        t.upper.take(first),
    )


def _with_lone_characters(inside: Bools, alone: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the words where some characters are words of their own."""
    starts = inside.copy()
    starts[1:] &= ~(inside[:-1] & ~alone[:-1] & ~alone[1:])
    ends = inside.copy()
    ends[:-1] &= ~inside[1:] | starts[1:]
    return starts.nonzero()[0], ends.nonzero()[0] + 1


_EMPTY = Words(
    np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.bool_), np.empty(0, np.bool_)
)


def words(text: str) -> Words:
    """The words of a text; time and memory are linear in its length.

    Args:
        text: any text, in NFC where it should compare equal to other texts.
    """
    if not text:
        return _EMPTY
    pieces = _slices(text)
    if len(pieces) == 1:
        return _words(text)
    parts = [(at, _words(piece)) for at, piece in pieces]
    return Words(
        np.concatenate([w.hashes for _, w in parts]),
        np.concatenate([w.starts + np.int32(at) for at, w in parts]),
        np.concatenate([w.ends + np.int32(at) for at, w in parts]),
        np.concatenate([w.number for _, w in parts]),
        np.concatenate([w.capital for _, w in parts]),
    )
