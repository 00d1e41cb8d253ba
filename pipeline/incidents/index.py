"""Inverted index over the articles that stand for themselves: which earlier ones may report the same event.

Internal order is by seq everywhere, because a seq means the same article after a restart, and a slot number does not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from pipeline.incidents.profile import Profile

QUERY_WORDS = 28
"""An article is looked up by its heaviest words; a mate that shares none of them is hardly ever one."""

NEWEST = 64
"""Articles looked at per term: older ones of a common term are found through a rarer one."""


class Index:
    """Postings of words, and their document frequencies, over live articles."""

    def __init__(self) -> None:
        self._profiles: dict[int, Profile] = {}
        self._postings: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._profiles)

    def get(self, seq: int) -> Profile | None:
        return self._profiles.get(seq)

    def frequency(self, term: str) -> int:
        """Number of indexed articles with the term."""
        return len(self._postings.get(term, ()))

    def add(self, profile: Profile) -> None:
        """Index an article; its seq must not be indexed yet."""
        seq = profile.seq
        self._profiles[seq] = profile
        postings = self._postings
        for term in profile.words:
            found = postings.get(term)
            if found is None:
                postings[term] = [seq]
            elif found[-1] < seq:
                found.append(seq)
            else:
                found.insert(bisect_left(found, seq), seq)

    def remove(self, seq: int) -> None:
        """Take an article out, if it is in."""
        profile = self._profiles.pop(seq, None)
        if profile is None:
            return
        for term in profile.words:
            found = self._postings[term]
            if len(found) == 1:
                del self._postings[term]
            else:
                del found[bisect_left(found, seq)]

    def candidates(self, query: Profile, limit: int, without: int | None = None) -> list[int]:
        """The seqs that share most with the query, best first; ties go to the newer article."""
        votes: dict[int, int] = {}
        for term, weight in _query_terms(query):
            for seq in self._postings.get(term, ())[-NEWEST:]:
                votes[seq] = votes.get(seq, 0) + weight
        if without is not None:
            votes.pop(without, None)
        ranked = sorted(votes.items(), key=_by_votes)
        return [seq for seq, _ in ranked[:limit]]


def _query_terms(query: Profile) -> Iterable[tuple[str, int]]:
    # Votes approximate the cosine: a word's weight in the other article is about its weight in this one.
    for word, weight in zip(query.words[:QUERY_WORDS], query.weights, strict=False):
        yield word, weight * weight >> 10


def _by_votes(item: tuple[int, int]) -> tuple[int, int]:
    return -item[1], -item[0]
