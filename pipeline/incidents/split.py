"""Second thoughts: a young incident that turns out to hold two events is split.

A first report is often so short that two events look like one; a fuller one then tells them apart. The reports are
parted around the two that contradict each other most (one step of divisive clustering; DIANA, Kaufman and Rousseeuw
1990), and the parts become two incidents only where the facts say so, or where each part holds together by itself as
firmly as it keeps apart from the other. A mere lack of likeness parts a story from its reactions and its aftermath just
as well, and what people have read as one must not fall apart for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

from pipeline.incidents.constraints import home_of
from pipeline.incidents.entry import Entry
from pipeline.incidents.match import Match, query_of_entry
from pipeline.incidents.plan import Plan
from pipeline.incidents.score import SIGNALS, Link, Query, Weights, links
from pipeline.incidents.state import State
from pipeline.incidents.why import conflicts
from pipeline.incidents.young import is_young
from pipeline.settings import Incidents

MEMBERS = 12
"""An incident with more reports that speak for themselves is left alone: bounds the work at 66 comparisons."""

MOST_MOVED = 200
"""Reports that a split moves at most: they must fit into one record of the log."""

APART = -0.5
"""The mean link across the parts must be below this: the odds are against one event."""

TIE = 2.0
"""No single link across the parts may be as strong as this."""

CONTRADICTED = 0.5
"""Facts across the parts that contradict, less those that agree, per pair of reports: at least so many."""

KNIT = 1.0
"""Without such facts, the mean link within each part must be at least this, and that across them below 0."""

KNIT_REPORTS = 3
"""So many reports at least must be knit together in each part: two are easily alike in their words."""

_ROUNDS = 4
_AGAINST = tuple(SIGNALS.index(f"{fact}_differ") for fact in ("ages", "streets", "days", "hours", "tolls", "places"))
_FOR = tuple(SIGNALS.index(fact) for fact in ("ages", "streets", "hours"))

Links = Mapping[tuple[int, int], Link]
Parts = tuple[list[int], list[int]]


def split_by(
    state: State, plan: Plan, query: Query, matches: Sequence[Match], fitted: Weights, settings: Incidents
) -> None:
    """Split the incident that a new article has joined, if it brings the evidence that was missing."""
    joined = next((m for m in matches if m.incident_id == plan.incident_id), None)
    # Only an article that is at odds with a report there can tell two events apart.
    if plan.old is None and not query.profile.scenes and joined is not None and joined.links[-1][1].score < 0:
        _split(state, plan, joined.incident_id, [query], fitted, settings)


def split_without(state: State, plan: Plan, fitted: Weights, settings: Incidents) -> None:
    """Split the incident of an article that is taken back, if nothing else held its reports together."""
    if plan.old is not None and plan.old.incident_id is not None:
        _split(state, plan, plan.old.incident_id, [], fitted, settings)


def _split(state: State, plan: Plan, home: str, new: list[Query], fitted: Weights, settings: Incidents) -> None:
    members = plan.members(home)
    speaking = [e for e in members if e.seq in state.index]
    if not 2 < len(speaking) + len(new) <= MEMBERS or not is_young(state, home, plan.event_time, settings):
        return
    queries = [query_of_entry(state, e) for e in speaking] + new
    matrix = _matrix(state, queries, len(speaking), fitted)
    parts = _parts(len(queries), matrix)
    across = [matrix[pair] for pair in product(*parts)]
    speakers = [[speaking[n] for n in part if n < len(speaking)] for part in parts]
    if not all(speakers) or max(x.score for x in across) >= TIE:
        return
    if not _contradict(across) and not _are_knit(parts, matrix, across):
        return
    sides = _with_copies(speakers, members)
    leaves = _leaving(plan, home, sides)
    leaving = sides[leaves]
    # A copy that stands for nobody yet (its source is being taken back) has no side: wait.
    if len(sides[0]) + len(sides[1]) < len(members) or len(leaving) > MOST_MOVED:
        return
    if [e for e in leaving if home_of(state, e.article_id) is not None]:
        return
    going = plan.going()
    stays = [bool(new) and len(queries) - 1 in part for part in parts]
    # Of a part that is forgotten at once nobody would ever hear more than that it was made.
    if not all(stays[n] or any(e.article_id not in going for e in sides[n]) for n in (0, 1)):
        return
    a, b = min(product(*parts), key=lambda pair: (matrix[pair].score, pair))
    evidence: dict[str, Any] = {
        "score": round(_mean(across), 3),
        "conflicts": conflicts(queries[a].said(), queries[b].said(), matrix[a, b]),
    }
    plan.split(home, leaving, evidence, follow=stays[leaves])


def _with_copies(speakers: Sequence[Sequence[Entry]], members: Sequence[Entry]) -> list[list[Entry]]:
    """Both sides with the copies that follow them, in the order of their decisions."""
    side_of = {e.article_id: side for side in (0, 1) for e in speakers[side]}
    side_of_group: dict[str, int] = {}
    for entry in members:
        if entry.article_id in side_of:
            side_of_group.setdefault(entry.copy_group, side_of[entry.article_id])
    sides: list[list[Entry]] = [[], []]
    for entry in members:
        side = side_of.get(entry.article_id, side_of_group.get(entry.copy_group))
        if side is not None:
            sides[side].append(entry)
    return sides


def _leaving(plan: Plan, home: str, sides: Sequence[Sequence[Entry]]) -> int:
    """Which side leaves: not the one with the founding article; where that is gone, the one that began later."""
    founding = [any(plan.has_founded(e.article_id, home) for e in side) for side in sides]
    if founding[0] != founding[1]:
        return 1 if founding[0] else 0
    return 1 if sides[0][0].seq < sides[1][0].seq else 0


def _matrix(state: State, queries: Sequence[Query], indexed: int, fitted: Weights) -> Links:
    """The link between each two, by position, both ways round; the first `indexed` are in the index."""
    coefficients = fitted.coefficients
    found: dict[tuple[int, int], Link] = {}
    for a, one in enumerate(queries):
        others = [q.profile for q in queries[: min(a, indexed)]]
        cosines = state.index.cosines(one.lookup, [p.seq for p in others])
        for b, link in enumerate(links(one, others, cosines, coefficients)):
            found[a, b] = found[b, a] = link
    return found


def _parts(count: int, matrix: Links) -> Parts:
    """Two parts, by position: around the two that are most at odds, each other one where its links are stronger."""
    seeds = min(combinations(range(count), 2), key=lambda pair: (matrix[pair].score, pair))
    part = fixed = dict(zip(seeds, (0, 1), strict=True))
    for _ in range(_ROUNDS):
        found = dict(fixed)
        for a in range(count):
            if a not in fixed:
                means = [_mean([matrix[a, b] for b, p in part.items() if p == side and b != a]) for side in (0, 1)]
                found[a] = int(means[1] > means[0])
        if found == part:
            break
        part = found
    return [a for a in range(count) if part[a] == 0], [a for a in range(count) if part[a] == 1]


def _mean(found: Sequence[Link]) -> float:
    return sum(x.score for x in found) / len(found)


def _contradict(across: Sequence[Link]) -> bool:
    """Whether the facts across two parts say clearly that they tell of two events."""
    facts = sum(sum(x.values[n] > 0 for n in _AGAINST) - sum(x.values[n] > 0 for n in _FOR) for x in across)
    return _mean(across) < APART and facts >= CONTRADICTED * len(across)


def _are_knit(parts: Parts, matrix: Links, across: Sequence[Link]) -> bool:
    """Whether each of two parts holds together by itself, and not with the other."""
    within = [[matrix[pair] for pair in combinations(part, 2)] for part in parts]
    return min(map(len, parts)) >= KNIT_REPORTS and _mean(across) < 0 and min(map(_mean, within)) >= KNIT
