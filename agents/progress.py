"""How far the chain is, asked of Kafka itself: what is in raw, and what each stage has acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from agents.gaps import Upstream
from pipeline.broker.client import client_options
from pipeline.settings import Settings
from pipeline.topics import TopicName, group, registry, topic

STAGE_INPUTS: dict[str, tuple[TopicName, ...]] = {
    "dedup": ("raw",),
    "entities": ("unique",),
    "incidents": ("annotated",),
    "sink": ("enriched", "incidents", "incident-changes"),
}


def upstream(settings: Settings, stage: str) -> list[Upstream]:
    """The stages before one, in the order of the chain."""
    topics = registry(settings)
    found: list[Upstream] = []
    for before, inputs in STAGE_INPUTS.items():
        if before == stage:
            return found
        partitions = [(topics[name].name, n) for name in inputs for n in range(topics[name].partitions)]
        found.append(Upstream(group(settings, before), partitions))
    return []


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Records of a stage's input: all that there are, and those acknowledged."""

    stage: str
    records: int
    done: int

    @property
    def waiting(self) -> int:
        return self.records - self.done


class ChainProgress:
    """Asks a cluster how far each stage is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        options = client_options(settings)
        self._admin = KafkaAdminClient(**options)
        self._consumer = KafkaConsumer(**options)
        self._topics = registry(settings)

    def __enter__(self) -> ChainProgress:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()
        self._admin.close()

    def size(self, name: TopicName) -> int:
        """Records of a topic, counted by offsets."""
        partitions = self._partitions(name)
        ends = self._consumer.end_offsets(partitions)
        starts = self._consumer.beginning_offsets(partitions)
        return sum(ends[p] - starts[p] for p in partitions)

    def stages(self) -> list[StageProgress]:
        """Every stage, in the order of the chain."""
        found = []
        for stage, inputs in STAGE_INPUTS.items():
            partitions = [p for name in inputs for p in self._partitions(name)]
            ends = self._consumer.end_offsets(partitions)
            starts = self._consumer.beginning_offsets(partitions)
            committed = self._committed(group(self._settings, stage))
            records = sum(ends[p] - starts[p] for p in partitions)
            left = sum(ends[p] - max(starts[p], committed.get(p, 0)) for p in partitions)
            found.append(StageProgress(stage, records, records - left))
        return found

    def finished(self) -> bool:
        """True when every stage has acknowledged all of its input.

        Stages are asked from the first to the last: what an earlier one has acknowledged is in the next one's input.
        """
        return all(stage.waiting == 0 for stage in self.stages())

    def _partitions(self, name: TopicName) -> list[TopicPartition]:
        full = topic(self._settings, name)
        return [TopicPartition(full, n) for n in range(self._topics[name].partitions)]

    def _committed(self, name: str) -> dict[TopicPartition, int]:
        return group_offsets(self._admin, name)


def group_offsets(admin: KafkaAdminClient, name: str) -> dict[TopicPartition, int]:
    """Offsets that a consumer group goes on from; empty while the cluster has never had a group."""
    try:
        found = admin.list_group_offsets([name])[name]
    except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
        return {}
    return {p: m.offset for p, m in found.items() if m.offset >= 0}


@contextmanager
def watching(settings: Settings) -> Iterator[ChainProgress]:
    """A ChainProgress, closed at the end."""
    progress = ChainProgress(settings)
    try:
        yield progress
    finally:
        progress.close()
