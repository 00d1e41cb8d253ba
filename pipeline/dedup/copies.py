"""Finds the remembered articles that a new text is a copy of, or that are copies of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from pipeline.dedup import compare, evidence
from pipeline.dedup.crowds import I64
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.index import Index, numbered
from pipeline.dedup.keys import keys_of
from pipeline.dedup.lookahead import IN_BATCH, LOOKED_UP, Lookahead
from pipeline.dedup.overlap import MIN_SHINGLES, Overlap, Several, Sketches
from pipeline.dedup.prepare import Prepared
from pipeline.dedup.remembered import NEVER, Entry, Remembered
from pipeline.dedup.sketch import EVERYTHING, U32, Sketch
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
_NO_TEXT = Sketch(_NONE, EVERYTHING, 0, 0)
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
        self._sketches = Sketches(Several.of(()))
        self._overlaps: dict[int, dict[int, Overlap]] = {}
        self._measured: Sequence[bool] = ()
        self._few: Sequence[bool] = ()
        self._batch: Sequence[Prepared | None] = ()

    def expect(self, batch: Sequence[Prepared | None]) -> None:
        """Look up a batch of texts; `find` then takes them by their place in it, until `settle`."""
        self.settle()
        sketches = [_NONE if own is None else own.ordered for own in batch]
        least = [1 if own is None else _least_shared(own.sketch.shingles) for own in batch]
        self._ahead = ahead = Lookahead(self._index, sketches, least, self._remembered.is_taken)
        self._batch = batch
        self._sketches = Sketches(Several.of([_NO_TEXT if own is None else own.sketch for own in batch], sketches))
        # Which of too many are compared is known only when the text's turn comes; to measure a few more than are
        # compared costs less than to measure those alone.
        counts = np.bincount(ahead.texts, minlength=len(batch))
        measured = counts <= 2 * _COMPARED
        self._few = (counts <= _COMPARED).tolist()
        self._measured = measured.tolist()
        pairs = measured[ahead.texts]
        texts, others = ahead.texts[pairs], ahead.others[pairs]
        for start in range(0, len(texts), _MEASURED):
            self._measure(texts[start : start + _MEASURED], others[start : start + _MEASURED])

    def _measure(self, texts: I64, others: I64) -> None:
        """Measure what texts of the batch share each with a candidate."""
        in_batch = others >= IN_BATCH
        order = np.argsort(in_batch, kind="stable")
        texts, others = texts[order], others[order]
        told = others.tolist()
        remembered = len(told) - int(in_batch.sum())
        sketches = self._remembered.sketches_at(told[:remembered])
        if remembered < len(told):
            owns = [self._batch[other - IN_BATCH] for other in told[remembered:]]
            sketches += Several.of([own.sketch for own in owns if own is not None])
        for n, found in self._sketches.overlaps(texts, sketches):
            self._overlaps.setdefault(int(texts[n]), {})[told[n]] = found

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
                if compare.comes_again(found, apart, self._window):
                    continue
                kind = compare.kind_of(own, self._remembered.text_at(slot), found)
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
        if ahead.is_as_expected(place) and self._few[place]:
            near = self._overlaps.get(place)
            if near is None:
                return []
            return [(slot, overlap) for other, overlap in near.items() if (slot := ahead.slot(other)) is not None]
        candidates = ahead.candidates(place)
        slots = {other: slot for other in candidates if (slot := ahead.slot(other)) is not None}
        others = list(slots)
        if len(others) > _COMPARED:
            others.sort(key=candidates.__getitem__, reverse=True)
            # Of those with as many as the last that is compared ranks decide.
            last = candidates[others[_COMPARED - 1]]
            more = [other for other in others if candidates[other] > last]
            even = [other for other in others if candidates[other] == last]
            even.sort(key=lambda other: self._remembered.rank_at(slots[other]))
            others = (more + even)[:_COMPARED]
        expected = ahead.expected(place) if self._measured[place] else {}
        if unknown := [other for other in others if other not in expected]:
            self._measure(np.full(len(unknown), place), np.array(unknown))
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
    if shingles < MIN_SHINGLES:
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
