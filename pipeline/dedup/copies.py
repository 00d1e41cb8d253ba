"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from pipeline.dedup import compare, evidence
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.figures import figures
from pipeline.dedup.headline import headline
from pipeline.dedup.index import Index, keys_of
from pipeline.dedup.remembered import NEVER, Entry, Remembered
from pipeline.dedup.sketch import U32, below, bound_of, distinct, shingle_hashes, sketch
from pipeline.records import CopyKind
from pipeline.text.clean import Cleaned
from pipeline.text.words import Words, words

_COMPARED = 16
"""So many candidates are looked at closely."""

_LOOKED_UP = 1024
"""So many shingles of a text are looked up in the index: of a longer text, the lowest."""

_SHORT = 12
"""The words of a shorter text count together with its title: "Results below." is no copy of "Results below."."""

_LEAD = 12
"""So many words of a text stand in for a headline that it has not."""

_MIN_WORDS = 5
"""Fewer words are nobody's property, even when they are exactly the same."""


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
        text: what is remembered of it.
        exact: hash of its words in order.
        best: its direct best source among the articles with an earlier origin; None when it is no copy.
        later: ids of the articles with a later origin of which this text is a source.
    """

    text: compare.Text
    exact: str
    best: Source | None
    later: tuple[str, ...]


def exact_hash(told: Words) -> str:
    """Hash of a text's words in order."""
    if len(told) < _MIN_WORDS:
        return NO_WORDS
    return blake2b(told.hashes.astype("<u8", copy=False).tobytes(), digest_size=12).hexdigest()


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

    def add(self, slot: int) -> None:
        """Let a remembered text be found."""
        hashes = self._remembered.hashes_at(slot)
        if len(hashes):
            self._index.add(slot, keys_of(hashes))

    def remove(self, slot: int) -> None:
        """Undo `add`."""
        hashes = self._remembered.hashes_at(slot)
        if len(hashes):
            self._index.remove(slot, keys_of(hashes))

    def find(self, article_id: str, cleaned: Cleaned, origin: int | None) -> Finding:
        """Look for sources and copies of a text.

        Args:
            article_id: its own earlier versions are no sources.
            cleaned: its title and text.
            origin: its place in the total order of origins, with its id.
        """
        title = cleaned.title or ""
        every = words(f"{title}\n{cleaned.text}")
        in_title = int(np.searchsorted(every.starts, len(title) + 1))
        short = len(every) - in_title < _SHORT
        told = every if short else every[in_title:]
        hashes = shingle_hashes(told)
        different = distinct(hashes)
        own_sketch = sketch(different, len(told))
        places = np.argsort(own_sketch.hashes)
        own = compare.NewText(
            sketch=own_sketch,
            figures=figures(told),
            headline=headline(every[:in_title] if in_title else every[:_LEAD]),
            origin=origin,
            ordered=own_sketch.hashes[places],
            places=places,
            words=told,
            shingles=hashes,
        )
        exact = exact_hash(told)
        exact_bytes = bytes.fromhex(exact)
        rank = (NEVER if origin is None else origin, article_id)
        earlier: list[tuple[compare.Overlap, CopyKind, Entry]] = []
        later: list[str] = []
        for other in self._candidates(different):
            if other.article_id == article_id:
                continue
            found = compare.overlap(own, other.text.sketch)
            kind: CopyKind | None
            if exact != NO_WORDS and other.exact == exact_bytes:
                kind, found = "exact", compare.Overlap(1.0, 1.0, 1.0, len(own.ordered), len(told), 0.0)
            elif found is None:
                continue
            else:
                kind = compare.kind_of(own, other.text, found, self._window)
            if kind is None or found is None:
                continue
            if other.rank < rank:
                earlier.append((found, kind, other))
            else:
                later.append(other.article_id)
        best = None
        if earlier:
            found, kind, source = min(earlier, key=lambda c: (c[1] != "exact", -c[0].jaccard, c[2].rank))
            best = _source(cleaned.text, len(title) + 1, told, hashes, found, kind, source, short)
        return Finding(own, exact, best, tuple(sorted(later)))

    def _candidates(self, hashes: U32) -> list[Entry]:
        """The articles that share most keys with a text; among equals, those of the earliest origin."""
        found = self._index.lookup(below(hashes, bound_of(hashes, _LOOKED_UP, 0, _LOOKED_UP)))
        if not len(found):
            return []
        slots, shared = np.unique(found, return_counts=True)
        if len(hashes) >= compare.MIN_SHINGLES:
            several = shared > 1
            slots, shared = slots[several], shared[several]
        if len(slots) <= _COMPARED:
            return [self._remembered.at(slot) for slot in slots.tolist()]
        least = int(np.partition(shared, -_COMPARED)[-_COMPARED])
        sure = [self._remembered.at(slot) for slot in slots[shared > least].tolist()]
        equal = [self._remembered.at(slot) for slot in slots[shared == least].tolist()]
        return sure + sorted(equal, key=lambda e: e.rank)[: _COMPARED - len(sure)]


def _source(
    text: str,
    offset: int,
    told: Words,
    hashes: U32,
    found: compare.Overlap,
    kind: CopyKind,
    source: Entry,
    short: bool,
) -> Source:
    """The evidence that a text is a copy of its source, and what it adds.

    Args:
        offset: where the text begins in what `told` was made from.
        told: its words.
        short: the words of the title are among them.
    """
    run = found.run
    added: tuple[tuple[int, int], ...] = ()
    if kind != "exact" and not short:
        cover = evidence.covered(told, hashes, source.text.sketch)
        run = evidence.longest_run(cover)
        added = evidence.added(text, told.starts - offset, cover)
    why = {
        "jaccard": round(found.jaccard, 3),
        "contained": round(found.first_in_second, 3),
        "contains": round(found.second_in_first, 3),
        "longest_run": run,
    }
    return Source(source.article_id, kind, why, added)
