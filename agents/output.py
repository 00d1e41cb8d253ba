"""The stages' own producer: idempotent, acks=all, and every send is awaited before an input is acknowledged.

Faust's `topic.send` is not used: it costs ten times as much per record, and its flush ignores failures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.messages import Outgoing
from pipeline.broker.security import security_arguments
from pipeline.errors import DeadlyInput, FatalError
from pipeline.settings import Settings
from pipeline.topics import registry

# A broker's restart takes seconds, a cluster's election of leaders tens of them. aiokafka's idempotent producer tries
# for ever, so the limit is ours; past it the process ends, and its inputs are replayed. Below the watchdog's limit,
# which would take the silence for a fault of the worker.
_PATIENCE = 0.75
_BATCH_BYTES = 256 * 1024
# The broker's limit is for the whole batch on the wire, the client's for one record in it.
_FRAMING_BYTES = 4 * 1024


class OutputError(FatalError):
    """Outputs were not acknowledged. What was sent may be there or not, so a new process must replay the inputs."""


class Output:
    """Produces records and tells when they are durable.

    Args:
        bootstrap: host:port[,host:port] of the cluster.
        client_id: shown in the broker's logs.
    """

    def __init__(self, settings: Settings, bootstrap: str, client_id: str) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._topics = registry(settings)
        self._producer: AIOKafkaProducer | None = None
        self._largest = settings.topics.max_message_bytes - _FRAMING_BYTES
        self._patience_s = _PATIENCE * settings.runner.watchdog_s

    async def start(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap.split(","),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=self._settings.runner.linger_ms,
            max_batch_size=_BATCH_BYTES,
            max_request_size=self._settings.topics.max_message_bytes,
            request_timeout_ms=int(self._settings.broker.request_timeout_s * 1000),
            **security_arguments(self._settings),
        )
        await producer.start()
        self._producer = producer

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Produce the records and return when the cluster has all of them.

        Raises:
            OutputError: the cluster did not answer in time or refused.
            DeadlyInput: a record is larger than a topic takes, or for a partition that is not there. None was sent.
        """
        for record in records:
            if record.partition is not None and not 0 <= record.partition < self._topics[record.topic].partitions:
                raise DeadlyInput(f"a record is for {record.topic}[{record.partition}], which is not there")
            if (size := _size(record)) > self._largest:
                raise DeadlyInput(
                    f"a record for {record.topic} has {size} bytes; topics.max_message_bytes allows {self._largest}"
                )
        producer = self._producer
        assert producer is not None, "start() comes first"
        try:
            async with asyncio.timeout(self._patience_s):
                pending = [
                    await producer.send(
                        self._topics[r.topic].name,
                        value=r.value,
                        key=r.key,
                        partition=r.partition,
                        headers=list(r.headers),
                    )
                    for r in records
                ]
                await asyncio.gather(*pending)
        except TimeoutError as e:
            raise OutputError(f"outputs were not acknowledged in {self._patience_s:.0f} s") from e
        except (KafkaError, AssertionError) as e:  # aiokafka asserts that the cluster's topic has the partition
            raise OutputError(f"outputs were not acknowledged: {e!r}") from e


def _size(record: Outgoing) -> int:
    headers = sum(len(name) + len(data) for name, data in record.headers)
    return len(record.value or b"") + len(record.key or b"") + headers
