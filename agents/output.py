"""The stages' own producer: idempotent, acks=all, and every send is awaited before an input is acknowledged.

Faust's `topic.send` is not used: it costs ten times as much per record, and its flush ignores failures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from agents.messages import Outgoing
from pipeline.errors import FatalError
from pipeline.settings import Settings
from pipeline.topics import TopicName, registry

# A broker restart takes seconds, a cluster's leader election tens of them; a batch that fails is a crash and a replay.
_DELIVERY_TIMEOUT_MS = 180_000
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
        self._names: dict[TopicName, str] = {short: t.name for short, t in registry(settings).items()}
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap.split(","),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=self._settings.runner.linger_ms,
            max_batch_size=_BATCH_BYTES,
            max_request_size=self._settings.topics.max_message_bytes - _FRAMING_BYTES,
            request_timeout_ms=_DELIVERY_TIMEOUT_MS,
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
            FatalError: a record is larger than a topic takes.
        """
        producer = self._producer
        assert producer is not None, "start() comes first"
        try:
            pending = [
                await producer.send(
                    self._names[r.topic], value=r.value, key=r.key, partition=r.partition, headers=list(r.headers)
                )
                for r in records
            ]
            await asyncio.gather(*pending)
        except MessageSizeTooLargeError as e:
            raise FatalError(f"an output is larger than topics.max_message_bytes: {e}") from e
        except KafkaError as e:
            raise OutputError(f"outputs were not acknowledged: {e!r}") from e
