"""Where a producer sends to: the cluster, its topics, and the patience to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.broker.admin import ensure_topics
from pipeline.broker.client import bootstrap, client_options, silent
from pipeline.broker.errors import AccessDenied, BrokerError
from pipeline.broker.rights import require
from pipeline.settings import Settings
from pipeline.topics import topic

TRY_MS = 3_000
"""One try to reach the cluster; short, so that a signal is noticed between tries."""

START_S = 60.0
"""At the start an address that does not answer for so long is taken to be wrong."""

_BACKOFF_MAX_S = 30.0

T = TypeVar("T")


class Stopped(Exception):
    """The user asked to stop; what is in flight may still be flushed."""


def until_it_answers(
    make: Callable[[], T],
    address: str,
    *,
    settings: Settings,
    say: Callable[[str], None],
    stop: threading.Event,
    give_up_s: float | None,
) -> T:
    """The result of `make`, tried again with growing pauses while it raises a retriable KafkaError.

    Raises:
        BrokerError: not for `give_up_s` seconds (None: for ever), or the cluster refuses.
        AccessDenied: it does not take us for who we say we are, or cannot prove to be the one we look for.
        Stopped: `stop` was set.
    """
    started = time.monotonic()
    pause = settings.runner.retry_base_s
    while True:
        try:
            return make()
        except KafkaError as e:
            if not e.retriable:
                raise BrokerError(f"the Kafka cluster at {address} refuses: {e}") from e
            why = silent(settings, address, e)
            if isinstance(why, AccessDenied) or (give_up_s is not None and time.monotonic() - started >= give_up_s):
                raise why from e
        say(f"{address} does not answer; trying again in {pause:.1f} s")
        if stop.wait(pause):
            raise Stopped
        pause = min(2 * pause, _BACKOFF_MAX_S)


def destination(settings: Settings, edition: int, *, say: Callable[[str], None], stop: threading.Event) -> str:
    """Name of what is published into, for the cursors: cluster, topic and edition. Creates missing topics.

    Raises:
        BrokerError: no broker, it does not answer for a minute, or it has no such edition.
        AccessDenied: it does not let us in, or publish.
        Stopped: the user asked to stop.
    """
    address = bootstrap(settings)
    names = [topic(settings, "raw"), topic(settings, "dead-letter")]

    def look() -> tuple[str, dict[str, int]]:
        with KafkaAdminClient(**client_options(settings, address) | {"bootstrap_timeout_ms": TRY_MS}) as admin:
            cluster = str(admin.describe_cluster()["cluster_id"])
            found = admin.describe_topics(names)
        return cluster, {t["name"]: len(t["partitions"]) for t in found if t["error_code"] == 0}

    def answer() -> tuple[str, dict[str, int]]:
        return until_it_answers(look, address, settings=settings, say=say, stop=stop, give_up_s=START_S)

    cluster, partitions = answer()
    require(settings, "producer")
    if len(partitions) < len(names):
        ensure_topics(settings, address)
        cluster, partitions = answer()
    editions = partitions[names[0]]
    if not 0 <= edition < editions:
        raise BrokerError(f"there is no edition {edition}: topic {names[0]} has {editions}, counted from 0")
    return f"{cluster}/{names[0]}/{edition}"
