"""The metrics that every stage has, with the stage's label filled in."""

from __future__ import annotations

from typing import Any

from pipeline.metrics import Metrics
from pipeline.topics import TopicName


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

    def processed(self, outcome: str) -> Any:
        return self._metrics.counter("events_processed_total").labels(self._stage, outcome)

    def errors(self, kind: str) -> Any:
        return self._metrics.counter("event_errors_total").labels(self._stage, kind)

    def dead_letter(self, kind: str) -> Any:
        self.errors(kind).inc()
        return self._metrics.counter("dead_letters_total").labels(self._stage, kind)

    def done(self, records: int, seconds: float) -> None:
        self._batch.observe(records)
        for _ in range(records):
            self._duration.observe(seconds / records)
        self._last.set_to_current_time()

    def lag(self, partition: tuple[TopicName, int], records: int, seconds: float) -> None:
        labels = (self._stage, partition[0], str(partition[1]))
        self._metrics.gauge("consumer_lag_records").labels(*labels).set(records)
        self._metrics.gauge("consumer_lag_seconds").labels(*labels).set(seconds)
