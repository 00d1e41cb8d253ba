"""A histogram for Prometheus that takes many equal values at once.

A stage knows the time of a batch, so its histogram takes the same value once for each of hundreds of records;
`prometheus_client.Histogram` takes them one by one, and looks at every bucket for each.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from threading import Lock

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Distribution:
    """The values of one series."""

    __slots__ = ("_bounds", "_counts", "_lock", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._lock = Lock()

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[bucket] += times
            self._sum += value * times

    @contextmanager
    def time(self) -> Iterator[None]:
        """Count the seconds that the block takes, also when it ends with an error."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - started)

    def read(self) -> tuple[list[int], float]:
        """How many values each bucket and those below it hold, the last one all of them; and their sum."""
        with self._lock:
            return list(accumulate(self._counts)), self._sum


class Histogram(Collector):
    """The series of one metric.

    Args:
        bounds: upper bounds of the buckets, ascending; one without bound is added.
    """

    def __init__(self, name: str, help: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name = name
        self._help = help
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._shown = [*map(floatToGoString, self._bounds), "+Inf"]
        self._series: dict[tuple[str, ...], Distribution] = {}
        self._lock = Lock()
        if not labels:
            self.labels()

    def labels(self, *values: str) -> Distribution:
        """The series with these values of the labels; from now on it is shown.

        Raises:
            ValueError: there are more or fewer labels.
        """
        found = self._series.get(values)
        if found is None:
            if len(values) != len(self._labels):
                raise ValueError(f"{self._name} has the labels {self._labels}, not so many as {values}")
            with self._lock:
                found = self._series.setdefault(values, Distribution(self._bounds))
        return found

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value of a metric without labels."""
        self.labels().observe(value, times)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What a scrape gets."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        with self._lock:
            series = list(self._series.items())
        for values, distribution in series:
            counts, total = distribution.read()
            family.add_metric(list(values), list(zip(self._shown, map(float, counts), strict=True)), total)
        yield family

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """What a registry wants to know before there is anything to show."""
        yield HistogramMetricFamily(self._name, self._help, labels=self._labels)
