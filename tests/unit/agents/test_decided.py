"""State as the fold of a decision log, and which outputs are emitted again after a crash."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.decided import CHUNK, Decided
from agents.messages import Outgoing
from pipeline import codec
from pipeline.errors import FatalError
from pipeline.records import SCHEMA_VERSION

_MODULUS = 2**61 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A decision: the total of all numbers up to its seq."""

    seq: int
    number: int
    total: int

    @property
    def key(self) -> str:
        return f"n{self.number}"


class Summing:
    """State that depends on every decision and on their order."""

    def __init__(self) -> None:
        self.last_seq = -1
        self.total = 0
        self.evicted: Counter[str] = Counter()
        self.tombstones: list[str] = []

    def decide(self, seq: int, number: int) -> Sum:
        decision = Sum(seq=seq, number=number, total=(self.total * 31 + number) % _MODULUS)
        self.apply(decision)
        return decision

    def apply(self, decision: Sum) -> None:
        assert decision.seq > self.last_seq, "nothing is applied twice"
        self.last_seq = decision.seq
        self.total = decision.total
        if decision.number % 5 == 0:
            self.tombstones.append(f"old{decision.seq}")
            self.evicted["old"] += 1

    @staticmethod
    def read(value: bytes) -> Sum:
        return codec.decode(value, Sum)

    def apply_all(self, decisions: Sequence[Sum]) -> None:
        for decision in decisions:
            self.apply(decision)

    def settle(self) -> bool:
        return False

    def drain_tombstones(self) -> list[str]:
        found, self.tombstones = self.tombstones, []
        return found


@dataclass
class Log:
    """A partition of a decision log, read as the stages read it."""

    records: list[tuple[int, bytes | None]] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    open: int = 0
    schema: bytes = str(SCHEMA_VERSION).encode()

    def append(self, record: Outgoing) -> None:
        self.records.append((self.records[-1][0] + 1 if self.records else 0, record.value))

    async def read(self, topic: str, partition: int, start: int) -> AsyncIterator[Sequence[Any]]:
        self.reads.append(start)
        head = (("wf-schema", self.schema),)
        found = [SimpleNamespace(offset=at, value=value, headers=head) for at, value in self.records if at >= start]
        self.open += 1
        try:
            for n in range(0, len(found), 100):
                yield found[n : n + 100]
        finally:
            self.open -= 1


def decided() -> Decided[Summing, Sum]:
    return Decided(0, Summing, Sum, "dedup-log", "test.dedup-log")


def restore(state: Decided[Summing, Sum], log: Log) -> None:
    async def restored() -> None:
        try:
            await state.restore(log, lambda: None)  # type: ignore[arg-type]
        finally:
            assert not log.open, "whatever came of it, no reader is left behind"

    asyncio.run(restored())


def run_until_crash(
    numbers: Sequence[int], start: int, log: Log, outputs: list[int], batches: list[tuple[int, int]]
) -> int:
    """A stage's process from its start: each batch has a size and how many of its records become durable.

    Returns:
        The offset that is acknowledged when it dies, or when all is done.
    """
    state = decided()
    restore(state, log)
    seq = start
    while seq < len(numbers):
        size, durable = batches.pop(0) if batches else (CHUNK, 10 * CHUNK)
        end = min(seq + size, len(numbers))
        logged: list[Outgoing] = []
        emitted: list[int] = []
        for n in range(seq, end):
            decision = state.stored(n)
            if decision is None:
                if n <= state.engine.last_seq:
                    continue
                decision = state.engine.decide(n, numbers[n])
                state.remember(decision)
                logged += state.log_records([decision])
            emitted.append(decision.total)
        # Partitions fail each by itself; the worst is a log that is whole and outputs that are missing.
        for record in logged[:durable]:
            log.append(record)
        if durable < len(logged):
            return seq
        if durable < 2 * CHUNK:
            return seq  # the log has all, the outputs nothing
        outputs += emitted
        seq = end
    return seq


_batches = st.lists(st.tuples(st.integers(1, CHUNK), st.integers(0, 3 * CHUNK)), max_size=12)


@given(
    numbers=st.lists(st.integers(0, 20), max_size=60).map(lambda few: few * 40), lives=st.lists(_batches, max_size=5)
)
def test_crashes_change_no_decision_and_lose_no_output(numbers: list[int], lives: list[list[tuple[int, int]]]) -> None:
    undisturbed: list[int] = []
    run_until_crash(numbers, 0, Log(), undisturbed, [])
    log, position = Log(), 0
    outputs: list[int] = []
    for batches in [*lives, []]:
        position = run_until_crash(numbers, position, log, outputs, list(batches))
    assert set(outputs) == set(undisturbed), "every output, and none that an undisturbed run would not give"
    state = decided()
    restore(state, log)
    assert state.engine.last_seq == len(numbers) - 1
    assert not numbers or state.engine.total == undisturbed[-1]


def filled(count: int) -> tuple[Decided[Summing, Sum], Log]:
    state, log = decided(), Log()
    for seq in range(count):
        decision = state.engine.decide(seq, seq)
        state.remember(decision)
        for record in state.log_records([decision]):
            log.append(record)
    return state, log


def test_what_may_lack_outputs_is_kept_and_what_cannot_is_not() -> None:
    _, log = filled(5 * CHUNK)
    state = decided()
    restore(state, log)
    assert all(state.stored(seq) is not None for seq in range(4 * CHUNK, 5 * CHUNK))
    assert state.stored(0) is None, "memory is bounded"


def test_restoring_again_reads_only_what_is_new() -> None:
    writer, log = filled(10)
    state = decided()
    restore(state, log)
    end = len(log.records)
    decision = writer.engine.decide(10, 7)  # another worker had the partition in between
    for record in writer.log_records([decision]):
        log.append(record)
    restore(state, log)
    assert log.reads == [0, end]
    assert (state.engine.last_seq, state.engine.total) == (10, decision.total)


def test_what_it_wrote_itself_is_not_folded_twice() -> None:
    state, log = filled(10)
    total = state.engine.total
    restore(state, log)  # its partition comes back after a rebalance
    assert (state.engine.last_seq, state.engine.total) == (9, total)


def test_what_compaction_took_from_what_is_new_is_no_secret() -> None:
    """What it took may have superseded what is known, and have been superseded by a tombstone that is gone too."""
    writer, log = filled(10)
    state = decided()
    restore(state, log)
    end = len(log.records)
    for number in (3, 3, 4):
        for record in writer.log_records([writer.engine.decide(writer.engine.last_seq + 1, number)]):
            log.append(record)
    del log.records[end]
    restore(state, log)
    assert log.reads == [0, end, 0]
    assert (state.engine.last_seq, state.engine.total) == (12, writer.engine.total)
    assert state.stored(12) is not None


@pytest.mark.parametrize("behind", ["nothing", "a tombstone", "another decision"])
def test_what_compaction_took_from_its_own_decisions_costs_nothing(behind: str) -> None:
    state, log = filled(10)
    writer = copy.deepcopy(state.engine)
    del log.records[2:4]
    if behind == "a tombstone":
        log.records.append((log.records[-1][0] + 1, None))
    elif behind == "another decision":
        for record in state.log_records([writer.decide(10, 7)]):
            log.append(record)
    engine = state.engine
    restore(state, log)
    assert log.reads == [0]
    assert state.engine is engine
    assert engine.last_seq == (10 if behind == "another decision" else 9)


def test_a_late_copy_of_an_earlier_decision_changes_nothing() -> None:
    state, log = filled(10)
    log.records.append((len(log.records), log.records[0][1]))
    again = decided()
    restore(again, log)
    assert (again.engine.last_seq, again.engine.total) == (9, state.engine.total)


def test_tombstones_follow_their_decision_and_are_not_written_again_after_a_restore() -> None:
    state, log = filled(11)
    records = state.log_records([state.engine.decide(11, 15)])
    assert [(r.key, r.value is None) for r in records] == [(b"n15", False), (b"old11", True)]
    assert {(r.topic, r.partition) for r in records} == {("dedup-log", 0)}
    again = decided()
    restore(again, log)
    assert [r.key for r in again.log_records([again.engine.decide(11, 1)])] == [b"n1"]


def test_evictions_are_counted_once() -> None:
    state, _ = filled(11)
    assert state.newly_evicted() == {"old": 3}
    assert state.newly_evicted() == {}


def test_a_log_of_a_newer_version_stops_the_stage_although_it_could_be_read() -> None:
    _, log = filled(3)
    log.schema = b"999"
    with pytest.raises(FatalError, match=r"@0 has schema 999, and this version .* state rebuild"):
        restore(decided(), log)


def test_a_log_of_another_version_stops_the_stage() -> None:
    log = Log(records=[(4, b'{"seq": "x"}')])
    with pytest.raises(FatalError, match=r"test.dedup-log\[0\]@4 cannot be read .*another version"):
        restore(decided(), log)
