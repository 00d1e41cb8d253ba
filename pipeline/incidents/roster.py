"""The live articles of one incident."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from pipeline.incidents.entry import Entry

_MANY = 32
"""Reports from which on their times are kept sorted; fewer are looked through."""

_seq = attrgetter("seq")


class Roster:
    """Live articles in the order of their decisions, never none; questions about their times cost the same however
    many there are.
    """

    __slots__ = ("_entries", "_event_times", "_times")

    def __init__(self, entry: Entry) -> None:
        self._entries = [entry]
        self._times: list[datetime] | None = None
        self._event_times: list[datetime] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """In the order of their decisions; good until the next one comes or goes."""
        return self._entries

    def add(self, entry: Entry) -> None:
        insort(self._entries, entry, key=_seq)
        if self._times is not None:
            insort(self._times, entry.time)
            insort(self._event_times, entry.event_time)

    def remove(self, entry: Entry) -> None:
        del self._entries[bisect_left(self._entries, entry.seq, key=_seq)]
        if self._times is not None:
            del self._times[bisect_left(self._times, entry.time)]
            del self._event_times[bisect_left(self._event_times, entry.event_time)]

    @property
    def last_time(self) -> datetime:
        """The newest of the times that order closing and forgetting."""
        return self._sorted()[-1] if len(self._entries) > _MANY else max([e.time for e in self._entries])

    @property
    def first_seen(self) -> datetime:
        if len(self._entries) > _MANY:
            self._sorted()
            return self._event_times[0]
        return min(e.event_time for e in self._entries)

    @property
    def last_seen(self) -> datetime:
        if len(self._entries) > _MANY:
            self._sorted()
            return self._event_times[-1]
        return max(e.event_time for e in self._entries)

    def gap(self, time: datetime, without: Entry | None = None) -> timedelta | None:
        """From an event time to that of the nearest report; None where there is no other.

        Args:
            without: a report that is left out.
        """
        if len(self._entries) <= _MANY:
            gaps = [abs(time - e.event_time) for e in self._entries if e is not without]
            return min(gaps) if gaps else None
        self._sorted()
        at = bisect_left(self._event_times, time)
        left = None if without is None else without.event_time
        # Of the three on either side one may be the one left out.
        near = self._event_times[max(0, at - 2) : at + 2]
        if left in near:
            near.remove(left)
        return min(abs(time - other) for other in near)

    def _sorted(self) -> list[datetime]:
        if self._times is None:
            self._times = sorted(e.time for e in self._entries)
            self._event_times = sorted(e.event_time for e in self._entries)
        return self._times
