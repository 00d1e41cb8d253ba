"""Replays articles with the gaps they had, divided by a speed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class Pacer:
    """Says how long to wait before each article of a replay.

    The gap before an article is its `published` less that of the last one that had any; a negative one counts as none,
    and an article without a date goes at once. Waits are taken from one schedule, so that slow sending does not add up.

    Args:
        speed: the original gaps are divided by it; None: no waiting.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, speed: float | None, clock: Callable[[], float]) -> None:
        self._speed = speed
        self._clock = clock
        self._last: datetime | None = None
        self._due: float | None = None

    def wait_s(self, published: datetime | None) -> float:
        """Seconds to wait before an article that was published then."""
        if self._speed is None or published is None:
            return 0.0
        if self._last is None or self._due is None:
            self._due = self._clock()
        else:
            self._due += max(0.0, (published - self._last).total_seconds()) / self._speed
        self._last = published
        return max(0.0, self._due - self._clock())
