"""The whole chain against the limit of its NER, in one run on one machine.

    python benchmarks/end_to_end.py [WIRE.jsonl[.gz] ...] [--articles 3000] [--ner ours|default] [--decisions 100000]

Figures, each beside its limit where there is one:

- articles/s through a real broker and all stages, published as fast as possible to a warm chain, and the limit: bare
  `nlp.pipe` of the same pipeline on the same texts in as many processes as the chain has for NER, nothing beside it;
- CPU milliseconds per article of each stage, of the broker and of the publisher, and of the bare pipe;
- latency from raw to sink at half of that rate: p50 and p99;
- reading and folding a decision log;
- resident memory at start and at the end (50,000 articles: --articles 50000 --decisions 1000, a quarter of an hour).

Without files the articles are made from the shipped ones, and where files hold too few, from theirs. `--ner default`
puts spaCy's default NER (a convolutional network of its default shape, trained for a moment on what ours finds) in the
place of the shipped pipeline, which is several times faster: what the chain costs beside a usual model.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
import spacy
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families
from spacy.training import Example

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import streams  # noqa: E402  # the tests' stream maker, found by the line above
from agents.decided import Decided  # noqa: E402
from agents.offsets import Offsets  # noqa: E402
from agents.progress import ChainProgress, watching  # noqa: E402
from agents.supervisor import Process, Supervisor, workers  # noqa: E402
from pipeline import codec  # noqa: E402
from pipeline.broker.admin import ensure_topics  # noqa: E402
from pipeline.broker.client import client_options  # noqa: E402
from pipeline.broker.local import LocalBroker  # noqa: E402
from pipeline.dedup.decision import Decision  # noqa: E402
from pipeline.dedup.state import Dedup  # noqa: E402
from pipeline.entities.load import load_pipeline  # noqa: E402
from pipeline.health import address_file  # noqa: E402
from pipeline.offline import run as run_offline  # noqa: E402
from pipeline.settings import Settings, load, with_values  # noqa: E402
from pipeline.sources.jsonl import parse_line  # noqa: E402
from pipeline.topics import topic  # noqa: E402

_LATENCY_SECONDS = 30.0
_WARM = 200
_LIMIT_OF = 3_000
"""Inputs that the bare pipe is measured on: more would give the same."""
_AT_ONCE = 256
_TRAINED_ON, _ROUNDS = 300, 4


def main() -> int:
    arguments = _arguments()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    rows = streams.load(arguments.wires)[: arguments.articles]
    if len(rows) < arguments.articles:
        rows = streams.mixed(arguments.articles, 1, rows)
    wire = streams.write(_made(arguments.dir) / "wire.jsonl", rows)
    flags: dict[str, Any] = {"data.dir": str(arguments.dir / "data"), "topics.output_partitions": 3}
    if arguments.ner == "default":
        flags["entities.model"] = str(_default_ner(rows, arguments.dir / "default-ner"))
    settings = load(env={}, flags=flags)
    warm = streams.write(arguments.dir / "warm.jsonl", streams.mixed(_WARM, seed=7))
    found: dict[str, Any] = {"articles": len(rows), "ner": arguments.ner}
    found |= _limit(streams.write(arguments.dir / "limit.jsonl", rows[:_LIMIT_OF]), arguments.dir, settings)
    broker = LocalBroker(arguments.dir / "kafka")
    try:
        settings = with_values(settings, {"broker.bootstrap": broker.start()}, "benchmark")
        ensure_topics(settings)
        found |= _chain(settings, warm, wire, broker, found)
        found |= asyncio.run(_restore(settings, arguments.decisions))
    finally:
        broker.stop()
    print(json.dumps(found, indent=None if arguments.json else 2))
    return 0


def _limit(wire: Path, directory: Path, settings: Settings) -> dict[str, Any]:
    """The bare pipe over the texts that the chain gives to NER, as inputs per second of the whole wire."""
    out = directory / "offline"
    summary = run_offline([wire], out, with_values(settings, {"entities.model": "rules"}, "benchmark"))
    texts = []
    with (out / "articles.jsonl").open("rb") as f:
        for line in f:
            event = json.loads(line)
            if event["verdict"] in ("new", "update", "correction") and event["text"]:
                texts += [event["title"] or "", event["text"]]
    processes = settings.entities.processes
    shares = [texts[n::processes] for n in range(processes)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        spent = list(pool.map(_bare, shares, [settings] * processes))
    wall, cpu = max(w for w, _ in spent), sum(c for _, c in spent)
    return {
        "ner_processes": processes,
        "ner_articles": len(texts) // 2,
        "ner_words_per_s": round(sum(t.count(" ") + 1 for t in texts) / wall),
        "limit_articles_per_s": round(summary.inputs / wall, 1),
        "limit_cpu_ms_per_article": round(1000 * cpu / summary.inputs, 3),
    }


def _bare(texts: list[str], settings: Settings) -> tuple[float, float]:
    """Wall and processor seconds of `nlp.pipe` over texts, once it is warm."""
    nlp = load_pipeline(settings.entities.model)
    for doc in nlp.pipe(texts[:_WARM]):
        del doc
    wall, cpu = time.perf_counter(), time.process_time()
    size = settings.entities.batch_size
    for start in range(0, len(texts), size):
        with nlp.memory_zone():
            for doc in nlp.pipe(texts[start : start + size], batch_size=size):
                len(doc.ents)
    return time.perf_counter() - wall, time.process_time() - cpu


def _default_ner(rows: Sequence[streams.Row], directory: Path) -> Path:
    """spaCy's default NER, trained on what our pipeline finds, so that it finds about as much."""
    ours = load_pipeline("")
    texts = [str(row["text"])[:2_000] for row in rows[:_TRAINED_ON] if row.get("text")]
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    examples = []
    for doc in ours.pipe(texts):
        spans = [(e.start_char, e.end_char, e.label_) for e in doc.ents]
        examples.append(Example.from_dict(nlp.make_doc(doc.text), {"entities": spans}))
        for _, _, label in spans:
            ner.add_label(label)  # type: ignore[attr-defined]
    nlp.initialize(lambda: examples)
    for _ in range(_ROUNDS):
        for start in range(0, len(examples), 16):
            nlp.update(examples[start : start + 16])
    nlp.to_disk(directory)
    return directory


def _chain(
    settings: Settings, warm: Path, wire: Path, broker: LocalBroker, limits: Mapping[str, Any]
) -> dict[str, Any]:
    supervisor = Supervisor(settings, workers(settings), said=lambda text: print(text, file=sys.stderr))
    supervisor.start()
    try:
        with watching(settings) as progress:
            _ready(settings, supervisor)
            memory = {p.name: _memory(p) for p in supervisor.processes}
            _publish(settings, warm)
            _finished(progress, supervisor)
            first = progress.size("raw")
            before = {p.name: _cpu(p) for p in supervisor.processes} | {"broker": _cpu_of(broker)}
            started = time.perf_counter()
            publisher = _publish(settings, wire)
            _finished(progress, supervisor)
            seconds = time.perf_counter() - started
            count = progress.size("raw") - first
            after = {p.name: _cpu(p) for p in supervisor.processes} | {"broker": _cpu_of(broker)}
            spent = {name: after[name] - before[name] for name in after} | {"publisher": publisher}
            rate = count / seconds
            latency = _latency(settings, progress, supervisor, rate / 2)
        bare = limits["limit_cpu_ms_per_article"]
        cost = {name: round(1000 * s / count, 3) for name, s in spent.items()}
        return {
            "chain_articles_per_s": round(rate, 1),
            "chain_to_limit": round(rate / limits["limit_articles_per_s"], 3),
            "cpu_ms_per_article": cost,
            "cpu_ms_per_article_without_ner": round(sum(cost.values()) - bare, 3),
            "latency_at_half_rate_s": latency,
            "memory_mib_at_start": memory,
            "memory_mib_at_end": {p.name: _memory(p) for p in supervisor.processes},
        }
    finally:
        supervisor.stop()


def _publish(settings: Settings, wire: Path) -> float:
    """Publish a file as fast as possible; returns the processor seconds of the publisher."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pipeline.cli", "--set", f"broker.bootstrap={settings.broker.bootstrap}",
               "--set", f"data.dir={settings.data.dir}", "publish", str(wire)]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _latency(settings: Settings, progress: ChainProgress, supervisor: Supervisor, rate: float) -> dict[str, float]:
    """Publish at an even rate and read the sink's histogram before and after."""
    before = _histogram(settings)
    # Ids of their own: else they would be other versions of what went before.
    rows = [row | {"id": f"late-{row['id']}"} for row in streams.mixed(int(rate * _LATENCY_SECONDS), seed=99)]
    producer = KafkaProducer(**client_options(settings), acks="all", linger_ms=5)
    started = time.perf_counter()
    for n, line in enumerate(streams.lines(rows)):
        ahead = started + n / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        record = codec.encode(parse_line(line, settings=settings.producer))
        producer.send(topic(settings, "raw"), value=record, partition=0)
    producer.flush()
    producer.close()
    _finished(progress, supervisor)
    after = _histogram(settings)
    counts = {le: after[le] - before.get(le, 0.0) for le in after}
    return {"rate": round(rate, 1), "p50": _quantile(counts, 0.5), "p99": _quantile(counts, 0.99)}


def _histogram(settings: Settings) -> dict[float, float]:
    """Cumulative counts of the sink's latency by upper bound, all providers together."""
    where = json.loads(address_file(settings, "sink-0").read_bytes())
    with urllib.request.urlopen(f"http://{where['host']}:{where['port']}/metrics") as answer:
        text = answer.read().decode()
    found: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "wirefuse_end_to_end_latency_seconds_bucket":
                bound = float(sample.labels["le"])
                found[bound] = found.get(bound, 0.0) + sample.value
    return found


def _quantile(cumulative: dict[float, float], q: float) -> float:
    """As Prometheus's histogram_quantile: linear within the bucket."""
    bounds = sorted(cumulative)
    wanted = q * cumulative[bounds[-1]]
    low, below = 0.0, 0.0
    for bound in bounds:
        if cumulative[bound] >= wanted:
            inside = cumulative[bound] - below
            return round(low + (min(bound, 7200.0) - low) * ((wanted - below) / inside if inside else 1.0), 3)
        low, below = bound, cumulative[bound]
    return low


async def _restore(settings: Settings, count: int) -> dict[str, Any]:
    """Write a decision log of `count` decisions, then read it alone and read and fold it."""
    name = topic(settings, "dedup-log")
    state = Dedup(0, settings.dedup)
    with watching(settings) as progress:
        first = progress.size("raw")
    producer = KafkaProducer(**client_options(settings), acks="all", linger_ms=20)
    rows = streams.mixed(count, seed=5)
    items = [parse_line(line, settings=settings.producer) for line in streams.lines(rows)]
    for start in range(0, len(items), _AT_ONCE):
        part = items[start : start + _AT_ONCE]
        for decision in state.decide_all(range(first + start, first + start + len(part)), part):
            producer.send(name, key=decision.key.encode(), value=codec.encode(decision), partition=0)
    producer.flush()
    producer.close()
    offsets = Offsets(settings.broker.bootstrap, "benchmark", settings.topics.max_message_bytes)
    await offsets.start()
    gc.disable()  # as `Decided.restore` reads
    started = time.perf_counter()
    read = 0
    async for chunk in offsets.read(name, 0, 0):
        read += len(chunk)
    alone = time.perf_counter() - started
    gc.enable()
    decided = Decided(0, partial(Dedup, 0, settings.dedup), Decision, "dedup-log", name)
    started = time.perf_counter()
    await decided.restore(offsets, lambda: None)
    folded = time.perf_counter() - started
    await offsets.stop()
    return {
        "log_records": read,
        "log_read_records_per_s": round(read / alone),
        "log_restore_s": round(folded, 2),
        "log_restore_s_per_100000": round(folded * 100_000 / read, 2),
    }


def _ready(settings: Settings, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 60
    waiting = {p.name for p in supervisor.processes}
    while waiting and time.monotonic() < deadline:
        supervisor.tend()
        for name in sorted(waiting):
            try:
                where = json.loads(address_file(settings, name).read_bytes())
                urllib.request.urlopen(f"http://{where['host']}:{where['port']}/readyz").close()
                waiting.discard(name)
            except OSError:
                pass  # not there yet, or 503
        time.sleep(0.2)
    if waiting:
        raise SystemExit(f"not ready: {sorted(waiting)}")


def _finished(progress: ChainProgress, supervisor: Supervisor) -> None:
    while not progress.finished():
        supervisor.tend()
        time.sleep(0.1)


def _cpu_of(broker: LocalBroker) -> float:
    pid = broker.status().pid
    assert pid is not None
    return _seconds(psutil.Process(pid))


def _family(process: Process) -> list[psutil.Process]:
    assert process.popen is not None
    parent = psutil.Process(process.popen.pid)
    return [parent, *parent.children(recursive=True)]


def _cpu(process: Process) -> float:
    return sum(_seconds(p) for p in _family(process))


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _memory(process: Process) -> int:
    return round(sum(p.memory_info().rss for p in _family(process)) / 2**20)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wires", nargs="*", type=Path)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--ner", choices=["ours", "default"], default="ours")
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/benchmark"))
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
