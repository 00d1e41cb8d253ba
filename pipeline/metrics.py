"""Every metric that Wirefuse exports: name, type, labels, meaning. The one place that knows them.

Labels are closed sets, partitions, or names from outside (providers, sources) of which only so many are shown; never an
article, an incident, a URL or the text of an error. docs/metrics.md is made from this module (`python -m
pipeline.metrics_docs`), and the dashboards are held to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
)

from pipeline.histogram import Histogram

# A series `_created` beside every counter and histogram would double their number; nothing here asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

PREFIX = "wirefuse_"

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["seconds", "timestamp", "bytes", "count"]

# Work on one record takes from 20 microseconds (a stale version) to seconds (NER of a very long text).
_WORK = (0.00002, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# From raw to sink: 50 ms when idle, an hour after an outage.
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_BYTES = tuple(float(4**n) for n in range(4, 13))
_BATCH = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
_LOOP_LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ORIGINS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)

MOST_PROVIDERS = 50
"""Providers with series of their own in one process. Wires name them, so there may be any number."""
MOST_SOURCES = 500
"""Sources with series of their own in one process."""
OTHER = "other"
UNKNOWN = "unknown"
_LONGEST_LABEL = 64
AT_LEAST = (2, 3, 5, 10, 20, 50, 100)
"""Values of the label `reports` of `incidents_reported`."""
RANKS = 5
"""Values of the label `rank`: the largest incidents, "1" first."""


@dataclass(frozen=True, slots=True)
class MetricDef:
    """Definition of one metric; `name` is without the prefix and, for counters, with `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] | None = None

    @property
    def unit(self) -> Unit:
        """What it is measured in, as its name says it."""
        base = self.name.removesuffix("_total")
        if base.endswith("_timestamp_seconds") or base == "process_start_time_seconds":
            return "timestamp"
        return "seconds" if base.endswith("_seconds") else "bytes" if base.endswith("_bytes") else "count"


DEFINITIONS: tuple[MetricDef, ...] = (
    # Every process
    MetricDef("build_info", "gauge", "1; the labels say what is running", ("version", "stage")),
    MetricDef("ready", "gauge", "1 when the process is ready to work", ("stage",)),
    MetricDef("event_loop_lag_seconds", "histogram", "How late the event loop wakes up", ("stage",), _LOOP_LAG),
    # Every stage, and the producer
    MetricDef("events_received_total", "counter", "Records taken from Kafka; items read, of the producer", ("stage",)),
    MetricDef("events_processed_total", "counter", "Records done, by outcome", ("stage", "outcome")),
    MetricDef("event_errors_total", "counter", "Errors by kind", ("stage", "kind")),
    MetricDef(
        "event_duration_seconds",
        "histogram",
        "Time of a stage per record (batch / size); until the broker has it, of the producer",
        ("stage",),
        _WORK,
    ),
    MetricDef("event_size_bytes", "histogram", "Size of the values taken in", ("stage",), _BYTES),
    MetricDef("events_in_flight", "gauge", "Records taken and not yet acknowledged", ("stage",)),
    MetricDef("batch_size", "histogram", "Records per batch", ("stage",), _BATCH),
    MetricDef("last_event_processed_timestamp_seconds", "gauge", "When the last batch was done", ("stage",)),
    MetricDef("output_duration_seconds", "histogram", "Until Kafka has a batch's outputs", ("stage",), _WORK),
    MetricDef("backpressure", "gauge", "1 while a stage waits for a later one", ("stage",)),
    MetricDef("partitions_assigned", "gauge", "Input partitions that a process has", ("stage",)),
    MetricDef("rebalances_total", "counter", "Assignments of input partitions", ("stage",)),
    MetricDef(
        "consumer_lag_records", "gauge", "Records in the input behind the last done", ("stage", "topic", "partition")
    ),
    MetricDef(
        "consumer_lag_seconds",
        "gauge",
        "Age in Kafka of the last record done, while others wait",
        ("stage", "topic", "partition"),
    ),
    MetricDef("input_checked_timestamp_seconds", "gauge", "When Kafka last said how much waits", ("stage",)),
    MetricDef("dead_letters_total", "counter", "Inputs given up", ("stage", "kind")),
    # Sources and the producer
    MetricDef("source_fetches_total", "counter", "Looks at a source, by result", ("source", "result")),
    MetricDef("source_items_total", "counter", "Items published, by source", ("source",)),
    MetricDef("source_fields_ignored_total", "counter", "Optional fields whose value could not be used", ("field",)),
    MetricDef("source_last_item_timestamp_seconds", "gauge", "When a source last gave a new item", ("source",)),
    MetricDef("source_last_success_timestamp_seconds", "gauge", "When a source was last read well", ("source",)),
    MetricDef("source_last_fetch_seconds", "gauge", "Time that the last look at a source took", ("source",)),
    MetricDef("source_quiet_after_seconds", "gauge", "Silence after which a source counts as quiet", ("source",)),
    MetricDef("source_interval_seconds", "gauge", "Configured time between two looks at a source", ("source",)),
    # Dedup
    MetricDef("copies_total", "counter", "Copies found, by kind", ("kind",)),
    MetricDef("kills_received_total", "counter", "Kills that dedup saw", ("provider",)),
    MetricDef("embargo_held", "gauge", "Articles that dedup remembers whose embargo has not ended"),
    # Entities
    MetricDef("ner_words_total", "counter", "Words that went through NER"),
    MetricDef("ner_pool_resident_memory_bytes", "gauge", "Resident memory of the processes of the pool"),
    # State of dedup and incidents
    MetricDef("state_entries", "gauge", "Entries of an in-memory index", ("table",)),
    MetricDef("state_bound_entries", "gauge", "Configured limit of an index; the oldest entries go first", ("table",)),
    MetricDef("state_evicted_total", "counter", "Entries that left an index", ("table", "reason")),
    MetricDef("state_restore_seconds", "gauge", "Time of the last restore from the decision log", ("table",)),
    # Incidents
    MetricDef("held_back", "gauge", "Records that wait in the ledger for an earlier seq"),
    MetricDef("incident_changes_total", "counter", "Changes of incidents", ("change",)),
    MetricDef("incidents", "gauge", "Incidents that have reports, by status (open, closed)", ("status",)),
    MetricDef("incident_reports", "gauge", "Articles in these incidents, copies included"),
    MetricDef("incidents_reported", "gauge", "Incidents with at least so many reports", ("reports",)),
    MetricDef("largest_incidents_reports", "gauge", "Reports of the largest open incidents, by rank", ("rank",)),
    MetricDef("largest_incidents_origins", "gauge", "Independent origins of the same incidents", ("rank",)),
    MetricDef("incident_origins", "histogram", "Independent origins of an incident when it changes", (), _ORIGINS),
    # Sink
    MetricDef("end_to_end_latency_seconds", "histogram", "From raw to the sink", ("provider",), _LATENCY),
    MetricDef("kills_propagated_total", "counter", "Kills that the sink has carried out", ("provider",)),
    MetricDef("sink_writes_total", "counter", "Rows offered to the sink, by result", ("sink", "result")),
    MetricDef("sink_write_duration_seconds", "histogram", "Time of a sink transaction", ("sink",), _WORK),
)

PROCESS: tuple[MetricDef, ...] = (
    MetricDef("process_cpu_seconds_total", "counter", "Processor time, user and system"),
    MetricDef("process_resident_memory_bytes", "gauge", "Resident memory, without child processes"),
    MetricDef("process_virtual_memory_bytes", "gauge", "Virtual memory"),
    MetricDef("process_start_time_seconds", "gauge", "When the process started"),
    MetricDef("process_open_fds", "gauge", "Open files"),
    MetricDef("process_max_fds", "gauge", "Open files that are allowed"),
)
"""What prometheus_client says of a process on Linux; these names have no prefix."""


class Bounded:
    """Values of a label that come from outside: the first `most` as they are, every further one as `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, str] = {}

    def __call__(self, value: str | None) -> str:
        """The value to label with; a long one is cut, what cannot be encoded is replaced."""
        name = (value or UNKNOWN)[:_LONGEST_LABEL]
        shown = self._known.get(name)
        if shown is None:
            if len(self._known) >= self._most:
                return OTHER
            shown = self._known[name] = name.encode(errors="replace").decode()
        return shown


class Metrics:
    """The metrics of one process, in a registry of their own, with those of the process itself.

    Use: `metrics.counter("dead_letters_total").labels("dedup", "schema").inc()`.

    Attributes:
        provider, source: to be asked for the value of these labels.

    Raises:
        KeyError: a name that DEFINITIONS does not have.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.provider = Bounded(MOST_PROVIDERS)
        self.source = Bounded(MOST_SOURCES)
        ProcessCollector(registry=self.registry)
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
                self._histograms[d.name] = Histogram(name, d.help, d.labels, d.buckets)
                self.registry.register(self._histograms[d.name])

    def counter(self, name: str) -> Counter:
        return self._counters[name]

    def gauge(self, name: str) -> Gauge:
        return self._gauges[name]

    def histogram(self, name: str) -> Histogram:
        return self._histograms[name]


def names() -> Iterator[str]:
    """Full names as Prometheus shows them."""
    return (PREFIX + d.name for d in DEFINITIONS)
