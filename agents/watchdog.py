"""Ends a worker that has input and makes no progress: Faust consumers can go silent without dying."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time

log = logging.getLogger(__name__)

EXIT_STALLED = 70
_LOOK_EVERY_S = 1.0
_STDERR = 2
# Goes on while the machine sleeps, where there is such a clock: the group's coordinator does not sleep with it.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Watchdog:
    """Watches from a thread, so that a blocked event loop is noticed too.

    Args:
        limit_s: input waiting and no progress for so long: stacks of all threads to stderr, exit status 70.
        frozen_s: the process itself did not run for so long (stopped, or the machine was): exit status 70.
    """

    def __init__(self, limit_s: float, frozen_s: float) -> None:
        self._limit = limit_s
        self._frozen = frozen_s
        self._last = time.monotonic()
        self._looked: float | None = None  # None while nobody watches
        self._busy = False
        self._waiting = 0
        self._stop = threading.Event()

    def start(self) -> None:
        self.progress()
        self._looked = time.clock_gettime(_CLOCK)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def progress(self) -> None:
        """Something was done."""
        self._last = time.monotonic()

    def busy(self, yes: bool) -> None:
        """A batch is in work, or a rebalance under way: progress is due."""
        self._busy = yes

    def waiting(self, records: int) -> None:
        """So many records are in the input and not yet taken; none means that there is no reason for progress."""
        if not self._busy and not (records and self._waiting):
            self.progress()  # the clock starts when something begins to wait
        self._waiting = records

    def problem(self) -> str | None:
        """What is wrong, in words; None while there is progress or nothing to do."""
        idle = time.monotonic() - self._last
        if idle <= self._limit or not (self._busy or self._waiting):
            return None
        what = "a batch or a rebalance is under way" if self._busy else f"{self._waiting} records wait"
        return f"{what}, and nothing was done for {idle:.0f} s"

    def end_if_frozen(self) -> None:
        """End the process if it was stopped for longer than its session; to be called right before anything is written.

        The group has given the partitions to another worker then, and what is in work here is late. The thread looks
        too, but after a stop it wakes no sooner than the code that it watches.
        """
        if self._looked is None:
            return
        away = time.clock_gettime(_CLOCK) - self._looked
        if away > self._frozen:
            log.critical("this process was stopped for %.0f s, longer than its session; it ends", away)
            os._exit(EXIT_STALLED)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            now = time.clock_gettime(_CLOCK)
            self.end_if_frozen()
            self._looked = now
            problem = self.problem()
            if problem is not None:
                log.critical("stalled: %s; stacks follow, then this worker ends", problem)
                # By number: Faust puts an object in place of sys.stderr that is no file.
                faulthandler.dump_traceback(file=_STDERR, all_threads=True)
                os._exit(EXIT_STALLED)
        self._looked = None
