"""What editors have said, as a sink tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pipeline.sink.base import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One editor's word.

    Attributes:
        word_id: None for one that was refused.
        of: id of the word that an undo takes the force from.
        incidents: ids of those that it changed.
        at: time at which it was said, RFC 3339.
        undone: a later word has taken its force.
        reason: why it was refused.
    """

    edition: int
    seq: int
    word_id: str | None
    word: str | None = None
    of: str | None = None
    by: str | None = None
    at: str | None = None
    note: str | None = None
    incidents: tuple[str, ...] = ()
    undone: bool = False
    reason: str | None = None


def words_said(reader: Reader) -> list[Said]:
    """Every word in a store, carried out or refused, by edition and seq. Undoings stand beside what they undo."""
    found: dict[tuple[int, int], Said] = {}
    undone = set()
    for _, change in reader.changes():
        if change.change != "edited":
            continue
        evidence = change.evidence
        place = (change.edition, change.seq)
        said = found.get(place) or _said(change.edition, change.seq, evidence)
        found[place] = replace(said, incidents=(*said.incidents, change.incident_id))
        undone.add(evidence.get("of"))
    for known in reader.inputs():
        if known.verdict == "refused":
            found[known.edition, known.seq] = Said(
                edition=known.edition, seq=known.seq, word_id=None, reason=known.reason
            )
    return [replace(s, undone=s.word_id is not None and s.word_id in undone) for _, s in sorted(found.items())]


def _said(edition: int, seq: int, evidence: dict[str, Any]) -> Said:
    return Said(
        edition=edition,
        seq=seq,
        word_id=evidence.get("word_id"),
        word=evidence.get("word"),
        of=evidence.get("of"),
        by=evidence.get("by"),
        at=evidence.get("at"),
        note=evidence.get("note"),
    )
