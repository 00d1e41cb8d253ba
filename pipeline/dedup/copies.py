"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.dedup import compare, evidence
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.index import Index, keys_of
from pipeline.dedup.prepare import Prepared
from pipeline.dedup.remembered import NEVER, Entry, Remembered
from pipeline.dedup.sketch import U32
from pipeline.records import CopyKind

_COMPARED = 16
"""So many candidates are looked at closely."""

_LOOKED_UP = 64
"""So many of a text's hashes are looked up in the index, the lowest. Of a text of the same length the keys are among
the lowest 32, of one a sixth as long among the lowest 200."""

_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """The best source of a copy."""

    of: str
    kind: CopyKind
    why: dict[str, Any]
    added: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one text.

    Attributes:
        best: its direct best source among the articles with an earlier origin; None when it is no copy.
        later: ids of the articles with a later origin of which this text is a source.
    """

    best: Source | None
    later: tuple[str, ...]


class Copies:
    """The index of the remembered texts.

    Args:
        remembered: the articles.
        window: days that an article is remembered.
    """

    def __init__(self, remembered: Remembered, window: float) -> None:
        self._remembered = remembered
        self._window = window
        self._index = Index()

    def add(self, slot: int, ordered: U32 | None = None) -> None:
        """Let a remembered text be found.

        Args:
            ordered: the hashes of its sketch, sorted, where they are at hand.
        """
        if ordered is None:
            ordered = np.sort(self._remembered.hashes_at(slot))
        if len(ordered):
            self._index.add(slot, keys_of(ordered))

    def remove(self, slot: int) -> None:
        """Undo `add`."""
        hashes = self._remembered.hashes_at(slot)
        if len(hashes):
            self._index.remove(slot, keys_of(np.sort(hashes)))

    def find(self, article_id: str, own: Prepared, origin: int | None) -> Finding:
        """Look for sources and copies of a text.

        Args:
            article_id: its own earlier versions are no sources.
            own: the text.
            origin: its place in the total order of origins, with its id.
        """
        rank = (NEVER if origin is None else origin, article_id)
        earlier: list[tuple[compare.Overlap, CopyKind, Entry]] = []
        later: list[str] = []
        for slot in self._candidates(own):
            found = compare.overlap(own, self._remembered.sketch_at(slot))
            if found is None:
                continue
            other = self._remembered.at(slot)
            if other.article_id == article_id:
                continue
            kind: CopyKind | None
            if other.exact == own.exact and own.exact != NO_WORDS:
                kind = "exact"
            else:
                apart = 0.0 if origin is None or other.origin is None else abs(origin - other.origin) / _DAY
                kind = compare.kind_of(own, other.text, found, apart, self._window)
            if kind is None:
                continue
            if other.rank < rank:
                earlier.append((found, kind, other))
            else:
                later.append(other.article_id)
        if not earlier:
            return Finding(None, tuple(sorted(later)))
        found, kind, source = min(earlier, key=lambda c: (c[1] != "exact", -c[0].jaccard, c[2].rank))
        return Finding(_source(own, found, kind, source), tuple(sorted(later)))

    def _candidates(self, own: Prepared) -> list[int]:
        """Slots of the articles that share most keys with a text; among equals, those of the earliest origin."""
        found = self._index.lookup(own.ordered[:_LOOKED_UP])
        if not len(found):
            return []
        shared = Counter(found.tolist())
        least = _least_shared(own.sketch.shingles)
        several = [slot for slot, n in shared.items() if n >= least]
        if len(several) > _COMPARED:
            several.sort(key=lambda slot: (-shared[slot], self._remembered.at(slot).rank))
        return several[:_COMPARED]


def _least_shared(shingles: int) -> int:
    """Keys in common below which a text of so many shingles is not looked at: copies share seven and more.

    A stock phrase makes one or two.
    """
    if shingles < compare.MIN_SHINGLES:
        return 1
    return 2 if shingles < _LOOKED_UP else 3


def _source(own: Prepared, found: compare.Overlap, kind: CopyKind, source: Entry) -> Source:
    """The evidence that a text is a copy of its source, and what it adds."""
    run = found.run
    added: tuple[tuple[int, int], ...] = ()
    if kind != "exact" and not own.short:
        cover = evidence.covered(own.words, own.shingles, source.text.sketch)
        run = evidence.longest_run(cover)
        added = evidence.added(own.cleaned.text, own.words.starts - own.offset, cover)
    why = {
        "jaccard": round(found.jaccard, 3),
        "contained": round(found.first_in_second, 3),
        "contains": round(found.second_in_first, 3),
        "longest_run": run,
    }
    return Source(source.article_id, kind, why, added)
