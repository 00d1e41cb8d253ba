"""A wire that flows at an even rate for as long as a long test needs it, and what must be left of it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path

from kafka import KafkaProducer

import hostile
import streams
from chain import inputs, sink
from pipeline import codec
from pipeline.broker.client import client_options
from pipeline.settings import Settings
from pipeline.sources.jsonl import parse_line
from pipeline.topics import topic
from workers import read

HOSTILE = 0.05
"""Share of the values that are broken."""


class Feeder(threading.Thread):
    """Publishes at an even rate until stopped; remembers when each input was handed over."""

    def __init__(self, settings: Settings, values: Iterator[bytes], rate: float) -> None:
        super().__init__(daemon=True)
        self.sent: list[float] = []
        self._settings, self._values, self._rate = settings, values, rate
        self._ended = threading.Event()

    def run(self) -> None:
        raw = topic(self._settings, "raw")
        options = client_options(self._settings) | {"delivery_timeout_ms": 600_000, "max_block_ms": 600_000}
        with closing(KafkaProducer(**options, acks="all", linger_ms=5)) as producer:
            due = time.time()
            while not self._ended.is_set():
                time.sleep(max(0.0, due - time.time()))
                due += 1 / self._rate
                self.sent.append(time.time())
                producer.send(raw, value=next(self._values), partition=0)
            producer.flush()

    def stop(self) -> None:
        self._ended.set()
        self.join()


def values(settings: Settings, wires: Sequence[Path], seed: int) -> Iterator[bytes]:
    """Records for `raw`: articles without end, one in twenty of them broken.

    Args:
        wires: JSON-lines files that the articles are made from; none: the shipped ones.
    """
    rng = random.Random(seed)
    broken = cycle([value for value in hostile.topic_cases()["raw"] if len(value) < 100_000])
    base = streams.load(wires) if wires else None
    for part in range(1_000_000):
        # Streams that follow each other are others: their ids must not meet.
        for row in streams.mixed(5_000, seed + part, base):
            if rng.random() < HOSTILE:
                yield next(broken)
            line = json.dumps(row | {"id": f"{part}-{row['id']}"}).encode()
            yield codec.encode(parse_line(line, settings=settings.producer))


def accounted(settings: Settings, sent: int) -> Iterator[str]:
    """What is wrong where not every input that was handed over is in `raw` and once in the sink; says the counts."""
    raw = len(read(settings, "raw"))
    with closing(sink(settings)) as reader:
        seqs = [seq for _, seq, _, _ in inputs(reader)]
        verdicts = dict(reader.counts().inputs)
    print(f"{sent} inputs handed over, {raw} in raw, {len(seqs)} in the sink: {verdicts}", flush=True)
    if not sent == raw == len(seqs) or seqs != list(range(raw)):
        yield f"{sent} inputs handed over, {raw} in raw, {len(set(seqs))} in {len(seqs)} rows of the sink"
