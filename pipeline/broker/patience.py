"""A kafka-python client that does not spin while no broker answers.

When a broker that shuts down has said that a partition has no leader, the producer's thread asks for metadata in every
turn of its loop, and the asking wakes the loop: it takes a core for as long as the outage lasts (kafka-python 3.0.12,
`Sender._send_producer_data` and `ClusterMetadata.request_update`). And every connection refused leaves its socket
behind in a ring of references (`KafkaNetSocket.sock_connect`), until the garbage collector comes by, which in a process
that only waits may be never.
"""

from __future__ import annotations

import gc
import time
from typing import Any

from kafka.net.compat import KafkaNetClient

_PAUSE_S = 0.02
_COLLECT_S = 60.0


class PatientClient(KafkaNetClient):  # type: ignore[misc]  # the library has no types
    """For the option `kafka_client`: while nothing is connected, fifty turns a second, and no growing heap of sockets.

    Takes the arguments of its base class.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._collected = time.monotonic()

    def poll(self, timeout_ms: float | None = None, future: Any = None) -> Any:
        """As the library's, and then a pause if no broker is connected."""
        found = super().poll(timeout_ms=timeout_ms, future=future)
        if not any(self.connected(broker.node_id) for broker in self.cluster.brokers()):
            time.sleep(_PAUSE_S)
            if time.monotonic() - self._collected >= _COLLECT_S:
                gc.collect()
                self._collected = time.monotonic()
        return found
