"""Where a worker stands in each of its partitions: what it took, worked through and acknowledged."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Container
from typing import Any

from pipeline.topics import TopicName

Partition = tuple[TopicName, int]


class _Position:
    """One assigned partition.

    Attributes:
        taken: next offset to take.
        done: next offset to acknowledge; None: nothing was acknowledged since the assignment.
        unacked: Faust's events that are worked through and not acknowledged, oldest first.
    """

    __slots__ = ("done", "taken", "unacked")

    def __init__(self, start: int) -> None:
        self.taken = start
        self.done: int | None = None
        self.unacked: deque[Any] = deque()


class Positions:
    """Every assigned partition. A rebalance takes them all, and gives those that stay anew."""

    def __init__(self) -> None:
        self._of: dict[Partition, _Position] = {}
        # Kept over rebalances: what waits is as old as what was done last, however often the partition came and went.
        self._last_timestamp_ms: dict[Partition, int] = {}

    def forget(self) -> None:
        """None is ours any longer; what is not acknowledged goes to the next owner."""
        self._of.clear()

    def assign(self, partition: Partition, start: int) -> None:
        """It is ours, and the record at `start` is the first to come."""
        self._of[partition] = _Position(start)

    @property
    def assigned(self) -> Collection[Partition]:
        """Those that are ours."""
        return self._of.keys()

    @property
    def unacked(self) -> int:
        """How many events are worked through and not acknowledged."""
        return sum(len(p.unacked) for p in self._of.values())

    def expected(self, partition: Partition) -> int | None:
        """The offset that should come next; None: the partition is not ours."""
        position = self._of.get(partition)
        return None if position is None else position.taken

    def take(self, partition: Partition, offset: int) -> None:
        """The record at `offset` was taken."""
        self._of.setdefault(partition, _Position(offset)).taken = offset + 1

    def worked(self, partition: Partition, event: Any) -> None:
        """A taken event is worked through, its outputs are durable. If its partition has gone, nothing happens."""
        if (position := self._of.get(partition)) is not None:
            position.unacked.append(event)

    def acknowledge(self, held: Callable[[TopicName, int], Container[int]], generation: int) -> None:
        """Acknowledge from the oldest on, up to the first that is held back.

        Never out of order: Faust commits past one unacknowledged event (faust-streaming#606).

        Args:
            held: topic, partition -> offsets that must not be acknowledged yet.
            generation: the group's. An event of an earlier one is its next owner's to acknowledge.
        """
        for partition, position in self._of.items():
            waiting = held(*partition)
            while position.unacked and position.unacked[0].message.offset not in waiting:
                event = position.unacked.popleft()
                position.done = event.message.offset + 1
                self._last_timestamp_ms[partition] = int((event.message.timestamp or 0) * 1000)
                if event.message.generation_id == generation:
                    event.ack()

    def heads(self) -> dict[Partition, int]:
        """Offset of the oldest record that is held back, for each partition that has one."""
        return {partition: p.unacked[0].message.offset for partition, p in self._of.items() if p.unacked}

    def untaken(self, partition: Partition, end: int) -> int:
        """How many records wait to be taken, where the partition ends before offset `end`."""
        return end - self._of[partition].taken

    def lag(self, partition: Partition, end: int) -> tuple[int, float]:
        """Records that are not acknowledged, and how long ago (seconds) the last that was had been written."""
        position = self._of[partition]
        done = position.taken if position.done is None else position.done
        records = max(0, end - done)
        last = self._last_timestamp_ms.get(partition)  # None: nothing was done since the start
        return records, time.time() - last / 1000 if records and last is not None else 0.0
