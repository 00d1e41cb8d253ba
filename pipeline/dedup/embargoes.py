"""Which articles are under an embargo, for the eyes of an operator; no decision depends on it."""

from __future__ import annotations

import heapq

_MOST = 100_000


class Embargoes:
    """The embargoes of the newest versions that were noted; at most 100,000, of which those that end last go first."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._by_end: list[tuple[float, str]] = []

    def note(self, article_id: str, ends: float | None) -> None:
        """Note an article's newest version.

        Args:
            ends: in seconds since the epoch; None for no embargo, or an article that was taken back.
        """
        if ends is None:
            self._ends.pop(article_id, None)
            return
        self._ends[article_id] = ends
        heapq.heappush(self._by_end, (ends, article_id))
        if len(self._by_end) > _MOST:
            self._by_end = sorted((end, one) for one, end in self._ends.items())[: _MOST // 2]
            self._ends = {one: end for end, one in self._by_end}

    def held(self, now: float) -> int:
        """How many have not ended."""
        while self._by_end and self._by_end[0][0] <= now:
            end, article_id = heapq.heappop(self._by_end)
            if self._ends.get(article_id) == end:
                del self._ends[article_id]
        return len(self._ends)
