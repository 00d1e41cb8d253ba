"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from pipeline.dedup import compare, evidence
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.index import Index, numbered
from pipeline.dedup.keys import keys_of
from pipeline.dedup.lookahead import IN_BATCH, LOOKED_UP, Lookahead
from pipeline.dedup.overlap import Overlap, Sketches
from pipeline.dedup.prepare import Prepared
from pipeline.dedup.remembered import NEVER, Entry, Remembered, packed
from pipeline.dedup.sketch import EVERYTHING, U32
from pipeline.records import CopyKind

T = TypeVar("T")

_COMPARED = 16
"""So many candidates are looked at closely."""

_MEASURED = 1 << 10
"""So many pairs are measured at once, at most: a sketch may have thousands of hashes."""

_TOGETHER, _SORTED = 1 << 16, 1 << 10
"""So many texts are put into the index at once, at most. Their keys are picked for fewer at once, whose hashes fit into
the cache."""

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


_NOTHING = Finding(None, ())


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
        self._gone: dict[int, bytes] = {}
        # Steps that are left of an index that is built as a whole.
        self._building: Iterator[bool] | None = None
        self._ahead: Lookahead | None = None
        # What the texts of the batch share with their candidates, by place: those that share enough. Of the texts in
        # `_measured` with all candidates that the batch began with; those in `_few` have no more than are compared.
        self._sketches = Sketches((), ())
        self._overlaps: dict[int, dict[int, Overlap]] = {}
        self._measured: frozenset[int] = frozenset()
        self._few: frozenset[int] = frozenset()
        self._batch: Sequence[Prepared | None] = ()

    def expect(self, batch: Sequence[Prepared | None]) -> None:
        """Look up a batch of texts; `find` then takes them by their place in it, until `settle`."""
        self.settle()
        sketches = [_NONE if own is None else own.ordered for own in batch]
        least = [1 if own is None else _least_shared(own.sketch.shingles) for own in batch]
        self._ahead = ahead = Lookahead(self._index, sketches, least, self._remembered.is_taken)
        self._batch = batch
        self._sketches = Sketches(sketches, [EVERYTHING if own is None else own.sketch.bound for own in batch])
        # Which of too many are compared is known only when the text's turn comes; to measure a few more than are
        # compared costs less than to measure those alone.
        counts = Counter(ahead.texts)
        self._few = frozenset(n for n in range(len(batch)) if counts[n] <= _COMPARED)
        self._measured = frozenset(n for n in range(len(batch)) if counts[n] <= 2 * _COMPARED)
        pairs = [pair for pair in zip(ahead.texts, ahead.others, strict=True) if pair[0] in self._measured]
        for some in _pieces(pairs, _MEASURED):
            self._measure(some)

    def _measure(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Measure what texts of the batch share with candidates."""
        remembered = [pair for pair in pairs if pair[1] < IN_BATCH]
        sketches, bounds = self._remembered.sketches_at([slot for _, slot in remembered])
        if len(remembered) < len(pairs):
            of_batch = [pair for pair in pairs if pair[1] >= IN_BATCH]
            owns = [own.sketch for _, other in of_batch if (own := self._batch[other - IN_BATCH]) is not None]
            pairs = remembered + of_batch
            sketches += [packed(own.hashes) for own in owns]
            bounds = np.concatenate([bounds, [own.bound for own in owns]])
        for n, found in self._sketches.overlaps([text for text, _ in pairs], sketches, bounds):
            text, other = pairs[n]
            self._overlaps.setdefault(text, {})[other] = found

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
        for _ in self._building or ():
            pass
        if slot in self._new:
            del self._new[slot]
        else:
            (self._gone[slot],) = self._remembered.packed_sketches_at([slot])
        if self._ahead is not None:
            self._ahead.removed()

    def settle(self) -> None:
        """Bring the index up to date."""
        while self.settle_part():
            pass

    def settle_part(self) -> bool:
        """Bring the index nearer to what it should be, by less than a second's work; False when it is up to date."""
        ahead, self._ahead = self._ahead, None
        self._batch = ()
        self._overlaps = {}
        if self._building is None and self._new and self._index.is_empty:
            self._building = self._build()
        if self._building is not None and next(self._building, False):
            return True
        self._building = None
        if self._gone:
            self._index.remove(*_keys_of(list(self._gone.values()), list(self._gone)))
            self._gone.clear()
        if ahead is not None and (keys := ahead.keys_of(self._new)):
            self._index.add(*keys)
            self._new.clear()
        elif some := list(islice(self._new, _TOGETHER)):
            self._index.add(*self._keys(some, some))
            for slot in some:
                del self._new[slot]
        self._remembered.reuse_slots()
        return bool(self._new)

    def _keys(self, slots: Sequence[int], numbers: Sequence[int]) -> tuple[U32, U32]:
        """Keys of remembered texts, and the number of each key's text."""
        sketches = self._remembered.packed_sketches_at(slots)
        parts = [_keys_of(*few) for few in zip(_pieces(sketches, _SORTED), _pieces(numbers, _SORTED), strict=True)]
        keys, owners = zip(*parts, strict=True)
        return np.concatenate(keys), np.concatenate(owners)

    def _build(self) -> Iterator[bool]:
        """Put all new texts into the empty index."""
        slots = list(self._new)
        self._new.clear()
        pieces = []
        for start in range(0, len(slots), _TOGETHER):
            some = slots[start : start + _TOGETHER]
            pieces.append(numbered(*self._keys(some, range(start, start + len(some)))))
            yield True
        yield from self._index.build(pieces, np.array(slots, np.uint32))

    def find(self, article_id: str, own: Prepared, origin: int | None, place: int) -> Finding:
        """Look for sources and copies of a text.

        Args:
            article_id: its own earlier versions are no sources.
            own: the text.
            origin: its place in the total order of origins, with its id.
            place: in the batch that is expected.
        """
        similar = self._similar(place)
        if not similar:
            return _NOTHING
        rank = (NEVER if origin is None else origin, article_id)
        own_key, own_exact = bytes.fromhex(article_id), bytes.fromhex(own.exact)
        earlier: list[tuple[Overlap, CopyKind, Entry]] = []
        later: list[str] = []
        for slot, found in similar:
            key, exact, other_origin = self._remembered.identity_at(slot)
            if key == own_key:
                continue
            kind: CopyKind | None
            if exact == own_exact and own.exact != NO_WORDS:
                kind = "exact"
            else:
                apart = 0.0 if origin is None or other_origin is None else abs(origin - other_origin) / _DAY
                kind = compare.kind_of(own, self._remembered.text_at(slot), found, apart, self._window)
            if kind is None:
                continue
            other = self._remembered.at(slot)
            if other.rank < rank:
                earlier.append((found, kind, other))
            else:
                later.append(other.article_id)
        if not earlier:
            return Finding(None, tuple(sorted(later)))
        found, kind, source = min(earlier, key=lambda c: (c[1] != "exact", -c[0].jaccard, c[2].rank))
        return Finding(_source(own, found, kind, source), tuple(sorted(later)))

    def _similar(self, place: int) -> list[tuple[int, Overlap]]:
        """Slots of the articles that share most keys with a text, and enough of its wording to be looked at closely.

        Among articles of as many keys those of the earliest origin come first.
        """
        ahead = self._ahead
        assert ahead is not None
        if ahead.is_as_expected(place) and place in self._few:
            near = self._overlaps.get(place)
            if near is None:
                return []
            return [(slot, overlap) for other, overlap in near.items() if (slot := ahead.slot(other)) is not None]
        candidates = ahead.candidates(place)
        slots = {other: slot for other in candidates if (slot := ahead.slot(other)) is not None}
        others = list(slots)
        if len(others) > _COMPARED:
            others.sort(key=lambda other: (-candidates[other], self._remembered.rank_at(slots[other])))
            del others[_COMPARED:]
        expected = ahead.expected(place) if place in self._measured else {}
        if unknown := [(place, other) for other in others if other not in expected]:
            self._measure(unknown)
        overlaps = self._overlaps.get(place, {})
        return [(slots[other], overlaps[other]) for other in others if other in overlaps]


def _pieces(values: Sequence[T], length: int) -> list[Sequence[T]]:
    return [values[start : start + length] for start in range(0, len(values), length)]


def _keys_of(sketches: Sequence[bytes], numbers: Sequence[int]) -> tuple[U32, U32]:
    """Keys of texts, given by the packed hashes of their sketches, and the number of each key's text."""
    hashes = np.frombuffer(b"".join(sketches), "<u4")
    keys, counts = keys_of(hashes, np.array([len(sketch) >> 2 for sketch in sketches]))
    return keys, np.repeat(np.array(numbers, np.uint32), counts)


def _least_shared(shingles: int) -> int:
    """Keys in common below which a text of so many shingles is not looked at: copies share seven and more.

    A stock phrase makes one or two.
    """
    if shingles < compare.MIN_SHINGLES:
        return 1
    return 2 if shingles < LOOKED_UP else 3


def _source(own: Prepared, found: Overlap, kind: CopyKind, source: Entry) -> Source:
    """The evidence that a text is a copy of its source, and what it adds."""
    added: tuple[tuple[int, int], ...] = ()
    if kind == "exact":
        run = compare.whole(own.sketch)
    elif not own.short:
        starts = own.starts - own.offset
        spans = evidence.covered(len(starts), own.shingles, source.text.sketch)
        run = evidence.longest(spans)
        added = evidence.added(own.cleaned.text, starts, spans)
    else:
        run = compare.longest_run(own.sketch, source.text.sketch, found)
    why = {
        "jaccard": round(found.jaccard, 3),
        "contained": round(found.first_in_second, 3),
        "contains": round(found.second_in_first, 3),
        "longest_run": run,
    }
    return Source(source.article_id, kind, why, added)
