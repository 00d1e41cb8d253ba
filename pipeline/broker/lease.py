"""Who runs a broker in a directory: a lock that the Java process itself holds, and a note of its pid and address.

The lock is taken before Java starts and inherited by it, so it is free if and only if the broker is gone. The note
means nothing without it: a pid may be stale, or belong to another program by now.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.broker.errors import BrokerError

# Another process that only asks for the status holds the lock for an instant.
_PATIENCE_S = 1.0


class Lease:
    """The right to run a broker in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = directory / "broker.lock"
        self._note = directory / "broker.json"

    @contextmanager
    def taken(self) -> Iterator[int]:
        """Hold the lock; yields its file descriptor, for the broker to inherit.

        Raises:
            BrokerError: a broker runs already.
        """
        with self._lock.open("a") as lock:
            deadline = time.monotonic() + _PATIENCE_S
            while not _try_lock(lock, fcntl.LOCK_EX):
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                holder = self.holder()
                where = "" if holder is None else f" at {holder[1]} (process {holder[0]})"
                raise BrokerError(f"a broker runs already in {self._directory}{where}")
            self._note.unlink(missing_ok=True)
            yield lock.fileno()

    def note(self, pid: int, address: str) -> None:
        """Write down who holds the lock now."""
        written = self._note.with_suffix(".new")
        written.write_text(json.dumps({"pid": pid, "bootstrap": address}))
        written.replace(self._note)

    def holder(self) -> tuple[int, str] | None:
        """(pid, address) of the broker that runs; None: none does."""
        try:
            with self._lock.open() as lock:
                if _try_lock(lock, fcntl.LOCK_SH):
                    return None
            known = json.loads(self._note.read_text())
            return int(known["pid"]), str(known["bootstrap"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never started here, or not yet so far


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
