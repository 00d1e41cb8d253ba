"""Event time: wrong times do no harm, silence and gaps do not stop it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dedup.clock import RUN, Clock
from pipeline.dedup.versions import micros

from .articles import Wire, item

HOUR = 3_600_000_000
DAY = 24 * HOUR
TOLERANCE = 2 * DAY
FIRST, LAST = (micros(datetime(y, 1, 1, tzinfo=UTC)) or 0 for y in (1, 9999))


def after(*times: int | None) -> Clock:
    clock = Clock()
    for time in times:
        clock = clock.after(time, TOLERANCE)
    return clock


def test_the_watermark_is_the_newest_time() -> None:
    assert after(0, HOUR, None, 5 * HOUR, 3 * HOUR).watermark == 5 * HOUR


def test_one_time_far_ahead_is_not_believed() -> None:
    assert after(0, HOUR, LAST, 2 * HOUR, LAST).watermark == 2 * HOUR


def test_a_wire_that_was_silent_goes_on() -> None:
    gap = 30 * DAY
    assert after(0, HOUR, *(gap + n * HOUR for n in range(RUN - 1))).watermark == HOUR
    assert after(0, HOUR, *(gap + n * HOUR for n in range(RUN))).watermark == gap + (RUN - 1) * HOUR
    assert after(0, HOUR, *(gap + 3 * n * HOUR for n in range(RUN))).watermark == gap + 3 * (RUN - 1) * HOUR


def test_a_wrong_time_does_not_mislead_the_first_after_a_silence() -> None:
    gap = 30 * DAY
    assert after(0, HOUR, LAST, *(gap + n * HOUR for n in range(RUN))).watermark == gap + (RUN - 1) * HOUR


def test_a_wrong_first_time_is_corrected_by_the_next() -> None:
    assert after(LAST, 0, HOUR).watermark == HOUR
    assert after(FIRST, *(n * HOUR for n in range(RUN + 1))).watermark == RUN * HOUR


@given(st.lists(st.one_of(st.none(), st.integers(FIRST, LAST)), max_size=60))
def test_once_settled_the_watermark_never_goes_back(times: list[int | None]) -> None:
    clock = Clock()
    for time in times:
        before, clock = clock, clock.after(time, TOLERANCE)
        if before.settled:
            assert clock.settled
            assert (clock.watermark or 0) >= (before.watermark or 0)


def test_articles_are_forgotten_in_event_time() -> None:
    wire = Wire(ttl_days=3, future_tolerance_hours=24)
    wire.send(*(item(f"a{n}", f"Item number {n} of this wire says one thing more.", 12.0 * n) for n in range(20)))
    # Three days and the tolerance on top, at two articles a day.
    assert wire.state.entries == 9
    assert wire.state.evicted == {"age": 11}
    assert wire.state.drain_tombstones() == [d.article_id for d in wire.decisions[:11]]
    assert wire.state.drain_tombstones() == []


def test_the_size_bound_drops_the_oldest_by_time_and_not_by_arrival() -> None:
    wire = Wire(max_entries=3)
    wire.send(
        *(
            item(
                name,
                None if name == "c" else f"Text of {name}, which is about nothing else.",
                hours,
                pub_status="usable" if name != "c" else "canceled",
            )
            for name, hours in (("a", 5), ("b", 1), ("c", 3), ("d", 4))
        )
    )
    assert wire.state.evicted == {"size": 1}
    assert wire.state.drain_tombstones() == [wire.decisions[1].article_id]


def test_what_was_remembered_again_gets_no_tombstone() -> None:
    wire = Wire(max_entries=2)
    wire.send(
        item("a", "The first text of this item.", 1), item("b", "Another text.", 2), item("c", "A third text.", 3)
    )
    wire.send(item("a", "The second text of this item, much later than the others.", 9))
    assert wire.state.drain_tombstones() == [wire.decisions[1].article_id]


def test_undated_articles_take_the_time_of_the_wire() -> None:
    wire = Wire()
    first = wire.send(item("a", "An item without a time.", None))
    dated = wire.send(item("b", "An item with a time.", 7))
    then = wire.send(item("c", "Another item without a time.", None))
    assert (first.event_time, dated.event_time, then.event_time) == (None, dated.watermark, dated.watermark)
