"""A whole chain of worker processes for one test, what it leaves in its sink, and what it should have left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from kafka.errors import KafkaError

from agents.progress import watching
from agents.supervisor import Supervisor, workers
from pipeline import codec
from pipeline.offline import run_items
from pipeline.records import RawArticle
from pipeline.settings import Settings, as_environment
from pipeline.sink.base import ArticleQuery, IncidentQuery, Reader, open_reader
from pipeline.sources import Item
from pipeline.topics import TopicName
from workers import PATIENCE_S, ROOT, read

Row = dict[str, Any]


class LiveChain:
    """The four stages as processes, started again when they die."""

    def __init__(self, settings: Settings, entity_workers: int = 1) -> None:
        self.settings = settings
        self.said: list[str] = []
        self.supervisor = Supervisor(settings, workers(settings, entity_workers), said=self.said.append)

    def kill(self, name: str) -> None:
        """SIGKILL a stage's process, if it runs."""
        process = next(p for p in self.supervisor.processes if p.name == name)
        if process.popen is not None and process.running:
            os.kill(process.popen.pid, signal.SIGKILL)

    @property
    def names(self) -> list[str]:
        return [p.name for p in self.supervisor.processes]

    @property
    def deaths(self) -> dict[str, int]:
        return {p.name: p.deaths for p in self.supervisor.processes}

    def tend(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.supervisor.tend()
            time.sleep(0.1)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Tend the chain until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}\n{self.said}\n{self._tails()}"
            self.tend(0.1)

    def _tails(self) -> str:
        return "\n".join(f"--- {p.name}\n{p.log_tail(20)}" for p in self.supervisor.processes)

    def finish(self, seconds: float = 600.0) -> None:
        """Wait until every stage has acknowledged everything."""
        deadline = time.monotonic() + seconds
        with watching(self.settings) as progress:
            while True:
                self.tend(0.5)
                try:
                    if progress.finished():
                        return
                    state = progress.stages()
                except KafkaError as error:
                    state = [error]  # type: ignore[list-item]
                if time.monotonic() > deadline:
                    raise AssertionError(f"not finished in {seconds:.0f} s: {state}\n{self.said}\n{self._tails()}")


@contextmanager
def running(settings: Settings, entity_workers: int = 1) -> Iterator[LiveChain]:
    chain = LiveChain(settings, entity_workers)
    chain.supervisor.start()
    try:
        yield chain
    finally:
        chain.supervisor.stop(60.0)


def publishing(settings: Settings, *paths: Path, speed: float | None = None) -> subprocess.Popen[bytes]:
    """`wirefuse publish` as a process; `speed` divides the articles' own gaps in time."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")} | as_environment(settings)
    pace = [] if speed is None else ["--speed", str(speed)]
    command = [sys.executable, "-m", "pipeline.cli", "publish", *pace, *map(str, paths)]
    with (settings.data_dir / "publish.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)


def publish(settings: Settings, *paths: Path) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    process = publishing(settings, *paths)
    try:
        status = process.wait(PATIENCE_S)
    finally:
        process.kill()
    assert status in (0, 1), (settings.data_dir / "publish.log").read_text()[-3000:]


def sink(settings: Settings) -> Reader:
    return open_reader(settings.sink_url)


def inputs(reader: Reader) -> list[tuple[int, int, str | None, str]]:
    """(edition, seq, article, verdict) of every input that the sink accounts for."""
    return [(i.edition, i.seq, i.article_id, i.verdict) for i in reader.inputs()]


def articles(reader: Reader) -> dict[str, Row]:
    """What was decided about every article."""
    return {
        a.article_id: {
            "status": a.status, "verdict": a.verdict, "copy_of": a.copy_of, "copy_group": a.copy_group,
            "incident_id": a.incident_id, "title": a.title,
        }
        for a in reader.articles(ArticleQuery())
    }  # fmt: skip


def incidents(reader: Reader) -> dict[str, Row]:
    """Every incident's record, whole."""
    return {i.incident_id: dict(i.record) for i in reader.incidents(IncidentQuery())}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an undisturbed run gives: events in the order of seq, and incidents by id."""

    events: list[Row]
    incidents: dict[str, Row]


def expected(settings: Settings, out: Path) -> Expected:
    """What the same `raw` topic gives without Kafka."""
    records = read(settings, "raw")
    items = [
        Item(file="raw", line=r.offset, raw=r.value, size=len(r.value), article=codec.decode(r.value, RawArticle))
        for r in records
    ]
    run_items(items, out, settings)
    return Expected(_rows(out / "articles.jsonl"), {r["incident_id"]: r for r in _rows(out / "incidents.jsonl")})


def compare(settings: Settings, undisturbed: Expected) -> Counter[str]:
    """The sink against what the same `raw` topic gives offline; returns the verdicts."""
    events, records = undisturbed.events, undisturbed.incidents
    reader = sink(settings)
    assert inputs(reader) == [(0, e["seq"], e["article_id"], e["verdict"]) for e in events], "one row per input"
    found = incidents(reader)
    assert {i: r["version"] for i, r in found.items()} == {i: r["version"] for i, r in records.items()}
    # A withdrawn incident ends in a tombstone, which leaves its id, version and status.
    left = ("incident_id", "version", "status")
    assert found == {i: {k: r[k] for k in left} if r["status"] == "withdrawn" else r for i, r in records.items()}
    # The row of an article is that of its newest event that changed something.
    newest = {e["article_id"]: e for e in events if e["verdict"] not in ("stale", "void")}
    shown = articles(reader)
    assert shown.keys() == newest.keys()
    for article_id, event in newest.items():
        same = {k: event[k] for k in ("verdict", "copy_of", "copy_group", "incident_id", "title")}
        assert {k: shown[article_id][k] for k in same} == same
    reader.close()
    return Counter(e["verdict"] for e in events)


def log(settings: Settings, name: TopicName) -> dict[int, bytes]:
    """Decision of each seq in a decision log; a seq that was written twice must have been written alike."""
    found: dict[int, bytes] = {}
    for record in read(settings, name):
        if record.value is not None:
            seq = orjson.loads(record.value)["seq"]
            assert found.setdefault(seq, record.value) == record.value, f"{name}: seq {seq} was decided in two ways"
    return found


def _rows(path: Path) -> list[Row]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
