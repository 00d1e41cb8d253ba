"""Replaying with the original gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.sources.pace import Pacer

START = datetime(2024, 1, 1, tzinfo=UTC)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def waits(speed: float | None, seconds: list[float | None], work_s: float = 0.0) -> list[float]:
    """The waits before articles published so many seconds after START, if each takes `work_s` to send."""
    clock = Clock()
    pacer = Pacer(speed, clock)
    result = []
    for s in seconds:
        wait = pacer.wait_s(None if s is None else START + timedelta(seconds=s))
        result.append(wait)
        clock.now += wait + work_s
    return result


def test_gaps_are_divided_by_the_speed() -> None:
    assert waits(10, [0, 10, 40]) == [0, 1, 3]


def test_a_gap_back_in_time_counts_as_none_and_the_next_is_counted_from_there() -> None:
    assert waits(1, [0, 10, 5, 7]) == [0, 10, 0, 2]


def test_an_article_without_a_date_goes_at_once_and_changes_nothing() -> None:
    assert waits(1, [None, 0, None, 10]) == [0, 0, 0, 10]


def test_slow_sending_does_not_add_up() -> None:
    assert waits(1, [0, 10, 20, 30], work_s=4) == [0, 6, 6, 6]


def test_at_full_speed_nothing_waits() -> None:
    assert waits(None, [0, 10_000, None]) == [0, 0, 0]
