"""`wirefuse health`, asked of real sockets, as a container's health check asks it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.health import HealthServer, address_file
from pipeline.metrics import Metrics
from pipeline.settings import Settings, load

ROOT = Path(__file__).parents[2]


def made(data: Path, **flags: object) -> Settings:
    return load(env={}, flags={"data.dir": str(data)} | flags)


def health(data: Path, *arguments: str) -> tuple[int, str]:
    for _ in range(20):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "health", *arguments],
            capture_output=True, text=True, cwd=data, check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "WIREFUSE_DATA_DIR": str(data)},
        )  # fmt: skip
        said = done.stdout + done.stderr
        if "timed out" not in said:  # what answers is this very process, which may have stood still
            break
    return done.returncode, said


def test_a_process_that_is_well(tmp_path: Path) -> None:
    # As a container listens: on every address, which is none to connect to.
    settings = made(tmp_path, **{"http.host": "0.0.0.0"})
    with HealthServer(settings, "dedup-0", Metrics(), lambda: "restoring state", lambda: None):
        assert health(tmp_path) == (0, "dedup-0: ok\n")
        assert health(tmp_path, "dedup-0") == (0, "dedup-0: ok\n")
        assert health(tmp_path, "--ready") == (1, "dedup-0: restoring state\n")


def test_one_that_is_not_well_among_others(tmp_path: Path) -> None:
    settings = made(tmp_path)
    with (
        HealthServer(settings, "dedup-0", Metrics(), lambda: None, lambda: "stalled"),
        HealthServer(settings, "sink-0", Metrics(), lambda: None, lambda: None),
    ):
        assert health(tmp_path) == (1, "dedup-0: stalled\nsink-0: ok\n")
        assert health(tmp_path, "sink-0") == (0, "sink-0: ok\n")


def test_none_runs(tmp_path: Path) -> None:
    status, said = health(tmp_path)
    assert status == 1
    assert str(tmp_path) in said
    with HealthServer(made(tmp_path), "dedup-0", Metrics(), lambda: None, lambda: None):
        assert health(tmp_path, "sink-0")[0] == 1


def test_one_that_was_killed_counts_for_nothing(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    file = address_file(made(tmp_path), "dedup-0")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"host": "127.0.0.1", "port": 1, "pid": child.pid}))
    assert health(tmp_path)[0] == 1
    # Its number may belong to another by now: process 1 of every container, above all.
    file.write_text(json.dumps({"host": "127.0.0.1", "port": 1, "pid": os.getpid()}))
    status, said = health(tmp_path)
    assert status == 1
    assert "port 1 does not answer" in said


@pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs root and unshare for a process 1 of its own"
)
def test_process_1_ends_on_sigterm_before_its_command_listens(tmp_path: Path) -> None:
    # The command reads its settings for as long as the pipe is open, and has no handler for signals.
    wire = tmp_path / "wire.toml"
    os.mkfifo(wire)
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-m", "pipeline.cli"]
    with subprocess.Popen(
        [*command, "--config", str(wire), "config", "show"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        writer = _once_read(wire)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        try:
            assert process.wait(240) == 128 + signal.SIGTERM
        finally:
            os.close(writer)
            process.kill()


def _once_read(pipe: Path) -> int:
    """The write end of a pipe that somebody has begun to read."""
    deadline = time.monotonic() + 240
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
