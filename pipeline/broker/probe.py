"""Asks a broker whether it is there."""

from __future__ import annotations

import socket


def answers(address: str, timeout_s: float) -> bool:
    """Whether the broker at `host:port` answers a metadata request and has registered itself.

    An open port is not enough: a broker accepts connections before its controller lets it serve.
    """
    host, _, port = address.rpartition(":")
    try:
        # Spares the client's log messages about refused connections while a broker starts.
        socket.create_connection((host, int(port)), timeout_s).close()
    except OSError:
        return False
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        with KafkaAdminClient(
            bootstrap_servers=address,
            bootstrap_timeout_ms=int(timeout_s * 1000),
            request_timeout_ms=int(timeout_s * 1000),
        ) as admin:
            return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
