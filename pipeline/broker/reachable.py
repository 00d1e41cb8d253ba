"""Which of several brokers take a connection: a client begins at those.

kafka-python takes a server of its list at random, gives it all the time there is to connect, and meets the same one
again after a pause that doubles. One broker that is away, of two, so makes some clients give up although the other one
answers: at once where its packets are dropped, now and then where its port is closed.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

_TIMEOUT_S = 2.0


def reachable(servers: Sequence[str], timeout_s: float = _TIMEOUT_S) -> list[str]:
    """Those of `servers` (host:port) that take a TCP connection within `timeout_s`, all of them if none does.

    A single server is not tried: there is nothing to choose. The others are not lost to a client that begins without
    them: the one it reaches tells it of the whole cluster.
    """
    if len(servers) < 2:
        return list(servers)
    with ThreadPoolExecutor(len(servers)) as pool:
        answers = list(pool.map(lambda server: _accepts(server, timeout_s), servers))
    return [server for server, there in zip(servers, answers, strict=True) if there] or list(servers)


def _accepts(server: str, timeout_s: float) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
    except OSError:
        return False
    return True
