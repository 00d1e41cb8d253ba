"""Ctrl-C and SIGTERM as a request: what is in flight is flushed, the cursor saved, then the process ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130


class Stop(threading.Event):
    """Set by the first SIGINT or SIGTERM; a second one ends the process at once."""

    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, else 0: SIGTERM is how a service is asked to end."""
        return EXIT_INTERRUPTED if self.signal == signal.SIGINT else 0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """The event that signals set, while the block runs. For the main thread."""
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.signal = number
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
