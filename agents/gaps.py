"""Notices a record that is held back for one that will never come.

That a record waits long says little: NER may be an hour behind. But once every stage before has acknowledged all that
was there when it began to wait, nothing can be on its way any more, and the one that it waits for is lost (a topic was
emptied, or retention was faster than the stage).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.offsets import Offsets
from pipeline.topics import TopicName

log = logging.getLogger(__name__)

FullPartition = tuple[str, int]
_Partition = tuple[TopicName, int]
_Head = tuple[int, float]  # offset, and since when it waits


@dataclass(frozen=True, slots=True)
class Upstream:
    """A stage before this one: its consumer group, and the partitions (full topic name, number) that it reads."""

    group: str
    inputs: Sequence[FullPartition]


class GapWatch:
    """Follows the oldest record that is held back in each partition.

    Args:
        upstream: the stages before this one, in the order of the chain.
        limit_s: a record that waits no longer than this is no matter.
    """

    def __init__(self, offsets: Offsets, upstream: Sequence[Upstream], limit_s: float) -> None:
        self._offsets = offsets
        self._upstream = upstream
        self._limit = limit_s
        self._heads: dict[_Partition, _Head] = {}
        self._old: dict[_Partition, _Head] = {}  # those of them that wait too long
        self._passed = 0  # stages that are through with what was there
        self._marks: dict[FullPartition, int] = {}  # what the next of them must be through with
        self._problem: str | None = None

    def problem(self) -> str | None:
        """What is wrong, in words; None while nothing is held back in vain."""
        return self._problem

    async def look(self, heads: Mapping[_Partition, int], waiting: int) -> None:
        """Look again; call it every few seconds.

        Args:
            heads: offset of the oldest record that is held back, for each partition that has one.
            waiting: records of the stage's own input that are not yet taken.
        """
        now = time.monotonic()
        known, self._heads = self._heads, {}
        for partition, offset in heads.items():
            before = known.get(partition)
            self._heads[partition] = before if before is not None and before[0] == offset else (offset, now)
        old = {p: h for p, h in self._heads.items() if now - h[1] > self._limit}
        if old != self._old:
            self._old, self._passed, self._marks, self._problem = old, 0, {}, None
        if not old or self._problem is not None:
            return
        if self._passed < len(self._upstream):
            await self._follow()  # what they have just handed on is judged next time
            return
        if waiting:
            return
        where = ", ".join(f"{name}[{number}]@{offset}" for (name, number), (offset, _) in old.items())
        longest = max(now - since for _, since in old.values())
        self._problem = (
            f"{where} is held back for {longest:.0f} s, and the stages before have nothing left: "
            "what should come first is lost"
        )
        log.error("%s", self._problem)

    async def _follow(self) -> None:
        """Go on to the first stage that has not yet acknowledged what was in its input when its turn came."""
        while self._passed < len(self._upstream):
            stage = self._upstream[self._passed]
            if not self._marks:
                self._marks = await self._offsets.ends(stage.inputs)
            if any((await self._offsets.left(stage.group, self._marks)).values()):
                return
            self._passed += 1
            self._marks = {}
