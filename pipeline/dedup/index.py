"""Candidates: which remembered texts may share enough with a new one to be worth a close comparison."""

from __future__ import annotations

from collections import Counter

import numpy as np

from pipeline.dedup.sketch import U32, Sketch, below

_KEYS = 48
_COARSEST = 4
_NEWEST = 8
"""A shingle that many articles have leads to the newest of them only."""


def keys_of(sketch: Sketch) -> U32:
    """The hashes under which a sketch is found."""
    level = 0
    while sketch.shingles >> level > _KEYS and level < _COARSEST:
        level += 1
    level = max(level, sketch.level)
    return sketch.hashes[: np.searchsorted(sketch.hashes, np.uint32(below(level)))] if level else sketch.hashes


class Index:
    """Inverted index from shingle hash to articles."""

    def __init__(self) -> None:
        self._postings: dict[int, dict[str, int]] = {}

    def add(self, article_id: str, seq: int, sketch: Sketch) -> None:
        for key in keys_of(sketch).tolist():
            self._postings.setdefault(key, {})[article_id] = seq

    def remove(self, article_id: str, sketch: Sketch) -> None:
        for key in keys_of(sketch).tolist():
            posting = self._postings[key]
            del posting[article_id]
            if not posting:
                del self._postings[key]

    def candidates(self, hashes: U32, most: int) -> list[str]:
        """Ids of the articles that share most keys with a text, best first; ties by id."""
        hits: Counter[str] = Counter()
        for key in np.unique(hashes).tolist():
            posting = self._postings.get(key)
            if posting:
                ids = posting if len(posting) <= _NEWEST else sorted(posting, key=posting.__getitem__)[-_NEWEST:]
                hits.update(ids)
        return [a for a, _ in sorted(hits.items(), key=lambda h: (-h[1], h[0]))[:most]]
