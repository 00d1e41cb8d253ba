"""The topics: names, keys, partitions, retention. The one place that knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.settings import Settings

TopicName = Literal[
    "raw",
    "unique",
    "annotated",
    "enriched",
    "incidents",
    "incident-changes",
    "dedup-log",
    "incident-log",
    "dead-letter",
]

_DAY_MS = 24 * 3600 * 1000

# A restart may need decisions that a newer one of the same article has superseded: those of inputs whose offsets were
# not yet committed. Records younger than this are never compacted away; commits happen every second.
_MIN_COMPACTION_LAG_MS = 3600 * 1000
# A kill must not leave the text that it took back in a segment that nothing fills: it becomes compactable within a day.
_MAX_COMPACTION_LAG_MS = _DAY_MS
# Retention and compaction count from a record's time. Were it that of whoever wrote it, a machine whose clock is wrong
# would have its news deleted at once, or refused by the broker as from the future.
_BROKERS_CLOCK = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is created.

    Attributes:
        name: full name, with the prefix.
        key: what the record key is, for people.
        partitions: number of partitions.
        config: topic configuration of Kafka.
        record: what a value is, for people.
    """

    name: str
    key: str
    partitions: int
    config: dict[str, str]
    record: str


def topic(settings: Settings, name: TopicName) -> str:
    """Full name of a topic."""
    return settings.topics.prefix + name


def group(settings: Settings, stage: str) -> str:
    """Consumer group (and Faust app id) of a stage."""
    return settings.topics.prefix + stage


def registry(settings: Settings) -> dict[TopicName, Topic]:
    """All topics, in the order of the chain."""
    t = settings.topics

    def days(value: float) -> dict[str, str]:
        return {"cleanup.policy": "delete", "retention.ms": str(int(value * _DAY_MS))}

    compact = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(_MAX_COMPACTION_LAG_MS)}
    log = compact | {"min.compaction.lag.ms": str(_MIN_COMPACTION_LAG_MS)}
    kept = days(t.output_retention_days) | log | {"cleanup.policy": "compact,delete"}
    # A sink that was away finds what it missed in these topics for so long: also that an incident was withdrawn, of
    # which nothing but the tombstone is left. Kafka's own default would take that after a day.
    withdrawn = {"delete.retention.ms": str(int(t.output_retention_days * _DAY_MS))}
    rows: list[tuple[TopicName, str, int, dict[str, str], str]] = [
        ("raw", "article or word id", t.editions, days(t.raw_retention_days), "RawArticle or EditorWord"),
        ("unique", "article id", t.unique_partitions, days(t.work_retention_days), "Annotated, without annotation"),
        ("annotated", "article id", t.editions, days(t.work_retention_days), "Annotated, one per seq"),
        ("enriched", "article id", t.output_partitions, kept, "ArticleEvent"),
        ("incidents", "incident id", t.output_partitions, compact | withdrawn, "IncidentRecord"),
        ("incident-changes", "incident id", t.output_partitions, days(t.output_retention_days), "IncidentChange"),
        ("dedup-log", "article id", t.editions, log, "decision of dedup"),
        ("incident-log", "article id", t.editions, log, "decision of the ledger"),
        ("dead-letter", "original key", t.dead_letter_partitions, days(t.dead_letter_retention_days), "original bytes"),
    ]
    every = _BROKERS_CLOCK | {"max.message.bytes": str(t.max_message_bytes)}
    return {
        name: Topic(topic(settings, name), key, partitions, config | every, record)
        for name, key, partitions, config, record in rows
    }
