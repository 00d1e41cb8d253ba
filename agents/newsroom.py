"""What the ledger holds, as gauges: looked at so seldom that it costs at most .5 % of the stage's time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.incidents.ledger import Ledger
from pipeline.incidents.record import Written
from pipeline.metrics import AT_LEAST, RANKS, Metrics

_LEAST_S = 5.0
_SHARE = 0.005


class Newsroom:
    """Sets the metrics about incidents."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._origins = metrics.histogram("incident_origins")
        self._next = 0.0

    def changed(self, record: Written) -> None:
        """Note an open incident that has changed."""
        self._origins.observe(record.independent_origins)

    def forget(self) -> None:
        """The editions have changed: look again at the next call."""
        self._next = 0.0

    def look(self, ledgers: Sequence[Ledger]) -> None:
        """Look at all incidents, if it is time."""
        started = time.monotonic()
        if started < self._next:
            return
        found = [ledger.figures(AT_LEAST, RANKS) for ledger in ledgers]
        gauge = self._metrics.gauge
        gauge("incidents").labels("open").set(sum(f.open for f in found))
        gauge("incidents").labels("closed").set(sum(f.closed for f in found))
        gauge("incident_reports").set(sum(f.reports for f in found))
        for least in AT_LEAST:
            gauge("incidents_reported").labels(str(least)).set(sum(f.at_least[least] for f in found))
        largest = sorted((one for f in found for one in f.largest), reverse=True)[:RANKS]
        for rank in range(RANKS):
            reports, origins = largest[rank] if rank < len(largest) else (0, 0)
            gauge("largest_incidents_reports").labels(str(rank + 1)).set(reports)
            gauge("largest_incidents_origins").labels(str(rank + 1)).set(origins)
        now = time.monotonic()
        self._next = now + max(_LEAST_S, (now - started) / _SHARE)
