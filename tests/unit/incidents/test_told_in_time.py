"""What a worker decides reaches whoever reads `incidents`, however soon the ledger forgets it, and whatever crashes."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.messages import Incoming, Item, Outgoing
from pipeline import codec
from pipeline.incidents.decision import SCHEMA
from pipeline.metrics import Metrics
from pipeline.records import Annotated, ArticleEvent, IncidentChange, IncidentRecord
from pipeline.settings import load
from pipeline.sink.base import IncidentQuery, open_reader, open_sink

from .wire import START, Wire

ROOM = 3
"""Articles that the ledger remembers."""


class Log:
    """The decision log of one edition, as `Offsets` reads it."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    async def ends(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(partitions, len(self.values))

    async def read(self, topic: str, partition: int, start: int) -> AsyncGenerator[Sequence[Any], None]:
        head = (("wf-schema", str(SCHEMA).encode()),)
        yield [SimpleNamespace(offset=n, value=v, headers=head) for n, v in enumerate(self.values) if n >= start]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module of the stage, which makes its app when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIREFUSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setenv("WIREFUSE_BROKER", "127.0.0.1:1")
        return importlib.import_module("agents.incidents")


def run(stages: Any, folder: Path, log: Log, items: Sequence[Annotated]) -> list[Outgoing]:
    """What a new worker produces from one batch, with the log as it finds it."""
    flags = {"data.dir": str(folder), "incidents.snapshot_every": 0, "incidents.max_articles": ROOM}
    stage = stages.IncidentsStage(load(env={}, flags=flags), Metrics())

    async def go() -> list[Outgoing]:
        await stage.assigned({"annotated": [0]}, log, lambda: None)
        batch = [Item(incoming(n, item), item) for n, item in enumerate(items)]
        return [one async for outcome in stage.process(batch, lambda _: None) for one in outcome.outputs]

    return asyncio.run(go())


def incoming(offset: int, item: Annotated) -> Incoming:
    return Incoming(
        topic="annotated", partition=0, offset=offset, key=None, value=codec.encode(item), headers={}, timestamp_ms=0
    )


def last_said(outputs: Sequence[Outgoing]) -> dict[bytes | None, IncidentRecord]:
    """The newest record of each incident; a tombstone does not count."""
    told = [o for o in outputs if o.topic == "incidents" and o.value is not None]
    return {o.key: codec.decode(o.value, IncidentRecord) for o in told}


def stream() -> list[Annotated]:
    """Four incidents, one with two reports, and enough reports of another event behind them to forget all of these."""
    wire = Wire()
    first = [wire.new(f"a{n}", event=n, hours=n) for n in range(4)]
    return [*first, wire.new("a4", event=3, angle=2, hours=4), *[wire.new(f"b{n}", 0, 2, 5 + n) for n in range(5)]]


def test_an_incident_that_is_forgotten_in_the_chunk_that_founded_it_is_told(stages: Any, tmp_path: Path) -> None:
    outputs = run(stages, tmp_path, Log(), stream())
    founded = {o.key for o in outputs if o.topic == "incident-changes" and b'"created"' in (o.value or b"")}
    assert len(founded) >= 4
    assert last_said(outputs).keys() == founded


def test_an_incident_whose_last_report_is_forgotten_is_told_closed(stages: Any, tmp_path: Path) -> None:
    outputs = run(stages, tmp_path, Log(), stream())
    changes = [codec.decode(o.value, IncidentChange) for o in outputs if o.topic == "incident-changes"]
    closed = {c.incident_id: c for c in changes if c.change == "closed"}
    assert len(closed) == 4, "each once, and not the one that still gets reports"
    assert {c.evidence["reason"] for c in closed.values()} == {"forgotten"}
    said = {r.incident_id: r for r in last_said(outputs).values()}
    assert {i for i, r in said.items() if r.status == "closed"} == closed.keys()
    for incident_id, change in closed.items():
        assert said[incident_id].version == change.seq
        assert said[incident_id].reports, "as it was before"


def test_it_is_told_after_a_crash_that_left_nothing_but_the_log(stages: Any, tmp_path: Path) -> None:
    items = stream()
    undisturbed = run(stages, tmp_path, Log(), items)
    log = Log()
    log.values = [o.value for o in undisturbed if o.topic == "incident-log"]
    assert last_said(run(stages, tmp_path, log, items)) == last_said(undisturbed)


def test_a_kill_of_what_the_ledger_has_forgotten_leaves_no_trace_in_the_store(stages: Any, tmp_path: Path) -> None:
    wire = Wire()
    items = [wire.new("a", event=2, angle=1), wire.new("b", event=2, angle=2, hours=1)]
    items += [wire.new(f"c{n}", 0, n % 4, 2 + n) for n in range(6)]
    outputs = run(stages, tmp_path, Log(), [*items, wire.kill("a"), wire.kill("b")])
    kinds = {"enriched": ArticleEvent, "incidents": IncidentRecord, "incident-changes": IncidentChange}
    file = tmp_path / "store" / "wirefuse.db"
    with closing(open_sink(f"sqlite:///{file}")) as sink:
        for output in outputs:
            if output.topic in kinds and output.value is not None:
                sink.write([codec.decode(output.value, kinds[output.topic])])
    with closing(open_reader(f"sqlite:///{file}")) as reader:
        assert [i.status for i in reader.incidents(IncidentQuery(min_reports=1))] == ["open"]
        assert [(i.title, i.reports) for i in reader.incidents(IncidentQuery(statuses=("withdrawn",)))] == [(None, 0)]
    stored = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"Velasco" in stored
    assert b"Quillon" not in stored
    assert b"Sallow" not in stored


def test_a_withdrawal_is_told_though_the_ledger_forgets_it_at_once(stages: Any, tmp_path: Path) -> None:
    wire = Wire()
    items = [wire.new("a", event=1), wire.kill("a", event_time=START)]
    items += [wire.new(f"b{n}", 0, n % 4, 1 + n) for n in range(8)]
    outputs = run(stages, tmp_path, Log(), items)
    key = next(o.key for o in outputs if o.topic == "incident-changes")
    told = [o.value for o in outputs if o.topic == "incidents" and o.key == key]
    assert [value and codec.decode(value, IncidentRecord).status for value in told] == ["withdrawn", None]
