"""The loop of every stage, so that acknowledging and failing are written once.

    take a batch without acknowledging -> decode -> the stage's work -> produce all outputs, await every one
    -> acknowledge, oldest first

What cannot be decoded or is refused becomes a dead letter. A RetryableError is tried again with backoff. Anything else
ends the process, and Kafka gives the batch to the next one. An input that was alone in work when its process died
`runner.max_attempts` times becomes a dead letter too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from agents.blame import Blame
from agents.dead_letter import dead_letter
from agents.gaps import GapWatch, Upstream
from agents.journal import CrashJournal
from agents.lag import LagWatch
from agents.messages import Incoming, Item, Outcome, Stage
from agents.meters import RETRYABLE, Meters
from agents.offsets import Offsets
from agents.output import Output
from agents.passing import place
from agents.positions import Positions
from agents.watchdog import Watchdog
from pipeline.broker.security import security_arguments
from pipeline.errors import DeadlyInput, FatalError, InvalidEvent, RetryableError
from pipeline.metrics import Metrics
from pipeline.records import Void
from pipeline.settings import Settings
from pipeline.topics import TopicName, group, topic

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_LONGEST_S = 30.0
_ROOM_EVERY_S = 0.5


class Runner(Generic[T]):
    """Drives one stage over the batches that its Faust agent takes.

    Args:
        short_names: full topic name -> short name, for the stage's inputs.
        upstream: the stages before this one, in the order of the chain.
        fail: called with the error that ends the process when it happens outside of a batch.
    """

    def __init__(
        self,
        settings: Settings,
        stage: Stage[T],
        output: Output,
        metrics: Metrics,
        *,
        worker: str,
        short_names: Mapping[str, TopicName],
        bootstrap: str,
        upstream: Sequence[Upstream] = (),
    ) -> None:
        self.batch_size = stage.batch_size
        self._settings = settings
        self._group = group(settings, stage.name)
        self._stage = stage
        self._output = output
        self._short = short_names
        self._offsets = Offsets(
            bootstrap, f"{worker}-lag", settings.topics.max_message_bytes, security_arguments(settings)
        )
        journal = CrashJournal(settings.state_dir / "in-work" / stage.name)
        self._blame = Blame(journal, stage.name, settings.runner.max_attempts)
        self._watchdog = Watchdog(settings.runner.watchdog_s, frozen_s=settings.broker.session_timeout_s)
        self._gaps = GapWatch(self._offsets, upstream, settings.runner.watchdog_s)
        self._lock = asyncio.Lock()
        self._prepared: asyncio.Task[None] | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._stopping = False
        self._generation = -1
        self._positions = Positions()
        self.fail: Callable[[BaseException], Any] = lambda error: None
        self._meters = Meters(metrics, stage.name)
        self._lag = LagWatch(
            settings, bootstrap, short_names, self._offsets, self._positions, self._meters, self._watchdog,
            then=self._look_for_gaps,
        )  # fmt: skip

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        await self._output.start()
        await self._offsets.start()
        await self._stage.start()
        self._watchdog.start()
        self._watching = [
            asyncio.create_task(self._lag.run(), name="lag"),
            asyncio.create_task(self._meters.watch_loop(), name="event loop lag"),
        ]
        for task in self._watching:
            task.add_done_callback(self._background_ended)

    async def drain(self, seconds: float) -> None:
        """Let the batch in work come to its end, and take no more."""
        self._stopping = True
        self._watchdog.stop()
        try:
            await asyncio.wait_for(self._lock.acquire(), seconds)
        except TimeoutError:
            log.warning("the batch in work did not end within %.0f s; it will be replayed", seconds)
            self._blame.acquit()  # it was slow, not deadly
        else:
            self._lock.release()

    async def stop(self) -> None:
        for task in self._watching:
            task.cancel()
        await self._stage.stop()
        await self._output.stop()
        await self._offsets.stop()
        self._blame.close()

    def not_ready(self) -> str | None:
        """None when state is restored and partitions are assigned (or this worker is a stand-by without any)."""
        prepared = self._prepared  # asked from another thread: the next rebalance may begin at any moment
        if self._stopping:
            return "stopping"
        if prepared is None:
            return "no partitions assigned yet"
        if self._generation == -1:
            return "rebalancing"
        if not prepared.done():
            return "restoring state"
        return "restoring state failed" if prepared.cancelled() or prepared.exception() else None

    def not_alive(self) -> str | None:
        """None while there is progress, or nothing to do, and nothing is held back in vain."""
        return self._watchdog.problem() or self._gaps.problem()

    # -- assignment ------------------------------------------------------------------------------------------------

    def on_assigned(self, partitions: Mapping[TopicName, Sequence[int]], generation: int) -> None:
        """A rebalance has ended; state is made ready in the background, and batches wait for it."""
        self._generation = generation
        self._forget()
        self._meters.assigned(sum(map(len, partitions.values())))
        self._watchdog.progress()
        self._watchdog.busy(True)
        self._prepared = asyncio.create_task(self._prepare(partitions), name="prepare")
        self._prepared.add_done_callback(self._background_ended)

    async def on_revoked(self) -> None:
        """A rebalance has begun: end the batch in work; what is not acknowledged goes to its next owner."""
        self._generation = -1
        self._watchdog.progress()
        self._watchdog.busy(True)
        if self._prepared is not None and not self._prepared.done():
            self._prepared.cancel()  # restoring goes on from where it was when partitions come back
        async with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._positions.forget()
        self._meters.revoked()

    async def _prepare(self, partitions: Mapping[TopicName, Sequence[int]]) -> None:
        async with self._lock:
            for name, numbers in partitions.items():
                for number in numbers:
                    self._blame.open(name, number)
            await self._stage.assigned(partitions, self._offsets, self._watchdog.progress)
            committed = await self._offsets.committed(self._group)
            for name, numbers in partitions.items():
                for number in numbers:
                    full = topic(self._settings, name)
                    first = await self._offsets.begin(full, number)
                    goes_on = committed.get((full, number), 0)
                    start = max(first, goes_on)
                    if start > first:
                        self._stage.first_offset(name, number, start)
                    elif goes_on < first and (full, number) in committed:
                        self._deleted_unread(name, number, goes_on, first)
                    self._positions.assign((name, number), start)
            self._watchdog.progress()
            self._watchdog.busy(False)
        shown = ", ".join(f"{name}{list(numbers)}" for name, numbers in partitions.items())
        log.info("ready: %s", shown or "stand-by, no partitions")

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
            self.fail(error)

    # -- batches ---------------------------------------------------------------------------------------------------

    async def batch(self, events: Sequence[Any]) -> None:
        """Work through the Faust events of one batch.

        Raises:
            FatalError: and anything else that must end the process.
        """
        await self._wait_until_prepared()
        while not self._stopping and not await self._stage.room():
            self._meters.backpressure.set(1)
            self._watchdog.progress()
            await asyncio.sleep(_ROOM_EVERY_S)
        self._meters.backpressure.set(0)
        async with self._lock:
            if self._stopping:
                return
            generation = self._generation
            current = [e for e in events if e.message.generation_id == generation]
            self._meters.in_flight.set(len(current) + self._positions.unacked)
            items = [self._take(event) for event in current]
            self._meters.received.inc(len(items))
            await self._check_gaps(items)
            events_of = {(i.topic, i.partition, i.offset): e for i, e in zip(items, current, strict=True)}
            for part in self._blame.parts(items):
                if self._is_over(generation):
                    return  # the rest is not acknowledged, so whoever comes next gets it
                if not await self._work(part, generation):
                    return
                for i in part:
                    self._positions.worked((i.topic, i.partition), events_of[i.topic, i.partition, i.offset])
                self._positions.acknowledge(self._stage.held, self._generation)
                self._meters.in_flight.set(self._positions.unacked)
                self._blame.done(part, self._stage.held)

    def _is_over(self, generation: int) -> bool:
        """Whether the worker stops, or its partitions are no longer those of a generation."""
        return self._stopping or self._generation != generation

    async def _wait_until_prepared(self) -> None:
        """Wait for the state that the batch needs.

        Raises:
            FatalError: it could not be restored. The process is ending, but a batch must not run in between.
        """
        while (prepared := self._prepared) is not None and not prepared.done():
            await asyncio.wait([prepared])
        if prepared is not None and not prepared.cancelled() and (error := prepared.exception()) is not None:
            raise FatalError("the state for this batch could not be made ready") from error

    def _take(self, event: Any) -> Incoming:
        m = event.message
        name = self._short[m.topic]
        found = dict(m.headers or ())
        incoming = Incoming(
            topic=name,
            partition=m.partition,
            offset=m.offset,
            key=m.key,
            value=m.value,
            headers=found,
            timestamp_ms=int((m.timestamp or 0) * 1000),
            place=place(found, self._settings.topics.editions),
        )
        self._meters.size.observe(len(m.value or b""))
        return incoming

    async def _check_gaps(self, items: Sequence[Incoming]) -> None:
        """Notice records that Faust skipped: acknowledging past them would lose them.

        Raises:
            FatalError: a record was passed over that is still in the topic.
        """
        for incoming in items:
            partition = (incoming.topic, incoming.partition)
            expected = self._positions.expected(partition)
            if expected is not None and incoming.offset > expected and not self._stage.compacted_inputs:
                first = await self._offsets.begin(topic(self._settings, incoming.topic), incoming.partition)
                if first < incoming.offset:
                    raise FatalError(
                        f"{incoming.topic}[{incoming.partition}]: offset {incoming.offset} came, {expected} was next"
                    )
                self._deleted_unread(incoming.topic, incoming.partition, expected, incoming.offset)
            self._positions.take(partition, incoming.offset)

    def _deleted_unread(self, name: TopicName, partition: int, start: int, end: int) -> None:
        """Retention has deleted records before they were read.

        Raises:
            FatalError: the ledger would wait for them for ever.
        """
        if self._stage.compacted_inputs:
            return  # compaction may delete the head of a partition too
        lost = f"{name}[{partition}]: offsets {start}-{end - 1} were deleted by retention before they were read"
        if name != "raw":
            raise FatalError(
                f"{lost}. The ledger would wait for them for ever: empty unique, annotated and the decision logs, "
                "reset the groups of dedup, entities and incidents, and let dedup read raw again"
            )
        log.error("%s; they are gone", lost)

    async def _work(self, part: Sequence[Incoming], generation: int) -> bool:
        """Work through a part of a batch; False if it was left in the middle because its time is over."""
        started = time.perf_counter()
        self._watchdog.busy(True)
        self._blame.begin(part)
        try:
            items, refused = self._decode(part)
            done = await self._process(items, refused, generation)
        except DeadlyInput:
            raise
        except (RetryableError, FatalError, asyncio.CancelledError):
            self._blame.acquit()  # the world was to blame, not these inputs
            raise
        self._watchdog.progress()
        self._watchdog.busy(False)
        if done:
            self._meters.done(len(part), time.perf_counter() - started)
        else:
            self._blame.acquit()
        return done

    def _decode(self, part: Sequence[Incoming]) -> tuple[list[Item[T]], list[tuple[Incoming, InvalidEvent]]]:
        items: list[Item[T]] = []
        refused: list[tuple[Incoming, InvalidEvent]] = []
        for incoming in part:
            try:
                value = self._stage.decode(incoming)
                if not self._stage.decided(value, incoming):
                    self._blame.refuse_crash_loop(incoming)
                items.append(Item(incoming, value))
            except InvalidEvent as error:
                refused.append((incoming, error))
                items.append(Item(incoming, Void(reason=error.kind)))
        return items, refused

    async def _process(
        self, items: Sequence[Item[T]], refused: list[tuple[Incoming, InvalidEvent]], generation: int
    ) -> bool:
        tries = self._settings.runner.retry_attempts
        for attempt in range(1, tries + 1):
            try:
                async with aclosing(self._stage.process(items, self._blame.taking_up)) as outcomes:
                    async for outcome in outcomes:
                        refused += outcome.rejected
                        await self._deliver(outcome, refused)
                        refused = []
                        if outcome.more and self._is_over(generation):
                            return False
                break
            except RetryableError as error:
                self._meters.errors(RETRYABLE).inc()
                if attempt == tries:
                    raise
                wait = min(self._settings.runner.retry_base_s * 2 ** (attempt - 1), _RETRY_LONGEST_S)
                log.warning("%s; next try in %.1f s (%d of %d)", error, wait, attempt + 1, tries)
                self._watchdog.progress()
                await asyncio.sleep(wait)
                if self._is_over(generation):
                    return False  # a rebalance or a stop does not wait for a store that is away
        if refused:
            await self._deliver(Outcome(), refused)
        return True

    async def _deliver(self, outcome: Outcome, refused: Sequence[tuple[Incoming, InvalidEvent]]) -> None:
        self._watchdog.end_if_frozen()
        letters = [dead_letter(self._settings, self._stage.name, i, e, self._blame.attempts(i)) for i, e in refused]
        with self._meters.output.time():
            await self._output.send([*outcome.outputs, *letters])
        self._watchdog.progress()
        for name, count in outcome.counts.items():
            self._meters.processed(name).inc(count)
        for incoming, error in refused:
            self._meters.dead_letter(error.kind).inc()
            log.warning("%s[%d]@%d is a dead letter: %s", incoming.topic, incoming.partition, incoming.offset, error)

    async def _look_for_gaps(self, waiting: int) -> None:
        if not self._lock.locked():
            await self._gaps.look(self._positions.heads(), waiting)
