"""How many incidents a ledger holds and how large they are, for the eyes of an operator; no decision depends on it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pipeline.incidents.publishers import Publishers
from pipeline.incidents.state import State, earlier
from pipeline.incidents.tallies import Origins

_FOLDED = 1_000
"""Reports of which the origins are counted, the first ones: bounds the cost of a very large incident."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of incidents that have reports.

    Attributes:
        reports: articles in all of them, copies included.
        at_least: how many have at least so many reports, for each number asked for.
        largest: (reports, independent origins) of the largest open ones, the largest first; origins of their first
            1,000 reports.
    """

    open: int
    closed: int
    reports: int
    at_least: dict[int, int]
    largest: tuple[tuple[int, int], ...]


def figures(
    state: State, close_after: timedelta, publishers: Publishers, at_least: Sequence[int], ranks: int
) -> Figures:
    """Look at every incident once: about a microsecond for each article."""
    line = earlier(state.watermark.time, close_after)
    counts = dict.fromkeys(at_least, 0)
    closed = reports = 0
    largest: list[tuple[int, str]] = []
    for incident_id, members in state.members.items():
        size = len(members)
        reports += size
        for least in at_least:
            if size < least:
                break
            counts[least] += 1
        if line is not None and members.last_time < line:
            closed += 1
        elif len(largest) < ranks:
            heapq.heappush(largest, (size, incident_id))
        elif size > largest[0][0]:
            heapq.heapreplace(largest, (size, incident_id))
    ranked = sorted(largest, key=lambda found: (-found[0], found[1]))
    return Figures(
        open=len(state.members) - closed,
        closed=closed,
        reports=reports,
        at_least=counts,
        largest=tuple((n, Origins(publishers).of(state.reports(i)[:_FOLDED])) for n, i in ranked),
    )
