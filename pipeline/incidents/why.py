"""Why a report is where it is, as data; `explain` turns it into sentences."""

from __future__ import annotations

from typing import Any

from pipeline.incidents.match import Match
from pipeline.incidents.plan import Plan
from pipeline.incidents.score import SIGNALS, Query
from pipeline.incidents.state import Entry
from pipeline.records import Annotated


def why_copy(item: Annotated, source: Entry) -> dict[str, Any]:
    """Reasons of a copy: it goes where its source is."""
    evidence = {} if item.copy is None else {"copy_kind": item.copy.kind, **item.copy.why}
    return {"kind": "copy", "of": source.article_id, **evidence}


def why_scored(plan: Plan, query: Query, matches: list[Match]) -> dict[str, Any]:
    """Reasons of an article that was placed by its own evidence."""
    chosen = next((m for m in matches if m.incident_id == plan.incident_id), None)
    other = next((m for m in matches if m.incident_id != plan.incident_id), None)
    why: dict[str, Any] = {"kind": "founded" if chosen is None else "joined"}
    if chosen is not None:
        entry, best = chosen.links[0]
        why |= {
            "score": round(chosen.score, 3),
            "closest": entry.article_id,
            "parts": dict(zip(SIGNALS, (round(v, 3) for v in best.values), strict=True)),
            "gap_days": round(chosen.gap_days, 3),
        }
    if other is not None:
        why["runner_up"] = {"incident_id": other.incident_id, "score": round(other.score, 3)}
    return why
