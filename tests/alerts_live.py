"""The alerts on a live chain: what goes wrong is reported by the alert that is meant for it, and by no other.

    python tests/alerts_live.py [--only NAME ...] [--dir .wirefuse/alerts]

Two feeds give about two articles a second to a chain on a real broker; a real Prometheus scrapes it, configured as in
deploy/prometheus, with every time in the rules FACTOR times shorter. One thing after the other is broken and mended.
While it is broken its alert must fire, and none else; once it is mended all must fall silent. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker")]

import alerts  # noqa: E402  # the tests' own modules, found by the line above
import postgres  # noqa: E402
import prometheus  # noqa: E402
import streams  # noqa: E402
from agents.supervisor import Process, Supervisor, workers  # noqa: E402
from pipeline.broker.admin import ensure_topics  # noqa: E402
from pipeline.broker.local import LocalBroker  # noqa: E402
from pipeline.settings import load  # noqa: E402
from web import Web, serving  # noqa: E402
from workers import send  # noqa: E402

FACTOR = 20
STAGES = 4
SCRAPE_S = 1.0
HEALTHY_S = 45.0
"""A healthy chain must be silent for so long, before anything is broken."""
FIRES_WITHIN_S = 150.0
HOLD_S = 12.0
"""After the alert fires, so long for others that must not."""
SILENT_WITHIN_S = 400.0


class Wire:
    """Two feeds: `steady` has two new items a second for ever, `fickle` one until it is told otherwise."""

    def __init__(self, web: Web) -> None:
        self._rows = itertools.cycle(streams.shipped())
        self._count = 0
        self._items: dict[str, list[str]] = {"steady": [], "fickle": []}
        self.mode = "lively"
        """lively, silent or broken: of `fickle`."""
        for name in self._items:
            web.pages[f"/{name}"] = lambda handler, name=name: self._answer(handler, name)  # type: ignore[misc]

    def _answer(self, handler: Any, name: str) -> None:
        if name == "steady" or self.mode == "lively":
            self._grow(name, 2 if name == "steady" else 1)
        status = 500 if name == "fickle" and self.mode == "broken" else 200
        body = f"<rss version='2.0'><channel><title>{name}</title>{''.join(self._items[name])}</channel></rss>".encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _grow(self, name: str, items: int) -> None:
        for _ in range(items):
            self._count += 1
            row = next(self._rows)
            text = f"{row['text'][:600]} Report number {self._count}.".replace("&", "and").replace("<", " ")
            said = f"<title>Report {self._count}</title><description>{text}</description>"
            item = f"<item><guid>{self._count}</guid>{said}</item>"
            self._items[name] = [item, *self._items[name][:19]]


class Scene:
    """The chain, its broker, its sources and the Prometheus that watches it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.broker = LocalBroker(folder / "kafka")
        address = self.broker.start()
        self.broker.port = int(address.rpartition(":")[2])  # the same address after every restart
        self.database = postgres.server()
        self.settings = load(
            env={}, flags={"broker.bootstrap": address, "data.dir": str(folder / "data"), "entities.model": "rules",
                           "sink.url": self.database.url(),
                           "topics.unique_partitions": 2, "topics.output_partitions": 2,
                           "broker.session_timeout_s": 6.0, "producer.fetch_private": True},
        )  # fmt: skip
        ensure_topics(self.settings)
        self._away: set[str] = set()
        self._ended = threading.Event()

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Start everything; end it all at the end."""
        with serving() as web:
            self.wire = Wire(web)
            commands = workers(self.settings) | {"feeds": ("feeds", str(self._sources(web)))}
            self._supervisor = Supervisor(self.settings, commands, said=lambda line: None)
            tending = threading.Thread(target=self._tend, name="tend")
            self._supervisor.start()
            tending.start()
            try:
                with prometheus.running_with(self._folder / "prometheus", self._config()) as self.prometheus:
                    yield
            finally:
                self._ended.set()
                tending.join()
                self._supervisor.stop(20.0)

    def stop(self, name: str) -> None:
        """End a worker in good order, and do not start it again."""
        self._away.add(name)
        popen = self._process(name).popen
        assert popen is not None
        popen.terminate()
        popen.wait(60)

    def kill(self, name: str) -> None:
        """The same by SIGKILL."""
        self._away.add(name)
        popen = self._process(name).popen
        assert popen is not None
        popen.kill()
        popen.wait(60)

    def back(self, name: str) -> None:
        """Let a worker be started again."""
        self._away.discard(name)

    def children(self, name: str) -> list[psutil.Process]:
        popen = self._process(name).popen
        assert popen is not None
        return psutil.Process(popen.pid).children(recursive=True)

    def drop(self, **row: Any) -> None:
        """Publish one row through the watched folder."""
        file = self._folder / "drop" / f"{time.time_ns()}.jsonl"
        hidden = file.with_suffix(".part")
        hidden.write_text(json.dumps(row) + "\n")
        hidden.rename(file)

    def _process(self, name: str) -> Process:
        return next(p for p in self._supervisor.processes if p.name == name)

    def _tend(self) -> None:
        every = list(self._supervisor.processes)
        while not self._ended.wait(0.2):
            self._supervisor.processes[:] = [p for p in every if p.name not in self._away or p.running]
            self._supervisor.tend()
            self._supervisor.processes[:] = every

    def _sources(self, web: Web) -> Path:
        (self._folder / "drop").mkdir(parents=True)
        file = self._folder / "feeds.toml"
        file.write_text(
            f'[[feed]]\nname = "steady"\nurl = "{web.url("/steady")}"\ninterval_s = 1\nquiet_after_s = 0\n'
            f'[[feed]]\nname = "fickle"\nurl = "{web.url("/fickle")}"\ninterval_s = 1\nquiet_after_s = 60\n'
            f'[[folder]]\nname = "drop"\npath = "{self._folder / "drop"}"\ninterval_s = 1\nquiet_after_s = 0\n'
        )
        return file

    def _config(self) -> dict[str, Any]:
        """deploy/prometheus/prometheus.yml with this chain's targets and shorter times."""
        rules = self._folder / "alerts.json"
        rules.write_text(json.dumps(alerts.shortened(alerts.load(), FACTOR)))
        config: dict[str, Any] = yaml.safe_load((alerts.PROMETHEUS / "prometheus.yml").read_text())
        every = f"{SCRAPE_S:g}s"
        config["global"] |= {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
        config["rule_files"] = [str(rules.resolve())]
        config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == prometheus.JOB]
        targets = str((self.settings.state_dir / "targets").resolve() / "*.json")
        config["scrape_configs"][0]["file_sd_configs"] = [{"files": [targets], "refresh_interval": "1s"}]
        return config


Fault = Callable[[Scene], "contextmanager[None]"]


@contextmanager
def stage_stopped(scene: Scene) -> Iterator[None]:
    scene.stop("dedup-0")
    yield
    scene.back("dedup-0")


@contextmanager
def stage_killed(scene: Scene) -> Iterator[None]:
    scene.kill("incidents-0")
    yield
    scene.back("incidents-0")


@contextmanager
def ner_hangs(scene: Scene) -> Iterator[None]:
    children = scene.children("entities-0")
    for child in children:
        child.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            child.send_signal(signal.SIGCONT)


@contextmanager
def database_down(scene: Scene) -> Iterator[None]:
    scene.database.kill()
    yield
    scene.database.start()


@contextmanager
def source_cut(scene: Scene) -> Iterator[None]:
    scene.wire.mode = "broken"
    yield
    scene.wire.mode = "lively"


@contextmanager
def source_silent(scene: Scene) -> Iterator[None]:
    scene.wire.mode = "silent"
    yield
    scene.wire.mode = "lively"


@contextmanager
def letters_pile_up(scene: Scene) -> Iterator[None]:
    with every_second(lambda: send(scene.settings, ["no article"] * 2)):
        yield


@contextmanager
def embargo_unreadable(scene: Scene) -> Iterator[None]:
    scene.drop(id="e1", provider="Desk", title="Budget", text="The budget is out.", embargoed_until="after lunch")
    yield


@contextmanager
def broker_stopped(scene: Scene) -> Iterator[None]:
    scene.broker.stop()
    yield
    scene.broker.start()


@contextmanager
def broker_away(scene: Scene) -> Iterator[None]:
    """For so long that the stages give up the work that they have in hand, and end."""
    with broker_stopped(scene):
        time.sleep(120.0)
        yield


@contextmanager
def killed_article_stuck(scene: Scene) -> Iterator[None]:
    row = {"id": "k1", "provider": "Desk", "title": "A claim", "text": "The minister has resigned, a source says."}
    scene.drop(**row)
    time.sleep(8.0)
    scene.stop("sink-0")
    scene.drop(**row, pub_status="canceled", version=2)
    yield
    scene.back("sink-0")


@contextmanager
def sink_away_for_long(scene: Scene) -> Iterator[None]:
    """Articles wait for more than a minute, in real time, and come late when it is back."""
    scene.stop("sink-0")
    time.sleep(110.0)
    scene.back("sink-0")
    scene.prometheus.until(lambda: "TargetDown" not in scene.prometheus.firing(), "the sink is back")
    yield


FAULTS: dict[str, tuple[Any, set[str]]] = {
    "stage-stopped": (stage_stopped, {"TargetDown"}),
    "stage-killed": (stage_killed, {"TargetDown"}),
    "ner-hangs": (ner_hangs, {"StageStalled"}),
    "database-down": (database_down, {"SinkErrors"}),
    "source-cut": (source_cut, {"SourceFetchFailing"}),
    "source-silent": (source_silent, {"SourceQuiet"}),
    "dead-letters": (letters_pile_up, {"DeadLetterRate"}),
    "broker-stopped": (broker_stopped, {"BrokerUnreachable"}),
    "broker-away": (broker_away, {"BrokerUnreachable"}),
    "kill-stuck": (killed_article_stuck, {"KillNotPropagated", "TargetDown"}),
    "sink-late": (sink_away_for_long, {"FreshnessSLO"}),
    "embargo": (embargo_unreadable, {"EmbargoParseFailure"}),
}


@contextmanager
def every_second(do: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(1.0):
            do()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def play(scene: Scene, name: str) -> bool:
    """One fault; True if its alerts fired, no other did, and all fell silent after."""
    fault, expected = FAULTS[name]
    started = time.monotonic()
    fired: dict[str, float] = {}

    def look() -> None:
        for alert in scene.prometheus.firing():
            fired.setdefault(alert, time.monotonic() - started)

    with fault(scene):
        broken = time.monotonic()
        while not expected <= fired.keys() and time.monotonic() - broken < FIRES_WITHIN_S:
            look()
            time.sleep(0.5)
        held = time.monotonic()
        while time.monotonic() - held < HOLD_S:
            look()
            time.sleep(0.5)
    mended = time.monotonic()
    quiet = silent(scene, SILENT_WITHIN_S)
    good = fired.keys() == expected and quiet
    shown = ", ".join(f"{alert} after {seconds:.0f} s" for alert, seconds in fired.items()) or "nothing"
    after = f"silent {time.monotonic() - mended:.0f} s after" if quiet else f"NOT SILENT: {scene.prometheus.alerts()}"
    print(f"{'ok  ' if good else 'FAIL'} {name:15} {shown}; {after}", flush=True)
    return good


def silent(scene: Scene, seconds: float) -> bool:
    """Wait until nothing fires, and has not for five seconds, and the chain has caught up."""
    deadline = time.monotonic() + seconds
    since = None
    while time.monotonic() < deadline:
        if scene.prometheus.firing() or scene.prometheus.value("count(wirefuse:waiting_records < 10)") != STAGES:
            since = None
        elif since is None:
            since = time.monotonic()
        elif time.monotonic() - since > 5.0:
            return True
        time.sleep(0.5)
    return False


def healthy(scene: Scene) -> bool:
    """Wait until the chain works, and look that nothing fires while it does."""
    scene.prometheus.until(
        lambda: (
            scene.prometheus.value("count(wirefuse_ready == 1)") == STAGES + 1
            and scene.prometheus.value('sum(wirefuse_events_processed_total{stage="sink"}) > 20')
        ),
        "the chain works",
        120.0,
    )
    fired: set[str] = set()
    until = time.monotonic() + HEALTHY_S
    while time.monotonic() < until:
        fired |= scene.prometheus.firing()
        time.sleep(0.5)
    print(f"{'FAIL' if fired else 'ok  '} healthy         {', '.join(sorted(fired)) or 'nothing'} in {HEALTHY_S:.0f} s",
          flush=True)  # fmt: skip
    return not fired


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/alerts"))
    arguments = parser.parse_args()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    scene = Scene(arguments.dir.resolve())
    try:
        with scene.playing():
            good = [healthy(scene), *(play(scene, name) for name in arguments.only)]
    finally:
        scene.broker.stop()
    print(f"{sum(good)} of {len(good)} as they should be")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
