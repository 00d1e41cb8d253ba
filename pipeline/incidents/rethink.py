"""Second thoughts: what a new article says about young incidents and where their articles belong."""

from __future__ import annotations

from pipeline.incidents.match import Match
from pipeline.incidents.plan import Plan
from pipeline.incidents.score import Weights
from pipeline.incidents.state import State
from pipeline.incidents.young import is_young
from pipeline.settings import Incidents


def rethink(state: State, plan: Plan, matches: list[Match], fitted: Weights, settings: Incidents) -> None:
    """Merge young incidents that the new article holds together. Older ones are fixed."""
    home = plan.incident_id
    assert home is not None
    if not is_young(state, home, plan.event_time, settings):
        return
    for match in matches:
        if match.incident_id == home or match.score < fitted.join + fitted.margin or plan.old is not None:
            continue
        if is_young(state, match.incident_id, plan.event_time, settings):
            winner, loser = order(state, home, match.incident_id)
            plan.merge(loser, winner, {"score": round(match.score, 3)})
            return


def order(state: State, a: str, b: str) -> tuple[str, str]:
    """(winner, loser) of a merge: the larger keeps its id, then the older, then the smaller id."""

    def rank(incident_id: str) -> tuple[int, int, str]:
        reports = state.reports(incident_id)
        return -len(reports), min((e.seq for e in reports), default=1 << 62), incident_id

    return (a, b) if rank(a) <= rank(b) else (b, a)
