"""Stage incidents: annotated -> enriched, incidents, incident-changes, with the incident-log.

NER workers finish in any order, so records arrive in any order. One is held back until the one before it is decided,
and is not acknowledged before it is decided itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from agents.app import create_app
from agents.decided import CHUNK, EVICTIONS
from agents.ledger_log import LedgerLog
from agents.messages import Incoming, Item, Outcome, Outgoing
from agents.newsroom import Newsroom
from agents.offsets import Offsets
from agents.passing import raw_time, void_of
from pipeline import codec, headers
from pipeline.entities.gazetteer import gazetteer
from pipeline.errors import FatalError, InvalidEvent
from pipeline.incidents.decision import Decision, Mark
from pipeline.incidents.publishers import load_publishers
from pipeline.incidents.record import Written
from pipeline.metrics import Metrics
from pipeline.records import (
    CHANGES_NOTHING,
    SCHEMA_VERSION,
    Annotated,
    ArticleEvent,
    ChangeKind,
    IncidentChange,
    Void,
)
from pipeline.settings import Settings, load
from pipeline.topics import TopicName

_SCHEMA = (headers.SCHEMA, str(SCHEMA_VERSION).encode())


class _Edition(LedgerLog):
    """One edition's ledger and the records that wait for an earlier seq, by the seq that they wait for."""

    def __init__(self, edition: int, settings: Settings) -> None:
        super().__init__(edition, settings, gazetteer(settings.entities.aliases))
        self.waiting: dict[int, tuple[Annotated, Incoming]] = {}
        self.held: set[int] = set()


@dataclass(frozen=True, slots=True)
class _Touched:
    """An incident whose record is to be emitted.

    Attributes:
        mark: what the decision that touched it last says of it.
        head: headers of that decision's outputs.
        replayed: the decision was made before a crash; what was forgotten by later ones is not there any more.
    """

    edition: _Edition
    mark: Mark
    head: tuple[tuple[str, bytes], ...]
    replayed: bool

    def record(self) -> Written | None:
        """As it stands now; where the ledger has forgotten it, as it ended."""
        incident_id = self.mark.incident_id
        found = self.edition.engine.written(incident_id) or self.edition.engine.ended(self.mark)
        if found is None and self.replayed:
            found = self.edition.closed(self.mark) or self.edition.last_words(incident_id)
        return found


@dataclass(slots=True)
class _Chunk:
    """Decisions that are produced at once."""

    newsroom: Newsroom
    outcome: Outcome = field(default_factory=Outcome)
    touched: dict[str, _Touched] = field(default_factory=dict)
    """By incident id."""
    decided: int = 0

    def complete(self, *, more: bool = False) -> Outcome:
        """The outcome, with each touched incident's record as it stands now."""
        self.tell(self.touched.keys())
        self.outcome.more = more
        return self.outcome

    def tell(self, incident_ids: Collection[str]) -> None:
        """Emit the records of those of the incidents that were touched, as they stand now.

        Before the ledger forgets reports of theirs: what was decided must be told, however soon it is forgotten.
        """
        for incident_id in [i for i in self.touched if i in incident_ids]:
            touched = self.touched.pop(incident_id)
            record = touched.record()
            if record is None:  # forgotten since; whoever reads the topic keeps what was emitted before
                continue
            self.outcome.outputs += _incident_outputs(record, touched.head)
            if record.status == "open":
                self.newsroom.changed(record)


class IncidentsStage:
    """Brings the records of an edition into their order and lets the ledger decide one after the other."""

    name = "incidents"
    inputs: tuple[TopicName, ...] = ("annotated",)
    compacted_inputs = False

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        # A file that cannot be used ends the worker before it begins.
        load_publishers(settings.incidents.publishers)
        gazetteer(settings.entities.aliases)
        self.batch_size = min(settings.runner.batch_size, CHUNK)
        self._settings = settings
        self._metrics = metrics
        self._editions: dict[int, _Edition] = {}
        self._newsroom = Newsroom(metrics)
        self._offsets: Offsets | None = None
        self._delivered = True
        """Whether all that was decided has been produced: what is not in the log must not get into a snapshot."""
        for change in get_args(ChangeKind):
            metrics.counter("incident_changes_total").labels(change)
        for reason in EVICTIONS:
            metrics.counter("state_evicted_total").labels("incidents", reason)

    def decode(self, incoming: Incoming) -> Annotated:
        record = codec.decode(incoming.value, Annotated)
        if record.edition != incoming.partition or not -1 <= record.prev_seq < record.seq:
            raise InvalidEvent(
                "schema", f"edition {record.edition}, seq {record.seq} after {record.prev_seq} cannot be right here"
            )
        return record

    def decided(self, value: Annotated, incoming: Incoming) -> bool:
        return value.seq <= self._editions[incoming.partition].engine.last_seq

    async def assigned(
        self, partitions: Mapping[TopicName, Sequence[int]], offsets: Offsets, progress: Callable[[], None]
    ) -> None:
        self._offsets = offsets
        wanted = partitions.get("annotated", ())
        self._editions = {e: self._editions.get(e) or _Edition(e, self._settings) for e in wanted}
        for edition in self._editions.values():
            edition.waiting.clear()  # not acknowledged, so they come again
            edition.held.clear()
            await edition.restore(offsets, progress)
            self._metrics.gauge("state_restore_seconds").labels("incidents").set(edition.restore_seconds)
        bound = len(wanted) * self._settings.incidents.max_articles
        self._metrics.gauge("state_bound_entries").labels("incidents").set(bound)
        self._newsroom.forget()
        self._measure()

    async def process(
        self, batch: Sequence[Item[Annotated]], taking_up: Callable[[Incoming], None]
    ) -> AsyncGenerator[Outcome, None]:
        self._delivered = False
        chunk = _Chunk(self._newsroom)
        # A batch of one may be the search for an input that kills the stage: no work of others must lie in its chunk.
        most = CHUNK if len(batch) > 1 else 1
        for item in batch:
            value = item.value
            record = void_of(item.incoming, value.reason) if isinstance(value, Void) else value
            if record is None or record.edition != item.incoming.partition:
                chunk.outcome.counts["void"] += 1
                continue
            edition = self._editions[item.incoming.partition]
            self._receive(edition, record, item.incoming, chunk)
            while (ready := edition.waiting.pop(edition.engine.last_seq, None)) is not None:
                if ready[1] is not item.incoming:
                    taking_up(ready[1])
                self._decide(edition, *ready, chunk)
                if chunk.decided == most:
                    yield chunk.complete(more=True)
                    chunk = _Chunk(self._newsroom)
        self._measure()
        yield chunk.complete()
        self._delivered = True
        await self._save()

    async def _save(self, *, at_end: bool = False) -> None:
        if self._delivered and self._offsets is not None:
            for edition in self._editions.values():
                await edition.save(self._offsets, at_end=at_end)

    def _receive(self, edition: _Edition, record: Annotated, incoming: Incoming, chunk: _Chunk) -> None:
        if record.seq <= edition.engine.last_seq:
            decision = edition.stored(record.seq)
            if decision is not None:
                self._emit(edition, decision, record, incoming, chunk, replayed=True)
            chunk.outcome.counts["replayed"] += 1
        elif record.prev_seq in edition.waiting:
            chunk.outcome.counts["replayed"] += 1  # a second delivery; the first is held back already
        else:
            edition.waiting[record.prev_seq] = (record, incoming)
            edition.held.add(incoming.offset)

    def _decide(self, edition: _Edition, record: Annotated, incoming: Incoming, chunk: _Chunk) -> None:
        closing: list[Written] = []

        def parting(decision: Decision) -> None:
            chunk.tell(edition.engine.losing(decision))
            closing.extend(edition.engine.closing(decision))

        decision = edition.engine.decide(record, parting)
        edition.remember(decision)
        edition.held.discard(incoming.offset)
        chunk.decided += 1
        chunk.outcome.outputs += edition.log_records([decision])
        chunk.outcome.counts[decision.verdict] += 1
        for change in self._emit(edition, decision, record, incoming, chunk):
            self._metrics.counter("incident_changes_total").labels(change.change).inc()
        for last in closing:
            chunk.outcome.outputs += _incident_outputs(last, chunk.touched.pop(last.incident_id).head)

    def _emit(
        self,
        edition: _Edition,
        decision: Decision,
        record: Annotated,
        incoming: Incoming,
        chunk: _Chunk,
        *,
        replayed: bool = False,
    ) -> list[IncidentChange]:
        """What follows from a decision; an incident's record is emitted once per chunk, as it stands then."""
        head = (_SCHEMA, (headers.RAW_TIME, raw_time(incoming)))
        event = edition.engine.event(decision, record)
        changes = edition.engine.changes(decision)
        chunk.outcome.outputs.append(
            Outgoing(topic="enriched", key=_event_key(event), value=codec.encode(event), headers=head)
        )
        chunk.outcome.outputs += [
            Outgoing(topic="incident-changes", key=c.incident_id.encode(), value=codec.encode(c), headers=head)
            for c in changes
        ]
        for mark in decision.own_marks:
            chunk.touched[mark.incident_id] = _Touched(edition, mark, head, replayed)
        return changes

    def _measure(self) -> None:
        editions = self._editions.values()
        for edition in editions:
            for reason, count in edition.newly_evicted().items():
                self._metrics.counter("state_evicted_total").labels("incidents", reason).inc(count)
        self._metrics.gauge("held_back").set(sum(len(e.waiting) for e in editions))
        self._metrics.gauge("state_entries").labels("incidents").set(sum(e.engine.entries for e in editions))
        self._newsroom.look([e.engine for e in editions])

    def first_offset(self, name: TopicName, partition: int, offset: int) -> None:
        """Refuse to go on with an empty ledger where one had decided.

        Raises:
            FatalError: the group has acknowledged records, and the decision log has none.
        """
        if offset > 0 and self._editions[partition].engine.last_seq < 0:
            raise FatalError(
                f"annotated[{partition}]: offset {offset} is next, but the decision log is empty. It was lost: "
                "reset the group's offset to 0 to decide anew"
            )

    async def room(self) -> bool:
        return True

    def held(self, name: TopicName, partition: int) -> set[int]:
        return self._editions[partition].held if partition in self._editions else set()

    async def start(self) -> None: ...

    async def stop(self) -> None:
        await self._save(at_end=True)


def _incident_outputs(record: Written, head: tuple[tuple[str, bytes], ...]) -> list[Outgoing]:
    """The incident's record; a tombstone after it once it is withdrawn, so that compaction can forget it."""
    key = record.incident_id.encode()
    outputs = [Outgoing(topic="incidents", key=key, value=record.data, headers=head)]
    if record.status == "withdrawn":
        version = (headers.VERSION, str(record.version).encode())
        outputs.append(Outgoing(topic="incidents", key=key, value=None, headers=(*head, version)))
    return outputs


def _event_key(event: ArticleEvent) -> bytes:
    """The article's id; an event that changes nothing must not displace the article's own in a compacted topic."""
    if event.article_id is None or event.verdict in CHANGES_NOTHING:
        return f"{event.edition}:{event.seq}".encode()
    return event.article_id.encode()


settings = load()
metrics = Metrics()
app = create_app(settings, IncidentsStage(settings, metrics), metrics)
