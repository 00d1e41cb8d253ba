"""`wirefuse demo` and `wirefuse up` as a user runs them: what is shown, and that nothing is left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import streams
from chain import publish, sink
from pipeline.broker.local import LocalBroker
from pipeline.settings import CONFIG_ENV, Settings, as_environment, load
from pipeline.sink.base import NoStoreError
from workers import PATIENCE_S, ROOT, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1800)]


def wirefuse(*arguments: object, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")} | environment
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", *map(str, arguments)],
            stdout=output, stderr=output, env=clean | {"PYTHONPATH": str(ROOT)}, cwd=log.parent, start_new_session=True,
        )  # fmt: skip


def left_running(directory: Path) -> list[str]:
    """Command lines of processes that have to do with a directory: in their arguments or environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if str(directory).encode() in told:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_the_demo_shows_the_founding_incident_and_leaves_nothing_running(tmp_path: Path) -> None:
    demo, log = tmp_path / "demo", tmp_path / "demo.log"
    for run in range(2):  # a second run works, and starts anew
        assert wirefuse("demo", "--dir", demo, log=log).wait(800) == 0, log.read_text()[-3000:]
        shown = log.read_text()
        assert shown.count("In the sink: 728 of 728 inputs") == run + 1
        assert shown.count("Dead letters: 13") == run + 1
        until(lambda: left_running(tmp_path) == [], 60, what=f"still there: {left_running(tmp_path)}")
    first = shown[shown.rindex("were reported more than once") :][:2000]
    assert "2 reports, 0 copies among them, 2 independent origins" in first


@pytest.mark.parametrize("moment", ["it is imported", "Starting Kafka", r"dedup \d+/"])
def test_ctrl_c_at_any_moment_of_the_demo_leaves_nothing_running(tmp_path: Path, moment: str) -> None:
    log = tmp_path / "demo.log"
    wire = streams.write(tmp_path / "wire.jsonl", streams.mixed(4000, seed=1))  # not done before the signal comes
    process = wirefuse("demo", "--dir", tmp_path / "demo", "--wire", wire, log=log)
    maps = Path(f"/proc/{process.pid}/maps")

    def come() -> object:
        assert process.poll() is None, log.read_text()
        # aiokafka's library: loaded when the command's own modules are.
        return "_crc32c" in maps.read_text() if moment == "it is imported" else re.search(moment, log.read_text())

    until(come, what=moment)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) != 0
    # Where the signal meets a callback of the interpreter itself, Python says so and goes on (pipeline/interrupts.py).
    said = re.sub(r"Exception ignored in.*?\nKeyboardInterrupt:? ?\n", "", log.read_text(), flags=re.DOTALL)
    assert "Traceback" not in said
    until(lambda: left_running(tmp_path) == [], 60, what=f"still there: {left_running(tmp_path)}")


def test_a_killed_demo_takes_everything_with_it(tmp_path: Path) -> None:
    process = wirefuse("demo", "--dir", tmp_path / "demo", log=tmp_path / "demo.log")
    until(lambda: "Starting the stages" in (tmp_path / "demo.log").read_text())
    process.kill()
    process.wait()
    until(lambda: left_running(tmp_path) == [], what="children of a killed demo")


def test_a_demo_that_cannot_start_says_why(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    assert wirefuse("demo", "--dir", tmp_path / "demo", log=log, WIREFUSE_BROKER="127.0.0.1:1").wait(PATIENCE_S) == 1
    assert "127.0.0.1:1" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_up_starts_what_died_again_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    environment = {
        "WIREFUSE_BROKER_LOCAL_PORT": "0",
        "WIREFUSE_TOPICS_UNIQUE_PARTITIONS": "3",
        "WIREFUSE_TOPICS_OUTPUT_PARTITIONS": "2",
        "WIREFUSE_DATA_DIR": str(tmp_path / "data"),
    }
    process = wirefuse("up", log=log, **environment)
    try:
        until(lambda: "Publish with" in log.read_text(), what="up")
        local = LocalBroker.from_settings(load(env={CONFIG_ENV: ""} | environment))
        address = local.address()
        settings = load(env={CONFIG_ENV: "", "WIREFUSE_BROKER": str(address)} | environment)
        publish(settings, streams.write(tmp_path / "one.jsonl", streams.mixed(40, seed=1)))
        until(lambda: _inputs(settings) == 40, what=log.read_text())
        victim = next(
            int(p.name) for p in Path("/proc").iterdir()
            if p.name.isdecimal()
            and all(mark in _environ(p) for mark in (b"WIREFUSE_WORKER=dedup-0", settings.data.dir.encode()))
        )  # fmt: skip
        os.kill(victim, signal.SIGKILL)
        until(lambda: "dedup-0 died (killed by SIGKILL), starting again" in log.read_text())
        local.kill()
        until(lambda: "Kafka died, starting it again" in log.read_text())
        until(lambda: local.status().answering)
        assert local.address() == address
        publish(settings, streams.write(tmp_path / "two.jsonl", streams.mixed(90, seed=1)[40:]))
        until(lambda: _inputs(settings) == 90, what=log.read_text())
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    until(lambda: left_running(tmp_path) == [], 60)


def test_up_ends_at_once_where_a_stage_cannot_run_with_its_settings(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    environment = as_environment(settings) | {"WIREFUSE_ENTITIES_MODEL": "no_such_model"}
    assert wirefuse("up", log=log, **environment).wait(PATIENCE_S) == 2
    shown = log.read_text()
    assert "settings: entities-0 cannot run with them: settings: entities.model" in shown
    assert "no_such_model" in shown
    assert "starting again" not in shown
    assert "Traceback" not in shown
    until(lambda: not any("worker" in c for c in left_running(settings.data_dir)), 60)


def _inputs(settings: Settings) -> int:
    try:
        reader = sink(settings)
    except NoStoreError:
        return 0
    try:
        return sum(reader.counts().inputs.values())
    finally:
        reader.close()


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
