"""Which incidents may still be re-decided."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.incidents.state import State
from pipeline.settings import Incidents


def is_young(state: State, incident_id: str, now: datetime, settings: Incidents) -> bool:
    """Whether an incident began no longer than `young_hours` before (or after) the event time `now`."""
    reports = state.members.get(incident_id)
    if not reports:
        return True
    return abs(now - reports.first_seen) <= timedelta(hours=settings.young_hours)
