"""The articles that are remembered: a function of the newest record of each, whatever order they came in."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from pipeline.dedup.decision import Memory
from pipeline.dedup.sketch import Sketch, unpacked

Reason = Literal["ttl", "size"]
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Entry:
    """One remembered article."""

    article_id: str
    seq: int
    memory: Memory
    sketch: Sketch | None

    @property
    def rank(self) -> tuple[int, str]:
        """Place in the total order of origins: first published, then id; undated articles come last."""
        origin = self.memory.origin
        return (FOREVER if origin is None else origin, self.article_id)

    @property
    def age_key(self) -> tuple[int, str]:
        """Place in the order of forgetting: smallest first."""
        since = self.memory.since
        return (FOREVER if since is None else since, self.article_id)


def entry(article_id: str, seq: int, memory: Memory) -> Entry:
    """The entry that a record describes."""
    sketch = None
    if memory.status == "usable":
        sketch = Sketch(unpacked(memory.signature), memory.level, memory.shingles, memory.words)
    return Entry(article_id, seq, memory, sketch)


class Remembered:
    """Entries by article id, bounded in event time and number.

    Args:
        ttl: microseconds.
        max_entries: the oldest are forgotten beyond this.
    """

    def __init__(self, ttl: int, max_entries: int) -> None:
        self._ttl = ttl
        self._max = max_entries
        self._entries: dict[str, Entry] = {}
        self._heap: list[tuple[tuple[int, str], int]] = []
        self.evicted: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, article_id: str) -> Entry | None:
        return self._entries.get(article_id)

    def put(self, new: Entry) -> None:
        """Remember an article, in place of what was remembered of it before."""
        self._entries[new.article_id] = new
        heapq.heappush(self._heap, (new.age_key, new.seq))

    def evict(self, watermark: int | None) -> list[Entry]:
        """Forget what is too old or too much; returns what was forgotten, oldest first."""
        gone: list[Entry] = []
        while self._heap:
            age_key, seq = self._heap[0]
            current = self._entries.get(age_key[1])
            if current is None or current.seq != seq:
                heapq.heappop(self._heap)
                continue
            reason: Reason
            if watermark is not None and age_key[0] + self._ttl < watermark:
                reason = "ttl"
            elif len(self._entries) > self._max:
                reason = "size"
            else:
                break
            heapq.heappop(self._heap)
            del self._entries[current.article_id]
            self.evicted[reason] += 1
            gone.append(current)
        return gone
