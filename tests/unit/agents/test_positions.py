"""Acknowledging: in order, never past what is held back, never for an earlier assignment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.positions import Positions
from pipeline.topics import TopicName

RAW = ("raw", 0)


class Event:
    """As Faust hands it over: what the positions use of it."""

    def __init__(self, offset: int, generation: int = 1, timestamp: float = 1e9) -> None:
        self.message = SimpleNamespace(offset=offset, generation_id=generation, timestamp=timestamp)
        self.acked = False

    def ack(self) -> None:
        self.acked = True


def _holding(*offsets: int) -> Any:
    def held(name: TopicName, partition: int) -> frozenset[int]:
        return frozenset(offsets)

    return held


def _worked(*events: Event) -> Positions:
    positions = Positions()
    positions.assign(RAW, 0)
    for event in events:
        positions.take(RAW, event.message.offset)
        positions.worked(RAW, event)
    return positions


@given(st.sets(st.integers(0, 30)), st.integers(1, 30))
def test_what_is_acknowledged_ends_before_the_first_that_is_held_back(held: set[int], count: int) -> None:
    events = [Event(offset) for offset in range(count)]
    positions = _worked(*events)
    positions.acknowledge(_holding(*held), generation=1)
    first_held = min((h for h in held if h < count), default=count)
    assert [e.acked for e in events] == [n < first_held for n in range(count)]
    assert positions.unacked == count - first_held
    assert positions.heads() == ({RAW: first_held} if first_held < count else {})
    positions.acknowledge(_holding(), generation=1)
    assert all(e.acked for e in events)


def test_an_event_of_an_earlier_assignment_is_not_acknowledged() -> None:
    old, new = Event(0, generation=1), Event(1, generation=2)
    _worked(old, new).acknowledge(_holding(), generation=2)
    assert (old.acked, new.acked) == (False, True)


def test_lag_counts_what_is_not_acknowledged_and_dates_it_by_what_was_done_last() -> None:
    positions = _worked(Event(0), Event(1), Event(2))
    assert positions.lag(RAW, end=10) == (7, 0.0), "nothing was done yet: what was taken is in work"
    positions.acknowledge(_holding(1), generation=1)
    records, age = positions.lag(RAW, end=10)
    assert records == 9
    assert age > 3600.0, "the last that was done was written long ago"
    assert positions.lag(RAW, end=1) == (0, 0.0)
    assert positions.untaken(RAW, end=10) == 7


def test_a_rebalance_forgets_where_it_was_and_keeps_how_old_the_last_one_was() -> None:
    positions = _worked(Event(0), Event(1))
    positions.acknowledge(_holding(1), generation=1)
    positions.forget()
    assert (list(positions.assigned), positions.expected(RAW), positions.unacked) == ([], None, 0)
    positions.assign(RAW, 1)
    assert positions.expected(RAW) == 1
    records, age = positions.lag(RAW, end=3)
    assert records == 2
    assert age > 3600.0


def test_what_ends_after_its_partition_has_gone_is_left_to_the_next_owner() -> None:
    positions, late = _worked(), Event(0)
    positions.take(RAW, 0)
    positions.forget()
    positions.worked(RAW, late)
    positions.acknowledge(_holding(), generation=1)
    assert not late.acked
