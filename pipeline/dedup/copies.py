"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.dedup import compare, evidence
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.index import Index, keys_of
from pipeline.dedup.lookahead import LOOKED_UP, Lookahead
from pipeline.dedup.prepare import Prepared
from pipeline.dedup.remembered import NEVER, Entry, Remembered
from pipeline.dedup.sketch import U32
from pipeline.records import CopyKind

_COMPARED = 16
"""So many candidates are looked at closely."""

_NONE = np.empty(0, np.uint32)
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

    Additions and removals count at once, but the index is changed by `settle` alone, for many at a time.

    Args:
        remembered: the articles.
        window: days that an article is remembered.
    """

    def __init__(self, remembered: Remembered, window: float) -> None:
        self._remembered = remembered
        self._window = window
        self._index = Index()
        # Slots to be put into the index, in order; and what to take out of it.
        self._new: dict[int, None] = {}
        self._gone: dict[int, U32] = {}
        self._ahead: Lookahead | None = None

    def expect(self, batch: Sequence[Prepared | None]) -> None:
        """Look up a batch of texts; `find` then takes them by their place in it, until `settle`."""
        self.settle()
        sketches = [_NONE if own is None else own.ordered for own in batch]
        self._ahead = Lookahead(self._index, sketches, self._remembered.is_taken)

    def add(self, slot: int, place: int | None = None) -> None:
        """Let a remembered text be found.

        Args:
            place: its place in the batch that is expected; None when it is not of it: only after `settle` is it found.
        """
        self._new[slot] = None
        if place is not None and self._ahead is not None:
            self._ahead.decided(place, slot)

    def remove(self, slot: int) -> None:
        """Undo `add`, before the article is forgotten."""
        if slot in self._new:
            del self._new[slot]
        else:
            self._gone[slot] = self._remembered.hashes_at(slot)

    def settle(self) -> None:
        """Bring the index up to date."""
        self._ahead = None
        if self._gone:
            self._index.remove(*_keys_of(self._gone))
            self._gone.clear()
        if self._new:
            self._index.add(*_keys_of({slot: self._remembered.hashes_at(slot) for slot in self._new}))
            self._new.clear()
        self._remembered.reuse_slots()

    def find(self, article_id: str, own: Prepared, origin: int | None, place: int) -> Finding:
        """Look for sources and copies of a text.

        Args:
            article_id: its own earlier versions are no sources.
            own: the text.
            origin: its place in the total order of origins, with its id.
            place: in the batch that is expected.
        """
        rank = (NEVER if origin is None else origin, article_id)
        earlier: list[tuple[compare.Overlap, CopyKind, Entry]] = []
        later: list[str] = []
        slots = self._candidates(own, place)
        if not slots:
            return Finding(None, ())
        hashes = frozenset(own.ordered.tolist())
        for slot in slots:
            found = compare.overlap(own, hashes, self._remembered.sketch_at(slot))
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

    def _candidates(self, own: Prepared, place: int) -> list[int]:
        """Slots of the articles that share most keys with a text; among equals, those of the earliest origin."""
        assert self._ahead is not None
        shared = self._ahead.candidates(place, _least_shared(own.sketch.shingles))
        if len(shared) <= _COMPARED:
            return list(shared)
        return sorted(shared, key=lambda slot: (-shared[slot], self._remembered.at(slot).rank))[:_COMPARED]


def _keys_of(texts: Mapping[int, U32]) -> tuple[U32, U32]:
    """Keys of texts, given by slot, and the slot of each key."""
    keys, counts = keys_of(list(texts.values()))
    return keys, np.repeat(np.array(list(texts), np.uint32), counts)


def _least_shared(shingles: int) -> int:
    """Keys in common below which a text of so many shingles is not looked at: copies share seven and more.

    A stock phrase makes one or two.
    """
    if shingles < compare.MIN_SHINGLES:
        return 1
    return 2 if shingles < LOOKED_UP else 3


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
