"""Running workers as processes, and looking at topics, for the tests on the real broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from agents.progress import group_offsets
from pipeline.broker.client import client_options
from pipeline.health import address_file
from pipeline.settings import Settings, as_environment
from pipeline.topics import TopicName, group, registry, topic

ROOT = Path(__file__).parents[2]
PATIENCE_S = 400.0
"""A test waits so long for what must come: on a busy machine any process may stand still for seconds, again and again.
"""


class Worker:
    """One worker process, ended with the test."""

    def __init__(self, settings: Settings, stage: str, name: str | None = None) -> None:
        self.settings = settings
        self.stage = stage
        self.name = name or f"{stage}-0"
        self.log_file = settings.data_dir / f"{self.name}.log"
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.popen: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    def start(self) -> Worker:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")}
        environment |= as_environment(self.settings)
        environment |= {"WIREFUSE_WORKER": self.name, "WIREFUSE_PARENT_PID": str(os.getpid())}
        environment |= self.environment
        environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{Path(__file__).parent}"
        if self.stage == "echo":
            command = [sys.executable, "-m", "faust", "-A", "echo_stage", "worker", "-l", "info", "--without-web"]
        else:
            command = [sys.executable, "-m", "pipeline.cli", "worker", self.stage]
        with self.log_file.open("ab") as log:
            self.popen = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        return self

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self.popen is not None
        os.kill(self.popen.pid, number)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        assert self.popen is not None
        return self.popen.wait(seconds)

    def kill(self) -> None:
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self) -> int:
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")


_commands: list[subprocess.Popen[str]] = []


def command(settings: Settings, *arguments: object, said: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start `wirefuse ARGUMENTS` beside a test, which uses the fixture `none_left`.

    Args:
        said: where its standard error goes.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", *map(str, arguments)],
        env=clean | as_environment(settings), stdout=subprocess.PIPE, stderr=said, text=True,
    )  # fmt: skip
    _commands.append(process)
    return process


def end_commands() -> None:
    """Kill what `command` started and what still runs of it."""
    while _commands:
        process = _commands.pop()
        process.kill()
        process.communicate()


def until(
    condition: Callable[[], Any], seconds: float = PATIENCE_S, *, what: str = "", workers: Sequence[Worker] = ()
) -> Any:
    """Wait for a condition; fails with the logs' tails of the workers."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline or (workers and not any(w.running for w in workers)):
            tails = "\n".join(f"--- {w.name}\n{w.log[-3000:]}" for w in workers)
            raise AssertionError(f"not in {seconds:.0f} s: {what or condition}\n{tails}")
        time.sleep(0.1)
    return found


def send(
    settings: Settings,
    values: Iterable[bytes | str],
    name: TopicName = "raw",
    partition: int = 0,
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Publish values as they are."""
    producer = KafkaProducer(**client_options(settings), max_request_size=16 * 1024 * 1024)
    for value in values:
        data = value.encode("latin-1") if isinstance(value, str) else value
        producer.send(topic(settings, name), value=data, partition=partition, headers=list(headers))
    producer.flush()
    producer.close()


def read(settings: Settings, name: TopicName) -> list[Any]:
    """All records of a topic, partition by partition."""
    consumer = KafkaConsumer(**client_options(settings), max_partition_fetch_bytes=16 * 1024 * 1024)
    try:
        partitions = [TopicPartition(topic(settings, name), n) for n in range(registry(settings)[name].partitions)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        found: list[Any] = []
        while any(consumer.position(p) < ends[p] for p in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                found += records
        return sorted(found, key=lambda r: (r.partition, r.offset))
    finally:
        consumer.close()


def probe(settings: Settings, worker: str, path: str) -> tuple[int, str]:
    """What a worker answers over HTTP."""
    said = json.loads(address_file(settings, worker).read_bytes())
    try:
        with urllib.request.urlopen(f"http://{said['host']}:{said['port']}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def values(settings: Settings, name: TopicName) -> list[str]:
    return [(r.value or b"").decode("latin-1") for r in read(settings, name)]


def committed(settings: Settings, stage: str, name: TopicName, partition: int = 0) -> int:
    """The group's committed offset; 0 if there is none."""
    admin = KafkaAdminClient(**client_options(settings))
    try:
        found = group_offsets(admin, group(settings, stage))
        return found.get(TopicPartition(topic(settings, name), partition), 0)
    finally:
        admin.close()
