"""Every query of every dashboard, asked of a real Prometheus that scrapes a live chain under load."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import prometheus
import streams
from newsday import FEEDS, FOLDERS, SETTINGS, newsday
from pipeline.broker.admin import ensure_topics
from pipeline.settings import Settings
from workers import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
sys.path.insert(0, str(GRAFANA))

from boards.ask import Window, answers, panels  # noqa: E402  # found by the line above

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

PROCESSES = {"dedup-0", "entities-0", "incidents-0", "sink-0", "feeds"}
BOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
ARTICLES = 300
FILLED_S = 400.0


def test_every_panel_shows_data_of_its_unit(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    prometheus.binary("prometheus")  # before anything is started
    # Names by rules: the trained pipeline would take most of the time, and shows nothing that this does not.
    settings = make_settings(**SETTINGS, **{"entities.model": "rules", "topics.unique_partitions": 2})
    ensure_topics(settings)
    rows = streams.mixed(ARTICLES, seed=4)
    targets = settings.state_dir / "targets" / "*.json"
    (tmp_path / "day").mkdir()
    with (
        newsday(settings, tmp_path / "day", rows) as day,
        prometheus.running(tmp_path / "prometheus", target_files=[targets]) as server,
    ):
        started = time.time()
        empty = ["nothing was asked yet"]
        while empty:
            assert time.time() < started + FILLED_S, "\n".join(empty)
            for _ in range(6):
                day.tick(15)
                time.sleep(0.5)
            window = Window(started, time.time(), points=60, scrape_interval_s=2.0)
            empty = _without_data(server.url, window)
        # What is asked of one moment is waited for: what stands still at a scrape is not there until the next.
        every = {"job": {prometheus.JOB}, "instance": PROCESSES}
        server.until(lambda: _choices(server, window) == every, "every process is offered")
        _sane(server.url, window)
        followed = len(FOLDERS) + len(FEEDS) + 1
        server.until(lambda: server.value("count(wirefuse_source_interval_seconds)") == followed, "all are followed")
        failed = 'wirefuse_source_fetches_total{source="broken", result="error"}'
        server.until(lambda: server.value(failed), "one fails")


def _choices(server: prometheus.PrometheusServer, window: Window) -> dict[str, set[str]]:
    """What each variable offers."""
    found: dict[str, set[str]] = {}
    for board in BOARDS:
        for variable in json.loads(board.read_bytes())["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
                assert asked is not None
                rows = server.query(window.filled_in(asked[1]))
                found.setdefault(variable["name"], set()).update(row.labels[asked[2]] for row in rows)
    return found


def _without_data(url: str, window: Window) -> list[str]:
    """Queries that give no number, as `dashboard: panel: query`."""
    found = []
    for board in BOARDS:
        for panel in panels(board):
            for target, series in answers(url, panel, window):
                if not any(math.isfinite(value) for one in series for _, value in one.points):
                    found.append(f"{board.stem}: {panel['title']}: {target['expr']}")
    return found


def _sane(url: str, window: Window) -> None:
    """What a unit can hold: a share is no percentage, an age no point in time, and bytes are no kilobytes."""
    for board in BOARDS:
        for panel in panels(board):
            unit = panel["fieldConfig"]["defaults"]["unit"]
            for target, series in answers(url, panel, window):
                values = [v for one in series for _, v in one.points if math.isfinite(v)]
                where = f"{board.stem}: {panel['title']}: {target['expr']}: {min(values)} to {max(values)}"
                # Linux rounds the time of its start, and so of a process: a new one may seem too young.
                assert min(values) >= (-2 if unit == "s" else 0), where
                if unit == "s":
                    assert max(values) < 600, where
                elif unit == "percentunit":
                    assert max(values) <= 4, where
                elif unit == "bytes":
                    assert 100 < max(values) < 2e9, where
                elif panel["type"] == "state-timeline":
                    assert set(values) <= {0.0, 1.0}, where
                assert all(one.name for one in series), f"{where}: no legend"
