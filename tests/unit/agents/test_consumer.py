"""How a record gets from Faust's consumer to the stream: at once, unless the stream's buffer is full."""

from __future__ import annotations

import asyncio
from typing import Any

import faust

from agents.app import _Consumer, _Transport

BUFFER = 2


async def turns() -> None:
    """Let all that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


def made() -> tuple[_Consumer, Any]:
    """A consumer that is not started, and the queue that it gives records to."""
    app = faust.App("test", broker="kafka://127.0.0.1:1", autodiscover=False, stream_buffer_maxsize=BUFFER)

    async def nothing(*arguments: Any) -> None: ...

    channel = app.topic("input").clone(is_iterator=True)
    app.topics.add(channel)
    app.flow_control.resume()
    consumer = _Transport(app.conf.broker_consumer, app).create_consumer(
        nothing, on_partitions_revoked=nothing, on_partitions_assigned=nothing
    )
    assert isinstance(consumer, _Consumer)
    return consumer, channel.queue


def test_a_record_is_given_at_once_while_there_is_room() -> None:
    async def check() -> None:
        consumer, queue = made()
        before = asyncio.all_tasks()
        for n in range(BUFFER):
            await consumer.wait_first(queue.put(n), asyncio.Event().wait())
        assert [queue.get_nowait() for _ in range(BUFFER)] == [0, 1]
        assert asyncio.all_tasks() == before, "a task for each record is what costs"

    asyncio.run(check())


def test_a_record_for_which_there_is_no_room_waits_until_there_is() -> None:
    async def check() -> None:
        consumer, queue = made()
        for n in range(BUFFER):
            queue.put_nowait(n)
        waiting = asyncio.create_task(consumer.wait_first(queue.put(BUFFER), asyncio.Event().wait()))
        await turns()
        assert not waiting.done()
        assert queue.get_nowait() == 0
        await waiting
        assert [queue.get_nowait() for _ in range(BUFFER)] == [1, 2]

    asyncio.run(check())


def test_a_rebalance_ends_the_wait_for_room() -> None:
    async def check() -> None:
        consumer, queue = made()
        for n in range(BUFFER):
            queue.put_nowait(n)
        rebalance = asyncio.Event()
        waiting = asyncio.create_task(consumer.wait_first(queue.put(BUFFER), rebalance.wait()))
        await turns()
        assert not waiting.done()
        rebalance.set()
        await waiting
        assert [queue.get_nowait() for _ in range(BUFFER)] == [0, 1]
        assert queue.empty()

    asyncio.run(check())
