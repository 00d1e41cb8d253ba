"""Words of a text as numbers: 64-bit hashes with character offsets, computed on whole arrays.

A word is a run of letters, digits and marks; a decimal point or comma between two digits belongs to the number. In
scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) every character is a word of its own.
Case, accents and width do not count: "Erdoğan", "ERDOGAN" and "Ｅｒｄｏｇａｎ" are one word.

The hash of a word is a polynomial of its folded characters over Z/2^64, mixed by splitmix64 (Steele, Lea, Flood 2014,
"Fast splittable pseudorandom number generators"). It is the same on every machine and in every process.
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
_SEPARATOR, _JOINS, _ALONE = 0, 1, 2
# Powers of the base are tabled for this many characters; longer texts are hashed slice by slice.
_SLICE = 1 << 16
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


@dataclass(frozen=True, slots=True)
class _Tables:
    kind: NDArray[np.uint8]
    digit: Bools
    upper: Bools
    value: U64
    power: U64
    inverse: U64


def mix(x: U64) -> U64:
    """The finaliser of splitmix64, element by element: a bijection that spreads every input bit."""
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
    power = np.empty(_SLICE, np.uint64)
    inverse = np.empty(_SLICE, np.uint64)
    back = pow(_BASE, -1, 1 << 64)
    p = q = 1
    for i in range(_SLICE):
        power[i], inverse[i] = p, q
        p, q = p * _BASE & _MASK, q * back & _MASK
    value = mix(folded + np.uint64(0x1234567))
    value[kind == _SEPARATOR] = 0
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
    codes: NDArray[np.uint32]
    if text.isascii():
        codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.uint32)
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        codes = np.minimum(codes, np.uint32(_LIMIT))
    kind = t.kind[codes]
    digit = t.digit[codes]
    values = t.value[codes]
    # A point or comma between digits joins them. Its own value is 0, so 1,000 and 1000 hash apart only by position.
    point = np.flatnonzero((codes[1:-1] == 0x2E) | (codes[1:-1] == 0x2C)) + 1
    if len(point):
        point = point[digit[point - 1] & digit[point + 1]]
        kind[point] = _JOINS
    inside = kind != _SEPARATOR
    before = np.empty_like(inside)
    before[0] = False
    before[1:] = kind[:-1] == _JOINS
    begin = inside & ~(before & (kind == _JOINS))
    starts = np.flatnonzero(begin)
    if not len(starts):
        return _EMPTY
    # A word ends where a separator or the next word starts.
    after = np.empty_like(inside)
    after[-1] = True
    after[:-1] = ~inside[1:] | begin[1:]
    ends = np.flatnonzero(inside & after) + 1
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[0] = 0
    np.cumsum(values * t.power[: len(codes)], out=sums[1:])
    hashes = mix((sums[ends] - sums[starts]) * t.inverse[starts] + (ends - starts).astype(np.uint64))
    return Words(hashes, starts.astype(np.int32), ends.astype(np.int32), digit[starts], t.upper[codes[starts]])


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
