"""Inverted index over the articles that stand for themselves: which earlier ones may report the same event.

Two structures: postings (word -> seqs) find candidates, and each article's words and weights, packed into bytes,
compare them. Seqs are the only order that shows outside, because a seq means the same article after a restart and a
word's number does not; cosines are sums of integers, so that they do not depend on the numbers that words happened to
get.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
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

VECTOR = np.dtype([("word", "<i4"), ("weight", "<u2")])

_SEQ = (1 << 63) - 1
_ONE = float(WEIGHT_ONE * WEIGHT_ONE)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Words of an article that the index knows, by number, heaviest first. Good until the index changes.

    Attributes:
        numbers, weights: of the known words.
        leading: how many of them are among the article's QUERY_WORDS heaviest.
    """

    numbers: list[int]
    weights: list[int]
    leading: int


class Index:
    """Postings, document frequencies and word vectors of live articles."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._postings: list[array[int]] = []
        """Seqs, ascending, by word number."""
        self._free_numbers: list[int] = []
        self._vectors: dict[int, bytes] = {}
        self._dense: npt.NDArray[Any] = np.zeros(1, dtype=np.int64)
        """Weights of a query by word number; zeros between queries."""

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, seq: int) -> bool:
        return seq in self._vectors

    def seqs(self) -> list[int]:
        """Seqs of the indexed articles, ascending."""
        return sorted(self._vectors)

    def frequency(self, word: str) -> int:
        """Number of indexed articles with the word among their heaviest."""
        number = self._numbers.get(word)
        return 0 if number is None else len(self._postings[number])

    def add(self, seq: int, words: Sequence[str], weights: Sequence[int]) -> None:
        """Index an article by its words, heaviest first; its seq must not be indexed yet."""
        known = self._numbers.get
        numbers = [n if (n := known(word)) is not None else self._number(word) for word in words]
        vector = np.empty(len(numbers), dtype=VECTOR)
        vector["word"] = numbers
        vector["weight"] = weights
        self._vectors[seq] = vector.tobytes()
        postings = self._postings
        for number in numbers:
            found = postings[number]
            if not found or found[-1] < seq:
                found.append(seq)
            else:
                found.insert(bisect_left(found, seq), seq)

    def remove(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
        """Take an article out; returns its words and weights, None if it was not in."""
        if seq not in self._vectors:
            return None
        numbers = np.frombuffer(self._vectors[seq], dtype=VECTOR)["word"].tolist()
        words, weights = self.vector(seq)
        del self._vectors[seq]
        for number in numbers:
            found = self._postings[number]
            del found[bisect_left(found, seq)]
            if not found:
                self._free_numbers.append(self._numbers.pop(self._names[number]))
        return words, weights

    def look_up(self, words: Sequence[str], weights: Sequence[int]) -> Lookup:
        """What the index knows of the words of an article, heaviest first."""
        numbers = list(map(self._numbers.get, words))
        known = [(n, w) for n, w in zip(numbers, weights, strict=True) if n is not None]
        leading = sum(n is not None for n in numbers[:QUERY_WORDS])
        return Lookup([n for n, _ in known], [w for _, w in known], leading)

    def lookup_of(self, seq: int) -> Lookup:
        """The same of an indexed article."""
        vector = np.frombuffer(self._vectors[seq], dtype=VECTOR)
        return Lookup(vector["word"].tolist(), vector["weight"].tolist(), min(QUERY_WORDS, len(vector)))

    def candidates(self, query: Lookup, limit: int, without: int | None = None) -> list[int]:
        """The seqs that share most with a query, best first; ties go to the newer article."""
        votes: dict[int, int] = {}
        for number, weight in zip(query.numbers[: query.leading], query.weights, strict=False):
            # Votes approximate the cosine: a word's weight in the other article is about its weight in this one.
            vote = weight * weight >> 10
            for seq in self._postings[number][-NEWEST:]:
                votes[seq] = votes.get(seq, 0) + vote
        if without is not None:
            votes.pop(without, None)
        # Votes and seq in one integer, because those compare fast; a seq is an offset and fits into 63 bits.
        best = heapq.nlargest(limit, [vote << 63 | seq for seq, vote in votes.items()])
        return [key & _SEQ for key in best]

    def cosines(self, query: Lookup, seqs: Sequence[int]) -> list[float]:
        """Cosine, 0 to 1, of a query with each of the indexed articles."""
        if not seqs:
            return []
        vectors = [self._vectors[seq] for seq in seqs]
        joined = np.frombuffer(b"".join(vectors), dtype=VECTOR)
        self._dense[query.numbers] = query.weights
        # Sums up to each place; what an article adds is the difference between its end and its beginning.
        sums = (self._dense[joined["word"]] * joined["weight"]).cumsum()
        self._dense[query.numbers] = 0
        dots = []
        end = before = 0
        for vector in vectors:
            end += len(vector) // VECTOR.itemsize
            after = int(sums[end - 1]) if end else 0
            dots.append((after - before) / _ONE)
            before = after
        return dots

    def vector(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Words and weights of an indexed article."""
        vector = np.frombuffer(self._vectors[seq], dtype=VECTOR)
        return tuple(self._names[n] for n in vector["word"].tolist()), tuple(vector["weight"].tolist())

    def shared(self, query: Lookup, seq: int) -> list[tuple[int, str]]:
        """Words that a query shares with an indexed article and what they add to the cosine, strongest first."""
        theirs = dict(np.frombuffer(self._vectors[seq], dtype=VECTOR).tolist())
        both = zip(query.numbers, query.weights, strict=True)
        found = [(w * theirs[n], self._names[n]) for n, w in both if n in theirs]
        return sorted(found, key=lambda x: (-x[0], x[1]))

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
            if number >= len(self._dense):
                self._dense = np.zeros(max(1024, 2 * len(self._dense)), dtype=np.int64)
        self._numbers[word] = number
        return number
