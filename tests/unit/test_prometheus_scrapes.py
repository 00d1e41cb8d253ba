"""A real Prometheus finds the processes by the files that they write, and notices when one is gone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

import alerts
import prometheus
from pipeline.health import HealthServer, target_file
from pipeline.metrics import Metrics
from pipeline.settings import CONFIG_ENV, Settings, load

STAGES = ("dedup", "entities", "incidents", "sink")


def process(settings: Settings, stage: str) -> HealthServer:
    """What a worker shows of itself."""
    metrics = Metrics()
    metrics.gauge("ready").labels(stage).set(1)
    return HealthServer(settings, f"{stage}-0", metrics, lambda: None, lambda: None)


def test_a_stage_that_is_stopped_is_missed(tmp_path: Path) -> None:
    settings = load(env={CONFIG_ENV: ""}, flags={"data.dir": str(tmp_path / "data")})
    rules = tmp_path / "alerts.json"
    rules.write_text(json.dumps(alerts.shortened(alerts.load(), 60)))
    targets = target_file(settings, "*")
    with ExitStack() as stack:
        running = {stage: stack.enter_context(process(settings, stage)) for stage in STAGES}
        server = stack.enter_context(
            prometheus.running(tmp_path / "prometheus", target_files=[targets], rules=[rules], interval_s=0.5)
        )
        server.until(lambda: len(server.query("wirefuse_ready == 1")) == len(STAGES), "every process is scraped")
        found = server.query("up")
        assert {s.labels["instance"] for s in found} == {f"{stage}-0" for stage in STAGES}
        server.until(lambda: not server.alerts(), "nothing is amiss")
        running["dedup"].close()
        # Should this process stand still, which serves all of them, more is amiss for a while.
        missed = [{"alertname": "TargetDown", "severity": "critical", "stage": "dedup"}]
        server.until(lambda: server.firing() and server.alerts() == missed, "an alert about dedup and no other")
        with pytest.raises(prometheus.QueryError, match="parse error"):
            server.query("sum(")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url, timeout=2)
