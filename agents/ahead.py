"""How far dedup is ahead of NER: what NER has not done yet, the ledger must hold back copies and kills for."""

from __future__ import annotations

import logging
import time

from aiokafka.errors import KafkaError

from agents.offsets import Offsets
from pipeline.settings import Settings
from pipeline.topics import group, topic

log = logging.getLogger(__name__)

_ASK_EVERY_S = 1.0


class Ahead:
    """Whether dedup may go on, or has to wait for NER."""

    def __init__(self, settings: Settings) -> None:
        unique = topic(settings, "unique")
        self._inputs = [(unique, n) for n in range(settings.topics.unique_partitions)]
        self._group = group(settings, "entities")
        self._most = settings.dedup.max_ahead
        self._room = True
        self._ask_at = 0.0

    async def room(self, offsets: Offsets) -> bool:
        """True while fewer than `dedup.max_ahead` articles wait for NER; asks the cluster once a second at most."""
        if time.monotonic() < self._ask_at:
            return self._room
        try:
            left = await offsets.left(self._group, await offsets.ends(self._inputs))
        except (KafkaError, OSError):
            return self._room  # the batch itself will show whether the cluster is there
        waiting = sum(left.values())
        room = waiting < self._most
        if room != self._room:
            log.info("%d articles wait for NER; dedup %s", waiting, "goes on" if room else "waits for it")
        self._room, self._ask_at = room, time.monotonic() + _ASK_EVERY_S
        return room
