"""The demo: the whole chain on real and written articles, from nothing to incidents, and everything stopped after."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from agents.progress import ChainProgress, StageProgress, watching
from agents.supervisor import Supervisor, workers
from agents.up import broker, status_line
from pipeline import interrupts
from pipeline.claim import claim
from pipeline.errors import FatalError, WirefuseError
from pipeline.ids import article_id
from pipeline.settings import Settings, as_environment, with_values
from pipeline.sink import render
from pipeline.sink.base import ArticleQuery, IncidentQuery, Reader, StoredIncident, open_reader
from pipeline.sink.render import incident_page, incident_table
from pipeline.sources.jsonl import UNKNOWN_PROVIDER

SEEDS = Path(__file__).parents[1] / "seeds"
# In order of time, as a wire brings them: 2004-2013, 2015, undated, the founding articles of 2023, fiction of 2024.
DEMO_WIRE = ("wikinews.jsonl", "world-events.jsonl", "re3d.jsonl", "*.txt", "written-wire.jsonl", "broken-wire.jsonl")
SEED_IDS = ("000_45ac591add9fa278.txt", "002_ecae0b2c642c6691.txt")
_SEED_ARTICLES = {article_id(UNKNOWN_PROVIDER, native_id) for native_id in SEED_IDS}
_LOOK_EVERY_S = 0.5
_PLAIN_EVERY_S = 3.0
_PATIENCE_S = 600.0
_SHOWN_INCIDENTS = 16
_MARK = ".wirefuse-demo"


def demo_files() -> list[Path]:
    """The files of the demo wire.

    Raises:
        WirefuseError: they are not beside the code, as in an installed package.
    """
    found = [path for pattern in DEMO_WIRE for path in sorted(SEEDS.glob(pattern))]
    if not found:
        raise WirefuseError(f"the demo wire is not in {SEEDS}; give files with --wire")
    return found


def run(settings: Settings, directory: Path, wires: Sequence[Path]) -> None:
    """Run the demo in a directory of its own, which is emptied first.

    Raises:
        WirefuseError: something did not work; the message holds the tail of the log that says why.
    """
    console = render.console()
    started = time.monotonic()
    with emptied(directory):
        _demonstrate(settings, directory, wires, console, started)


def _demonstrate(settings: Settings, directory: Path, wires: Sequence[Path], console: Console, started: float) -> None:
    flags: dict[str, object] = {"data.dir": str(directory.resolve()), "topics.output_partitions": 3}
    if not settings.broker.bootstrap:
        flags["broker.local_port"] = 0
    settings = with_values(settings, flags, "the demo")
    files = list(wires) or demo_files()
    with broker(settings, console) as cluster, _stages(cluster.settings, console) as supervisor:
        running = cluster.settings
        sent = _publish(running, files, console)
        with watching(running) as progress:
            stages = _wait(progress, supervisor, console)
            letters = progress.size("dead-letter")
        reader = open_reader(running.sink_url)
        _report(reader, stages, sent, letters, console)
        reader.close()
        console.print(f"\nDone in {time.monotonic() - started:.0f} s.")
    _where(directory, console)


def emptied(directory: Path) -> IO[bytes]:
    """The folder of a demo, new or emptied; no other demo has it until what is returned is closed.

    Raises:
        WirefuseError: the folder is something else's, or another demo's that runs now.
    """
    mark = directory / _MARK
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise WirefuseError(f"{directory} holds something that is no demo; name another folder with --dir")
    lock = claim(mark, f"another demo runs in {directory}; name another folder with --dir")
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != mark:
            path.unlink()
    return lock


@contextmanager
def _stages(settings: Settings, console: Console) -> Iterator[Supervisor]:
    supervisor = Supervisor(settings, workers(settings), said=console.print)
    console.print("Starting the stages: dedup, entities, incidents, sink ...")
    try:
        supervisor.start()
        yield supervisor
    finally:
        console.print("Stopping the stages ...")
        supervisor.stop()


def _publish(settings: Settings, files: Sequence[Path], console: Console) -> int:
    """Publish with the same command that a user would give.

    Returns:
        Number of records in `raw` afterwards.
    """
    command = [sys.executable, "-m", "pipeline.cli", "publish", *map(str, files)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")}
    done = subprocess.run(
        command, env=environment | as_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise WirefuseError(f"publishing failed:\n{done.stdout[-3000:]}")
    console.print(done.stdout.strip(), highlight=False)
    with watching(settings) as progress:
        return progress.size("raw")


def _wait(progress: ChainProgress, supervisor: Supervisor, console: Console) -> list[StageProgress]:
    """Wait until every stage has acknowledged all that there is."""
    deadline = time.monotonic() + _PATIENCE_S
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {s.stage: bars.add_task(s.stage, total=None) for s in progress.stages()}
        said = 0.0
        while True:
            interrupts.check()
            supervisor.tend()
            _check(supervisor, deadline)
            try:
                stages = progress.stages()
            except KafkaError:
                time.sleep(_LOOK_EVERY_S)
                continue
            for stage in stages:
                bars.update(tasks[stage.stage], completed=stage.done, total=stage.records)
            if not console.is_terminal and time.monotonic() - said > _PLAIN_EVERY_S:
                console.print(status_line(stages), highlight=False)
                said = time.monotonic()
            if all(s.waiting == 0 for s in stages) and progress.finished():
                return progress.stages()
            time.sleep(_LOOK_EVERY_S)


def _check(supervisor: Supervisor, deadline: float) -> None:
    for process in supervisor.processes:
        if process.recent_deaths >= 3:
            raise FatalError(f"{process.name} keeps dying; the end of {process.log_file}:\n{process.log_tail()}")
    if time.monotonic() > deadline:
        tails = "\n".join(f"--- {p.log_file}\n{p.log_tail(5)}" for p in supervisor.processes)
        raise FatalError(f"not finished after {_PATIENCE_S:.0f} s\n{tails}")


def _report(reader: Reader, stages: Sequence[StageProgress], raw: int, letters: int, console: Console) -> None:
    counts = reader.counts()
    console.print("\nThrough the stages: " + ", ".join(f"{s.stage} {s.done:,}" for s in stages), highlight=False)
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.inputs.items(), key=lambda x: -x[1]))
    total = sum(counts.inputs.values())
    console.print(f"In the sink: {total:,} of {raw:,} inputs ({verdicts})", highlight=False)
    console.print(f"Dead letters: {letters:,}", highlight=False)
    incidents = reader.incidents(IncidentQuery(statuses=("open", "closed")))
    told = sum(1 for i in incidents if i.reports > 1)
    console.print(f"Incidents: {len(incidents):,}, of which {told:,} were reported more than once\n", highlight=False)
    # The two founding articles' incident first, then what most newsrooms wrote about on their own.
    incidents.sort(key=lambda i: (not _holds_a_seed(i), -i.independent_origins, -i.reports, i.incident_id))
    articles = reader.articles(ArticleQuery(incident_id=incidents[0].incident_id))
    console.print(incident_page(incidents[0], articles), "\n")
    console.print(incident_table(incidents[1:_SHOWN_INCIDENTS]))


def _holds_a_seed(incident: StoredIncident) -> bool:
    return any(r["article_id"] in _SEED_ARTICLES for r in incident.record["reports"])


def _where(directory: Path, console: Console) -> None:
    console.print(f"Everything is stopped. The data lies in {directory}:", highlight=False)
    console.print(f"  {directory}/wirefuse.db      the sink (SQLite): articles, incidents, changes")
    console.print(f"  {directory}/logs/            the log of each stage")
    console.print("Look further:")
    look = f"WIREFUSE_DATA_DIR={directory} wirefuse"
    console.print(f"  {look} incidents list\n  {look} incidents show ID\n  {look} articles list", highlight=False)
