"""A snapshot bounds a restart and changes nothing: with the log behind it it is the log, or it is not used."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ledger_log import LedgerLog
from agents.snapshots import Snapshots
from pipeline import codec
from pipeline.errors import FatalError
from pipeline.incidents.decision import SCHEMA, Decision
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.snapshot import FORMAT
from pipeline.records import Annotated
from pipeline.settings import Settings, load

from .dump import dump
from .wire import START, Wire, article

COUNT = 60


class Log:
    """A decision log as the stages see it: `Offsets`, and the cleaner."""

    def __init__(self, values: Iterable[bytes] = ()) -> None:
        self.records = dict(enumerate(values))
        self.end = len(self.records)
        self.reads: list[int] = []
        self.schema = SCHEMA

    async def ends(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(partitions, self.end)

    async def read(self, topic: str, partition: int, start: int) -> AsyncGenerator[Sequence[Any], None]:
        self.reads.append(start)
        head = (("wf-schema", str(self.schema).encode()),)
        found = [SimpleNamespace(offset=at, value=v, headers=head) for at, v in self.records.items() if at >= start]
        for n in range(0, len(found), 10):
            yield found[n : n + 10]


def decisions() -> list[bytes]:
    wire, ledger = Wire(), Ledger(0, load(env={}).incidents)
    found = []
    for n in range(COUNT):
        item = (
            wire.new(f"a{n % 50}", n % 4, n % 3, hours=n / 10) if n % 9 else wire.kill(f"a{n // 2}", event_time=START)
        )
        found.append(codec.encode(ledger.decide(item)))
    return found


DECIDED = decisions()


def chosen(folder: Path, **more: Any) -> Settings:
    return load(env={}, flags={"data.dir": str(folder), "incidents.snapshot_every": 10} | more)


def restored(log: Log, settings: Settings) -> LedgerLog:
    ledger = LedgerLog(0, settings)
    asyncio.run(ledger.restore(log, lambda: None))  # type: ignore[arg-type]
    return ledger


def saved(log: Log, settings: Settings) -> LedgerLog:
    """A ledger that has folded a log and then saved itself."""
    ledger = restored(log, settings)
    ledger._saved_seq = -1
    asyncio.run(ledger.save(log, at_end=True))  # type: ignore[arg-type]
    return ledger


def folded(values: Iterable[bytes]) -> Ledger:
    ledger = Ledger(0, load(env={}).incidents)
    ledger.apply_all([Ledger.read(value) for value in values])
    return ledger


@given(at=st.integers(1, COUNT))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_snapshot_and_the_log_behind_it_are_the_log(tmp_path: Path, at: int) -> None:
    own = chosen(tmp_path)
    (tmp_path / "snapshots" / "incidents-0.snapshot").unlink(missing_ok=True)
    saved(Log(DECIDED[:at]), own)
    log = Log(DECIDED)
    again = restored(log, own)
    assert log.reads[-1] == at, "what the snapshot stands for is not read again"
    assert dump(again.engine) == dump(folded(DECIDED))
    assert again.engine.snapshot() == folded(DECIDED).snapshot()


def test_decisions_go_on_alike_after_a_snapshot(tmp_path: Path) -> None:
    saved(Log(DECIDED), chosen(tmp_path))
    ledgers = [folded(DECIDED), restored(Log(DECIDED), chosen(tmp_path)).engine]
    wire = Wire()
    wire.prev_seq = ledgers[0].last_seq
    for n in range(30):
        item = wire.item(f"b{n}", "new", article(f"b{n}", n % 4, n % 3, START + timedelta(hours=n)))
        one, other = (codec.encode(ledger.decide(item)) for ledger in ledgers)
        assert one == other
    assert dump(ledgers[0]) == dump(ledgers[1])


@pytest.mark.parametrize("schema", [SCHEMA - 1, SCHEMA + 1])
def test_a_log_of_another_version_is_refused_and_nothing_else_is_tried(tmp_path: Path, schema: int) -> None:
    log = Log(DECIDED)
    log.schema = schema
    with pytest.raises(FatalError, match=rf"has schema {schema}, .* knows {SCHEMA}: .*state rebuild"):
        restored(log, chosen(tmp_path))


def test_what_is_written_has_the_version_that_is_read(tmp_path: Path) -> None:
    ledger = restored(Log(), chosen(tmp_path))
    [record] = ledger.log_records([codec.decode(DECIDED[0], Decision)])
    log = Log([record.value or b""])
    log.schema = int(dict(record.headers)["wf-schema"])
    assert restored(log, chosen(tmp_path)).engine.last_seq == 0


@given(at=st.floats(0, 1), how=st.sampled_from(["cut", "flip"]))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_damaged_snapshot_is_not_used(tmp_path: Path, at: float, how: str) -> None:
    own = chosen(tmp_path)
    path = saved(Log(DECIDED[:40]), own).snapshots.path
    whole = path.read_bytes()
    place = int(at * (len(whole) - 1))
    path.write_bytes(whole[:place] if how == "cut" else whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    assert dump(restored(Log(DECIDED), own).engine) == dump(folded(DECIDED))


def without_head(log: Log, start: int) -> Log:
    """The log without what it had before an offset."""
    log.records = {at: value for at, value in log.records.items() if at >= start}
    return log


@pytest.mark.parametrize(
    ("why", "log", "more"),
    [
        ("is another log", Log([*DECIDED[:20], *reversed(DECIDED[20:40]), *DECIDED[40:]]), {}),
        ("has none of the records", without_head(Log(DECIDED), 40), {}),
        ("ends at 0", Log(DECIDED[:0]), {}),
        ("other settings", Log(DECIDED), {"incidents.ttl_days": 9.0}),
        ("another version", Log(DECIDED), {}),
    ],
)
def test_a_snapshot_of_something_else_is_not_used(
    why: str,
    log: Log,
    more: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved(Log(DECIDED[:40]), chosen(tmp_path))
    if why == "another version":
        monkeypatch.setattr("agents.ledger_log.FORMAT", FORMAT + 1)
        why = "it is of version"
    log.reads.clear()
    restored(log, chosen(tmp_path, **more))
    assert log.reads[-1] == 0
    assert why in caplog.text


def cleaned(log: Log, end: int) -> Log:
    """The log after the cleaner has gone through it up to an offset."""
    newest = {codec.decode(value, Decision).key: at for at, value in log.records.items() if at < end}
    log.records = {at: value for at, value in log.records.items() if at >= end or at in newest.values()}
    return log


def test_a_snapshot_outlives_the_cleaner(tmp_path: Path) -> None:
    saved(Log(DECIDED[:40]), chosen(tmp_path))
    log = cleaned(Log(DECIDED), 40)
    again = restored(log, chosen(tmp_path))
    assert log.reads[-1] == 40
    assert dump(again.engine) == dump(folded(DECIDED))


def test_where_the_cleaner_was_behind_it_a_snapshot_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it took may have been about an article of the snapshot that is forgotten since."""
    saved(Log(DECIDED[:20]), chosen(tmp_path))
    log = cleaned(Log(DECIDED), COUNT)
    again = restored(log, chosen(tmp_path))
    assert log.reads[-2:] == [20, 0]
    assert "compaction has taken records behind seq" in caplog.text
    assert dump(again.engine) == dump(folded(DECIDED))


def test_what_the_log_does_not_have_is_not_saved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = restored(Log(DECIDED), chosen(tmp_path))
    ledger._saved_seq = -1
    asyncio.run(ledger.save(Log(DECIDED[:-1]), at_end=True))  # type: ignore[arg-type]
    assert not ledger.snapshots.path.exists()
    assert "was not written" in caplog.text


@pytest.mark.parametrize("more", [1, 5])
def test_when_another_worker_has_gone_on_nothing_is_saved(
    more: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else what the other has decided would lie before the snapshot's place in the log, and not be in it."""
    own = chosen(tmp_path)
    ledger = restored(Log(DECIDED[:40]), own)
    ledger._saved_seq = -1
    asyncio.run(ledger.save(Log(DECIDED[: 40 + more]), at_end=True))  # type: ignore[arg-type]
    assert dump(restored(Log(DECIDED), own).engine) == dump(folded(DECIDED))
    assert not ledger.snapshots.path.exists()
    there, known = (codec.decode(DECIDED[n], Decision).seq for n in (39 + more, 39))
    assert f"is {there}, not {known}" in caplog.text


def test_a_cluster_that_does_not_answer_costs_the_snapshot_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(Log):
        async def ends(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
            raise KafkaConnectionError("no leader")

    ledger = restored(Log(DECIDED), chosen(tmp_path))
    ledger._saved_seq = -1
    asyncio.run(ledger.save(Away(), at_end=True))  # type: ignore[arg-type]
    assert not ledger.snapshots.path.exists()
    assert "was not written" in caplog.text


def test_where_the_log_has_lost_its_end_a_snapshot_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would know more than the log, and whoever folds that would decide otherwise."""
    saved(Log(DECIDED[:40]), chosen(tmp_path))
    again = restored(Log(DECIDED[:38]), chosen(tmp_path))
    assert dump(again.engine) == dump(folded(DECIDED[:38]))
    assert "ends at 38 and has lost" in caplog.text


def test_a_kill_takes_the_snapshot_with_it_and_the_next_comes_soon(tmp_path: Path) -> None:
    own = chosen(tmp_path, **{"incidents.snapshot_every": 200})
    wire, ledger, log = Wire(), LedgerLog(0, own), Log()

    def decide(item: Annotated) -> None:
        decision = ledger.engine.decide(item)
        ledger.remember(decision)
        log.records[log.end] = codec.encode(decision)
        log.end += 1

    async def save(**how: bool) -> bytes | None:
        await ledger.save(log, **how)  # type: ignore[arg-type]
        return ledger.snapshots.path.read_bytes() if ledger.snapshots.path.exists() else None

    for n in range(5):
        decide(wire.new(f"a{n}", n % 4, n % 3, hours=n / 10))
    assert asyncio.run(save(at_end=True))
    decide(wire.kill("a2", event_time=START))
    assert not ledger.snapshots.path.exists(), "not even while the batch with the kill is on its way"
    waited = 1
    while asyncio.run(save()) is None:
        decide(wire.new(f"b{waited}", waited % 4, waited % 3, hours=1 + waited / 10))
        waited += 1
    assert 1 < waited <= 20
    assert dump(restored(log, own).engine) == dump(ledger.engine)


@pytest.mark.parametrize("every", [0, 10])
def test_a_ledger_that_another_worker_takes_over_leaves_the_memory(tmp_path: Path, every: int) -> None:
    """Restored state is kept from the garbage collector, so a circle in it would stay for the life of the process."""
    own = chosen(tmp_path, **{"incidents.snapshot_every": every})
    saved(Log(DECIDED[:40]), own)
    ledger = restored(Log(DECIDED), own)
    wire = Wire()
    wire.prev_seq = ledger.engine.last_seq
    ledger.remember(ledger.engine.decide(wire.new("b", 1, 1, hours=7)))
    state = ledger.engine._state
    parts = [weakref.ref(part) for part in (state, state.index, state.rulings, state.effects)]
    del ledger, state
    gc.collect()
    assert [part() for part in parts] == [None] * len(parts)


def test_zero_keeps_none(tmp_path: Path) -> None:
    own = chosen(tmp_path, **{"incidents.snapshot_every": 0})
    saved(Log(DECIDED), own)
    assert not (tmp_path / "snapshots").exists()


_WRITER = """
import sys
from pathlib import Path
from agents.snapshots import Head, Snapshots
snapshots = Snapshots(Path(sys.argv[1]), 0, "log", 1, [])
import hashlib
print("ready", flush=True)
n = 0
while True:
    n += 1
    state = bytes([n % 251]) * 2_000_000
    snapshots._write(Head(made_by=snapshots._made_by, settings=snapshots._settings, edition=0, last_seq=n, position=n,
        witnesses=[(0, 0)], size=len(state), sha256=hashlib.sha256(state).hexdigest()), state)
"""


def test_killed_at_any_moment_the_writer_leaves_a_whole_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.snapshot"
    rng = random.Random(5)
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            deadline = time.monotonic() + 240
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.2))
            writer.send_signal(signal.SIGKILL)
        head, state = Snapshots(path, 0, "log", 1, [])._read()
        assert len(state) == head.size
