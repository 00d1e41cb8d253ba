"""The long kill test: a wire flows while stages, producer and broker are killed again and again.

    python tests/chaos.py [WIRE.jsonl[.gz] ...] --kills 50 [--articles 20000] [--seed 1] [--dir .wirefuse/chaos]

Without a file it makes a stream of 20,000 from the shipped articles. At the end every input must be accounted for
exactly once and every decision be that of an undisturbed run over the same `raw` topic. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker")]

import streams  # noqa: E402  # the tests' own modules, found by the line above
from chain import compare, expected, log, publishing, running  # noqa: E402
from pipeline.broker.admin import ensure_topics  # noqa: E402
from pipeline.broker.local import LocalBroker  # noqa: E402
from pipeline.settings import Settings, load  # noqa: E402
from workers import read  # noqa: E402


def main() -> int:
    arguments = _arguments()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    broker = LocalBroker(arguments.dir / "kafka")
    address = broker.start()
    broker.port = int(address.rpartition(":")[2])  # the same address after every restart
    settings = load(
        env={}, flags={"broker.bootstrap": address, "data.dir": str(arguments.dir / "data"),
                       "topics.unique_partitions": 4, "topics.output_partitions": 3, "broker.session_timeout_s": 6.0},
    )  # fmt: skip
    try:
        ensure_topics(settings)
        settings.data_dir.mkdir(parents=True)
        killed = _run(settings, broker, arguments)
        print("killed:", dict(sorted(killed.items())), flush=True)
        return _check(settings, arguments.dir / "offline")
    finally:
        broker.stop()


def _run(settings: Settings, broker: LocalBroker, arguments: argparse.Namespace) -> Counter[str]:
    rng = random.Random(arguments.seed)
    if arguments.wires:
        rows = streams.load(arguments.wires)[: arguments.articles]
    else:
        rows = streams.mixed(arguments.articles, arguments.seed)
    wire = streams.write(arguments.dir / "wire.jsonl", rows)
    print(f"{len(rows)} articles, {arguments.kills} kills, seed {arguments.seed}", flush=True)
    killed: Counter[str] = Counter()
    with running(settings, entity_workers=2) as chain:
        producer = publishing(settings, wire)
        for _ in range(arguments.kills):
            chain.tend(rng.uniform(1.0, 6.0))
            victim = rng.choice([*chain.names, *chain.names, "producer", "broker"])
            if victim == "broker":
                broker.kill()
                time.sleep(rng.uniform(0.0, 3.0))
                broker.start()
            elif victim == "producer":
                if producer.poll() is None:
                    os.kill(producer.pid, signal.SIGKILL)
                producer.wait()
                producer = publishing(settings, wire)
            else:
                chain.kill(victim)
            killed[victim] += 1
            if producer.poll() not in (None, 0, 1):  # it may give up while the broker is away
                producer = publishing(settings, wire)
        while producer.wait() not in (0, 1):  # 1: some lines are dead letters
            producer = publishing(settings, wire)
        chain.finish(3600.0)
    return killed


def _check(settings: Settings, out: Path) -> int:
    verdicts = compare(settings, expected(settings, out))
    raw = len(read(settings, "raw"))
    voids = verdicts["void"]
    letters = len({(r.partition, r.offset) for r in read(settings, "dead-letter")})
    decided = (sorted(log(settings, "dedup-log")), sorted(log(settings, "incident-log")))
    print(f"raw {raw}, in the sink {verdicts.total()} ({dict(verdicts)}), dead letters {letters}", flush=True)
    lost = raw != verdicts.total() or voids > letters or decided != (list(range(raw)), list(range(raw)))
    print("LOST OR DOUBLED" if lost else "nothing lost, nothing doubled, every decision as in an undisturbed run")
    return int(lost)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wires", nargs="*", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/chaos"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
