"""Dedup waits for NER when it is too far ahead, and never for what nobody will do any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import pytest
from aiokafka.errors import KafkaConnectionError

from agents.ahead import Ahead
from agents.offsets import Offsets
from pipeline.settings import load

PARTITIONS = 4
SETTINGS = load(env={}, flags={"dedup.max_ahead": 100, "topics.unique_partitions": PARTITIONS})


class Unique(Offsets):
    """The topic `unique` with as many records in each partition, and what NER has acknowledged of them."""

    def __init__(self, end: int, done: int | None) -> None:
        self.end, self.done, self.first = end, done, 0
        self.asked = 0

    async def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        self.asked += 1
        return dict.fromkeys(partitions, self.end)

    async def begins(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(partitions, self.first)

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        assert group == "wirefuse.entities"
        return {} if self.done is None else {("wirefuse.unique", n): self.done for n in range(PARTITIONS)}


def room(topic: Unique) -> bool:
    return asyncio.run(Ahead(SETTINGS).room(topic))


def test_dedup_waits_from_the_limit_on() -> None:
    assert room(Unique(24, 0))
    assert not room(Unique(25, 0))
    assert room(Unique(1025, 1001))


def test_before_ner_has_ever_run_all_that_is_there_counts() -> None:
    assert room(Unique(24, None))
    assert not room(Unique(25, None))


def test_what_retention_has_deleted_is_not_waited_for() -> None:
    """After a week without members Kafka forgets a group's commits; of an empty partition there comes no new one."""
    topic = Unique(1_000_000, None)
    topic.first = topic.end
    assert room(topic)
    topic.first = topic.end - 25
    assert not room(topic)


def test_the_cluster_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    topic, ahead = Unique(25, 0), Ahead(SETTINGS)
    assert not asyncio.run(ahead.room(topic))
    topic.done = 25
    assert not asyncio.run(ahead.room(topic))
    now += 1.0
    assert asyncio.run(ahead.room(topic))
    assert topic.asked == 2


def test_a_cluster_that_does_not_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(Unique):
        async def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
            raise KafkaConnectionError("no leader")

    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert room(Away(25, 0))
    ahead = Ahead(SETTINGS)
    assert not asyncio.run(ahead.room(Unique(25, 0)))
    now += 60.0
    assert not asyncio.run(ahead.room(Away(25, 0)))
    assert asyncio.run(ahead.room(Unique(24, 0)))
