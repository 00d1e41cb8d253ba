"""Which remembered incidents an article may belong to, best first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from pipeline.incidents.score import Link, Query, Weights, incident_score, link
from pipeline.incidents.state import Entry, State

CANDIDATES = 30
"""Articles compared exactly; a mate is among the 20 best by words in more than 99 of 100 cases."""

MEMBERS = 24
"""Reports of a candidate incident that are compared, the newest: bounds the cost of a very large incident."""

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Match:
    """An incident as a home for an article; `links` are its reports' links, strongest first."""

    incident_id: str
    score: float
    gap_days: float
    links: tuple[tuple[Entry, Link], ...]


def rank(state: State, query: Query, event_time: datetime, fitted: Weights, without: str | None = None) -> list[Match]:
    """Score the incidents of the nearest articles.

    Args:
        event_time: of the article that the query stands for.
        without: an article to leave out: the query's own earlier version.
    """
    own = state.entries.get(without) if without is not None else None
    found: dict[str, None] = {}
    for seq in state.index.candidates(query.profile, CANDIDATES, None if own is None else own.seq):
        incident_id = state.by_seq[seq].incident_id
        assert incident_id is not None
        found[incident_id] = None
    matches = []
    for incident_id in found:
        match = match_incident(state, query, event_time, incident_id, fitted, without)
        if match is not None:
            matches.append(match)
    matches.sort(key=lambda m: (-m.score, m.incident_id))
    return matches


def match_incident(
    state: State, query: Query, event_time: datetime, incident_id: str, fitted: Weights, without: str | None = None
) -> Match | None:
    """Score one incident; None if it has no report to compare with."""
    reports = [e for e in state.reports(incident_id) if e.article_id != without]
    speaking = [e for e in reports if e.profile is not None and state.index.get(e.seq) is not None][-MEMBERS:]
    if not speaking:
        return None
    links = [(e, link(query, e.profile, fitted)) for e in speaking if e.profile is not None]
    links.sort(key=lambda x: (-x[1].score, x[0].seq))
    gap = min(abs((event_time - e.event_time).total_seconds()) for e in reports) / _DAY
    score = incident_score([x.score for _, x in links], gap, fitted)
    return Match(incident_id, score, gap, tuple(links))


def crowd(state: State, query: Query) -> float:
    """How alike an article is to those that are near it but not nearest: ln(mean cosine + .02) of the 6th to 20th.

    In a stream of look-alikes a high similarity says little, among strangers a low one says much. Subtracting such a
    term is the cohort normalisation of speaker verification (Auckenthaler et al. 2000).
    """
    near = (state.index.get(seq) for seq in state.index.candidates(query.profile, CANDIDATES))
    cosines = sorted((query.cosine(p) for p in near if p is not None), reverse=True)[5:20]
    mean = math.fsum(cosines) / len(cosines) if cosines else 0.0
    return round(math.log(mean + 0.02), 4)
