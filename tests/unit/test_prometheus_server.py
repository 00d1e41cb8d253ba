"""The tests' own Prometheus: it scrapes what it is given, answers queries and is gone afterwards."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

import prometheus
from pipeline.health import HealthServer
from pipeline.metrics import Metrics
from pipeline.settings import CONFIG_ENV, load


def test_a_process_is_scraped_and_the_server_ends(tmp_path: Path) -> None:
    settings = load(env={CONFIG_ENV: ""}, flags={"data.dir": str(tmp_path / "data")})
    metrics = Metrics()
    metrics.gauge("ready").labels("sink").set(1)
    with (
        HealthServer(settings, "sink-0", metrics, lambda: None, lambda: None) as process,
        prometheus.running(
            tmp_path / "prometheus", targets=[f"{process.host}:{process.port}"], interval_s=0.2
        ) as server,
    ):
        found = server.until(lambda: server.query("wirefuse_ready"), "a sample of the process")
        assert [(s.labels["job"], s.labels["stage"], s.value) for s in found] == [("wirefuse", "sink", 1.0)]
        with pytest.raises(prometheus.QueryError, match="parse error"):
            server.query("sum(")
        url = server.url
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)
