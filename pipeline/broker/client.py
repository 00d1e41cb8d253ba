"""Which broker to talk to, and the settings that every kafka-python client shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline import __version__
from pipeline.broker.errors import AccessDenied, BrokerError
from pipeline.broker.local import LocalBroker
from pipeline.broker.reachable import reachable
from pipeline.broker.security import identity, security_arguments
from pipeline.settings import Settings

_BOOTSTRAP_TIMEOUT_S = 15.0
# The pause before another try of a broker doubles up to this. The library's own 30 s outlast the time to start in.
_RECONNECT_PAUSE_S = 1.0


def bootstrap(settings: Settings) -> str:
    """Address of the cluster: `broker.bootstrap`, else that of the running local broker.

    Raises:
        BrokerError: neither is there.
    """
    if settings.broker.bootstrap:
        return settings.broker.bootstrap
    address = LocalBroker.from_settings(settings).address()
    if address is None:
        raise BrokerError(
            "no Kafka broker: start everything with `wirefuse up`, the broker alone with `wirefuse broker start`, or "
            "name a cluster with WIREFUSE_BROKER=host:port"
        )
    return address


def client_options(settings: Settings, address: str | None = None) -> dict[str, Any]:
    """Keyword arguments that KafkaProducer, KafkaConsumer and KafkaAdminClient all take.

    Args:
        address: overrides `bootstrap(settings)`.

    Raises:
        BrokerError: as `bootstrap`.
        SettingsError: a file of the connection's security cannot be used.
    """
    return {
        "bootstrap_servers": reachable(servers(address or bootstrap(settings))),
        "client_id": f"wirefuse-{__version__}",
        "request_timeout_ms": int(settings.broker.request_timeout_s * 1000),
        "bootstrap_timeout_ms": int(min(_BOOTSTRAP_TIMEOUT_S, settings.broker.request_timeout_s) * 1000),
        "reconnect_backoff_max_ms": int(_RECONNECT_PAUSE_S * 1000),
        **security_arguments(settings),
    }


def servers(address: str) -> list[str]:
    """The brokers of an address `host:port[,host:port]`.

    Raises:
        BrokerError: a part of it is no host:port.
    """
    parts = [part.strip() for part in address.split(",") if part.strip()]
    for part in parts:
        host, _, port = part.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise BrokerError(f"broker.bootstrap: {part!r} is no host:port")
    return parts


@contextmanager
def explained(settings: Settings, address: str) -> Iterator[None]:
    """Turns the errors of kafka-python into BrokerErrors that name the cluster and, as far as can be found out, why.

    Where there is a login, it is tried before anything else: the clients try a wrong password again and again for as
    long as they are given, and then say only that nobody answered.
    """
    from kafka.errors import AuthorizationError, KafkaError, KafkaTimeoutError

    from pipeline.broker.connection import problem

    if settings.broker.security_protocol != "PLAINTEXT":
        found = problem(settings, address)
        if found is not None and found.final:
            raise AccessDenied(found.text)
    try:
        yield
    except KafkaTimeoutError as e:
        raise silent(settings, address, e) from e
    except AuthorizationError as e:
        raise AccessDenied(
            f"the Kafka cluster at {address} does not allow this to {identity(settings)}: {e}; `wirefuse acls show` "
            "prints what each role needs"
        ) from e
    except KafkaError as e:
        raise BrokerError(f"the Kafka cluster at {address} refused: {e}") from e


def silent(settings: Settings, address: str, error: Exception) -> BrokerError:
    """The error to raise for a cluster that a client got no answer from."""
    from pipeline.broker.connection import problem

    found = problem(settings, address)
    if found is not None and found.final:
        return AccessDenied(found.text)
    return BrokerError(f"the Kafka cluster at {address} does not answer: {found.text if found else error}")
