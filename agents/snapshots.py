"""Snapshots of a state beside its decision log: a file that bounds how much of the log a restart must fold.

A snapshot never stands for more than the log does. It is taken when everything decided has been written, and holds
*witnesses*: where the last records before it stand in the log, and checksums of them. It is used only if the file is
whole, this version of Wirefuse wrote it under these settings, and the log still has at least one witness and none that
is different. Anything else costs a line in the log and the time to fold all of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

import msgspec
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from agents.offsets import Offsets
from pipeline import codec
from pipeline.records import SCHEMA_VERSION

log = logging.getLogger(__name__)

_MAGIC = b"wirefuse snapshot\n"
_WITNESSES = 64
"""Records at the end of the log that a snapshot names; compaction may take some, hardly all."""


class SnapshotError(Exception):
    """A snapshot cannot be used; says why."""


class Head(msgspec.Struct, kw_only=True):
    """What stands before the state in a snapshot's file, as a line of JSON.

    Attributes:
        made_by: version of Wirefuse, of its records' schema and of the state's form.
        settings: checksum of the settings that the state depends on.
        position: offset in the log of the first record that is not in the state.
        witnesses: (offset, CRC-32 of the value) of the last records before it.
        size, sha256: of the state's bytes, which follow.
    """

    made_by: str
    settings: str
    edition: int
    last_seq: int
    position: int
    witnesses: list[tuple[int, int]]
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot that may be used, and the offset in the log from which to fold on."""

    position: int
    state: bytes


class Snapshots:
    """The snapshots of one edition's state: one file, replaced by each new one.

    Args:
        path: the file; its folder is made when it is first written.
        log_topic: full name of the decision log.
        form: version of the form that the state's bytes have.
        settings: those that the state depends on.
    """

    def __init__(self, path: Path, edition: int, log_topic: str, form: int, settings: object) -> None:
        self.path = path
        self._new = path.with_suffix(".new")
        self._edition = edition
        self._topic = log_topic
        self._made_by = f"{version('wirefuse')}, schema {SCHEMA_VERSION}, form {form}"
        self._settings = hashlib.sha256(codec.encode(settings)).hexdigest()[:16]

    async def load(self, offsets: Offsets) -> Found | None:
        """The snapshot, if there is one and the log says that it may be used; says in the log why not."""
        try:
            head, state = await asyncio.to_thread(self._read)
            await self._check_log(offsets, head)
        except FileNotFoundError:
            return None
        except (SnapshotError, OSError) as error:
            log.warning("%s is not used, the whole log is folded: %s", self.path, error)
            return None
        return Found(head.position, state)

    async def save(self, offsets: Offsets, last_seq: int, state: bytes) -> bool:
        """Write a snapshot, if the log ends with `last_seq`; a failure is said in the log and harmless.

        Args:
            last_seq: of the newest decision in `state`.
        """
        started = time.perf_counter()
        try:
            head = await self._head(offsets, last_seq, state)
            await asyncio.to_thread(self._write, head, state)
        except (SnapshotError, OSError, KafkaError) as error:
            log.warning("%s was not written: %s", self.path, error)
            return False
        seconds = time.perf_counter() - started
        log.info("%s: last seq %d, %.1f MB in %.1f s", self.path, last_seq, len(state) / 1e6, seconds)
        return True

    def remove(self) -> None:
        """Delete the snapshot, if there is one; a failure is said in the log."""
        for path in (self.path, self._new):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.error("%s holds what was taken back and cannot be deleted, do so yourself: %s", path, error)

    # The log

    async def _head(self, offsets: Offsets, last_seq: int, state: bytes) -> Head:
        position = await self._end(offsets)
        records = await self._between(offsets, position - 2 * _WITNESSES, position)
        # Another worker may have the edition by now: what it has decided is behind what this one knows.
        newest = max((seq for r in records if (seq := _seq(r)) is not None), default=None)
        if newest != last_seq:
            where = f"{self._topic}[{self._edition}]"
            raise SnapshotError(f"the last decision at the end of {where} is {newest}, not {last_seq}")
        return Head(
            made_by=self._made_by,
            settings=self._settings,
            edition=self._edition,
            last_seq=last_seq,
            position=position,
            witnesses=[(r.offset, crc32(r.value)) for r in records][-_WITNESSES:],
            size=len(state),
            sha256=hashlib.sha256(state).hexdigest(),
        )

    async def _check_log(self, offsets: Offsets, head: Head) -> None:
        where = f"{self._topic}[{self._edition}]"
        end = await self._end(offsets)
        if end < head.position:
            raise SnapshotError(f"{where} ends at {end} and has lost what the snapshot has up to {head.position}")
        there = {r.offset: crc32(r.value) for r in await self._between(offsets, head.witnesses[0][0], head.position)}
        seen = [there[offset] == checksum for offset, checksum in head.witnesses if offset in there]
        if not seen or not all(seen):
            raise SnapshotError(f"{where} {'is another log' if seen else 'has none of the records that it names'}")

    async def _end(self, offsets: Offsets) -> int:
        return (await offsets.ends([(self._topic, self._edition)]))[self._topic, self._edition]

    async def _between(self, offsets: Offsets, start: int, end: int) -> list[ConsumerRecord]:
        """Records of the log, without tombstones."""
        found: list[ConsumerRecord] = []
        async with aclosing(offsets.read(self._topic, self._edition, max(0, start))) as chunks:
            async for chunk in chunks:
                found += [r for r in chunk if r.offset < end and r.value is not None]
                if chunk[-1].offset >= end - 1:
                    break
        return found

    # The file

    def _read(self) -> tuple[Head, bytes]:
        data = self.path.read_bytes()
        if not data.startswith(_MAGIC):
            raise SnapshotError("it is no snapshot")
        line, _, state = data[len(_MAGIC) :].partition(b"\n")
        try:
            head = msgspec.json.decode(line, type=Head)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"its head cannot be read ({error})") from None
        if (head.made_by, head.edition) != (self._made_by, self._edition):
            raise SnapshotError(f"it is of version {head.made_by}, edition {head.edition}")
        if head.settings != self._settings:
            raise SnapshotError("it was made under other settings")
        if len(state) != head.size or hashlib.sha256(state).hexdigest() != head.sha256 or not head.witnesses:
            raise SnapshotError("it is damaged")
        return head, state

    def _write(self, head: Head, state: bytes) -> None:
        """All or nothing, also when the process or the machine dies at any moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Titles and names are in it: for its owner alone.
            with os.fdopen(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines((_MAGIC, msgspec.json.encode(head), b"\n", state))
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self.path)
        except OSError:
            with suppress(OSError):
                self._new.unlink()
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class _Seq(msgspec.Struct):
    seq: int


def _seq(record: ConsumerRecord) -> int | None:
    try:
        return msgspec.json.decode(record.value, type=_Seq).seq
    except msgspec.DecodeError:
        return None
