"""Stage dedup: raw -> unique | annotated, with the dedup-log. One process per edition decides; others stand by."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, get_args

from prometheus_client import Counter

from agents.ahead import Ahead
from agents.app import create_app
from agents.decided import CHUNK, EVICTIONS, Decided
from agents.messages import Incoming, Item, Outcome
from agents.offsets import Offsets
from agents.passing import to_entities_or_ledger
from pipeline.dedup.decision import Decision, annotated
from pipeline.dedup.prepare import prepare
from pipeline.dedup.state import Dedup
from pipeline.errors import FatalError
from pipeline.intake import raw_record
from pipeline.metrics import Metrics
from pipeline.records import CopyKind, EditorWord, RawArticle
from pipeline.settings import Settings, load
from pipeline.topics import TopicName, topic

RawRecord: TypeAlias = RawArticle | EditorWord


class DedupStage:
    """Decides about each raw article, in the order of its edition."""

    name = "dedup"
    inputs: tuple[TopicName, ...] = ("raw",)
    compacted_inputs = False

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.batch_size = min(settings.runner.batch_size, CHUNK)
        self._settings = settings
        self._metrics = metrics
        self._editions: dict[int, Decided[Dedup, Decision]] = {}
        self._offsets: Offsets | None = None
        self._kills: dict[str, Counter] = {}
        for kind in get_args(CopyKind):
            metrics.counter("copies_total").labels(kind)
        for reason in EVICTIONS:
            metrics.counter("state_evicted_total").labels("dedup", reason)
        self._ahead = Ahead(settings)

    def decode(self, incoming: Incoming) -> RawRecord:
        return raw_record(incoming.value)

    def decided(self, value: RawRecord, incoming: Incoming) -> bool:
        return incoming.offset <= self._editions[incoming.partition].engine.last_seq

    async def assigned(
        self, partitions: Mapping[TopicName, Sequence[int]], offsets: Offsets, progress: Callable[[], None]
    ) -> None:
        self._offsets = offsets
        wanted = partitions.get("raw", ())
        self._editions = {e: self._editions.get(e) or self._edition(e) for e in wanted}
        for edition in self._editions.values():
            await edition.restore(offsets, progress)
            self._metrics.gauge("state_restore_seconds").labels("dedup").set(edition.restore_seconds)
        bound = len(wanted) * self._settings.dedup.max_entries
        self._metrics.gauge("state_bound_entries").labels("dedup").set(bound)
        self._measure()

    def _edition(self, number: int) -> Decided[Dedup, Decision]:
        make = partial(Dedup, number, self._settings.dedup)
        return Decided(number, make, Decision, "dedup-log", topic(self._settings, "dedup-log"))

    async def process(
        self, batch: Sequence[Item[RawRecord]], taking_up: Callable[[Incoming], None]
    ) -> AsyncGenerator[Outcome, None]:
        outcome = Outcome()
        for number, edition in self._editions.items():
            self._decide(edition, [item for item in batch if item.incoming.partition == number], outcome)
        self._measure()
        yield outcome

    def _decide(self, edition: Decided[Dedup, Decision], items: Sequence[Item[RawRecord]], outcome: Outcome) -> None:
        """Decide what is new, and emit that and what was decided before and may not have been emitted."""
        new = [item for item in items if item.incoming.offset > edition.engine.last_seq]
        prepared = prepare([item.value for item in new])
        decisions = edition.engine.decide_all([i.incoming.offset for i in new], [i.value for i in new], prepared)
        cleaned = {}
        for decision, item, own in zip(decisions, new, prepared, strict=True):
            edition.remember(decision)
            self._count(decision, item)
            cleaned[decision.seq] = None if own is None else own.cleaned
        outcome.outputs += edition.log_records(decisions)
        for item in items:
            seq = item.incoming.offset
            stored = edition.stored(seq)
            if stored is None:
                outcome.counts["replayed"] += 1  # older than the tail: its outputs are there
                continue
            record = annotated(stored, item.value, edition.edition, cleaned.get(seq))
            outcome.outputs.append(to_entities_or_ledger(record, item.incoming))
            outcome.counts[stored.verdict] += 1

    def _measure(self) -> None:
        editions = self._editions.values()
        self._metrics.gauge("state_entries").labels("dedup").set(sum(e.engine.entries for e in editions))
        for edition in editions:
            for reason, count in edition.newly_evicted().items():
                self._metrics.counter("state_evicted_total").labels("dedup", reason).inc(count)
        now = time.time()
        self._metrics.gauge("embargo_held").set(sum(e.engine.embargoes.held(now) for e in editions))

    def _count(self, decision: Decision, item: Item[RawRecord]) -> None:
        if decision.verdict == "copy" and decision.copy_kind is not None:
            self._metrics.counter("copies_total").labels(decision.copy_kind).inc()
        if not isinstance(item.value, RawArticle):
            return
        provider = self._metrics.provider(item.value.provider)
        if provider not in self._kills:
            # Made with a provider's first article: the increase from no series to 1 would not be seen.
            self._kills[provider] = self._metrics.counter("kills_received_total").labels(provider)
        if decision.verdict == "kill":
            self._kills[provider].inc()

    def first_offset(self, name: TopicName, partition: int, offset: int) -> None:
        """Refuse to go on without the state that belongs to the offset.

        Raises:
            FatalError: the group has acknowledged inputs that the decision log knows nothing of.
        """
        known = self._editions[partition].engine.last_seq
        if offset > known + 1:
            raise FatalError(
                f"raw[{partition}]: offset {offset} is next, but the decision log ends at seq {known}. The log was "
                "lost or cut: reset the group's offset to its end, or to 0 with empty logs to start anew"
            )

    async def room(self) -> bool:
        return self._offsets is None or await self._ahead.room(self._offsets)

    def held(self, name: TopicName, partition: int) -> frozenset[int]:
        return frozenset()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


settings = load()
metrics = Metrics()
app = create_app(settings, DedupStage(settings, metrics), metrics)
