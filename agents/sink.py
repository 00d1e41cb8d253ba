"""Stage sink: enriched, incidents and incident-changes -> the configured store. Idempotent; any replay is a no-op."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import Counter

from agents.app import create_app
from agents.messages import Incoming, Item, Outcome
from agents.passing import raw_time
from agents.stateless import Stateless
from pipeline import codec, headers
from pipeline.errors import InvalidEvent
from pipeline.metrics import Metrics
from pipeline.records import ArticleEvent, IncidentChange, IncidentRecord, Void
from pipeline.settings import Settings, load
from pipeline.sink.base import IncidentTombstone, Sink, SinkRecord, open_sink
from pipeline.topics import TopicName

_KINDS: dict[TopicName, type[ArticleEvent | IncidentRecord | IncidentChange]] = {
    "enriched": ArticleEvent,
    "incidents": IncidentRecord,
    "incident-changes": IncidentChange,
}
_RESULTS = ("articles", "incidents", "changes", "inputs", "ignored")
"""What a `WriteResult` counts."""


class SinkStage(Stateless):
    """Writes batches in one transaction each."""

    name = "sink"
    inputs: tuple[TopicName, ...] = ("enriched", "incidents", "incident-changes")
    compacted_inputs = True

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.batch_size = settings.sink.batch_size
        self._metrics = metrics
        self._latency = metrics.histogram("end_to_end_latency_seconds")
        self._providers: set[str] = set()
        self._rows: dict[str, Counter] = {}
        self._url = settings.sink_url
        self._sink: Sink | None = None
        # One thread: SQLite and its like want their connection used by one.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink")

    def decode(self, incoming: Incoming) -> SinkRecord:
        if incoming.value is None and incoming.topic == "incidents":
            return _tombstone(incoming)
        return codec.decode(incoming.value, _KINDS[incoming.topic])

    async def process(
        self, batch: Sequence[Item[SinkRecord]], taking_up: Callable[[Incoming], None]
    ) -> AsyncGenerator[Outcome, None]:
        sink = self._sink
        assert sink is not None, "start() comes first"
        written = [item for item in batch if not isinstance(item.value, Void)]
        started = time.perf_counter()
        records = [item.value for item in written if not isinstance(item.value, Void)]
        result = await asyncio.get_running_loop().run_in_executor(self._thread, sink.write, records)
        self._metrics.histogram("sink_write_duration_seconds").labels(sink.name).observe(time.perf_counter() - started)
        for what, rows in self._rows.items():
            rows.inc(getattr(result, what))
        for provider, count in result.kills.items():
            self._metrics.counter("kills_propagated_total").labels(self._metrics.provider(provider)).inc(count)
        outcome = Outcome()
        for item in written:
            if isinstance(item.value, ArticleEvent):
                self._count(item.value, item.incoming)
        outcome.counts["ok"] += len(written)
        outcome.counts["void"] += len(batch) - len(written)
        yield outcome

    def _count(self, event: ArticleEvent, incoming: Incoming) -> None:
        provider = self._metrics.provider(event.provider)
        latency = max(0.0, time.time() - int(raw_time(incoming)) / 1000)
        self._latency.labels(provider).observe(latency)
        if provider not in self._providers:
            self._providers.add(provider)
            self._metrics.counter("kills_propagated_total").labels(provider)  # there before the first one is counted

    async def start(self) -> None:
        sink = await asyncio.get_running_loop().run_in_executor(self._thread, open_sink, self._url)
        rows = self._metrics.counter("sink_writes_total")
        self._rows = {what: rows.labels(sink.name, what) for what in _RESULTS}
        self._sink = sink

    async def stop(self) -> None:
        if self._sink is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.close)
        self._thread.shutdown()


def _tombstone(incoming: Incoming) -> IncidentTombstone:
    try:
        version = int(incoming.headers[headers.VERSION])
    except (KeyError, ValueError):
        raise InvalidEvent("schema", f"a tombstone on incidents needs the header {headers.VERSION}") from None
    return IncidentTombstone(incident_id=(incoming.key or b"").decode("ascii", "replace"), version=version)


settings = load()
metrics = Metrics()
app = create_app(settings, SinkStage(settings, metrics), metrics)
