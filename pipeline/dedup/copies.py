"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pipeline.dedup import evidence
from pipeline.dedup.compare import Overlap, kind_of, overlap
from pipeline.dedup.index import Index
from pipeline.dedup.memory import FOREVER, Entry
from pipeline.dedup.sketch import Sketch, shingle_hashes, sketch
from pipeline.records import CopyKind
from pipeline.text.clean import Cleaned
from pipeline.text.words import Words, words

_COMPARED = 16
"""So many candidates are looked at closely."""

_MIN_WORDS = 12
"""A shorter text is told apart by its title too: "Results below." is no copy of "Results below."."""


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
        sketch: of the text.
        exact: hash of its words in order.
        best: its direct best source among the articles with an earlier origin; None when it is no copy.
        later: ids of the articles with a later origin of which this text is a source.
    """

    sketch: Sketch
    exact: str
    best: Source | None
    later: tuple[str, ...]


def exact_hash(title: str | None, body: Words) -> str:
    """Hash of a text's words in order; of a short text, its title's words too."""
    h = blake2b(body.hashes.astype("<u8").tobytes(), digest_size=12)
    if len(body) < _MIN_WORDS:
        h.update(b"|" + words(title or "").hashes.astype("<u8").tobytes())
    return h.hexdigest()


class Copies:
    """The remembered texts."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._index = Index()
        self._exact: dict[str, dict[str, None]] = {}

    def add(self, entry: Entry) -> None:
        if entry.sketch is None:
            return
        self._entries[entry.article_id] = entry
        self._index.add(entry.article_id, entry.seq, entry.sketch)
        self._exact.setdefault(entry.memory.exact, {})[entry.article_id] = None

    def remove(self, entry: Entry) -> None:
        if entry.sketch is None:
            return
        del self._entries[entry.article_id]
        self._index.remove(entry.article_id, entry.sketch)
        same = self._exact[entry.memory.exact]
        del same[entry.article_id]
        if not same:
            del self._exact[entry.memory.exact]

    def find(self, article_id: str, cleaned: Cleaned, origin: int | None) -> Finding:
        """Look for sources and copies of a text.

        Args:
            article_id: its own earlier versions are no sources.
            cleaned: its title and text.
            origin: its place in the total order of origins, with its id.
        """
        body = words(cleaned.text)
        hashes = shingle_hashes(body)
        own = sketch(hashes, len(body))
        exact = exact_hash(cleaned.title, body)
        rank = (FOREVER if origin is None else origin, article_id)
        earlier: list[tuple[Overlap, CopyKind, Entry]] = []
        later: list[str] = []
        names = dict.fromkeys(sorted(self._exact.get(exact, ())) if len(own.hashes) else ())
        names |= dict.fromkeys(self._index.candidates(hashes, _COMPARED))
        names.pop(article_id, None)
        for name in names:
            other = self._entries[name]
            assert other.sketch is not None
            found = overlap(own, other.sketch)
            kind: CopyKind | None = "exact" if other.memory.exact == exact else kind_of(own, other.sketch, found)
            if kind is None:
                continue
            if other.rank < rank:
                earlier.append((found, kind, other))
            else:
                later.append(name)
        best = None
        if earlier:
            found, kind, source = min(earlier, key=lambda c: (c[1] != "exact", -c[0].jaccard, c[2].rank))
            assert source.sketch is not None
            cover = evidence.covered(body, hashes, source.sketch)
            why = {
                "jaccard": round(found.jaccard, 3),
                "contained": round(found.first_in_second, 3),
                "contains": round(found.second_in_first, 3),
                "longest_run": evidence.longest_run(cover),
                "original": source.article_id,
            }
            added = () if kind == "exact" else evidence.added(cleaned.text, body, cover)
            best = Source(source.article_id, kind, why, added)
        return Finding(own, exact, best, tuple(later))
