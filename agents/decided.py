"""State of one edition as the fold of its decision log: restoring it, and answering for decisions already made.

Decisions and the outputs that follow from them are produced together, at most `CHUNK` decisions at once, and all are
awaited before the next are sent. So after a crash the log may be ahead of the outputs by `CHUNK` decisions, never more.
The inputs of these were not acknowledged and come again; the stored decision is then emitted again, never made anew. An
input that comes again and is older than the last `TAIL` decisions needs nothing: its outputs are there.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Generic, Protocol, TypeVar

from aiokafka import ConsumerRecord

from agents.messages import Outgoing
from agents.offsets import Offsets
from pipeline import codec, headers
from pipeline.errors import FatalError, InvalidEvent
from pipeline.records import SCHEMA_VERSION
from pipeline.topics import TopicName

log = logging.getLogger(__name__)

CHUNK = 512
"""Decisions produced at once, at most."""
EVICTIONS = ("age", "size")
"""Why an entry leaves an index."""
TAIL = 2 * CHUNK
"""Decisions kept to be emitted again; `CHUNK` would do."""


class Decision(Protocol):
    """A record of a decision log."""

    @property
    def seq(self) -> int: ...

    @property
    def key(self) -> str: ...


D = TypeVar("D", bound=Decision)


class Engine(Protocol):
    """In-memory state that a decision log folds into."""

    @property
    def last_seq(self) -> int: ...

    @property
    def evicted(self) -> Mapping[str, int]: ...

    @staticmethod
    def read(value: bytes) -> Any:
        """What the state needs of a record of the log.

        Raises:
            InvalidEvent: it is none.
        """

    def apply_all(self, decisions: Sequence[Any]) -> None:
        """Fold what `read` gave in: seqs ascend, all above `last_seq`."""

    def settle(self) -> bool:
        """All of the log is folded in: do a part of what `apply_all` put off until then; False when nothing is left."""

    def drain_tombstones(self) -> list[str]: ...


E = TypeVar("E", bound=Engine)


class Decided(Generic[E, D]):
    """One edition's engine and the tail of its log.

    Args:
        make: makes an engine that has folded nothing.
        kind: the class of the log's records.
        log_topic: full name of the log.
        schema: version of the shape of its records.
    """

    def __init__(
        self,
        edition: int,
        make: Callable[[], E],
        kind: type[D],
        short: TopicName,
        log_topic: str,
        schema: int = SCHEMA_VERSION,
    ) -> None:
        self.edition = edition
        self.engine = make()
        self._make = make
        self.restore_seconds = 0.0
        self._kind = kind
        self._short = short
        self._topic = log_topic
        self._position = 0
        """Offset in the log from which to read on."""
        self._whole = False
        """Whether the engine has ever been at the end of the log; before, its gaps are those of a single reading."""
        self._schema = str(schema).encode()
        self._headers = ((headers.SCHEMA, self._schema),)
        self._tail: OrderedDict[int, D | bytes] = OrderedDict()
        """By seq; bytes of the log are decoded when they are asked for, which is seldom."""
        self._evicted: dict[str, int] = {}

    async def restore(self, offsets: Offsets, progress: Callable[[], None]) -> None:
        """Fold what the log holds beyond what is known: all of it at first, another owner's decisions later.

        What compaction has taken from there was superseded within the log, and what is known may be what it
        superseded: then all of the log is folded anew.

        Raises:
            FatalError: a record of the log cannot be read.
        """
        started = time.perf_counter()
        # None of what is restored is garbage: looking for it again and again would take a third of the time.
        gc.disable()
        try:
            count = await self._read_on(offsets, progress)
            if count is None:
                log.warning(
                    "%s[%d]: compaction has taken records behind seq %d, the last known one; the whole log is folded",
                    self._topic,
                    self.edition,
                    self.engine.last_seq,
                )
                self.engine = self._make()
                self._whole = False
                self._position = 0
                self._tail.clear()
                self._evicted.clear()
                count = await self._read_on(offsets, progress)
            while self.engine.settle():
                progress()
                await asyncio.sleep(0)  # the consumer's heartbeats
        finally:
            gc.enable()
        gc.freeze()
        self._whole = True
        self.engine.drain_tombstones()  # the log has them already
        self.restore_seconds = time.perf_counter() - started
        log.info(
            "%s[%d]: %d decisions restored in %.2f s, last seq %d",
            self._topic,
            self.edition,
            count,
            self.restore_seconds,
            self.engine.last_seq,
        )

    async def _read_on(self, offsets: Offsets, progress: Callable[[], None]) -> int | None:
        """Fold the log from where it was last read; how many decisions it had, or None if some of them are gone."""
        known = self.engine.last_seq if self._whole else -1
        gapless, count = True, 0
        async with aclosing(offsets.read(self._topic, self.edition, self._position)) as chunks:
            async for chunk in chunks:
                decisions, values = [], []
                for record in chunk:
                    gapless = gapless and (record.offset == self._position or known < 0)
                    self._position = record.offset + 1
                    if record.value is None:
                        continue
                    decision = self._read(record)
                    if decision.seq <= known:
                        gapless = True  # whatever is missing so far is known
                    elif not gapless:
                        return None
                    count += 1
                    decisions.append(decision)
                    values.append(record.value)
                self._fold(decisions, values)
                progress()
        return count if gapless else None

    def _read(self, record: ConsumerRecord) -> Any:
        if record.headers != self._headers:
            self._check_schema(record)
        try:
            return self.engine.read(record.value)
        except InvalidEvent as error:
            raise FatalError(f"{self._where(record)} cannot be read ({error}); another version wrote it") from None

    def _fold(self, decisions: Sequence[Any], values: Sequence[bytes]) -> None:
        last = self.engine.last_seq
        new = []
        for decision, value in zip(decisions, values, strict=True):
            if decision.seq > last:
                last = decision.seq
                new.append((decision, value))
        self.engine.apply_all([decision for decision, _ in new])
        for decision, value in new[-TAIL:]:
            self._keep(decision.seq, value)

    def _check_schema(self, record: ConsumerRecord) -> None:
        """Refuse what another version wrote: leaving out what this one does not know would change decisions.

        Raises:
            FatalError: its schema is not known.
        """
        said = dict(record.headers).get(headers.SCHEMA, self._schema)
        known = self._schema
        if said != known:
            raise FatalError(
                f"{self._where(record)} has schema {said.decode(errors='replace')}, and this version of Wirefuse knows "
                f"{known.decode()}: start the version that wrote it, or decide anew with `wirefuse state rebuild`"
            )

    def _where(self, record: ConsumerRecord) -> str:
        return f"{self._topic}[{self.edition}]@{record.offset}"

    def remember(self, decision: D) -> None:
        """Keep a decision for as long as its input may come again."""
        self._keep(decision.seq, decision)

    def _keep(self, seq: int, decision: D | bytes) -> None:
        self._tail[seq] = decision
        if len(self._tail) > TAIL:
            self._tail.popitem(last=False)

    def stored(self, seq: int) -> D | None:
        """The decision about a seq that was decided before, if its outputs may still be missing."""
        found = self._tail.get(seq)
        return codec.decode(found, self._kind) if isinstance(found, bytes) else found

    def newly_evicted(self) -> dict[str, int]:
        """Entries that left the index since the last call, by reason."""
        now = dict(self.engine.evicted)
        gone = {reason: count - self._evicted.get(reason, 0) for reason, count in now.items()}
        self._evicted = now
        return {reason: count for reason, count in gone.items() if count}

    def log_records(self, decisions: Sequence[D]) -> list[Outgoing]:
        """What goes to the log for decisions that were made together: themselves, and tombstones of what they pushed
        out.
        """
        records = [self._record(decision.key, codec.encode(decision)) for decision in decisions]
        records += [self._record(key, None) for key in self.engine.drain_tombstones()]
        return records

    def _record(self, key: str, value: bytes | None) -> Outgoing:
        return Outgoing(topic=self._short, key=key.encode(), value=value, partition=self.edition, headers=self._headers)
