"""The local broker's life: start, stop, crash, a parent that is gone, and errors that say what to do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline.broker import commands
from pipeline.broker.admin import ensure_topics
from pipeline.broker.client import bootstrap
from pipeline.broker.errors import BrokerError
from pipeline.broker.local import LocalBroker
from pipeline.broker.probe import answers
from pipeline.settings import CONFIG_ENV, Settings, load
from pipeline.topics import topic
from workers import PATIENCE_S, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

_WAIT_MS = int(PATIENCE_S * 1000)

# A program that starts a broker, says so, and waits for its end.
_PARENT = """
import sys, time
from pathlib import Path
from pipeline.broker.local import LocalBroker
broker = LocalBroker(Path(sys.argv[1]), detached=sys.argv[2] == "detached")
print(broker.start(), broker.status().pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(tmp_path / "a broker's")  # a path that a shell or a properties file may trip over
    yield broker
    broker.kill()


def _settings(directory: Path, **flags: object) -> Settings:
    return load(env={CONFIG_ENV: ""}, flags={"data.dir": str(directory), "broker.local_port": 0} | flags)


def _command(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(commands.broker, arguments, obj=settings)


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _spawn(directory: Path, kind: str) -> tuple[subprocess.Popen[str], str, int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(directory), kind], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    address, pid = parent.stdout.readline().split()
    return parent, address, int(pid)


def test_records_survive_a_stop_and_a_crash(local: LocalBroker, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    address = local.start()
    until(lambda: local.status().answering)
    ensure_topics(settings, address)
    raw = topic(settings, "raw")
    for end in (local.stop, local.kill):
        with KafkaProducer(bootstrap_servers=address) as producer:
            producer.send(raw, b"article", partition=0).get(PATIENCE_S)
        assert end()
        assert not local.status().running
        assert not answers(address, timeout_s=1.0)
        assert local.start() == address, "the clients' address stays"
    with KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=_WAIT_MS
    ) as consumer:
        consumer.assign([TopicPartition(raw, 0)])
        assert [next(consumer).value for _ in range(2)] == [b"article"] * 2


def test_it_dies_with_a_killed_parent_but_not_by_its_ctrl_c(tmp_path: Path) -> None:
    parent, address, pid = _spawn(tmp_path, "attached")
    try:
        assert os.getpgid(pid) != parent.pid, "a terminal signals the foreground process group"
        until(lambda: answers(address, timeout_s=5.0))
        parent.kill()
        parent.wait()
        assert _gone(pid)
    finally:
        parent.kill()
        parent.stdout.close()  # type: ignore[union-attr]
    assert (tmp_path / "data" / ".kafka_cleanshutdown").exists(), "it was asked to stop before it was killed"


def test_a_killed_guard_takes_the_broker_along(local: LocalBroker) -> None:
    local.start()
    pid = local.status().pid
    assert pid is not None
    guard = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(guard, signal.SIGKILL)
    assert _gone(pid)


def test_detached_it_outlives_its_parent_and_any_process_stops_it(tmp_path: Path) -> None:
    directory = tmp_path / "broker"  # where the settings of the data directory look
    parent, address, pid = _spawn(directory, "detached")
    settings = _settings(tmp_path)
    try:
        parent.kill()
        parent.wait()
        parent.stdout.close()  # type: ignore[union-attr]
        time.sleep(2.5)  # longer than a guard would need to notice
        until(lambda: answers(address, timeout_s=5.0))
        assert bootstrap(settings) == address

        until(lambda: _command(settings, "status").exit_code == 0)
        status = _command(settings, "status", "--json")
        assert status.exit_code == 0
        assert json.loads(status.output) | {"kafka_version": ""} == {
            "running": True,
            "answering": True,
            "bootstrap": address,
            "pid": pid,
            "directory": str(directory),
            "kafka_version": "",
        }
        again = _command(settings, "start")
        assert again.exit_code == 0
        assert f"running already at {address}" in again.output
        with pytest.raises(BrokerError, match=f"runs already in .* at {address} .process {pid}."):
            LocalBroker(directory).start()
    finally:
        stopped = _command(settings, "stop")
    assert "has stopped" in stopped.output
    assert _gone(pid)
    assert _command(settings, "status").exit_code == commands.EXIT_NOT_RUNNING
    assert "No broker runs" in _command(settings, "stop").output
    with pytest.raises(BrokerError, match="wirefuse broker start"):
        bootstrap(settings)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"port {port} is taken by another program.*broker\.local_port"):
            LocalBroker(tmp_path, port).start()


def test_leftovers_of_a_crash_are_no_hindrance(local: LocalBroker) -> None:
    (local.directory / "data.new").mkdir(parents=True)
    (local.directory / "data.new" / "meta.properties").write_text("a format that was interrupted")
    (local.directory / "broker.lock").touch()
    # This test's own process: alive, and no broker. It must neither be taken for one nor be signalled.
    (local.directory / "broker.json").write_text(json.dumps({"pid": os.getpid(), "bootstrap": "127.0.0.1:9"}))
    assert not local.status().running
    assert not local.stop()
    address = local.start()
    until(lambda: answers(address, timeout_s=5.0))


def test_a_directory_that_is_not_a_brokers_is_left_alone(local: LocalBroker) -> None:
    foreign = local.directory / "data" / "thesis.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("precious")
    with pytest.raises(BrokerError, match="not a broker's directory"):
        local.start()
    assert foreign.read_text() == "precious"


def test_a_damaged_data_directory_is_said_with_the_log(local: LocalBroker) -> None:
    identity = local.directory / "data" / "meta.properties"
    identity.parent.mkdir(parents=True)
    identity.write_text("version=1\nnode.id=77\ncluster.id=x\n")
    with pytest.raises(BrokerError, match=r"seems to be damaged; move .*/data away(.|\n)*ERROR(.|\n)*whole log: "):
        local.start()
    assert not local.status().running


def test_a_full_disk_is_named(local: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.broker.local._MIN_FREE_BYTES", 2**60)
    with pytest.raises(BrokerError, match=r"nearly full .*data\.dir"):
        local.start()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "is not an executable"),
        ("echo 'openjdk version \"11.0.2\" 2019-01-15' >&2", "is Java 11; Kafka needs 17"),
        ("echo hello", "is no Java"),
    ],
)
def test_a_java_that_will_not_do_is_named(tmp_path: Path, script: str | None, message: str) -> None:
    java = tmp_path / "java"
    if script is not None:
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
    with pytest.raises(BrokerError, match=message):
        LocalBroker(tmp_path / "broker", java=str(java)).start()


def test_large_records_pass(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    ensure_topics(settings)
    size = settings.topics.max_message_bytes - 64 * 1024
    raw = topic(settings, "raw")
    address = settings.broker.bootstrap
    with KafkaProducer(bootstrap_servers=address, max_request_size=2 * size) as producer:
        producer.send(raw, bytes(size), partition=0).get(PATIENCE_S)
    with KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=_WAIT_MS
    ) as consumer:
        consumer.assign([TopicPartition(raw, 0)])
        assert len(next(consumer).value) == size
