"""Which remembered incidents an article may belong to, best first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from pipeline.incidents.entry import Entry
from pipeline.incidents.index import Index, Lookup
from pipeline.incidents.score import Link, Query, Weights, incident_score, links
from pipeline.incidents.state import State

CANDIDATES = 30
"""Articles looked up by their heaviest words."""

COMPARED = 15
"""Of these, the ones nearest by cosine whose incidents are compared: they hold a mate in 99 of 100 cases."""

MEMBERS = 12
"""Reports of a candidate incident that are compared, the newest: bounds the cost of a very large incident."""

_CROWD = slice(5, 20)
_CROWD_FLOOR = 0.02
_USUAL, _USUAL_COUNT = 0.06, 10
_DAY = 86_400.0


class Match(NamedTuple):
    """An incident as a home for an article; `links` are its reports' links, strongest first."""

    incident_id: str
    score: float
    gap_days: float
    links: tuple[tuple[Entry, Link], ...]


def nearest(index: Index, query: Lookup, without: int | None = None) -> tuple[list[int], list[float]]:
    """Seqs of the articles nearest by words, best first, and their cosines.

    Args:
        without: the seq of an article to leave out: the query's own earlier version.
    """
    seqs = index.candidates(query, CANDIDATES, without)
    ranked = sorted(zip(index.cosines(query, seqs), seqs, strict=True), reverse=True)
    return [seq for _, seq in ranked], [cosine for cosine, _ in ranked]


def crowd(cosines: Sequence[float]) -> float:
    """How alike an article is to those that are near it but not nearest: ln(mean cosine + .02) of the 6th to 20th.

    In a stream of look-alikes a high similarity says little, among strangers a low one says much. Subtracting such a
    term is the cohort normalisation of speaker verification (Auckenthaler et al. 2000). While there are few articles,
    the mean is drawn towards a usual one: an empty memory must not make any two articles look close.
    """
    middle = cosines[_CROWD]
    mean = (math.fsum(middle) + _USUAL * _USUAL_COUNT) / (len(middle) + _USUAL_COUNT)
    return round(math.log(mean + _CROWD_FLOOR), 4)


def speakers(index: Index, entries: Sequence[Entry], most: int, without: str | None = None) -> list[Entry]:
    """The newest reports that an incident is compared through: indexed ones, no round-up if there is any other.

    A round-up is like every event that it tells of, and would glue them together.

    Args:
        most: so many at most.
        without: an article to leave out.
    """
    of_one_event: list[Entry] = []
    round_ups: list[Entry] = []
    indexed = index.indexed()
    for entry in reversed(entries):
        if entry.seq in indexed and entry.article_id != without:
            profile = entry.profile
            (round_ups if profile is not None and profile.scenes else of_one_event).append(entry)
            if len(of_one_event) == most:
                break
    return (of_one_event or round_ups[:most])[::-1]


def query_of_entry(state: State, entry: Entry) -> Query:
    """A remembered, indexed article, unpacked for comparing it with many."""
    assert entry.profile is not None
    return Query(entry.profile, state.index.lookup_of(entry.seq), entry.read_said)


def rank(
    state: State,
    query: Query,
    event_time: datetime,
    near: Sequence[int],
    cosines: Sequence[float],
    fitted: Weights,
    without: str | None = None,
) -> list[Match]:
    """Score the incidents of the nearest articles.

    Args:
        event_time: of the article that the query stands for.
        near, cosines: from `nearest`.
    """
    found: dict[str, None] = {}
    for seq in near[:COMPARED]:
        incident_id = state.by_seq[seq].incident_id
        assert incident_id is not None
        found[incident_id] = None
    known = dict(zip(near, cosines, strict=True))
    return match_incidents(state, query, event_time, list(found), fitted, without, known)


def match_incidents(
    state: State,
    query: Query,
    event_time: datetime,
    incident_ids: Sequence[str],
    fitted: Weights,
    without: str | None = None,
    known: Mapping[int, float] | None = None,
) -> list[Match]:
    """Score incidents, best first; one that has no report to compare with is left out.

    Args:
        known: cosines that have been computed already, by seq.
    """
    index = state.index
    own = state.live(without)
    speaking = [(i, speakers(index, state.reports(i), MEMBERS, without)) for i in incident_ids]
    entries = [e for _, found in speaking for e in found]
    cosines = dict(known or {})
    rest = [e.seq for e in entries if e.seq not in cosines]
    if rest:
        cosines.update(zip(rest, index.cosines(query.lookup, rest), strict=True))
    profiles = [e.profile for e in entries if e.profile is not None]  # an indexed one always has one
    compared = links(query, profiles, [cosines[e.seq] for e in entries], fitted.coefficients)
    rows = iter(zip(entries, compared, strict=True))
    matches = []
    for incident_id, found in speaking:
        if not found:
            continue
        linked = list(islice(rows, len(found)))
        if len(linked) > 1:
            linked.sort(key=_by_link)
        left_out = own if own is not None and own.incident_id == incident_id else None
        between = state.members[incident_id].gap(event_time, left_out)
        assert between is not None
        gap = between.total_seconds() / _DAY
        score = incident_score([x.score for _, x in linked], gap, fitted, linked[0][1].brief)
        matches.append(Match(incident_id, score, gap, tuple(linked)))
    matches.sort(key=lambda m: (-m.score, m.incident_id))
    return matches


def _by_link(item: tuple[Entry, Link]) -> tuple[float, int]:
    return -item[1].score, item[0].seq
