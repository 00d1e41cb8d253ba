"""Second thoughts: what a new article says about young incidents and where their articles belong.

A new article can hold two incidents together that had nothing in common, or attract an article that had found
nothing better. Only young incidents are looked at, and only those that the new article itself speaks for, so that
the work is bounded and an old incident stays what people have read.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.incidents.constraints import barred, home_of
from pipeline.incidents.entry import Entry
from pipeline.incidents.match import Match, match_incidents, query_of_entry, speakers
from pipeline.incidents.plan import Plan
from pipeline.incidents.score import Query, Weights, incident_score, links
from pipeline.incidents.state import State
from pipeline.incidents.why import why_moved
from pipeline.incidents.young import is_young
from pipeline.settings import Incidents

MEMBERS = 8
"""Newest reports of each incident that a merge compares: bounds its cost at 64 comparisons."""

MOST_MOVED = 200
"""Reports that a merge moves at most: they must fit into one record of the log. Larger incidents stay two."""


def rethink(
    state: State, plan: Plan, query: Query, matches: Sequence[Match], fitted: Weights, settings: Incidents
) -> bool:
    """Merge another incident with the new article's, or move articles to it, where the evidence now says so.

    Returns:
        Whether something was merged or moved.
    """
    home = plan.incident_id
    assert home is not None
    # A round-up is like each of its events, which says nothing about whether they are one.
    if plan.old is not None or query.profile.scenes or not is_young(state, home, plan.event_time, settings):
        return False
    moved = False
    for match in matches:
        if match.incident_id == home or match.links[0][1].score < fitted.join:
            continue
        if not is_young(state, match.incident_id, plan.event_time, settings):
            continue
        if barred(state, home, match.incident_id):
            continue
        score = _together(state, plan, query, match, fitted)
        winner, loser = _order(state, home, match.incident_id)
        if score >= fitted.join + fitted.margin and len(state.members.get(loser, ())) <= MOST_MOVED:
            plan.merge(loser, winner, {"score": round(score, 3), "by": plan.article_id})
            return True
        if len(match.links) > 1:
            moved = _attract(state, plan, match, fitted) or moved
    return moved


def _together(state: State, plan: Plan, query: Query, match: Match, fitted: Weights) -> float:
    """Score of two incidents as one: from the mean link between their reports, the new one included."""
    assert plan.incident_id is not None
    scores = [x.score for _, x in match.links[:MEMBERS]]
    others = [e for e, _ in match.links[:MEMBERS]]
    profiles = [e.profile for e in others if e.profile is not None]
    coefficients = fitted.coefficients
    for entry in speakers(state.index, state.reports(plan.incident_id), MEMBERS):
        own = query_of_entry(state, entry)
        cosines = state.index.cosines(own.lookup, [p.seq for p in profiles])
        scores += [x.score for x in links(own, profiles, cosines, coefficients)]
    mean = sum(scores) / len(scores)
    return incident_score([mean], match.gap_days, fitted, match.links[0][1].brief)


def _attract(state: State, plan: Plan, match: Match, fitted: Weights) -> bool:
    """Move those articles of another incident that are better off with the new article; whether there were any."""
    moved = False
    home = plan.incident_id
    assert home is not None
    for entry, with_new in match.links:
        if with_new.score < fitted.join or plan.incident_of(entry) != match.incident_id or not entry.scored:
            continue
        if home_of(state, entry.article_id) is not None:
            continue
        own = query_of_entry(state, entry)
        there = match_incidents(state, own, entry.event_time, [match.incident_id], fitted, entry.article_id)
        here = match_incidents(state, own, entry.event_time, [home], fitted)
        all_links = sorted([x.score for m in here for _, x in m.links] + [with_new.score], reverse=True)
        gap = abs((plan.event_time - entry.event_time).total_seconds()) / 86_400
        score = incident_score(all_links, min([gap, *(m.gap_days for m in here)]), fitted, with_new.brief)
        needed = max([fitted.join, *(m.score for m in there)]) + fitted.margin
        if score >= needed and here:
            why = why_moved(state, own, here[0], fitted)
            for follower in [entry, *_followers(state, plan, entry)]:
                plan.move(follower, home, why if follower is entry else follower.read_why())
            moved = True
    return moved


def _followers(state: State, plan: Plan, entry: Entry) -> list[Entry]:
    """Copies that are where the article is because of its text."""
    group = [e for e in state.group(entry.copy_group) if not e.scored and e is not entry]
    here = [e for e in group if plan.incident_of(e) == entry.incident_id]
    return [e for e in here if home_of(state, e.article_id) is None]


def _order(state: State, a: str, b: str) -> tuple[str, str]:
    """(winner, loser) of a merge: the larger keeps its id, then the older, then the smaller id."""

    def rank(incident_id: str) -> tuple[int, int, str]:
        reports = state.reports(incident_id)
        return -len(reports), min((e.seq for e in reports), default=1 << 62), incident_id

    return (a, b) if rank(a) <= rank(b) else (b, a)
