"""A clock that jumps under producer and workers (a bad time server, an empty battery) changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import streams
from chain import compare, expected, publish, running
from pipeline.broker.admin import ensure_topics
from pipeline.settings import Settings
from workers import ROOT, read

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

HOUR = 3600.0
DAY = 24 * HOUR
JUMPS = (0.0, 2 * HOUR, -3 * DAY, 400 * DAY, -20 * 365 * DAY)
"""Seconds off the broker's clock. A topic that goes by its writers' clocks deletes what they date before its retention,
and may refuse what they date ahead of its broker.
"""

EACH = 80


def test_jumps_change_no_decision_and_lose_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(
        **{"topics.unique_partitions": 1, "entities.model": "rules", "broker.session_timeout_s": 30.0}
    )
    ensure_topics(settings)
    clock = tmp_path / "clock"
    _set(clock, 0.0)
    monkeypatch.setenv("JUMPING_CLOCK", str(clock))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tests" / "broker" / "jumping"), str(ROOT)]))
    rows = streams.mixed(EACH * len(JUMPS), seed=3)
    with running(settings) as chain:
        for n, jump in enumerate(JUMPS):
            _set(clock, jump)
            publish(settings, streams.write(tmp_path / f"{n}.jsonl", rows[EACH * n : EACH * (n + 1)]))
            chain.finish()
        assert set(chain.deaths.values()) == {0}, f"died: {chain.deaths}\n{chain.said}"
    assert abs(_time_of_a_process() - (time.time() + JUMPS[-1])) < HOUR, "their clocks did jump"
    ages = [time.time() - record.timestamp / 1000 for record in read(settings, "raw")]
    assert 0 <= min(ages) <= max(ages) < HOUR, "Kafka goes by its own clock"
    verdicts = compare(settings, expected(settings, tmp_path / "offline"))
    assert verdicts["new"] > EACH
    assert sum(verdicts.values()) == len(rows)


def _set(clock: Path, offset: float) -> None:
    """Whole or not at all: the processes read it while it is written."""
    beside = clock.with_suffix(".new")
    beside.write_text(str(offset))
    beside.replace(clock)


def _time_of_a_process() -> float:
    code = "from pipeline.clock import SystemClock; print(SystemClock().now().timestamp())"
    return float(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)
