"""Finds the input that kills its stage: notes over a crash what was in work, and has it taken one at a time after."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Container, Sequence

from agents.journal import CrashJournal
from agents.messages import Incoming
from pipeline.errors import InvalidEvent
from pipeline.topics import TopicName

log = logging.getLogger(__name__)

Held = Callable[[TopicName, int], Container[int]]

# A batch of the largest articles would keep NER busy for half an hour without a sign of progress, and a rebalance or
# a stop waiting for as long. Sixty-four ordinary articles are a quarter of this.
PART_BYTES = 1024 * 1024


class Blame:
    """What one stage's crash journal means for its batches.

    The first death is of a whole part of a batch, the others are of one input alone.

    Args:
        max_attempts: deaths after which an input is refused.
    """

    def __init__(self, journal: CrashJournal, stage: str, max_attempts: int) -> None:
        self._journal = journal
        self._stage = stage
        self._alone_attempts = max(1, max_attempts - 1)

    def open(self, name: TopicName, number: int) -> None:
        """Start on a partition."""
        suspect = self._journal.open(name, number)
        if suspect is not None:
            log.warning(
                "%s[%d]: a worker died with offsets %d-%d in work; they are taken one at a time",
                name,
                number,
                suspect.first,
                suspect.last,
            )

    def close(self) -> None:
        self._journal.close()

    def parts(self, items: Sequence[Incoming]) -> list[list[Incoming]]:
        """The batch in pieces of about `PART_BYTES` at most, and every input under suspicion in one of its own."""
        parts: list[list[Incoming]] = [[]]
        size = 0
        for incoming in items:
            alone = self._journal.suspect(incoming.topic, incoming.partition, incoming.offset) is not None
            size += len(incoming.value or b"")
            if parts[-1] and (alone or size > PART_BYTES):
                parts.append([])
                size = len(incoming.value or b"")
            parts[-1].append(incoming)
            if alone:
                parts.append([])
                size = 0
        return [part for part in parts if part]

    def attempts(self, incoming: Incoming) -> int:
        """How often work on an input has begun, this time included."""
        suspect = self._journal.suspect(incoming.topic, incoming.partition, incoming.offset)
        return 1 if suspect is None else suspect.attempts + 1

    def refuse_crash_loop(self, incoming: Incoming) -> None:
        """Check an input before it is worked on again.

        Raises:
            InvalidEvent: the stage has died over it too often.
        """
        suspect = self._journal.suspect(incoming.topic, incoming.partition, incoming.offset)
        if suspect is not None and suspect.first == suspect.last and suspect.attempts >= self._alone_attempts:
            raise InvalidEvent("crash_loop", f"the {self._stage} stage died {suspect.attempts + 1} times over it")

    def begin(self, part: Sequence[Incoming]) -> None:
        """Note that a part is in work from now on."""
        for (name, number), offsets in _ranges(part).items():
            suspect = self._journal.suspect(name, number, offsets[0])
            alone = len(part) == 1 and suspect is not None
            attempts = (suspect.attempts if suspect and suspect.first == suspect.last else 0) + 1 if alone else 0
            self._journal.begin(name, number, offsets[0], offsets[-1], attempts)

    def taking_up(self, incoming: Incoming) -> None:
        """Note that an input that was held back is worked on now, alone."""
        suspect = self._journal.suspect(incoming.topic, incoming.partition, incoming.offset)
        attempts = suspect.attempts + 1 if suspect is not None and suspect.first == suspect.last else 0
        self._journal.begin(incoming.topic, incoming.partition, incoming.offset, incoming.offset, attempts)

    def done(self, part: Sequence[Incoming], held: Held) -> None:
        """Note that a part was worked through; what the stage holds back of it has not been worked on yet."""
        for (name, number), offsets in _ranges(part).items():
            if len(part) == 1 and offsets[0] in held(name, number):
                self._journal.acquit()  # no more suspected than before, and no less
            else:
                self._journal.done(name, number, offsets[0], offsets[-1])

    def acquit(self) -> None:
        """Note that the part in work is given up, and that the world is to blame, not its inputs."""
        self._journal.acquit()


def _ranges(part: Sequence[Incoming]) -> dict[tuple[TopicName, int], list[int]]:
    found: defaultdict[tuple[TopicName, int], list[int]] = defaultdict(list)
    for incoming in part:
        found[incoming.topic, incoming.partition].append(incoming.offset)
    return found
