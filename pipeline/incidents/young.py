"""Which incidents may still be re-decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pipeline.incidents.state import State
from pipeline.settings import Incidents

_LONGEST_HOURS: Final = timedelta.max.days * 24.0
"""More than a timedelta holds means for ever, as with the settings in days."""


def is_young(state: State, incident_id: str, now: datetime, settings: Incidents) -> bool:
    """Whether an incident began no longer than `young_hours` before (or after) the event time `now`."""
    reports = state.members.get(incident_id)
    if not reports:
        return True
    return abs(now - reports.first_seen) <= timedelta(hours=min(settings.young_hours, _LONGEST_HOURS))
