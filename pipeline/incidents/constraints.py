"""What editors' words in force forbid the machine, and what they say of an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.incidents.decision import Ruling
from pipeline.incidents.state import State

LISTED = 50
"""Words that an incident's record lists, the last."""


def home_of(state: State, article_id: str) -> tuple[str, Ruling] | None:
    """The incident that an article must stay in, and the last word that says so; None: it is the machine's."""
    if not state.rulings:
        return None
    holding = state.rulings.holding(article_id)
    if not holding:
        return None
    ruling = holding[-1][1]
    incident_id = next(i for i, articles in ruling.held.items() if article_id in articles)
    return state.resolve(incident_id), ruling


def barred(state: State, one: str, other: str, without: str | None = None) -> Ruling | None:
    """The word that forbids the machine to merge two incidents, or to move articles between them.

    Args:
        without: id of a word that is not asked for.
    """
    if not state.rulings:
        return None
    for _, ruling in about(state, one):
        if ruling.word in ("never-join", "split") and ruling.word_id != without:
            a, b = map(state.resolve, ruling.incidents)
            if {a, b} == {one, other}:
                return ruling
    return None


def about(state: State, incident_id: str) -> list[tuple[int, Ruling]]:
    """Words in force about an incident, or about one that was merged into it, with their seqs, the oldest first."""
    if not state.rulings:
        return []
    return state.rulings.about([incident_id, *state.redirected_to(incident_id)])


def title_said(state: State, incident_id: str) -> str | None:
    """The title that an editor has given an incident; one given to an incident that was merged into it comes second."""
    said = [r for _, r in about(state, incident_id) if r.word == "retitle"]
    own = [r for r in said if incident_id in r.incidents]
    return next((r.title for r in reversed(own or said)), None)


def words_about(state: State, incident_id: str) -> tuple[dict[str, Any], ...]:
    """The words in force about an incident, as its record lists them."""
    return tuple(signed(ruling) for _, ruling in about(state, incident_id)[-LISTED:])


def signed(ruling: Ruling) -> dict[str, Any]:
    """Which word, whose, when and why: {"word", "word_id", "by", "at", "note"}; what was not said is left out."""
    found = {"word": ruling.word, "word_id": ruling.word_id, "by": ruling.by, "at": iso(ruling.at), "note": ruling.note}
    return {name: value for name, value in found.items() if value is not None}


def why_held(ruling: Ruling) -> dict[str, Any]:
    """Reasons of an article that is where it is by an editor's word."""
    return {"kind": "editor", **signed(ruling)}


def iso(time: datetime | None) -> str | None:
    """RFC 3339 with Z, as `codec` writes times."""
    return None if time is None else time.isoformat().replace("+00:00", "Z")
