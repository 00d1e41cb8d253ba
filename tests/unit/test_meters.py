"""What the stages, the producer and the sources count: what an alert or a dashboard would see of it."""

from __future__ import annotations

import asyncio
import time

from agents.meters import Meters
from pipeline.errors import InvalidEvent
from pipeline.metrics import Metrics
from pipeline.sources.messages import Record
from pipeline.sources.meters import ProducerMeters, SourceMeters


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"wirefuse_{name}", labels)


def test_kinds_of_dead_letters_are_there_before_the_first() -> None:
    metrics = Metrics()
    meters = Meters(metrics, "dedup")
    assert value(metrics, "dead_letters_total", stage="dedup", kind="schema") == 0
    meters.dead_letter("schema").inc()
    assert value(metrics, "dead_letters_total", stage="dedup", kind="schema") == 1
    assert value(metrics, "event_errors_total", stage="dedup", kind="schema") == 1


def test_a_batch_counts_as_many_records_as_it_has() -> None:
    metrics = Metrics()
    Meters(metrics, "sink").done(200, 3.0)
    assert value(metrics, "event_duration_seconds_count", stage="sink") == 200
    assert value(metrics, "event_duration_seconds_sum", stage="sink") == 3.0
    assert value(metrics, "batch_size_sum", stage="sink") == 200
    assert value(metrics, "batch_size_count", stage="sink") == 1


def test_the_lag_of_a_partition_that_was_lost_is_shown_no_more() -> None:
    metrics = Metrics()
    meters = Meters(metrics, "entities")
    meters.assigned(2)
    for number in (0, 1):
        meters.lag(("unique", number), 50, 3.5)
    labels = {"stage": "entities", "topic": "unique", "partition": "1"}
    assert value(metrics, "consumer_lag_records", **labels) == 50
    meters.revoked()
    assert value(metrics, "consumer_lag_records", **labels) is None
    assert value(metrics, "consumer_lag_seconds", **labels) is None
    assert value(metrics, "partitions_assigned", stage="entities") == 0
    meters.lag(("unique", 1), 7, 0.5)  # given back
    assert value(metrics, "consumer_lag_records", **labels) == 7


def test_a_blocked_event_loop_is_noticed() -> None:
    metrics = Metrics()
    meters = Meters(metrics, "incidents")

    async def block() -> None:
        watching = asyncio.create_task(meters.watch_loop())
        await asyncio.sleep(0.01)
        time.sleep(0.8)  # noqa: ASYNC251  # what must not be done
        await asyncio.sleep(0.05)
        watching.cancel()

    asyncio.run(block())
    late = value(metrics, "event_loop_lag_seconds_sum", stage="incidents")
    assert late is not None
    assert late > 0.2


def test_the_producer_counts_what_became_of_its_items() -> None:
    metrics = Metrics()
    meters = ProducerMeters(metrics)
    good = Record(topic="raw", key=b"k", value=b"v", headers=[], partition=0, error=None)
    bad = Record(topic="dead-letter", key=b"k", value=b"v", headers=[], partition=None, error=InvalidEvent("date", "x"))
    for record in (good, good, bad):
        meters.received(100)
        meters.acknowledged(record, 0.02)
    meters.committed(3)
    assert value(metrics, "events_received_total", stage="producer") == 3
    assert value(metrics, "events_processed_total", stage="producer", outcome="published") == 2
    assert value(metrics, "events_processed_total", stage="producer", outcome="dead_letter") == 1
    assert value(metrics, "dead_letters_total", stage="producer", kind="date") == 1
    assert value(metrics, "event_duration_seconds_count", stage="producer") == 3
    assert value(metrics, "batch_size_sum", stage="producer") == 3


def test_a_source_has_series_from_the_start_and_a_failed_look_is_no_success() -> None:
    metrics = Metrics()
    meters = SourceMeters(metrics)
    meters.configured("norr", 60.0, 3600.0)
    assert value(metrics, "source_items_total", source="norr") == 0
    assert value(metrics, "source_fetches_total", source="norr", result="error") == 0
    assert value(metrics, "source_interval_seconds", source="norr") == 60
    meters.looked("norr", "error", 2.0)
    assert value(metrics, "source_last_success_timestamp_seconds", source="norr") is None
    assert value(metrics, "source_last_fetch_seconds", source="norr") == 2.0
    meters.looked("norr", "not_modified", 0.5)
    success = value(metrics, "source_last_success_timestamp_seconds", source="norr")
    assert success is not None
    assert success > 1.7e9
    assert value(metrics, "source_last_item_timestamp_seconds", source="norr") is None
    meters.items("norr", 3)
    assert value(metrics, "source_items_total", source="norr") == 3
