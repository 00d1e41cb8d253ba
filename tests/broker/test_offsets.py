"""Reading a topic beside the group: what is there, all of it, once, and no more than there was when it began."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError
from kafka import KafkaAdminClient, TopicPartition

from agents.offsets import Offsets
from pipeline.broker.admin import EnsureReport
from pipeline.broker.client import client_options
from pipeline.settings import Settings
from pipeline.topics import topic
from workers import PATIENCE_S, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200), pytest.mark.usefixtures("topics")]


def made(settings: Settings) -> Offsets:
    return Offsets(settings.broker.bootstrap, "test", settings.topics.max_message_bytes)


def read(settings: Settings, start: int, during: Sequence[bytes] = ()) -> list[tuple[int, bytes]]:
    """All of `raw` from an offset; `during` is written when the first chunk is there."""

    async def collect() -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        async for chunk in made(settings).read(topic(settings, "raw"), 0, start):
            if during and not found:
                await asyncio.to_thread(send, settings, during)
            found += [(r.offset, r.value) for r in chunk]
        return found

    return asyncio.run(asyncio.wait_for(collect(), PATIENCE_S))


def delete_before(settings: Settings, offset: int) -> None:
    admin = KafkaAdminClient(**client_options(settings))
    try:
        admin.delete_records({TopicPartition(topic(settings, "raw"), 0): offset})
    finally:
        admin.close()


def test_a_log_is_read_whole_from_where_one_is_to_its_end(settings: Settings) -> None:
    written = [b"%d" % n * 1000 for n in range(3000)]
    send(settings, written)
    assert read(settings, 0) == list(enumerate(written))
    assert read(settings, 2990) == list(enumerate(written))[2990:]
    assert read(settings, 3000) == []


def test_an_empty_log_ends_at_once(settings: Settings) -> None:
    assert read(settings, 0) == []


def test_what_is_written_meanwhile_is_left_for_the_next_time(settings: Settings) -> None:
    send(settings, [b"a", b"b"])
    assert read(settings, 0, during=[b"c"]) == [(0, b"a"), (1, b"b")]
    assert read(settings, 2) == [(2, b"c")]


def test_a_head_that_was_deleted_is_no_wait(settings: Settings) -> None:
    send(settings, [b"%d" % n for n in range(10)])
    delete_before(settings, 4)
    assert read(settings, 0) == [(n, b"%d" % n) for n in range(4, 10)]
    delete_before(settings, 10)
    assert read(settings, 0) == []


async def committed(offsets: Offsets, group: str) -> dict[tuple[str, int], int]:
    """What a group has committed; a cluster that has never had a group needs a moment for its first."""
    while True:
        try:
            return await offsets.committed(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(0.1)


def test_ends_beginnings_and_what_nobody_has_committed(settings: Settings, topics: EnsureReport) -> None:
    send(settings, [b"x"] * 5)
    delete_before(settings, 2)
    name = topic(settings, "raw")

    async def look() -> tuple[dict[tuple[str, int], int], int, dict[tuple[str, int], int], dict[tuple[str, int], int]]:
        offsets = made(settings)
        await offsets.start()
        try:
            return (
                await offsets.ends([(name, 0)]),
                await offsets.begin(name, 0),
                await committed(offsets, "nobody"),
                await offsets.ends([]),
            )
        finally:
            await offsets.stop()

    assert asyncio.run(look()) == ({(name, 0): 5}, 2, {}, {})


def test_what_is_left_to_a_group_that_never_committed_is_what_is_still_there(settings: Settings) -> None:
    send(settings, [b"x"] * 5)
    delete_before(settings, 2)
    name = topic(settings, "raw")

    async def left() -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
        offsets = made(settings)
        await offsets.start()
        try:
            await committed(offsets, "nobody")
            one = await offsets.left("nobody", await offsets.ends([(name, 0)]))
            await asyncio.to_thread(delete_before, settings, 5)
            return one, await offsets.left("nobody", await offsets.ends([(name, 0)]))
        finally:
            await offsets.stop()

    assert asyncio.run(left()) == ({(name, 0): 3}, {(name, 0): 0})
