"""Reading topics beside the consumer group: ends of partitions for lag, whole partitions for restoring state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_FETCH_BYTES = 8 * 1024 * 1024
_POLL_MS = 500


class Offsets:
    """A group-less consumer.

    Args:
        bootstrap: host:port[,host:port].
        max_record_bytes: largest record that can come.
        security: as `security_arguments` gives them; none for PLAINTEXT.
    """

    def __init__(
        self, bootstrap: str, client_id: str, max_record_bytes: int, security: Mapping[str, Any] | None = None
    ) -> None:
        self._connection = {"bootstrap_servers": bootstrap.split(","), "client_id": client_id, **(security or {})}
        self._options: dict[str, Any] = {
            **self._connection,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "max_partition_fetch_bytes": max(_FETCH_BYTES, max_record_bytes),
            "fetch_max_bytes": max(_FETCH_BYTES, max_record_bytes),
        }
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        self._consumer = AIOKafkaConsumer(**self._options)
        await self._consumer.start()

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None
        await self._close_admin()

    async def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Offset after the last record of each partition."""
        assert self._consumer is not None
        found = await self._consumer.end_offsets([TopicPartition(*p) for p in partitions])
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def begin(self, topic: str, partition: int) -> int:
        """Offset of the first record that is still there."""
        return (await self.begins([(topic, partition)]))[topic, partition]

    async def begins(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The same of many partitions."""
        assert self._consumer is not None
        found = await self._consumer.beginning_offsets([TopicPartition(*p) for p in partitions])
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        """Offset that a consumer group goes on from, for each partition that it has committed."""
        async with self._asking:
            # Kept open: with TLS and a login, a connection costs more than the question, and dedup asks every second.
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._connection)
                await admin.start()
                self._admin = admin
            try:
                found = await self._admin.list_consumer_group_offsets(group)
            except BaseException:
                await self._close_admin()  # a new one finds out anew who answers
                raise
        return {(tp.topic, tp.partition): m.offset for tp, m in found.items() if m.offset >= 0}

    async def left(self, group: str, ends: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """How many records before an offset a consumer group has not acknowledged, for each partition in `ends`.

        Of a partition that it never committed, or whose commit Kafka has forgotten because the group was away for a
        week, only the records that are still there count: it will never acknowledge what retention has deleted.
        """
        done = await self.committed(group)
        unknown = [partition for partition, end in ends.items() if end and partition not in done]
        if unknown:
            done |= await self.begins(unknown)
        return {partition: max(0, end - done.get(partition, 0)) for partition, end in ends.items()}

    async def read(self, topic: str, partition: int, start: int) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        """All records from `start` up to what is the end now, in chunks.

        Yields:
            Chunks in offset order; compaction may have left gaps.
        """
        tp = TopicPartition(topic, partition)
        reader = AIOKafkaConsumer(**self._options)
        await reader.start()
        try:
            reader.assign([tp])
            end = (await reader.end_offsets([tp]))[tp]
            first = (await reader.beginning_offsets([tp]))[tp]
            position = max(start, first)
            reader.seek(tp, position)
            while position < end:
                chunk = (await reader.getmany(tp, timeout_ms=_POLL_MS)).get(tp, [])
                # Records after `end` are somebody's later writes; they belong to the next restore.
                wanted = [r for r in chunk if r.offset < end]
                if wanted:
                    yield wanted
                position = await reader.position(tp)
        finally:
            await reader.stop()
