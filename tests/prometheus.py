"""A real Prometheus for tests: in a temporary folder, on loopback, ended with the block that it was started in.

with prometheus.running(tmp_path / "prometheus", targets=["127.0.0.1:9400"]) as server:
    server.until(lambda: server.value("sum(up)") == 1, "the target is scraped")
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

JOB = "wirefuse"
_START_S = 120.0
_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one time; `labels` are without `__name__`."""

    labels: Mapping[str, str]
    value: float


class QueryError(AssertionError):
    """Prometheus refused a query; the message is its own."""


class PrometheusServer:
    """One server.

    Args:
        folder: for its configuration, data and log; made if it is not there.
        config: the whole configuration, as it would stand in prometheus.yml; see `config_for`.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self._binary = binary("prometheus")
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "prometheus.yml"
        self._config.write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self._folder / "prometheus.log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and return when it answers queries."""
        # A port that was free a moment ago can be taken before Prometheus binds it.
        for _ in range(5):
            if self._starts():
                return
            if "address already in use" not in self.log:
                break
        raise AssertionError(f"Prometheus does not start:\n{self.log[-3000:]}")

    def _starts(self) -> bool:
        self.port = _free_port()
        command = [
            self._binary, f"--config.file={self._config}", f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=info",
        ]  # fmt: skip
        with (self._folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_S
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
                return True
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    return False
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """An instant query; `at`: Unix time in seconds, default now.

        Raises:
            QueryError: the expression is wrong or cannot be evaluated.
        """
        found = self.api("query", query=expression, **({} if at is None else {"time": str(at)}))
        if found["resultType"] == "scalar":
            return [Sample({}, float(found["result"][1]))]
        return [_sample(row["metric"], row["value"]) for row in found["result"]]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[tuple[Sample, list[float]]]:
        """A range query: each series (with its last value), and its values from `start` to `end`, Unix times."""
        found = self.api("query_range", query=expression, start=str(start), end=str(end), step=str(step))
        return [
            (_sample(row["metric"], row["values"][-1]), [float(value) for _, value in row["values"]])
            for row in found["result"]
        ]

    def value(self, expression: str) -> float | None:
        """The value of an expression that gives one series or a scalar; None: it gives nothing.

        Raises:
            QueryError: as `query`, or there is more than one series.
        """
        found = self.query(expression)
        if len(found) > 1:
            raise QueryError(f"{expression}: {len(found)} series")
        return found[0].value if found else None

    def api(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of the HTTP API v1."""
        url = f"{self.url}/api/v1/{path}"
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            with urllib.request.urlopen(url, data=data, timeout=120) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            raise QueryError(f"{path} {parameters}: {error.read().decode(errors='replace')[:1000]}") from None
        return body["data"]

    def alerts(self, *states: str) -> list[Mapping[str, str]]:
        """Labels of the alerts that are pending or firing; `states` chooses."""
        return [a["labels"] for a in self.api("alerts")["alerts"] if not states or a["state"] in states]

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {labels["alertname"] for labels in self.alerts("firing")}

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 240.0) -> Any:
        """Wait for a condition, and return what it gave."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}\n{self.alerts()}\n{self.log[-1500:]}"
            time.sleep(0.2)
        return found


def config_for(
    *,
    targets: Sequence[str] = (),
    target_files: Sequence[Path | str] = (),
    rules: Sequence[Path] = (),
    interval_s: float = 1.0,
) -> dict[str, Any]:
    """A configuration with one job.

    Args:
        targets: host:port of each.
        target_files: files in file_sd format, or patterns of such; looked at again when they change.
        rules: rule files.
        interval_s: time between scrapes, and between evaluations.
    """
    every = f"{int(interval_s * 1000)}ms"
    job: dict[str, Any] = {"job_name": JOB}
    if targets:
        job["static_configs"] = [{"targets": list(targets)}]
    if target_files:
        job["file_sd_configs"] = [{"files": [str(f) for f in target_files], "refresh_interval": "1s"}]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(rule.resolve()) for rule in rules],
        "scrape_configs": [job],
    }


@contextmanager
def running(
    folder: Path,
    *,
    targets: Sequence[str] = (),
    target_files: Sequence[Path | str] = (),
    rules: Sequence[Path] = (),
    interval_s: float = 1.0,
) -> Iterator[PrometheusServer]:
    """A server with the configuration that `config_for` makes of the same arguments."""
    config = config_for(targets=targets, target_files=target_files, rules=rules, interval_s=interval_s)
    with running_with(folder, config) as server:
        yield server


@contextmanager
def running_with(folder: Path, config: Mapping[str, Any]) -> Iterator[PrometheusServer]:
    """A server with a whole configuration."""
    server = PrometheusServer(folder, config)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Run promtool; its exit status and what it said."""
    done = subprocess.run(
        [binary("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=240
    )
    return done.returncode, done.stdout + done.stderr


def binary(name: str) -> str:
    """Path of `prometheus` or `promtool`; skips the test without, and fails it on CI."""
    found = shutil.which(name)
    if found:
        return found
    message = f"no {name} is installed; `make test` installs Debian's where it may, or: apt-get install prometheus"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _sample(metric: Mapping[str, str], point: Sequence[Any]) -> Sample:
    return Sample({k: v for k, v in metric.items() if k != "__name__"}, float(point[1]))


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
