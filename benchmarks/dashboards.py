"""Makes the pictures of the dashboards: a quarter of an hour of a live chain, scraped by a real Prometheus.

    python benchmarks/dashboards.py [FOLDER] [--minutes 13]

Needs Prometheus on the PATH (deploy/install-prometheus.sh). The wire is made from the shipped articles: waves of them,
two bursts, now and then what no stage can use. On the way entities stands still for a while, and the ledger is killed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker"), str(ROOT / "deploy" / "grafana")]

from render import render_all  # noqa: E402

import prometheus  # noqa: E402  # the tests' own helpers, found by the line above
import streams  # noqa: E402
from chain import LiveChain  # noqa: E402
from newsday import SETTINGS, Newsday, newsday  # noqa: E402
from pipeline.broker.admin import ensure_topics  # noqa: E402
from pipeline.broker.local import LocalBroker  # noqa: E402
from pipeline.settings import CONFIG_ENV, load  # noqa: E402

WAVE_S = 120
HIGH, LOW, BURST = 7, 3, 250
"""Articles in a second."""
SCRAPES_S = 2.0


def live(day: Newsday, minutes: float) -> None:
    """Tick once a second; what happens on the way happens at the same share of the time, however long it is."""
    seconds = int(60 * minutes)
    bursts = {int(0.2 * seconds), int(0.75 * seconds)}
    incidents: dict[int, Callable[[], None]] = {
        int(0.42 * seconds): lambda: _signal(day.chain, "entities-0", signal.SIGSTOP),
        int(0.42 * seconds) + 25: lambda: _signal(day.chain, "entities-0", signal.SIGCONT),
        int(0.6 * seconds): lambda: day.chain.kill("incidents-0"),
    }
    for second in range(seconds):
        began = time.monotonic()
        day.tick(BURST if second in bursts else HIGH if second % WAVE_S < 70 else LOW, hostile_every=60)
        incidents.get(second, lambda: None)()
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


def _signal(chain: LiveChain, name: str, number: signal.Signals) -> None:
    process = next(p for p in chain.supervisor.processes if p.name == name)
    if process.popen is not None and process.running:
        process.popen.send_signal(number)


def run(folder: Path, minutes: float, scratch: Path) -> None:
    """Run the chain, and draw what Prometheus saw of it."""
    broker = LocalBroker(scratch / "broker")
    flags = {
        "broker.bootstrap": broker.start(),
        "data.dir": str(scratch / "data"),
        "topics.unique_partitions": 3,
        "topics.output_partitions": 2,
    }
    try:
        settings = load(env={CONFIG_ENV: ""}, flags=flags | SETTINGS)
        ensure_topics(settings)
        rows = streams.mixed(int(60 * minutes) * HIGH + 2 * BURST, seed=21)
        targets = settings.state_dir / "targets" / "*.json"
        (scratch / "day").mkdir()
        with (
            newsday(settings, scratch / "day", rows) as day,
            prometheus.running(scratch / "prometheus", target_files=[targets], interval_s=SCRAPES_S) as server,
        ):
            live(day, minutes)
            render_all(server.url, folder, minutes)
    finally:
        broker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "pictures")
    parser.add_argument("--minutes", type=float, default=13.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wirefuse-pictures-") as scratch:
        run(asked.folder, asked.minutes, Path(scratch))


if __name__ == "__main__":
    main()
