"""Names and kinds of weapons and vehicles that stand together: "Reaper drones", "explosive device"."""

from __future__ import annotations

from spacy.tokens import Doc

from pipeline.entities.gazetteer import shipped
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_MATERIEL = frozenset({"WEAPON", "PLATFORM"})
_LONGEST_NAME = 3
_ARTICLES = frozenset({"a", "an", "the"})
_BOMBERS = frozenset({"bomber", "bombers"})


def settle_materiel(doc: Doc, spans: Spans) -> None:
    """Take names into what they name; leave out men who are called as a machine is."""
    suicide: bool | None = None
    for m in sorted(spans.all, key=lambda m: m.start):
        if m.label not in _MATERIEL:
            continue
        last = doc[m.end - 1].lower_
        if last in _BOMBERS:
            if suicide is None:
                suicide = any(token.lower_ == "suicide" for token in doc)
            if suicide and all(doc[i].lower_ in _BOMBERS or doc[i].lower_ == "suicide" for i in range(m.start, m.end)):
                spans.drop(m)
                continue
        whole = Match(_name_start(doc, m), _head_end(doc, m), m.label, 0)
        if whole != m and all(b.label in _MATERIEL or b.start >= whole.start for b in spans.below(whole)):
            spans.put(whole)


def _name_start(doc: Doc, m: Match) -> int:
    """Where a known name directly before it begins: "MQ-9 Reaper" before "drones"."""
    for start in range(max(0, m.start - _LONGEST_NAME), m.start):
        if not doc[start].text[:1].isupper() or doc[start].lower_ in _ARTICLES:
            continue
        known = shipped().find(doc[start : m.start].text)
        if known is not None and known.label in _MATERIEL:
            return start
    return m.start


def _head_end(doc: Doc, m: Match) -> int:
    """ "improvised explosive" goes on to "device"."""
    device = m.end < len(doc) and doc[m.end].lower_ in ("device", "devices")
    return m.end + 1 if device and m.label == "WEAPON" and doc[m.end - 1].lower_ == "explosive" else m.end
