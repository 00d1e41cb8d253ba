"""Queues of the ledger by event time: what is forgotten next, and what closes next.

They may hold items that have no meaning any more (an article that was forgotten, an incident that was merged); whoever
reads them asks the state whether an item still stands, because what else lies in a queue depends on what happened since
the start, and must not count.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

_UNTIDY = 1024
"""Items that a queue may hold beyond twice what it needs."""


class TimeQueue:
    """Ids by time, the earliest first.

    Args:
        stands: whether an item still has a meaning; asked for when the queue is tidied.
    """

    def __init__(self, stands: Callable[[datetime, str], bool]) -> None:
        self._stands = stands
        self._items: list[tuple[datetime, str]] = []
        self._tidy_at = _UNTIDY

    def __len__(self) -> int:
        return len(self._items)

    def push(self, time: datetime, name: str) -> None:
        heapq.heappush(self._items, (time, name))
        if len(self._items) > self._tidy_at:
            self._tidy()

    def pop_before(self, line: datetime) -> dict[str, None]:
        """Take out all items with a time before the line; their ids, each once, in the order of their times."""
        found: dict[str, None] = {}
        while self._items and self._items[0][0] < line:
            found[heapq.heappop(self._items)[1]] = None
        return found

    def limit(self, since: datetime | None, line: datetime, most: int) -> datetime | None:
        """The earliest time before which at least `most` standing ids lie; None if there is none before the line.

        Args:
            since: items before this time do not count.
        """
        taken = []
        due: set[str] = set()
        limit = None
        newest: datetime | None = None
        while self._items and self._items[0][0] < line and limit is None:
            item = heapq.heappop(self._items)
            taken.append(item)
            time, name = item
            if not self._stands(time, name) or (since is not None and time < since):
                continue
            if len(due) >= most and newest is not None and time > newest:
                limit = time
            due.add(name)
            newest = time
        for item in taken:
            heapq.heappush(self._items, item)
        return limit

    def _tidy(self) -> None:
        """Take out what has no meaning: without it, what comes again and again would fill the queue."""
        self._items = list({item for item in self._items if self._stands(*item)})
        heapq.heapify(self._items)
        self._tidy_at = 2 * len(self._items) + _UNTIDY


class AgeQueue:
    """Articles by (time, article id), the oldest first, each with the seq that its item is of.

    Args:
        stands: whether the article's newest version is that of the seq.
    """

    def __init__(self, stands: Callable[[str, int], bool]) -> None:
        self._stands = stands
        self._items: list[tuple[datetime, str, int]] = []

    def push(self, time: datetime, article_id: str, seq: int) -> None:
        heapq.heappush(self._items, (time, article_id, seq))

    def fill(self, items: Iterable[tuple[datetime, str, int]]) -> None:
        """Put in many at once."""
        self._items += items
        heapq.heapify(self._items)

    def up_to(self, time: datetime, article_id: str, without: str | None) -> list[str]:
        """Articles at or below (time, article id), the oldest first, but for one. Takes none out."""
        taken = []
        while self._items and self._items[0][:2] <= (time, article_id):
            item = heapq.heappop(self._items)
            if self._stands(*item[1:]):
                taken.append(item)
        return self._put_back(taken, without)

    def oldest(self, count: int, without: str | None) -> list[str]:
        """The `count` oldest articles, but for one. Takes none out."""
        taken = []
        found = 0
        while self._items and found < count:
            item = heapq.heappop(self._items)
            if self._stands(*item[1:]):
                taken.append(item)
                found += item[1] != without
        return self._put_back(taken, without)

    def _put_back(self, taken: list[tuple[datetime, str, int]], without: str | None) -> list[str]:
        # Reading must not change what a second call sees.
        for item in taken:
            heapq.heappush(self._items, item)
        return [article_id for _, article_id, _ in taken if article_id != without]
