"""Every metric that Wirefuse exports: name, type, labels, meaning. The one place that knows them.

Labels are closed sets or partitions; never an article, an incident, a URL or the text of an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "wirefuse_"

Kind = Literal["counter", "gauge", "histogram"]

# Work on one record takes from 20 microseconds (a stale version) to seconds (NER of a very long text).
_WORK = (0.00002, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# From raw to sink: 50 ms when idle, an hour after an outage.
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_BYTES = tuple(float(4**n) for n in range(4, 13))
_BATCH = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True)
class MetricDef:
    """Definition of one metric; `name` is without the prefix and, for counters, with `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] | None = None


DEFINITIONS: tuple[MetricDef, ...] = (
    MetricDef("build_info", "gauge", "1; the labels say what is running", ("version", "stage")),
    MetricDef("ready", "gauge", "1 when the process is ready to work", ("stage",)),
    MetricDef("events_received_total", "counter", "Records taken from Kafka", ("stage",)),
    MetricDef("events_processed_total", "counter", "Records done, by outcome", ("stage", "outcome")),
    MetricDef("event_errors_total", "counter", "Errors by kind", ("stage", "kind")),
    MetricDef("event_duration_seconds", "histogram", "Time of a stage per record (batch / size)", ("stage",), _WORK),
    MetricDef("event_size_bytes", "histogram", "Size of the values taken from Kafka", ("stage",), _BYTES),
    MetricDef("events_in_flight", "gauge", "Records taken and not yet acknowledged", ("stage",)),
    MetricDef("batch_size", "histogram", "Records per batch", ("stage",), _BATCH),
    MetricDef("last_event_processed_timestamp_seconds", "gauge", "When the last batch was done", ("stage",)),
    MetricDef("end_to_end_latency_seconds", "histogram", "From raw to the sink", ("provider",), _LATENCY),
    MetricDef(
        "consumer_lag_records", "gauge", "Records in the input behind the last done", ("stage", "topic", "partition")
    ),
    MetricDef(
        "consumer_lag_seconds",
        "gauge",
        "Age in Kafka of the last record done, while others wait",
        ("stage", "topic", "partition"),
    ),
    MetricDef("state_entries", "gauge", "Entries of an in-memory index", ("table",)),
    MetricDef("state_evicted_total", "counter", "Entries that left an index", ("table", "reason")),
    MetricDef("state_restore_seconds", "gauge", "Time of the last restore from the decision log", ("table",)),
    MetricDef("held_back", "gauge", "Records that wait in the ledger for an earlier seq", ()),
    MetricDef("copies_total", "counter", "Copies found, by kind", ("kind",)),
    MetricDef("incident_changes_total", "counter", "Changes of incidents", ("change",)),
    MetricDef("dead_letters_total", "counter", "Inputs given up", ("stage", "kind")),
    MetricDef("kills_received_total", "counter", "Kills that dedup saw", ("provider",)),
    MetricDef("kills_propagated_total", "counter", "Kills that the sink has carried out", ("provider",)),
    MetricDef("sink_writes_total", "counter", "Rows offered to the sink, by result", ("sink", "result")),
    MetricDef("sink_write_duration_seconds", "histogram", "Time of a sink transaction", ("sink",), _WORK),
    MetricDef("source_fetches_total", "counter", "Looks at a source, by result", ("source", "result")),
    MetricDef("source_items_total", "counter", "Items published, by source", ("source",)),
    MetricDef("source_fields_ignored_total", "counter", "Optional fields whose value could not be used", ("field",)),
    MetricDef("source_last_item_timestamp_seconds", "gauge", "When a source last gave a new item", ("source",)),
    MetricDef("source_last_success_timestamp_seconds", "gauge", "When a source was last read well", ("source",)),
    MetricDef("ner_words_total", "counter", "Words that went through NER", ()),
)


class Metrics:
    """The metrics of one process, in a registry of their own.

    Use: `metrics.counter("dead_letters_total").labels("dedup", "schema").inc()`.

    Raises:
        KeyError: a name that DEFINITIONS does not have.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for d in DEFINITIONS:
            name = PREFIX + d.name
            if d.kind == "counter":
                self._counters[d.name] = Counter(name, d.help, d.labels, registry=self.registry)
            elif d.kind == "gauge":
                self._gauges[d.name] = Gauge(name, d.help, d.labels, registry=self.registry)
            else:
                assert d.buckets is not None
                self._histograms[d.name] = Histogram(name, d.help, d.labels, buckets=d.buckets, registry=self.registry)

    def counter(self, name: str) -> Counter:
        return self._counters[name]

    def gauge(self, name: str) -> Gauge:
        return self._gauges[name]

    def histogram(self, name: str) -> Histogram:
        return self._histograms[name]


def names() -> Iterator[str]:
    """Full names as Prometheus shows them."""
    return (PREFIX + d.name for d in DEFINITIONS)
