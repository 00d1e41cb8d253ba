"""What the runner is told by a stage that keeps nothing between two batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from agents.messages import Incoming
from agents.offsets import Offsets
from pipeline.topics import TopicName


class Stateless:
    """The part of `messages.Stage` about state: there is none to restore, nothing is held back or decided before."""

    def decided(self, value: object, incoming: Incoming) -> bool:
        return False

    async def assigned(
        self, partitions: Mapping[TopicName, Sequence[int]], offsets: Offsets, progress: Callable[[], None]
    ) -> None: ...

    def first_offset(self, name: TopicName, partition: int, offset: int) -> None: ...

    async def room(self) -> bool:
        return True

    def held(self, name: TopicName, partition: int) -> frozenset[int]:
        return frozenset()
