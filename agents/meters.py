"""The metrics that every stage has, with the stage's label filled in."""

from __future__ import annotations

import asyncio
import time
from typing import Any, get_args

from pipeline.errors import InvalidKind
from pipeline.metrics import Metrics
from pipeline.topics import TopicName

RETRYABLE = "retryable"
"""Kind of the errors that were tried again."""
_LOOP_LAG_EVERY_S = 0.5


class Meters:
    """The metrics of one stage."""

    def __init__(self, metrics: Metrics, stage: str) -> None:
        self._metrics = metrics
        self._stage = stage
        self.received = metrics.counter("events_received_total").labels(stage)
        self.size = metrics.histogram("event_size_bytes").labels(stage)
        self.in_flight = metrics.gauge("events_in_flight").labels(stage)
        self._duration = metrics.histogram("event_duration_seconds").labels(stage)
        self._batch = metrics.histogram("batch_size").labels(stage)
        self._last = metrics.gauge("last_event_processed_timestamp_seconds").labels(stage)
        self.output = metrics.histogram("output_duration_seconds").labels(stage)
        self._loop_lag = metrics.histogram("event_loop_lag_seconds").labels(stage)
        self.backpressure = metrics.gauge("backpressure").labels(stage)
        self._partitions = metrics.gauge("partitions_assigned").labels(stage)
        self._rebalances = metrics.counter("rebalances_total").labels(stage)
        for kind in get_args(InvalidKind):  # there from the start, or the first one's increase would not be seen
            metrics.counter("dead_letters_total").labels(stage, kind)
        for kind in (*get_args(InvalidKind), RETRYABLE):
            self.errors(kind)
        self._lagging: set[tuple[str, str, str]] = set()

    def processed(self, outcome: str) -> Any:
        return self._metrics.counter("events_processed_total").labels(self._stage, outcome)

    def errors(self, kind: str) -> Any:
        return self._metrics.counter("event_errors_total").labels(self._stage, kind)

    def dead_letter(self, kind: str) -> Any:
        self.errors(kind).inc()
        return self._metrics.counter("dead_letters_total").labels(self._stage, kind)

    def done(self, records: int, seconds: float) -> None:
        self._batch.observe(records)
        self._duration.observe(seconds / records, records)
        self._last.set_to_current_time()

    def assigned(self, partitions: int) -> None:
        self._rebalances.inc()
        self._partitions.set(partitions)

    def revoked(self) -> None:
        """Say nothing more of partitions that are another worker's now: their lag would be counted twice."""
        self.in_flight.set(0)
        self._partitions.set(0)
        for labels in self._lagging:
            for name in ("consumer_lag_records", "consumer_lag_seconds"):
                self._metrics.gauge(name).remove(*labels)
        self._lagging.clear()

    def lag(self, partition: tuple[TopicName, int], records: int, seconds: float) -> None:
        labels = (self._stage, partition[0], str(partition[1]))
        self._lagging.add(labels)
        self._metrics.gauge("consumer_lag_records").labels(*labels).set(records)
        self._metrics.gauge("consumer_lag_seconds").labels(*labels).set(seconds)

    def checked(self) -> None:
        """Kafka has said how much waits. There is no series before it has: 0 would look like an outage since 1970."""
        self._metrics.gauge("input_checked_timestamp_seconds").labels(self._stage).set_to_current_time()

    async def watch_loop(self) -> None:
        """Measure, until cancelled, how late the event loop wakes up: whatever else it has to do is as late."""
        while True:
            due = time.monotonic() + _LOOP_LAG_EVERY_S
            await asyncio.sleep(_LOOP_LAG_EVERY_S)
            self._loop_lag.observe(max(0.0, time.monotonic() - due))
