"""What measuring costs: the share of a stage's time that goes into its metrics. The goal is less than 1 %.

    python benchmarks/metrics.py [--articles 2000]

Drives dedup, incidents and sink in one process on a mixed stream, batch by batch as the stage runner does but without
Kafka; counts the calls that measure something, and multiplies them with what each costs. Processor time; without Kafka
the stages take less of it than in the chain, so the share is larger here than there.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import os
import sys
import tempfile
import time
import timeit
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import prometheus_client

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import streams  # noqa: E402  # the tests' stream maker, found by the line above
from agents.messages import Incoming, Item, Outcome, Outgoing, Stage  # noqa: E402
from agents.meters import Meters  # noqa: E402
from pipeline import codec, histogram, metrics  # noqa: E402
from pipeline.errors import InvalidEvent  # noqa: E402
from pipeline.records import Annotated, Annotation, Void  # noqa: E402
from pipeline.settings import Producer, load  # noqa: E402
from pipeline.sources.jsonl import parse_line  # noqa: E402

BATCH = 64
"""Records; less than the stages take when they are busy, for the calls that are made once for each batch."""
MEASURING: tuple[tuple[type[Any], str], ...] = (
    (histogram.Distribution, "observe"),
    (histogram.Histogram, "labels"),
    (metrics.Bounded, "__call__"),
    (prometheus_client.Counter, "inc"),
    (prometheus_client.Counter, "labels"),
    (prometheus_client.Gauge, "set"),
    (prometheus_client.Gauge, "labels"),
)
"""All that the stages call to count something."""


class Counted:
    """How often the stages call each of them, and what a call costs."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        made = metrics.Metrics()
        series = made.histogram("event_size_bytes").labels("sink")
        errors, done = made.counter("event_errors_total"), made.counter("events_received_total").labels("sink")
        gauge = made.gauge("held_back")
        self.microseconds = {
            "Distribution.observe": _cost(lambda: series.observe(3000.0)),
            "Histogram.labels": _cost(lambda: made.histogram("event_size_bytes").labels("sink")),
            "Bounded.__call__": _cost(lambda: made.provider("a provider")),
            "Counter.inc": _cost(lambda: done.inc(3)),
            "Counter.labels": _cost(lambda: errors.labels("sink", "schema")),
            "Gauge.set": _cost(lambda: gauge.set(3)),
            "Gauge.labels": _cost(lambda: made.gauge("state_entries").labels("sink")),
        }
        for owner, name in MEASURING:
            setattr(owner, name, self._counting(f"{owner.__name__}.{name}", getattr(owner, name)))

    def _counting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counting(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return function(*arguments, **named)

        return counting

    @property
    def cost(self) -> float:
        """Seconds that the calls since the last reset take."""
        return sum(self.microseconds[name] * calls for name, calls in self.calls.items()) / 1e6


def _cost(call: Callable[[], Any]) -> float:
    """Microseconds of a call, with nothing beside it."""
    return min(timeit.repeat(call, number=2_000, repeat=20)) / 2_000 * 1e6


class _EmptyLog:
    """Stands in for the decision logs of a chain that has decided nothing yet."""

    async def read(self, *where: Any) -> AsyncIterator[Any]:
        return
        yield


async def drive(stage: Stage[Any], inputs: Sequence[Incoming], meters: Meters) -> list[Outgoing]:
    """Take the inputs through a stage as the runner does; returns its outputs."""
    outputs: list[Outgoing] = []
    for start in range(0, len(inputs), BATCH):
        batch = inputs[start : start + BATCH]
        began = time.perf_counter()
        items: list[Item[Any]] = []
        for incoming in batch:
            meters.size.observe(len(incoming.value or b""))
            try:
                items.append(Item(incoming, stage.decode(incoming)))
            except InvalidEvent as error:
                items.append(Item(incoming, Void(reason=error.kind)))
        meters.received.inc(len(batch))
        meters.in_flight.set(len(batch))
        counts: Counter[str] = Counter()
        async for outcome in stage.process(items, lambda incoming: None):
            with meters.output.time():
                outputs += _taken(outcome, counts)
        for name, count in counts.items():
            meters.processed(name).inc(count)
        meters.done(len(batch), time.perf_counter() - began)
        meters.in_flight.set(0)
    return outputs


def _taken(outcome: Outcome, counts: Counter[str]) -> list[Outgoing]:
    counts.update(outcome.counts)
    return outcome.outputs


def incoming(outputs: Iterable[Outgoing], *topics: str) -> list[Incoming]:
    """What the next stage gets of the outputs that went to some topics."""
    found = [o for o in outputs if o.topic in topics]
    now = int(time.time() * 1000)
    return [
        Incoming(
            topic=o.topic, partition=0, offset=n, key=o.key, value=o.value, headers=dict(o.headers), timestamp_ms=now
        )
        for n, o in enumerate(found)
    ]


def annotated(record: Incoming) -> Incoming:
    """The record with an empty annotation: NER has no part in this."""
    value = codec.decode(record.value, Annotated)
    return replace(record, topic="annotated", value=codec.encode(replace(value, annotation=Annotation())))


def raw(rows: Sequence[streams.Row], producer: Producer) -> list[Incoming]:
    """The rows as dedup gets them."""
    found = []
    for n, line in enumerate(streams.lines(rows)):
        article = parse_line(line, settings=producer)
        value = codec.encode(article)
        found.append(Incoming(topic="raw", partition=0, offset=n, key=None, value=value, headers={}, timestamp_ms=0))
    return found


async def run(articles: int, folder: Path) -> None:
    os.environ |= {"WIREFUSE_BROKER": "127.0.0.1:1", "WIREFUSE_DATA_DIR": str(folder), "WIREFUSE_CONFIG": ""}
    os.environ["WIREFUSE_INCIDENTS_SNAPSHOT_EVERY"] = "0"  # there is no log that one could go with
    counted = Counted()
    outputs: list[Outgoing] = []
    for name in ("dedup", "incidents", "sink"):
        module = importlib.import_module(f"agents.{name}")
        stage: Stage[Any] = module.app.runner._stage
        if name == "dedup":
            inputs = raw(streams.mixed(articles, seed=1), load().producer)
        elif name == "incidents":
            through = [annotated(r) if r.topic == "unique" else r for r in incoming(outputs, "unique", "annotated")]
            inputs = [replace(r, offset=n) for n, r in enumerate(through)]
        else:
            inputs = incoming(outputs, "enriched", "incidents", "incident-changes")
        await stage.start()
        await stage.assigned({stage.inputs[0]: [0]}, _EmptyLog(), lambda: None)  # type: ignore[arg-type]
        counted.calls.clear()
        began = time.process_time()
        outputs = await drive(stage, inputs, Meters(module.metrics, name))
        seconds = time.process_time() - began
        await stage.stop()
        print(
            f"{name:<10} {len(inputs):>6} records  {1e6 * seconds / len(inputs):>6.0f} us each, "
            f"{1e6 * counted.cost / len(inputs):>4.1f} of them for metrics: {counted.cost / seconds:.2%}",
            flush=True,
        )
        began = time.process_time()
        size = len(prometheus_client.generate_latest(module.metrics.registry))
        print(f"           a scrape: {1e3 * (time.process_time() - began):.1f} ms, {size / 1024:.0f} KiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(asked.articles, Path(folder)))


if __name__ == "__main__":
    main()
