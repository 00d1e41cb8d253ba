"""The supervisor, over real processes: what it starts again and what not, the logs it keeps, and how it ends them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents import supervisor
from agents.supervisor import Supervisor, workers
from pipeline.broker.errors import EXIT_REFUSED, AccessDenied
from pipeline.errors import SettingsError
from pipeline.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(env={}, flags={"data.dir": str(tmp_path)})


Start = Callable[..., Supervisor]


@pytest.fixture
def start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """`start(code, ...)` runs Python code as the only child, with short waits."""
    monkeypatch.setattr(supervisor, "_BACKOFF_S", (0.05, 0.1))
    started: list[Supervisor] = []

    def made(code: str, said: list[str] | None = None, log_bytes: int = 10_000) -> Supervisor:
        found = Supervisor(settings, {"child-0": ()}, (said if said is not None else []).append, log_bytes)
        found.processes[0].command = [sys.executable, "-c", code]
        started.append(found)
        found.start()
        return found

    yield made
    for found in started:
        found.stop(5.0)


def tend(found: Supervisor, until: Callable[[], object], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, found.processes
        found.tend()
        time.sleep(0.02)


def test_a_dead_process_is_started_again_and_it_is_said(start: Start) -> None:
    said: list[str] = []
    found = start("raise SystemExit(70)", said)
    tend(found, lambda: found.processes[0].deaths >= 3)
    assert "child-0 died (exit status 70), starting again in 0.05 s" in said[0]
    assert "starting again in 0.1 s" in said[1]
    assert "starting again in 0.1 s" in said[2], "the wait has a longest"


def test_a_killed_process_is_said_to_be(start: Start) -> None:
    said: list[str] = []
    found = start("import time; time.sleep(600)", said)
    child = found.processes[0].popen
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    tend(found, lambda: found.processes[0].popen not in (None, child))
    assert "killed by SIGKILL" in said[0]


def test_wrong_settings_are_not_tried_again(start: Start) -> None:
    found = start("import sys; print('settings: no such model', file=sys.stderr); sys.exit(2)")
    with pytest.raises(
        SettingsError, match=r"child-0 cannot run with them: settings: no such model; log: .*child-0.log"
    ):
        tend(found, lambda: False)


def test_what_the_cluster_refuses_is_tried_three_times_and_then_told(start: Start) -> None:
    """Rights may be on their way to the brokers; a password that is wrong three times stays wrong."""
    found = start(f"print('error: User:x is not allowed to READ topic y'); raise SystemExit({EXIT_REFUSED})")
    with pytest.raises(AccessDenied, match="child-0: error: User:x is not allowed to READ topic y; log: "):
        tend(found, lambda: False)
    assert found.processes[0].deaths == 3


def test_a_refusal_between_other_deaths_is_none_in_a_row(start: Start, tmp_path: Path) -> None:
    count = tmp_path / "count"
    found = start(f"""
from pathlib import Path
n = len(Path({str(count)!r}).read_text()) if Path({str(count)!r}).exists() else 0
Path({str(count)!r}).write_text("x" * (n + 1))
raise SystemExit(70 if n % 2 else {EXIT_REFUSED})
""")
    tend(found, lambda: found.processes[0].deaths >= 6)


def test_a_log_that_grows_is_moved_aside_and_the_process_writes_on(start: Start) -> None:
    line = "x" * 99
    # It writes while its log is moved, and is never further ahead of who moves it than it may be.
    found = start(
        f"""
import os, time
for n in range(1000):
    while os.fstat(1).st_size > 20_000:
        time.sleep(0.001)
    print(f"{{n:05}} {line}", flush=True)
    time.sleep(0.001)
print("the end", flush=True)
time.sleep(600)
"""
    )
    process = found.processes[0]
    tend(found, lambda: "the end" in process.log_tail())
    assert process.old_log_file.exists()
    assert process.log_file.stat().st_size + process.old_log_file.stat().st_size < 60_000, "of 106,000 written"
    assert b"\0" not in process.log_file.read_bytes(), "what is written after the cut stands at the start"
    lines = (process.old_log_file.read_bytes() + process.log_file.read_bytes()).split(b"\n")
    assert all(len(line) in (0, 7, 105) for line in lines), "no line is torn"


def test_children_end_with_the_supervisor_told_to_stop(start: Start) -> None:
    said: list[str] = []
    found = start(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)", said
    )
    tend(found, lambda: "up" in found.processes[0].log_tail())
    found.stop(0.2)
    assert not found.processes[0].running
    assert "did not end" in said[0]


def test_each_worker_has_a_name_of_its_own(settings: Settings) -> None:
    found = workers(settings, 3)
    assert list(found) == ["sink-0", "incidents-0", "entities-0", "entities-1", "entities-2", "dedup-0"]
    assert found["entities-2"] == ("worker", "entities")
