"""Measures a worker's lag beside the group's consumer: a stuck consumer does not notice its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiokafka.errors import KafkaError

from agents.meters import Meters
from agents.offsets import Offsets
from agents.positions import Positions
from agents.watchdog import Watchdog
from pipeline.broker.connection import problem
from pipeline.broker.errors import AccessDenied
from pipeline.settings import Settings
from pipeline.topics import TopicName, topic

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_TIMEOUT_S = 10.0
# Lag that cannot be measured so often in a row: is the cluster down, or does it not let us in any more?
_FAILURES = 3


class LagWatch:
    """Looks at the ends of the assigned partitions every two seconds.

    Args:
        short_names: full topic name -> short name, for the stage's inputs.
        then: called after each look with how many records wait to be taken.
    """

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        short_names: Mapping[str, TopicName],
        offsets: Offsets,
        positions: Positions,
        meters: Meters,
        watchdog: Watchdog,
        then: Callable[[int], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self._short = short_names
        self._offsets = offsets
        self._positions = positions
        self._meters = meters
        self._watchdog = watchdog
        self._then = then

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            AccessDenied: it cannot be measured, because the cluster does not let us in any more. The clients would try
                for ever.
        """
        failures = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await asyncio.wait_for(self._look(), _TIMEOUT_S)
                failures = 0
            except (TimeoutError, OSError, KafkaError) as error:
                log.debug("lag not measured: %r", error)
                failures += 1
                if failures % _FAILURES == 0:
                    why = await asyncio.to_thread(problem, self._settings, self._bootstrap)
                    if why is not None and why.final:
                        raise AccessDenied(why.text) from error

    async def _look(self) -> None:
        assigned = self._positions.assigned
        ends = await self._offsets.ends([(topic(self._settings, name), number) for name, number in assigned])
        waiting = 0
        for (full, number), end in ends.items():
            partition = (self._short[full], number)
            if partition in self._positions.assigned:  # still
                waiting += self._positions.untaken(partition, end)
                self._meters.lag(partition, *self._positions.lag(partition, end))
        if ends:
            self._meters.checked()
        self._watchdog.waiting(waiting)
        await self._then(waiting)
