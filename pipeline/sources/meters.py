"""The metrics of the producer and of the sources that it follows."""

from __future__ import annotations

import time
from typing import get_args

from pipeline.errors import InvalidKind
from pipeline.metrics import Metrics
from pipeline.sources.messages import STAGE, Record

PUBLISHED = "published"
DEAD_LETTER = "dead_letter"
SENT_AGAIN = "sent_again"
"""Kind of the errors after which a record was sent once more."""


class ProducerMeters:
    """What happens to items on their way to Kafka; the stages' metrics of the same names, for the stage `producer`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.in_flight = metrics.gauge("events_in_flight").labels(STAGE)
        self._received = metrics.counter("events_received_total").labels(STAGE)
        self._size = metrics.histogram("event_size_bytes").labels(STAGE)
        self._duration = metrics.histogram("event_duration_seconds").labels(STAGE)
        self._batch = metrics.histogram("batch_size").labels(STAGE)
        self._last = metrics.gauge("last_event_processed_timestamp_seconds").labels(STAGE)
        for kind in get_args(InvalidKind):  # there from the start, or the first one's increase would not be seen
            metrics.counter("dead_letters_total").labels(STAGE, kind)
        for kind in (*get_args(InvalidKind), SENT_AGAIN):
            metrics.counter("event_errors_total").labels(STAGE, kind)
        self._fields_ignored = metrics.counter("source_fields_ignored_total")
        self._fields_ignored.labels("embargoed_until")  # an alert asks for its increase

    def received(self, size: int) -> None:
        """An item was read: so many bytes."""
        self._received.inc()
        self._size.observe(size)

    def problem(self, field: str) -> None:
        """An item's optional field could not be used."""
        self._fields_ignored.labels(field).inc()

    def acknowledged(self, record: Record, seconds: float) -> None:
        """The broker has a record, so long after it was handed over."""
        self._duration.observe(seconds)
        outcome = PUBLISHED if record.error is None else DEAD_LETTER
        self._metrics.counter("events_processed_total").labels(STAGE, outcome).inc()
        if record.error is not None:
            self._metrics.counter("dead_letters_total").labels(STAGE, record.error.kind).inc()
            self._metrics.counter("event_errors_total").labels(STAGE, record.error.kind).inc()

    def sent_again(self, records: int) -> None:
        """The broker refused records, which were sent again."""
        self._metrics.counter("event_errors_total").labels(STAGE, SENT_AGAIN).inc(records)

    def committed(self, items: int) -> None:
        """So many items are safe, and the cursor has moved past them."""
        self._batch.observe(items)
        self._last.set(time.time())


class SourceMeters:
    """How the sources fare."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def configured(self, source: str, interval_s: float, quiet_after_s: float) -> None:
        """A source is followed, and looked at so often; it has series from now on."""
        label = self._metrics.source(source)
        self._metrics.gauge("source_quiet_after_seconds").labels(label).set(quiet_after_s)
        self.interval(source, interval_s)
        self._metrics.counter("source_items_total").labels(label)
        for result in ("ok", "error"):
            self._metrics.counter("source_fetches_total").labels(label, result)

    def interval(self, source: str, seconds: float) -> None:
        """What is between two looks; a feed may ask for more than was configured."""
        self._metrics.gauge("source_interval_seconds").labels(self._metrics.source(source)).set(seconds)

    def looked(self, source: str, result: str, seconds: float) -> None:
        """A look ended: ok, not_modified, gone or error."""
        label = self._metrics.source(source)
        self._metrics.counter("source_fetches_total").labels(label, result).inc()
        self._metrics.gauge("source_last_fetch_seconds").labels(label).set(seconds)
        if result != "error":
            self._metrics.gauge("source_last_success_timestamp_seconds").labels(label).set_to_current_time()

    def items(self, source: str, count: int) -> None:
        """So many items of a source were published."""
        label = self._metrics.source(source)
        self._metrics.counter("source_items_total").labels(label).inc(count)
        self._metrics.gauge("source_last_item_timestamp_seconds").labels(label).set_to_current_time()
