"""The Kafka records of the producer: an article for `raw`, or the dead letter of what could not be read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pipeline import headers
from pipeline.codec import encode
from pipeline.errors import InvalidEvent
from pipeline.ids import article_id, content_hash
from pipeline.records import SCHEMA_VERSION, EditorWord
from pipeline.settings import Settings
from pipeline.sources.wire import Item
from pipeline.topics import topic

STAGE = "producer"
"""The stage that a dead letter of the producer names."""

# Room for headers and framing beside a dead letter's value.
_HEADROOM = 64 * 1024
_DETAIL_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record to be sent.

    Attributes:
        topic: full name.
        partition: None: by the key.
        error: in a dead letter, why it is one.
    """

    topic: str
    partition: int | None
    key: bytes
    value: bytes = field(repr=False)
    headers: list[tuple[str, bytes]]
    error: InvalidEvent | None = None


def record_of(item: Item, edition: int, settings: Settings) -> Record:
    """The record for `raw`, or the dead letter, of an item."""
    record = item.record
    if record is None:
        assert item.error is not None
        return dead_letter(item, item.error, settings)
    key = record.word_id if isinstance(record, EditorWord) else article_id(record.provider, record.native_id)
    return Record(
        topic=topic(settings, "raw"),
        partition=edition,
        key=key.encode(),
        value=encode(record),
        headers=[
            (headers.SCHEMA, str(SCHEMA_VERSION).encode()),
            (headers.RAW_TIME, str(time.time_ns() // 1_000_000).encode()),
        ],
    )


def dead_letter(item: Item, error: InvalidEvent, settings: Settings, limit: int | None = None) -> Record:
    """The dead letter of an item: its original bytes, at most `limit`, and headers that say what is wrong where.

    A value that is cut has the size and SHA-256 of the whole original in its headers. The same item always gets the
    same key, so that one that a restart sent twice can be told.
    """
    limit = settings.topics.max_message_bytes - _HEADROOM if limit is None else limit
    value = item.raw[: max(0, limit)]
    notes = [
        (headers.ERROR_STAGE, STAGE),
        (headers.ERROR_KIND, error.kind),
        (headers.ERROR_DETAIL, error.detail[:_DETAIL_CHARS]),
        (headers.ERROR_ATTEMPTS, "1"),
        (headers.FILE, item.file),
        (headers.LINE, str(item.line)),
    ]
    if len(value) < item.size:
        notes += [(headers.SIZE, str(item.size)), (headers.SHA256, item.sha256)]
    return Record(
        topic=topic(settings, "dead-letter"),
        partition=None,
        key=content_hash("dead letter", item.file, str(item.line), item.sha256).encode(),
        value=value,
        headers=[(name, text.encode("utf-8", "replace")) for name, text in notes],
        error=error,
    )
