"""Inverted index over the articles that stand for themselves: which earlier ones may report the same event.

Two structures: postings (word -> seqs) find candidates, a matrix of word numbers and weights compares them. Seqs are
the only order that shows outside, because a seq means the same article after a restart and a row number does not;
cosines are sums of integers, so that they do not depend on the numbers that words happened to get.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WEIGHT_ONE = 65_535
"""Integer that stands for a weight of 1."""

MAX_WORDS = 120
"""Heaviest words kept per article: more did not change a decision worth having, fewer did."""

QUERY_WORDS = 28
"""An article is looked up by its heaviest words; a mate that shares none of them is hardly ever one."""

NEWEST = 64
"""Articles looked at per word: older ones with a common word are found through a rarer one."""

_SEQ = (1 << 63) - 1
_ONE = float(WEIGHT_ONE * WEIGHT_ONE)


class Index:
    """Postings, document frequencies and word vectors of live articles."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._postings: list[array[int]] = []
        """Seqs, ascending, by word number."""
        self._free_numbers: list[int] = []
        self._rows: dict[int, int] = {}
        self._free_rows: list[int] = []
        # Number -1 (no word) reads the last cell of the query vector, which is always 0.
        self._words: npt.NDArray[Any] = np.full((0, MAX_WORDS), -1, dtype=np.int32)
        self._weights: npt.NDArray[Any] = np.zeros((0, MAX_WORDS), dtype=np.uint16)
        self._query: npt.NDArray[Any] = np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, seq: int) -> bool:
        return seq in self._rows

    def seqs(self) -> list[int]:
        """Seqs of the indexed articles, ascending."""
        return sorted(self._rows)

    def frequency(self, word: str) -> int:
        """Number of indexed articles with the word among their heaviest."""
        number = self._numbers.get(word)
        return 0 if number is None else len(self._postings[number])

    def add(self, seq: int, words: Sequence[str], weights: Sequence[int]) -> None:
        """Index an article by its words, heaviest first; its seq must not be indexed yet."""
        row = self._free_rows.pop() if self._free_rows else len(self._rows)
        if row >= len(self._words):
            self._grow()
        self._rows[seq] = row
        count = len(words)
        known = self._numbers.get
        numbers = [n if (n := known(word)) is not None else self._number(word) for word in words]
        self._words[row, :count] = numbers
        self._words[row, count:] = -1
        self._weights[row, :count] = weights
        self._weights[row, count:] = 0
        postings = self._postings
        for number in numbers:
            found = postings[number]
            if not found or found[-1] < seq:
                found.append(seq)
            else:
                found.insert(bisect_left(found, seq), seq)

    def remove(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
        """Take an article out; returns its words and weights, None if it was not in."""
        row = self._rows.pop(seq, None)
        if row is None:
            return None
        self._free_rows.append(row)
        numbers = [n for n in self._words[row].tolist() if n >= 0]
        words = tuple(self._names[n] for n in numbers)
        weights = tuple(self._weights[row, : len(words)].tolist())
        for number in numbers:
            found = self._postings[number]
            del found[bisect_left(found, seq)]
            if not found:
                self._free_numbers.append(self._numbers.pop(self._names[number]))
        return words, weights

    def candidates(
        self, words: Sequence[str], weights: Sequence[int], limit: int, without: int | None = None
    ) -> list[int]:
        """The seqs that share most with a query, best first; ties go to the newer article."""
        votes: dict[int, int] = {}
        for word, weight in zip(words[:QUERY_WORDS], weights, strict=False):
            # Votes approximate the cosine: a word's weight in the other article is about its weight in this one.
            vote = weight * weight >> 10
            number = self._numbers.get(word)
            if number is not None:
                for seq in self._postings[number][-NEWEST:]:
                    votes[seq] = votes.get(seq, 0) + vote
        if without is not None:
            votes.pop(without, None)
        # Votes and seq in one integer, because those compare fast; a seq is an offset and fits into 63 bits.
        best = heapq.nlargest(limit, [vote << 63 | seq for seq, vote in votes.items()])
        return [key & _SEQ for key in best]

    def cosines(self, words: Sequence[str], weights: Sequence[int], seqs: Sequence[int]) -> list[float]:
        """Cosine, 0 to 1, of a query with each of the indexed articles."""
        if not seqs:
            return []
        known = [(n, w) for word, w in zip(words, weights, strict=True) if (n := self._numbers.get(word)) is not None]
        numbers = [n for n, _ in known]
        self._query[numbers] = [w for _, w in known]
        rows = [self._rows[seq] for seq in seqs]
        dots = np.einsum("ij,ij->i", self._query[self._words[rows]], self._weights[rows].astype(np.int64))
        self._query[numbers] = 0
        return [dot / _ONE for dot in dots.tolist()]

    def vector(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Words and weights of an indexed article."""
        row = self._rows[seq]
        words = tuple(self._names[n] for n in self._words[row].tolist() if n >= 0)
        return words, tuple(self._weights[row, : len(words)].tolist())

    def postings(self) -> dict[str, list[int]]:
        """A copy of the postings, by word."""
        return {word: list(self._postings[number]) for word, number in sorted(self._numbers.items())}

    def _number(self, word: str) -> int:
        """A number for a new word."""
        if self._free_numbers:
            number = self._free_numbers.pop()
            self._names[number] = word
        else:
            number = len(self._names)
            self._names.append(word)
            self._postings.append(array("q"))
            if number + 1 >= len(self._query):
                self._query = np.zeros(max(1024, 2 * len(self._query)), dtype=np.int64)
        self._numbers[word] = number
        return number

    def _grow(self) -> None:
        more = max(1024, len(self._words))
        self._words = np.vstack([self._words, np.full((more, MAX_WORDS), -1, dtype=np.int32)])
        self._weights = np.vstack([self._weights, np.zeros((more, MAX_WORDS), dtype=np.uint16)])
