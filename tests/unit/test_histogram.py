"""Our histogram says what prometheus_client's says, and takes many values at once."""

from __future__ import annotations

import threading

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.histogram import Histogram

BOUNDS = (0.00002, 0.005, 0.1, 1.0, 2.5, 3600.0)
VALUES = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 1e6))


@given(st.lists(st.tuples(st.sampled_from(("dedup", 'a "b"\n\\')), VALUES, st.integers(0, 20))))
def test_it_shows_what_the_library_shows(observed: list[tuple[str, float, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("wirefuse_x_seconds", "Help", ("stage",), BOUNDS)
    ours.register(histogram)
    library = prometheus_client.Histogram("wirefuse_x_seconds", "Help", ("stage",), buckets=BOUNDS, registry=theirs)
    for stage, value, times in observed:
        histogram.labels(stage).observe(float(round(value * 1024) / 1024), times)
        one = library.labels(stage)
        for _ in range(times):
            one.observe(float(round(value * 1024) / 1024))  # sums of such are exact, in whatever order
    assert _shown(ours) == _shown(theirs)


def _shown(registry: CollectorRegistry) -> list[str]:
    """What a scrape gets, but for the times at which series were made."""
    return [line for line in generate_latest(registry).decode().split("\n") if "_created" not in line]


def test_a_metric_without_labels_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("wirefuse_y", "Help", (), (1.0, 2.0))
    registry.register(histogram)
    assert registry.get_sample_value("wirefuse_y_count") == 0
    histogram.observe(2.0, 3)
    histogram.observe(9.0)
    assert registry.get_sample_value("wirefuse_y_bucket", {"le": "2.0"}) == 3
    assert registry.get_sample_value("wirefuse_y_bucket", {"le": "+Inf"}) == 4
    assert registry.get_sample_value("wirefuse_y_sum") == 15


def test_labels_must_be_as_many_as_there_are() -> None:
    with pytest.raises(ValueError, match="labels"):
        Histogram("wirefuse_z", "Help", ("stage",), (1.0,)).labels("a", "b")


def test_two_metrics_of_one_name_are_refused() -> None:
    registry = CollectorRegistry()
    registry.register(Histogram("wirefuse_z", "Help", (), (1.0,)))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Histogram("wirefuse_z", "Help", (), (1.0,)))


def test_threads_lose_nothing() -> None:
    histogram = Histogram("wirefuse_t", "Help", (), (1.0,))
    threads = [threading.Thread(target=lambda: [histogram.observe(0.5) for _ in range(5_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert histogram.labels().read() == ([20_000, 20_000], 10_000.0)


def test_time_is_taken_of_a_block_that_fails_too() -> None:
    histogram = Histogram("wirefuse_f", "Help", (), (1.0,))
    with pytest.raises(KeyError), histogram.labels().time():
        raise KeyError
    assert histogram.labels().read()[0] == [1, 1]
