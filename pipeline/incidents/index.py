"""Inverted index over the articles that stand for themselves: which earlier ones may report the same event.

Two structures: postings (word -> seqs) find candidates, and each article's words and weights, packed into bytes,
compare them. Seqs are the only order that shows outside, because a seq means the same article after a restart and a
word's number does not; cosines are sums of integers, so that they do not depend on the numbers that words happened to
get. Postings are written when they are next read: many articles at once, as in a restart, then cost a fraction.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, KeysView, Sequence
from dataclasses import dataclass
from itertools import accumulate
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

_BULK = 256
"""Articles that are posted word by word, together; fewer one by one."""

_AT_ONCE = 20_000
"""Articles posted together at most: bounds the memory that it takes for a moment."""

VECTOR = np.dtype([("word", "<i4"), ("weight", "<u2")])

Weights = Sequence[int] | npt.NDArray[Any]

_ONE = float(WEIGHT_ONE * WEIGHT_ONE)


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Words of an article that the index knows, by number, heaviest first. Good until the index changes.

    Attributes:
        numbers, weights: of the known words.
        leading: how many of them are among the article's QUERY_WORDS heaviest.
    """

    numbers: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    leading: int


class _Numbers(dict[str, int]):
    """Words' numbers; a word without gets one when it is looked up by `[]`: one that was given back, or the next.

    It knows the index's lists and not the index: a circle would keep an index that is given up in memory for ever, as
    the garbage collector leaves alone what was restored (`gc.freeze`).
    """

    def __init__(self, names: list[str], postings: list[array[int]], free: list[int]) -> None:
        super().__init__()
        self._names = names
        self._postings = postings
        self._free = free

    def __missing__(self, word: str) -> int:
        if self._free:
            number = self._free.pop()
            self._names[number] = word
        else:
            number = len(self._names)
            self._names.append(word)
            self._postings.append(array("q"))
        self[word] = number
        return number


class Index:
    """Postings, document frequencies and word vectors of live articles."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._postings: list[array[int]] = []
        """Seqs, ascending, by word number."""
        self._free_numbers: list[int] = []
        self._numbers = _Numbers(self._names, self._postings, self._free_numbers)
        self._vectors: dict[int, bytes] = {}
        self._unposted: set[int] = set()
        """Seqs that the postings do not have yet."""
        self._maybe_unused: set[int] = set()
        """Numbers of words whose last article may have gone while others were unposted."""
        self._dense: npt.NDArray[Any] = np.zeros(1, dtype=np.uint32)
        """Weights of a query by word number; zeros between queries."""

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, seq: int) -> bool:
        return seq in self._vectors

    def indexed(self) -> KeysView[int]:
        """Seqs of the indexed articles, to ask of many whether they are. Good until the index changes."""
        return self._vectors.keys()

    def seqs(self) -> list[int]:
        """Seqs of the indexed articles, ascending."""
        return sorted(self._vectors)

    def frequencies(self) -> Callable[[str], int]:
        """For a word the number of indexed articles that have it among their heaviest. Good until the index changes."""
        self.settle()
        known, postings = self._numbers.get, self._postings

        def frequency(word: str) -> int:
            number = known(word)
            return 0 if number is None else len(postings[number])

        return frequency

    def add(self, seq: int, words: Sequence[str], weights: Weights) -> None:
        """Index an article by its words, heaviest first; its seq must not be indexed yet."""
        numbers = list(map(self._numbers.get, words))
        if None in numbers:
            numbers = list(map(self._numbers.__getitem__, words))
        vector = np.empty(len(numbers), dtype=VECTOR)
        # As in `_int64`.
        vector["word"] = np.frombuffer(struct.pack(f"={len(numbers)}i", *numbers), dtype=np.int32)
        vector["weight"] = weights
        self._vectors[seq] = vector.tobytes()
        self._unposted.add(seq)

    def export(self) -> tuple[list[str], dict[int, bytes]]:
        """The words of all articles, sorted, and each article's vector with words numbered so; what `fill` takes."""
        self.settle()
        words = sorted(self._numbers)
        renumbered = np.zeros(len(self._names), dtype=np.int32)
        renumbered[[self._numbers[word] for word in words]] = np.arange(len(words))
        vectors = {}
        for seq, packed in self._vectors.items():
            vector = np.frombuffer(packed, dtype=VECTOR).copy()
            vector["word"] = renumbered[vector["word"]]
            vectors[seq] = vector.tobytes()
        return words, vectors

    def fill(self, words: list[str], vectors: dict[int, bytes]) -> None:
        """Put what `export` gave into an empty index."""
        self._names += words
        self._numbers.update((word, number) for number, word in enumerate(words))
        self._postings += (array("q") for _ in words)
        self._vectors = vectors
        self._unposted = set(vectors)

    def remove(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
        """Take an article out; returns its words and weights, None if it was not in."""
        if seq not in self._vectors:
            return None
        numbers = self._numbers_of(seq)
        words, weights = self.vector(seq)
        del self._vectors[seq]
        if seq in self._unposted:
            self._unposted.remove(seq)
        else:
            for number in numbers:
                found = self._postings[number]
                del found[bisect_left(found, seq)]
        self._maybe_unused.update(numbers)
        if not self._unposted:
            self._reuse()
        return words, weights

    def look_up(self, words: Sequence[str], weights: Sequence[int]) -> Lookup:
        """What the index knows of the words of an article, heaviest first."""
        self.settle()
        numbers: list[Any] = list(map(self._numbers.get, words))
        leading = sum([n is not None for n in numbers[:QUERY_WORDS]])
        if None in numbers:
            weights = [w for n, w in zip(numbers, weights, strict=True) if n is not None]
            numbers = [n for n in numbers if n is not None]
        return Lookup(_int64(numbers), _int64(weights), leading)

    def lookup_of(self, seq: int) -> Lookup:
        """The same of an indexed article."""
        vector = np.frombuffer(self._vectors[seq], dtype=VECTOR)
        leading = min(QUERY_WORDS, len(vector))
        return Lookup(vector["word"].astype(np.int64), vector["weight"].astype(np.int64), leading)

    def candidates(self, query: Lookup, limit: int, without: int | None = None) -> list[int]:
        """The seqs that share most with a query, best first; ties go to the newer article."""
        self.settle()
        votes: dict[int, int] = {}
        known = votes.get
        leading = slice(query.leading)
        for number, weight in zip(query.numbers[leading].tolist(), query.weights[leading].tolist(), strict=True):
            # Votes approximate the cosine: a word's weight in the other article is about its weight in this one.
            vote = weight * weight >> 10
            for seq in self._postings[number][-NEWEST:]:
                votes[seq] = known(seq, 0) + vote
        if without is not None:
            votes.pop(without, None)
        enough = sorted(votes.values(), reverse=True)[:limit]
        best = [(vote, seq) for seq, vote in votes.items() if vote >= enough[-1]]
        best.sort(reverse=True)
        return [seq for _, seq in best[:limit]]

    def cosines(self, query: Lookup, seqs: Sequence[int]) -> list[float]:
        """Cosine, 0 to 1, of a query with each of the indexed articles."""
        if not seqs:
            return []
        vectors = [self._vectors[seq] for seq in seqs]
        joined = np.frombuffer(b"".join(vectors), dtype=VECTOR)
        # A product of two weights fits into 32 bits.
        products = self._scattered(query.numbers, query.weights, joined["word"]) * joined["weight"]
        # Sums up to each place; what an article adds is the difference between its end and its beginning.
        sums = np.empty(len(joined) + 1, dtype=np.int64)
        sums[0] = 0
        products.cumsum(dtype=np.int64, out=sums[1:])
        bounds = sums[np.array([0, *accumulate(map(len, vectors))]) // VECTOR.itemsize]
        cosines: list[float] = ((bounds[1:] - bounds[:-1]) / _ONE).tolist()
        return cosines

    def _scattered(self, numbers: npt.NDArray[Any], values: npt.NDArray[Any], at: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """For each of the words `at` the one of `values` that has its number; 0 where none has."""
        if len(self._names) > len(self._dense):
            self._dense = np.zeros(max(1024, 2 * len(self._names)), dtype=np.uint32)
        self._dense[numbers] = values
        found: npt.NDArray[Any] = self._dense.take(at)
        self._dense[numbers] = 0
        return found

    def vector(self, seq: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Words and weights of an indexed article."""
        vector = np.frombuffer(self._vectors[seq], dtype=VECTOR)
        return tuple(self._names[n] for n in vector["word"].tolist()), tuple(vector["weight"].tolist())

    def shared(self, query: Lookup, seq: int) -> list[tuple[int, str]]:
        """Words that a query shares with an indexed article and what they add to the cosine, strongest first."""
        theirs = np.frombuffer(self._vectors[seq], dtype=VECTOR)
        mine = self._scattered(query.numbers, query.weights + 1, theirs["word"])  # 0 is no weight at all
        both = mine.nonzero()[0]
        products = (mine[both].astype(np.int64) - 1) * theirs["weight"][both]
        words = [self._names[n] for n in theirs["word"][both].tolist()]
        return sorted(zip(products.tolist(), words, strict=True), key=lambda x: (-x[0], x[1]))

    def postings(self) -> dict[str, list[int]]:
        """A copy of the postings, by word."""
        self.settle()
        return {word: list(self._postings[number]) for word, number in sorted(self._numbers.items())}

    def settle(self) -> None:
        """Write what the postings lack; who reads them does so anyway."""
        if not self._unposted:
            return
        seqs = sorted(self._unposted)
        self._unposted.clear()
        if len(seqs) < _BULK:
            for seq in seqs:
                for number in self._numbers_of(seq):
                    found = self._postings[number]
                    if not found or found[-1] < seq:
                        found.append(seq)
                    else:
                        found.insert(bisect_left(found, seq), seq)
        else:
            for start in range(0, len(seqs), _AT_ONCE):
                self._post_many(seqs[start : start + _AT_ONCE])
        self._reuse()

    def _post_many(self, seqs: Sequence[int]) -> None:
        """Write the postings of many articles, ascending, word by word."""
        vectors = [self._vectors[seq] for seq in seqs]
        words = np.frombuffer(b"".join(vectors), dtype=VECTOR)["word"].copy()
        of = np.repeat(np.array(seqs, dtype=np.int64), [len(v) // VECTOR.itemsize for v in vectors])
        order = np.argsort(words, kind="stable")  # seqs of one word stay ascending
        words, of = words[order], of[order]
        starts = np.flatnonzero(np.diff(words, prepend=-1))
        ends = [*starts[1:].tolist(), len(words)]
        for number, start, end in zip(words[starts].tolist(), starts.tolist(), ends, strict=True):
            found = self._postings[number]
            new = of[start:end]
            if found and found[-1] > new[0]:
                new = np.sort(np.concatenate((np.frombuffer(found, dtype=np.int64), new)))
                found = self._postings[number] = array("q")
            found.frombytes(new.tobytes())

    def _reuse(self) -> None:
        """Give back the numbers of words that no article has any more."""
        for number in sorted(self._maybe_unused):
            if not self._postings[number]:
                self._free_numbers.append(self._numbers.pop(self._names[number]))
        self._maybe_unused.clear()

    def _numbers_of(self, seq: int) -> list[int]:
        numbers: list[int] = np.frombuffer(self._vectors[seq], dtype=VECTOR)["word"].tolist()
        return numbers


def _int64(numbers: Sequence[int]) -> npt.NDArray[Any]:
    """By way of packed bytes, which is several times faster than from a list."""
    return np.frombuffer(struct.pack(f"={len(numbers)}q", *numbers), dtype=np.int64)
