"""Long life: a wire flows for half an hour while workers are replaced, killed, and left without their broker.

    python tests/soak.py [WIRE.jsonl[.gz] ...] [--minutes 30] [--rate 20] [--seed 1] [--dir .wirefuse/soak]

One input in twenty is broken. In this order:

1. rolling restart: every worker is stopped by SIGTERM, one after the other, and started again;
2. outage: the broker is killed and stays away for 60 s;
3. random restarts, by SIGTERM or SIGKILL, for half of the minutes;
4. nothing but the wire for the other half: what the processes hold must not grow.

The stages remember few articles (--remembered), so that their state is full before 4 begins. At the end every input
must be accounted for exactly once, the state be whole, and nothing have grown. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker")]

from agents.state_check import verify  # noqa: E402
from chain import LiveChain, running  # noqa: E402  # the tests' own modules, found by the line above
from feeding import Feeder, accounted, values  # noqa: E402
from pipeline.broker.admin import ensure_topics  # noqa: E402
from pipeline.broker.local import LocalBroker  # noqa: E402
from pipeline.settings import load  # noqa: E402

OUTAGE_S = 60.0
SETTLE_S = 20.0
GROWTH = 0.05
"""What resident memory may gain in the undisturbed half, of its size at the beginning of it."""
# Files and threads come and go by a few: a connection that is being replaced, a thread of a pool.
FEW = 5


class Watcher(threading.Thread):
    """Samples how many inputs the store accounts for, so also when the sink itself is away."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[float, int]] = [(time.time(), 0)]
        self._path = path

    def run(self) -> None:
        while not self._path.exists():
            time.sleep(0.1)
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5.0)) as db:
            while True:
                try:
                    count = db.execute("SELECT count(*) FROM inputs").fetchone()[0]
                except sqlite3.OperationalError:
                    continue  # the tables are being made, or a checkpoint is under way
                self.samples.append((time.time(), count))
                time.sleep(0.1)

    def latencies(self, sent: Sequence[float], start: float, end: float) -> list[float]:
        """Seconds from hand-over to store of the inputs handed over in [start, end)."""
        found = []
        samples = iter(self.samples)
        when, count = next(samples)
        for n, at in enumerate(sent):
            while count <= n:
                try:
                    when, count = next(samples)
                except StopIteration:
                    return found
            if start <= at < end:
                found.append(max(0.0, when - at))
        return found

    def pause(self, start: float, end: float) -> float:
        """The longest time in [start, end) in which nothing was added to the store."""
        moves = [b for (_, x), (b, y) in pairwise(self.samples) if y > x and start <= b < end]
        return max((b - a for a, b in pairwise([start, *moves, end])), default=end - start)


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and its children hold."""

    at: float
    name: str
    pid: int
    resident: int
    files: int
    threads: int


class Meter(threading.Thread):
    """Samples what every worker holds."""

    def __init__(self, chain: LiveChain) -> None:
        super().__init__(daemon=True)
        self.samples: list[Held] = []
        self._chain = chain

    def run(self) -> None:
        while True:
            for process in self._chain.supervisor.processes:
                if process.popen is not None:
                    self._look(process.name, process.popen.pid)
            time.sleep(5.0)

    def _look(self, name: str, pid: int) -> None:
        try:
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
            self.samples.append(
                Held(
                    time.time(), name, pid,
                    sum(p.memory_info().rss for p in family),
                    sum(p.num_fds() for p in family),
                    sum(p.num_threads() for p in family),
                )
            )  # fmt: skip
        except psutil.Error:
            pass  # it has just died


def main() -> int:
    arguments = _arguments()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    broker = LocalBroker(arguments.dir / "kafka")
    address = broker.start()
    broker.port = int(address.rpartition(":")[2])  # the same address after every restart
    settings = load(
        env={}, flags={"broker.bootstrap": address, "data.dir": str(arguments.dir / "data"),
                       "dedup.max_entries": arguments.remembered, "incidents.max_articles": arguments.remembered},
    )  # fmt: skip
    settings.data_dir.mkdir(parents=True)
    problems: list[str] = []
    try:
        ensure_topics(settings)
        with running(settings) as chain:
            feeder = Feeder(settings, values(settings, arguments.wires, arguments.seed), arguments.rate)
            watcher, meter = Watcher(settings.data_dir / "wirefuse.db"), Meter(chain)
            chain.tend(10.0)
            for thread in (feeder, watcher, meter):
                thread.start()
            chain.tend(SETTLE_S)
            _rolling(chain, feeder, watcher)
            _outage(chain, broker, feeder, watcher)
            _random_restarts(chain, arguments)
            quiet = time.time()
            chain.tend(arguments.minutes * 30.0)
            calm = watcher.latencies(feeder.sent, quiet + 60.0, time.time())
            print(f"undisturbed: latency p50 {_quantile(calm, 0.5):.2f} s, p99 {_quantile(calm, 0.99):.2f} s")
            problems += _grown(meter.samples, quiet)
            feeder.stop()
            chain.finish(3600.0)
        problems += accounted(settings, len(feeder.sent))
        problems += asyncio.run(verify(settings)).problems
    finally:
        broker.stop()
    for problem in problems:
        print("PROBLEM:", problem)
    print("nothing lost, nothing doubled, nothing grown" if not problems else f"{len(problems)} problems", flush=True)
    return int(bool(problems))


def _rolling(chain: LiveChain, feeder: Feeder, watcher: Watcher) -> None:
    """Stop every worker as a roll-out does, one after the other."""
    first = time.time()
    for process in reversed(chain.supervisor.processes):
        started = time.time()
        assert process.popen is not None
        process.popen.send_signal(signal.SIGTERM)
        chain.tend(SETTLE_S)
        print(f"restart of {process.name}: {watcher.pause(started, time.time()):.1f} s without news", flush=True)
    chain.tend(SETTLE_S)
    late = watcher.latencies(feeder.sent, first, time.time() - SETTLE_S)
    print(f"rolling restart: latency p50 {_quantile(late, 0.5):.2f} s, p99 {_quantile(late, 0.99):.2f} s", flush=True)


def _outage(chain: LiveChain, broker: LocalBroker, feeder: Feeder, watcher: Watcher) -> None:
    """Take the broker away."""
    before = {p.name: p.deaths for p in chain.supervisor.processes}
    broker.kill()
    chain.tend(OUTAGE_S)
    broker.start()
    back = time.time()
    waiting = len(feeder.sent)
    while watcher.samples[-1][1] < waiting:
        chain.tend(0.5)
    restarted = [p.name for p in chain.supervisor.processes if p.deaths > before[p.name]]
    print(
        f"outage of {OUTAGE_S:.0f} s: all of it caught up {time.time() - back:.1f} s after the broker was back; "
        f"workers restarted: {', '.join(restarted) or 'none'}",
        flush=True,
    )


def _random_restarts(chain: LiveChain, arguments: argparse.Namespace) -> None:
    rng = random.Random(arguments.seed)
    end = time.time() + arguments.minutes * 30.0
    count = 0
    while (left := end - time.time()) > 0:
        chain.tend(min(left, rng.uniform(20.0, 60.0)))
        process = rng.choice(chain.supervisor.processes)
        if process.popen is not None and process.running:
            process.popen.send_signal(rng.choice([signal.SIGTERM, signal.SIGKILL]))
            count += 1
    print(f"{count} random restarts", flush=True)


def _grown(samples: Sequence[Held], quiet: float) -> Iterator[str]:
    """What the workers hold at the end of the undisturbed part, against a minute after its beginning."""
    by_name: defaultdict[str, list[Held]] = defaultdict(list)
    for held in samples:
        if held.at > quiet + 60.0:
            by_name[held.name].append(held)
    for name, held_by in sorted(by_name.items()):
        tenth = max(1, len(held_by) // 10)
        first, last = held_by[:tenth], held_by[-tenth:]
        size = [statistics.median(h.resident for h in part) / 2**20 for part in (first, last)]
        files = [max(h.files for h in part) for part in (first, last)]
        threads = [max(h.threads for h in part) for part in (first, last)]
        shown = f"{name}: {size[0]:.0f} to {size[1]:.0f} MiB, files {files}, threads {threads}"
        print(shown, flush=True)
        if len({h.pid for h in held_by}) > 1:
            yield f"{name} was restarted by itself"
        if size[1] > size[0] * (1 + GROWTH) or files[1] > files[0] + FEW or threads[1] > threads[0] + FEW:
            yield f"grown: {shown}"


def _quantile(values: Sequence[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wires", nargs="*", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0, help="length of parts 3 and 4 together")
    parser.add_argument("--rate", type=float, default=20.0, help="inputs a second")
    parser.add_argument("--remembered", type=int, default=4_000, help="articles that dedup and the ledger remember")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/soak"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
