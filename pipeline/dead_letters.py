"""Dead letters: what they are, reading them, and giving them back to the chain or setting them aside.

A dead letter is the original record with headers that say what went wrong (`pipeline.headers`). Kafka cannot delete one
record in the middle of a log, so "replayed" and "dropped" are marker records in the same partition of `dead-letter`: no
value, and a header with the letter's id. A marker outlives its letter, because retention takes the older first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline import headers
from pipeline.broker.client import bootstrap, client_options, explained
from pipeline.broker.errors import BrokerError
from pipeline.settings import Settings
from pipeline.topics import topic

if TYPE_CHECKING:
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.consumer.fetcher import ConsumerRecord

# Written by the stage that gave up; a replayed record starts without them.
_OWN_HEADERS = frozenset(
    {
        headers.ERROR_STAGE,
        headers.ERROR_KIND,
        headers.ERROR_DETAIL,
        headers.ERROR_TOPIC,
        headers.ERROR_PARTITION,
        headers.ERROR_OFFSET,
        headers.ERROR_ATTEMPTS,
        headers.SIZE,
        headers.SHA256,
        headers.RAW_TIME,
    }
)
_BATCH = 500
_POLL_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter, without its bytes.

    Attributes:
        partition, offset: where it lies in `dead-letter`.
        time: when it was written.
        stage, kind, detail: who gave it up, and why (`errors.InvalidKind`).
        topic, source_partition, source_offset: where the original came from; None: it never reached a topic.
        attempts: how often the stage tried.
        file, line: where an item stands that the producer refused.
        size: bytes of the original value.
        cut: the letter holds only the first part of the value.
    """

    partition: int
    offset: int
    time: datetime
    stage: str
    kind: str
    detail: str
    topic: str | None
    source_partition: int | None
    source_offset: int | None
    attempts: int
    file: str | None
    line: int | None
    size: int
    cut: bool

    @property
    def id(self) -> str:
        return f"{self.partition}:{self.offset}"

    @property
    def origin(self) -> str:
        """Where the original is, for a person."""
        if self.file is not None:
            return self.file if self.line is None else f"{self.file}:{self.line}"
        return "-" if self.topic is None else f"{self.topic}[{self.source_partition}]@{self.source_offset}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What `replay` did: ids published again, and ids left out with the reason."""

    replayed: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def letters(settings: Settings) -> list[Letter]:
    """All dead letters that are neither replayed nor dropped, oldest first.

    Raises:
        BrokerError: the cluster does not answer, or the topic is not there.
    """
    found: dict[str, Letter] = {}
    marked: set[str] = set()
    with _consumer(settings) as consumer:
        for record in _records(consumer, settings):
            mark = _mark(record)
            if mark is not None:
                marked.add(mark)
            else:
                letter = _letter(record)
                found[letter.id] = letter
    rest = (letter for id, letter in found.items() if id not in marked)
    return sorted(rest, key=lambda letter: (letter.time, letter.partition, letter.offset))


def read(settings: Settings, letter: Letter) -> ConsumerRecord:
    """The record of a dead letter: its original key, value and headers.

    Raises:
        BrokerError: the cluster does not answer, or retention has taken it since.
    """
    with _consumer(settings) as consumer:
        for record in _records(consumer, settings, {letter.partition: letter.offset}):
            if record.offset == letter.offset:
                return record
            break
    raise BrokerError(f"dead letter {letter.id} is no longer there")


def replay(settings: Settings, chosen: Collection[Letter]) -> Replay:
    """Publish letters again: same key, value, headers and edition, at the end of `raw`.

    Each is marked once the cluster has it. Should this be interrupted in between, the next replay publishes a few of
    them twice, and dedup takes the second for a redelivery.

    Raises:
        BrokerError: the cluster does not answer or refuses.
    """
    refused = tuple((letter.id, why) for letter in chosen for why in [_why_not(settings, letter)] if why)
    out = {id for id, _ in refused}
    wanted = {letter.id: letter for letter in chosen if letter.id not in out}
    first: dict[int, int] = {}
    for letter in wanted.values():
        first[letter.partition] = min(letter.offset, first.get(letter.partition, letter.offset))
    done: list[str] = []
    if wanted:
        with _consumer(settings) as consumer, _producer(settings) as producer:
            records = (r for r in _records(consumer, settings, first) if f"{r.partition}:{r.offset}" in wanted)
            while batch := list(islice(records, _BATCH)):
                _publish(producer, settings, batch, wanted)
                _write_marks(producer, settings, headers.REPLAYED, [(r.partition, r.offset) for r in batch])
                done += [f"{r.partition}:{r.offset}" for r in batch]
    return Replay(tuple(done), refused)


def drop(settings: Settings, chosen: Iterable[Letter]) -> None:
    """Set letters aside: they are not listed any more. Their bytes stay until the topic's retention takes them.

    Raises:
        BrokerError: the cluster does not answer or refuses.
    """
    with _producer(settings) as producer:
        _write_marks(producer, settings, headers.DROPPED, [(letter.partition, letter.offset) for letter in chosen])


def _why_not(settings: Settings, letter: Letter) -> str | None:
    if letter.topic is None:
        return f"it was never published; mend {letter.origin} and publish it again"
    if letter.topic != topic(settings, "raw"):
        return (
            f"it comes from {letter.topic}, whose records belong to one place in the order; publish its article again"
        )
    if letter.cut:
        return f"only the first part of its {letter.size} bytes was kept; publish its article again"
    if letter.size == 0:
        return "it is empty"
    if letter.source_partition is None or not 0 <= letter.source_partition < settings.topics.editions:
        return f"edition {letter.source_partition} is not there (topics.editions is {settings.topics.editions})"
    return None


def _publish(
    producer: KafkaProducer, settings: Settings, batch: Iterable[ConsumerRecord], wanted: dict[str, Letter]
) -> None:
    pending = [
        producer.send(
            topic(settings, "raw"),
            key=record.key,
            value=record.value,
            partition=wanted[f"{record.partition}:{record.offset}"].source_partition,
            headers=[(name, data) for name, data in record.headers if name not in _OWN_HEADERS],
        )
        for record in batch
    ]
    _await(producer, settings, pending)


def _write_marks(producer: KafkaProducer, settings: Settings, kind: str, ids: Iterable[tuple[int, int]]) -> None:
    pending = [
        producer.send(
            topic(settings, "dead-letter"),
            key=f"{partition}:{offset}".encode(),
            value=None,
            partition=partition,
            headers=[(kind, f"{partition}:{offset}".encode())],
        )
        for partition, offset in ids
    ]
    _await(producer, settings, pending)


def _await(producer: KafkaProducer, settings: Settings, pending: list[Any]) -> None:
    producer.flush(timeout=settings.broker.request_timeout_s)
    for future in pending:
        future.get(timeout=settings.broker.request_timeout_s)


def _mark(record: ConsumerRecord) -> str | None:
    """The id that a marker marks. A letter carries its original's headers, so those alone make no marker."""
    found = dict(record.headers)
    if record.value is not None or headers.ERROR_KIND in found:
        return None
    mark = found.get(headers.REPLAYED) or found.get(headers.DROPPED)
    return None if mark is None else mark.decode("ascii", "replace")


def _letter(record: ConsumerRecord) -> Letter:
    found = {name: data.decode("utf-8", "replace") for name, data in record.headers if data is not None}

    def number(name: str) -> int | None:
        text = found.get(name, "")
        return int(text) if text.isdecimal() else None

    held = 0 if record.value is None else len(record.value)
    size = number(headers.SIZE)
    return Letter(
        partition=record.partition,
        offset=record.offset,
        time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        stage=found.get(headers.ERROR_STAGE, "unknown"),
        kind=found.get(headers.ERROR_KIND, "unknown"),
        detail=found.get(headers.ERROR_DETAIL, ""),
        topic=found.get(headers.ERROR_TOPIC) or None,
        source_partition=number(headers.ERROR_PARTITION),
        source_offset=number(headers.ERROR_OFFSET),
        attempts=number(headers.ERROR_ATTEMPTS) or 0,
        file=found.get(headers.FILE),
        line=number(headers.LINE),
        size=held if size is None else size,
        cut=size is not None and size > held,
    )


@contextmanager
def _consumer(settings: Settings) -> Iterator[KafkaConsumer]:
    from kafka import KafkaConsumer

    address = bootstrap(settings)
    with (
        explained(settings, address),
        KafkaConsumer(
            **client_options(settings, address),
            group_id=None,
            enable_auto_commit=False,
            max_partition_fetch_bytes=settings.topics.max_message_bytes,
        ) as consumer,
    ):
        yield consumer


@contextmanager
def _producer(settings: Settings) -> Iterator[KafkaProducer]:
    from kafka import KafkaProducer

    address = bootstrap(settings)
    with (
        explained(settings, address),
        KafkaProducer(
            **client_options(settings, address), acks="all", max_request_size=settings.topics.max_message_bytes
        ) as producer,
    ):
        yield producer


def _records(
    consumer: KafkaConsumer, settings: Settings, first: dict[int, int] | None = None
) -> Iterator[ConsumerRecord]:
    """The records of `dead-letter` that are there at the time of the call.

    Args:
        first: read only these partitions, from these offsets; default: everything.
    """
    from kafka import TopicPartition

    name = topic(settings, "dead-letter")
    partitions = consumer.partitions_for_topic(name)
    if not partitions:
        raise BrokerError(f"topic {name} is not there; `wirefuse topics create` makes it")
    chosen = [TopicPartition(name, p) for p in sorted(partitions) if first is None or p in first]
    consumer.assign(chosen)
    begin, end = consumer.beginning_offsets(chosen), consumer.end_offsets(chosen)
    for tp in chosen:
        consumer.seek(tp, begin[tp] if first is None else max(begin[tp], first[tp.partition]))
    open_ = {tp for tp in chosen if consumer.position(tp) < end[tp]}
    silent_ms = 0
    while open_:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        silent_ms = 0 if polled else silent_ms + _POLL_MS
        if silent_ms > settings.broker.request_timeout_s * 1000:
            raise BrokerError(f"the cluster sends nothing more of {name}, though there is more")
        for tp, records in polled.items():
            yield from (record for record in records if record.offset < end[tp])
        open_ = {tp for tp in open_ if consumer.position(tp) < end[tp]}
