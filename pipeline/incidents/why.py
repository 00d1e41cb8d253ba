"""Why a report is where it is, as data; `explain` turns it into sentences.

Keys of a `why` (those that say something): kind, score and needed, closest (article id), parts (what each signal
added to the closest link), shared and conflicts (the evidence itself), gap_days, runner_up; round_up: how many events
the report tells of, where it is many; split_from: the incident that its coming has split.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pipeline.incidents.decision import Features
from pipeline.incidents.entry import Entry
from pipeline.incidents.match import Match
from pipeline.incidents.plan import Plan
from pipeline.incidents.score import SIGNALS, Link, Query, Weights
from pipeline.incidents.state import State
from pipeline.records import Annotated

MOST = 6
"""Strongest items named of each kind."""

_LEAST_PART = 0.05
_CONFLICTS = tuple(n for n, name in enumerate(SIGNALS) if name.endswith("_differ") and name != "leads_differ")


def why_copy(item: Annotated, source: Entry) -> dict[str, Any]:
    """Reasons of a copy: it goes where its source is."""
    evidence = {} if item.copy is None else {"copy_kind": item.copy.kind, **item.copy.why}
    return {"kind": "copy", "of": source.article_id, **evidence}


def why_scored(state: State, plan: Plan, query: Query, matches: Sequence[Match], fitted: Weights) -> dict[str, Any]:
    """Reasons of an article that was placed by its own evidence."""
    chosen = next((m for m in matches if m.incident_id == plan.incident_id), None)
    other = next((m for m in matches if m.incident_id != plan.incident_id), None)
    why: dict[str, Any] = {"kind": _kind(plan, chosen)}
    if chosen is not None:
        why |= _evidence(state, query, chosen, fitted)
    why["needed"] = fitted.join
    if other is not None:
        why["runner_up"] = {"incident_id": other.incident_id, **_evidence(state, query, other, fitted, short=True)}
    return why


def why_moved(state: State, query: Query, match: Match, fitted: Weights) -> dict[str, Any]:
    """Reasons of an article that second thoughts have put elsewhere."""
    return {"kind": "moved", **_evidence(state, query, match, fitted), "needed": fitted.join}


def _kind(plan: Plan, chosen: Match | None) -> str:
    if plan.old is not None and plan.old.incident_id == plan.incident_id:
        return "kept"
    return "founded" if chosen is None else "joined"


def _evidence(state: State, query: Query, match: Match, fitted: Weights, short: bool = False) -> dict[str, Any]:
    entry, best = match.links[0]
    found: dict[str, Any] = {"score": round(match.score, 3), "closest": entry.article_id}
    if short and not any(best.values[n] for n in _CONFLICTS):
        return found  # what the other says lies compressed
    mine, theirs = query.said(), entry.read_said()
    against = conflicts(mine, theirs, best)
    if short:
        return found | ({"conflicts": against} if against else {})
    pair = fitted.blended(best.brief)
    parts = {n: round(pair[n] * v, 2) for n, v in zip(SIGNALS, best.values, strict=True)}
    found["parts"] = {"bias": round(pair["bias"], 2)} | {n: v for n, v in parts.items() if abs(v) >= _LEAST_PART}
    found["shared"] = shared([word for _, word in state.index.shared(query.lookup, entry.seq)], mine, theirs)
    if against:
        found["conflicts"] = against
    found["gap_days"] = round(match.gap_days, 3)
    return found


def shared(words: Sequence[str], mine: Features, theirs: Features) -> dict[str, list[Any]]:
    """What both articles have, strongest first.

    Args:
        words: those that both have.
    """
    known = frozenset(theirs.names)
    names = [n for n in mine.names if n in known]
    place = frozenset((*mine.places, *theirs.places))
    found: dict[str, list[Any]] = {
        "words": list(words[:MOST]),
        "names": [n for n in names if n not in place][:MOST],
        "places": [n for n in names if n in place][:MOST],
        "ages": _both(mine.ages, theirs.ages),
        "streets": _both(mine.addresses, theirs.addresses),
        "days": [_iso(d) for d in _both(mine.days, theirs.days)],
        "hours": [_clock(c) for c in _both(mine.clocks, theirs.clocks)],
    }
    return {k: v for k, v in found.items() if v}


def conflicts(mine: Features, theirs: Features, best: Link) -> dict[str, list[Any]]:
    """What speaks against one event: kind -> [of this article, of the other]."""
    values = dict(zip(SIGNALS, best.values, strict=True))
    found: dict[str, list[Any]] = {}
    for signal, name, a, b in (
        ("ages_differ", "ages", mine.ages, theirs.ages),
        ("streets_differ", "streets", mine.addresses, theirs.addresses),
        ("days_differ", "days", [_iso(d) for d in mine.days], [_iso(d) for d in theirs.days]),
        ("hours_differ", "hours", [_clock(c) for c in mine.clocks], [_clock(c) for c in theirs.clocks]),
        ("places_differ", "places", mine.places, theirs.places),
        ("persons_differ", "persons", mine.persons, theirs.persons),
    ):
        if values[signal]:
            found[name] = [list(a)[:MOST], list(b)[:MOST]]
    if values["tolls_differ"]:
        found["tolls"] = [_tolls(mine), _tolls(theirs)]
    return found


def _both(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    return [x for x in a if x in b][:MOST]


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _tolls(said: Features) -> list[str]:
    counts = []
    for name, flat in (("killed", said.killed), ("wounded", said.wounded)):
        for low, high in zip(flat[::2], flat[1::2], strict=True):
            counts.append(
                f"{low} {name}" if low == high else f"{low} or more {name}" if high < 0 else f"{low}-{high} {name}"
            )
    return counts[:MOST]
