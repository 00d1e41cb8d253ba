"""Publishes items to Kafka: articles to `raw`, what could not be read to `dead-letter`, in order, none lost.

An item's mark is handed to `commit` once the broker has acknowledged it and everything sent before it. Items in the
window (sent, and not yet committed) are what a killed producer sends again; dedup recognises them.

The idempotent producer retries by itself and keeps the order, for as long as it takes: its delivery timeout is out of
reach here, since a record that it gives up on would arrive after its successors. What still fails (the broker lost the
producer's state, say) is sent again by a new producer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    RecordListTooLargeError,
    UnknownProducerIdError,
)

from pipeline.broker.client import bootstrap, client_options
from pipeline.broker.errors import BrokerError
from pipeline.broker.patience import PatientClient
from pipeline.errors import FatalError, InvalidEvent
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.sources.destination import START_S, TRY_MS, Stopped, until_it_answers
from pipeline.sources.messages import Record, dead_letter, record_of
from pipeline.sources.meters import ProducerMeters
from pipeline.sources.wire import Item

_LINGER_MS = 10
_BATCH_BYTES = 256 * 1024
_NEVER_MS = 2**31 - 1
_RECONNECT_MAX_MS = 5_000
_SLICE_S = 0.2
_SILENCE_S = 5.0
_SILENCE_MAX_S = 60.0
_BACKOFF_MAX_S = 30.0
_CLOSE_S = 1.0
_COMMIT_S = 0.5
# Articles are a few kB; this bounds the memory when they are not.
_WINDOW_BYTES = 16 * 1024 * 1024

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_NEW_PRODUCER_HELPS = (
    InvalidProducerEpochError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    UnknownProducerIdError,
)

Mark = TypeVar("Mark")


@dataclass(slots=True)
class Counts:
    """What became of the items, by acknowledgement.

    Attributes:
        sent: articles in `raw`.
        dead_letters: items in `dead-letter`, by kind.
        problems: optional fields that could not be used, by name.
    """

    sent: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Sent(Generic[Mark]):
    """One place in the window: an item on its way, or a mark between items."""

    mark: Mark
    item: Item | None
    record: Record | None
    future: Any = None
    posted: float = 0.0


class Publisher(Generic[Mark]):
    """Sends items and says which of them are safe.

    Not thread-safe: everything happens in the caller's thread, also `commit`.

    Args:
        commit: called with the marks of items that are safe, in order; only then do they leave the window.
        edition: partition of `raw`; default `producer.edition`.
        say: takes one line for a person about waiting for the broker.
        stop: once set, `send` and `wait` raise Stopped.
        counts: filled while items are acknowledged.

    Raises:
        BrokerError: no broker, or it does not answer for a minute.
    """

    def __init__(
        self,
        settings: Settings,
        commit: Callable[[Sequence[Mark]], None],
        *,
        edition: int | None = None,
        say: Callable[[str], None] = lambda line: None,
        metrics: Metrics | None = None,
        stop: threading.Event | None = None,
        counts: Counts | None = None,
    ) -> None:
        self.counts = Counts() if counts is None else counts
        self._settings = settings
        self._commit_marks = commit
        self._edition = settings.producer.edition if edition is None else edition
        self._say = say
        self._meters = ProducerMeters(metrics or Metrics())
        self._stop = stop or threading.Event()
        self._address = bootstrap(settings)
        self._window: deque[_Sent[Mark]] = deque()
        self._window_bytes = 0
        self._safe: list[Mark] = []
        self._limit = settings.producer.max_in_flight
        self._last_commit = time.monotonic()
        self._close_by: float | None = None
        self._failures = 0
        self._producer = self._connect(give_up_s=START_S)

    def send(self, item: Item, mark: Mark) -> None:
        """Send one item; waits while the window is full.

        Raises:
            Stopped: the user asked to stop; the item was not sent.
            FatalError: the broker refuses for good (no rights, no such partition).
        """
        self._make_room(len(item.raw))
        record = record_of(item, self._edition, self._settings)
        self._meters.received(item.size)
        self._note_problems(item)
        place = _Sent(mark, item, record)
        self._window_bytes += len(record.value)
        self._post(place)
        self._window.append(place)
        self._meters.in_flight.set(len(self._window))
        self.poll()

    def mark(self, mark: Mark) -> None:
        """A mark that is safe once everything sent before it is."""
        self._window.append(_Sent(mark, None, None))
        self.poll()

    def poll(self) -> None:
        """Take in what was acknowledged; commits when it is time. Does not wait for the broker."""
        self._settle()
        now = time.monotonic()
        if len(self._safe) * 2 >= self._limit or (self._safe and now - self._last_commit >= _COMMIT_S):
            self._commit()

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, but for taking in acknowledgements.

        Raises:
            Stopped: the user asked to stop.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stop.wait(min(left, _SLICE_S)):
                raise Stopped
            self.poll()

    def flush(self) -> None:
        """Wait until everything sent is acknowledged and committed.

        Raises:
            Stopped: the user asked to stop.
        """
        while self._window:
            self._await_head()
        self._commit()

    def close(self, timeout_s: float = 5.0) -> int:
        """Flush for so long, commit, and disconnect.

        Returns:
            How many items were sent and not acknowledged; they are sent again next time.
        """
        self._close_by = time.monotonic() + timeout_s
        try:
            self.flush()
        except (Stopped, BrokerError):
            self._commit()
        finally:
            self._disconnect()
        return sum(place.record is not None for place in self._window)

    def _make_room(self, size: int) -> None:
        """Wait until the window, and what is acknowledged and not committed, take one more item."""
        if self._stop.is_set():
            raise Stopped
        if len(self._window) + len(self._safe) < self._limit and self._window_bytes + size <= _WINDOW_BYTES:
            return
        # To the half, not to one place: a commit costs a write to the disk.
        while len(self._window) > self._limit // 2 or (self._window and self._window_bytes + size > _WINDOW_BYTES):
            self._await_head()
        self._commit()

    def _settle(self) -> None:
        """Take what is acknowledged from the front of the window."""
        while self._window:
            place = self._window[0]
            if place.record is not None:
                if not place.future.is_done:
                    return
                if place.future.failed():
                    self._recover(place.future.exception)
                    continue
                self._count(place, place.record)
                self._window_bytes -= len(place.record.value)
                self._failures = 0
            self._safe.append(place.mark)
            self._window.popleft()
            self._meters.in_flight.set(len(self._window))

    def _note_problems(self, item: Item) -> None:
        self.counts.problems.update(item.problems)
        for name in item.problems:
            self._meters.problem(name)

    def _count(self, place: _Sent[Mark], record: Record) -> None:
        self._meters.acknowledged(record, time.monotonic() - place.posted)
        if record.error is None:
            self.counts.sent += 1
        else:
            self.counts.dead_letters[record.error.kind] += 1

    def _commit(self) -> None:
        if self._safe:
            self._commit_marks(self._safe)
            self._meters.committed(len(self._safe))
            self._safe = []
        self._last_commit = time.monotonic()

    def _await_head(self) -> None:
        """Wait until the oldest item of the window is settled."""
        head = self._window[0]
        self._await_done(head)
        self._settle()

    def _await_done(self, place: _Sent[Mark]) -> None:
        """Wait until an item is acknowledged or refused; says so when it takes long."""
        started = time.monotonic()
        silence = _SILENCE_S
        while place.record is not None and not place.future.is_done:
            self._check_stop()
            try:
                place.future.get(timeout=_SLICE_S)
            except KafkaError:
                pass  # not done yet, or failed: the caller looks
            if time.monotonic() - started >= silence:
                self._say(f"waiting for {self._address}: nothing acknowledged for {silence:.0f} s")
                silence += min(silence, _SILENCE_MAX_S)
        if silence > _SILENCE_S:
            self._say(f"{self._address} acknowledges again")

    def _check_stop(self) -> None:
        over = self._stop.is_set() if self._close_by is None else time.monotonic() >= self._close_by
        if over:
            raise Stopped

    def _post(self, place: _Sent[Mark]) -> None:
        """Hand a record to the producer; one that it finds too large becomes a dead letter."""
        while True:
            r = place.record
            assert r is not None
            place.posted = time.monotonic()
            try:
                place.future = self._producer.send(
                    r.topic, value=r.value, key=r.key, headers=r.headers, partition=r.partition
                )
                return
            except _TOO_LARGE as e:
                self._shorten(place, e)
            except KafkaTimeoutError:
                self._say(f"{self._address} says nothing of topic {r.topic}; trying on")
                self._check_stop()
            except ValueError as e:
                raise FatalError(f"{r.topic}: cannot be published to partition {r.partition}: {e}") from e

    def _recover(self, error: BaseException) -> None:
        """Send again, in order, what the producer gave up; by a new one, for it may be of no more use.

        A record that the broker refuses as too large breaks an idempotent producer of kafka-python 3.0: it then fails
        whatever it holds with the same error. So after that error items go one by one, until the one is found.
        """
        too_large = isinstance(error, _TOO_LARGE)
        if not too_large and not (isinstance(error, _NEW_PRODUCER_HELPS) or getattr(error, "retriable", False)):
            raise FatalError(f"the broker at {self._address} refuses what is published: {error}")
        for place in self._window:
            self._await_done(place)
        failed = [place for place in self._window if place.record is not None and place.future.failed()]
        if not too_large:
            self._say(f"{self._address}: {error}; sending {len(failed)} items again")
            self._pause()
        self._meters.sent_again(len(failed))
        self._reconnect()
        for place in failed:
            self._post(place)
            if too_large:
                self._await_done(place)
                if isinstance(place.future.exception, _TOO_LARGE):
                    self._shorten(place, place.future.exception)
                    self._recover_one(place)

    def _recover_one(self, place: _Sent[Mark]) -> None:
        """Send a dead letter, cut in half as often as the broker finds it too large."""
        while True:
            self._reconnect()
            self._post(place)
            self._await_done(place)
            if not isinstance(place.future.exception, _TOO_LARGE):
                return
            self._shorten(place, place.future.exception)

    def _shorten(self, place: _Sent[Mark], error: BaseException) -> None:
        """What was refused as too large: an article becomes a dead letter, a dead letter is cut in half."""
        record, item = place.record, place.item
        assert record is not None
        assert item is not None
        if record.error is None:
            refused = InvalidEvent(
                "too_large", f"the record has {len(record.value)} bytes, and the broker takes no such: {error}"
            )
            place.record = dead_letter(item, refused, self._settings)
        elif record.value:
            place.record = dead_letter(item, record.error, self._settings, limit=len(record.value) // 2)
        else:
            raise FatalError(f"the broker at {self._address} refuses even an empty dead letter: {error}")
        self._window_bytes += len(place.record.value) - len(record.value)

    def _pause(self) -> None:
        """Back off from a broker that keeps failing."""
        seconds = min(self._settings.runner.retry_base_s * 2**self._failures, _BACKOFF_MAX_S)
        self._failures += 1
        if self._stop.wait(seconds):
            self._check_stop()

    def _reconnect(self) -> None:
        self._disconnect()
        # When closing, one try: nobody waits any more.
        self._producer = self._connect(give_up_s=None if self._close_by is None else 0.0)

    def _disconnect(self) -> None:
        try:
            self._producer.close(timeout=_CLOSE_S)
        except KafkaTimeoutError:
            # It still holds something, which is sent again next time, and has not been closed: its thread would go on,
            # and at the end of the process it would wait once more and print a traceback.
            self._producer._sender.force_close()
            self._producer._closed = True

    def _connect(self, give_up_s: float | None) -> KafkaProducer:
        return until_it_answers(
            lambda: KafkaProducer(**self._options()),
            self._address,
            settings=self._settings,
            say=self._say,
            stop=self._stop,
            give_up_s=give_up_s,
        )

    def _options(self) -> dict[str, Any]:
        largest = self._settings.topics.max_message_bytes
        return client_options(self._settings, self._address) | {
            "enable_idempotence": True,
            "acks": "all",
            "allow_auto_create_topics": False,
            "linger_ms": _LINGER_MS,
            "batch_size": min(_BATCH_BYTES, largest),
            "max_request_size": largest,
            "delivery_timeout_ms": _NEVER_MS,
            "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
            "bootstrap_timeout_ms": TRY_MS,
            "max_block_ms": TRY_MS,
            "metrics_enabled": False,
            "kafka_client": PatientClient,
        }
