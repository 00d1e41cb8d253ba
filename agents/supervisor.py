"""Keeps the processes of a one-machine Wirefuse running: starts them, starts them again, and ends them all.

Each of them writes its log to a file of its own, which is kept bounded here: whatever it writes (also a dying
interpreter's last words) goes there, so the file cannot be rotated by the process itself.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pipeline.broker.errors import EXIT_REFUSED, AccessDenied
from pipeline.errors import SettingsError
from pipeline.settings import Settings, as_environment, with_values

log = logging.getLogger(__name__)

PARENT_ENV = "WIREFUSE_PARENT_PID"
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A process that ran for so long before it died starts its backoff anew.
_STEADY_S = 60.0
_TAIL_BYTES = 16 * 1024
_LOG_BYTES = 16 * 1024 * 1024
# What `wirefuse` ends with when its settings are wrong; starting it again cannot help.
_EXIT_SETTINGS = 2
# A process that the cluster refuses so often in a row is not started again: rights that were given a moment ago may
# take a second to reach every broker, a wrong password stays wrong.
_REFUSALS = 3


@dataclass(slots=True)
class Process:
    """One child: what it is, and how it fares."""

    name: str
    command: Sequence[str]
    log_file: Path
    popen: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    recent_deaths: int = 0
    refusals: int = 0
    next_start: float = 0.0
    output: IO[bytes] | None = field(default=None, repr=False)

    @property
    def old_log_file(self) -> Path:
        """What was moved aside of its log."""
        return self.log_file.with_suffix(".log.1")

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def log_tail(self, lines: int = 15) -> str:
        """The end of what it logged."""
        try:
            with self.log_file.open("rb") as f:
                f.seek(max(0, self.log_file.stat().st_size - _TAIL_BYTES))
                text = f.read().decode(errors="replace")
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join(text.splitlines()[-lines:])

    def bound_log(self, limit: int) -> None:
        """Move the log to `old_log_file` when it is larger than `limit` bytes; the one before is forgotten.

        The process goes on writing to the same file, which it opened to append. A line that it writes in the instant
        between copy and cut is lost.
        """
        if not self.log_file.exists() or self.log_file.stat().st_size <= limit:
            return
        try:
            shutil.copyfile(self.log_file, self.old_log_file)
        except OSError:  # no room for both
            self.old_log_file.unlink(missing_ok=True)
        os.truncate(self.log_file, 0)


class Supervisor:
    """Runs the workers of this machine.

    Children are in sessions of their own, so that a terminal's Ctrl-C reaches the supervisor alone, which ends them in
    order; and they end by themselves when it is gone.

    Args:
        workers: name -> arguments of `wirefuse`, e.g. {"entities-0": ["worker", "entities"]}.
        said: called with what a person should know.
        log_bytes: a log that grows beyond this is moved aside; one such is kept.
    """

    def __init__(
        self,
        settings: Settings,
        workers: dict[str, Sequence[str]],
        said: Callable[[str], None] = log.warning,
        log_bytes: int = _LOG_BYTES,
    ) -> None:
        self._settings = settings
        self._said = said
        self._log_bytes = log_bytes
        logs = settings.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.processes = [
            Process(name, [sys.executable, "-m", "pipeline.cli", *arguments], logs / f"{name}.log")
            for name, arguments in workers.items()
        ]

    def start(self) -> None:
        """Start every process."""
        for process in self.processes:
            self._start(process)

    def _start(self, process: Process) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")}
        # Each of them serves its own metrics: one port for all cannot be.
        environment |= as_environment(with_values(self._settings, {"http.port": 0}, "the supervisor"))
        environment |= {PARENT_ENV: str(os.getpid()), "WIREFUSE_WORKER": process.name}
        process.output = process.log_file.open("ab")
        process.popen = subprocess.Popen(
            process.command,
            stdin=subprocess.DEVNULL,
            stdout=process.output,
            stderr=process.output,
            env=environment,
            start_new_session=True,
        )
        process.started_at = time.monotonic()

    def tend(self) -> None:
        """Notice deaths and start again what is due; call it a few times a second.

        Raises:
            SettingsError: a process ended because of its settings; the others are left running.
            AccessDenied: likewise, because the cluster refuses it.
        """
        now = time.monotonic()
        for process in self.processes:
            process.bound_log(self._log_bytes)
            if process.running:
                continue
            if process.popen is not None:
                self._bury(process, now)
            elif now >= process.next_start:
                self._start(process)

    def _bury(self, process: Process, now: float) -> None:
        assert process.popen is not None
        status = process.popen.returncode
        if now - process.started_at > _STEADY_S:
            process.recent_deaths = 0
        wait = _BACKOFF_S[min(process.recent_deaths, len(_BACKOFF_S) - 1)]
        process.deaths += 1
        process.recent_deaths += 1
        process.popen = None
        process.next_start = now + wait
        if process.output is not None:
            process.output.close()
        if status == _EXIT_SETTINGS:
            raise SettingsError(f"{process.name} cannot run with them: {process.log_tail(1)}; log: {process.log_file}")
        process.refusals = process.refusals + 1 if status == EXIT_REFUSED else 0
        if process.refusals == _REFUSALS:
            raise AccessDenied(f"{process.name}: {process.log_tail(1)}; log: {process.log_file}")
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        self._said(f"{process.name} died ({how}), starting again in {wait:g} s; log: {process.log_file}")

    def stop(self, seconds: float = 60.0) -> None:
        """End every process: SIGTERM to all, SIGKILL to what is left after `seconds`."""
        for process in self.processes:
            if process.popen is not None and process.running:
                process.popen.terminate()
        deadline = time.monotonic() + seconds
        for process in self.processes:
            if process.popen is None:
                continue
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._said(f"{process.name} did not end in {seconds:.0f} s and is killed")
                process.popen.kill()
                process.popen.wait()
            if process.output is not None:
                process.output.close()


def end_with_parent() -> None:
    """In a child: end (as by SIGTERM) when the process that started it is gone."""
    import threading

    parent = os.environ.pop(PARENT_ENV, None)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def workers(settings: Settings, entity_workers: int = 1) -> dict[str, Sequence[str]]:
    """The workers of a whole chain, by name, from its end to its start."""
    names = ["sink-0", "incidents-0", *(f"entities-{n}" for n in range(entity_workers)), "dedup-0"]
    return {name: ("worker", name.partition("-")[0]) for name in names}
