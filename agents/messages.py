"""What the stage runner hands to a stage and takes from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from agents.offsets import Offsets
from pipeline.errors import InvalidEvent
from pipeline.records import Void
from pipeline.topics import TopicName

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One record as Kafka delivered it. `topic` is the short name, without the prefix.

    Attributes:
        place: edition, seq and prev_seq that its headers say; None where they say none that can be.
    """

    topic: TopicName
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes]
    timestamp_ms: int
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to produce; `partition` None lets the key decide. `value` None is a tombstone."""

    topic: TopicName
    key: bytes | None
    value: bytes | None = field(repr=False)
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """An incoming record with what it says, or a Void where it cannot be processed."""

    incoming: Incoming
    value: T | Void


@dataclass(slots=True)
class Outcome:
    """What became of some inputs.

    Attributes:
        outputs: records to produce, in order; all are durable before any input is acknowledged.
        rejected: inputs that the stage itself refused; the runner makes dead letters of them. The stage has already
            put their voids among the outputs.
        counts: how many inputs ended how, for `events_processed_total`.
        more: there is more to do for the same inputs. When the worker stops or loses its partitions, this is not asked
            for: none of the inputs is acknowledged then, and whoever gets them again must know what is done already.
    """

    outputs: list[Outgoing] = field(default_factory=list)
    rejected: list[tuple[Incoming, InvalidEvent]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    more: bool = False


class Stage(Protocol[T]):
    """One stage's own work; everything about delivery is the runner's.

    Attributes:
        name: stage name, label of its metrics.
        inputs: topics that it reads.
        compacted_inputs: True if gaps in the offsets of the inputs are normal.
        batch_size: records taken at once.
    """

    name: str
    inputs: tuple[TopicName, ...]
    compacted_inputs: bool
    batch_size: int

    def decode(self, incoming: Incoming) -> T:
        """Parse one record.

        Raises:
            InvalidEvent: the record becomes a dead letter, and `process` gets a Void in its place.
        """
        ...

    def decided(self, value: T, incoming: Incoming) -> bool:
        """Whether a decision about this input is in the log already; it is then carried out."""
        ...

    def process(self, batch: Sequence[Item[T]], taking_up: Callable[[Incoming], None]) -> AsyncGenerator[Outcome, None]:
        """Work through a batch, in the order of each partition.

        Args:
            taking_up: to be called before work on an input that was held back from an earlier batch, so that the crash
                journal blames the right one.

        Every yielded outcome is made durable before the next is asked for.

        Raises:
            RetryableError: the runner backs off and gives the whole batch again.
        """
        ...

    async def room(self) -> bool:
        """Whether another batch may be taken now; the runner asks again until it may."""
        ...

    def held(self, topic: TopicName, partition: int) -> Container[int]:
        """Offsets taken but not yet done; nothing from the first of them on is acknowledged."""
        ...

    async def assigned(
        self, partitions: Mapping[TopicName, Sequence[int]], offsets: Offsets, progress: Callable[[], None]
    ) -> None:
        """Make ready for exactly these partitions; called after every rebalance, before the first batch of it.

        Args:
            progress: to be called now and then in long work, or the watchdog ends the process.
        """
        ...

    def first_offset(self, topic: TopicName, partition: int, offset: int) -> None:
        """Called after `assigned` with the offset that the group goes on from.

        Raises:
            FatalError: the stage's state does not belong to that offset.
        """
        ...

    async def start(self) -> None:
        """Called once, before the first assignment."""
        ...

    async def stop(self) -> None:
        """Called once, after the last batch."""
        ...
