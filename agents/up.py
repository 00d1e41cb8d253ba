"""Everything on one machine, with a live status."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from kafka.errors import KafkaError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from agents.progress import ChainProgress, StageProgress, watching
from agents.supervisor import Supervisor, workers
from pipeline import interrupts
from pipeline.broker.admin import ensure_topics
from pipeline.broker.commands import show_progress
from pipeline.broker.errors import BrokerError
from pipeline.broker.local import LocalBroker
from pipeline.claim import claim
from pipeline.settings import Settings, with_values

_LOOK_EVERY_S = 1.0
_PLAIN_EVERY_S = 30.0
_BROKER_AGAIN_S = 30.0


class Cluster:
    """The Kafka that everything on this machine uses.

    Attributes:
        settings: those given, with `broker.bootstrap` filled in.
    """

    def __init__(self, settings: Settings, own: LocalBroker | None, said: Callable[[str], None]) -> None:
        self.settings = settings
        self._own = own
        self._said = said
        self._next_start = 0.0

    def tend(self) -> None:
        """Start the broker again if it is ours and has died; call it every second or so."""
        if self._own is None or self._own.address() is not None or time.monotonic() < self._next_start:
            return
        self._said(f"Kafka died, starting it again; its log: {self._own.logs}")
        try:
            self._own.start()
        except BrokerError as error:
            self._next_start = time.monotonic() + _BROKER_AGAIN_S
            self._said(f"Kafka does not start: {error}\nNext try in {_BROKER_AGAIN_S:.0f} s.")


@contextmanager
def broker(settings: Settings, console: Console) -> Iterator[Cluster]:
    """The configured cluster, or a local broker for as long as the context lasts; topics are created."""
    local = None
    if not settings.broker.bootstrap:
        local = LocalBroker.from_settings(settings)
        address = local.address()
        if address is None:
            console.print("Starting Kafka ...")
            with show_progress() as progress:
                local.progress = progress
                address = local.start()
            console.print(f"Kafka answers at {address}.")
        else:
            console.print(f"Using the local Kafka that runs at {address}.")
            local = None
        settings = with_values(settings, {"broker.bootstrap": address}, "the local broker")
    try:
        ensure_topics(settings)
        yield Cluster(settings, local, console.print)
    finally:
        if local is not None:
            console.print("Stopping Kafka ...")
            local.stop()


def run(settings: Settings, entity_workers: int) -> None:
    """Start everything and tend it until interrupted.

    Raises:
        FatalError: it runs already with this data directory.
    """
    console = Console(stderr=True)
    taken = f"`wirefuse up` runs already with {settings.data_dir}: stop it first, or set data.dir to another folder"
    with claim(settings.state_dir / "up.lock", taken), broker(settings, console) as cluster:
        running = cluster.settings
        # Paths are to be copied: not broken into lines, and nothing in them is markup.
        say = partial(console.print, soft_wrap=True, markup=False, highlight=False)
        supervisor = Supervisor(running, workers(running, entity_workers), said=say)
        try:
            supervisor.start()
            say(f"Publish with: {publish_command(settings)}")
            with watching(running) as progress:
                _tend(supervisor, cluster, progress, console)
        except KeyboardInterrupt:
            console.print("Stopping the stages ...")
        finally:
            supervisor.stop()


def publish_command(settings: Settings) -> str:
    """What to type in another terminal to publish into this chain; that one has the same file, but no variables."""
    given = {"data.dir": str(settings.data_dir.absolute()), "broker.bootstrap": settings.broker.bootstrap}
    flags = [f"--set {shlex.quote(f'{name}={value}')}" for name, value in given.items() if name in settings.origin]
    return " ".join(("wirefuse", *flags, "publish PATH"))


def _tend(supervisor: Supervisor, cluster: Cluster, progress: ChainProgress, console: Console) -> None:
    if not console.is_terminal:
        shown = 0.0
        while True:
            interrupts.check()
            cluster.tend()
            supervisor.tend()
            if time.monotonic() - shown > _PLAIN_EVERY_S:
                console.print(status_line(_look(progress)))
                shown = time.monotonic()
            time.sleep(_LOOK_EVERY_S)
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            interrupts.check()
            cluster.tend()
            supervisor.tend()
            live.update(table(_look(progress), supervisor))
            time.sleep(_LOOK_EVERY_S)


def _look(progress: ChainProgress) -> list[StageProgress]:
    try:
        return progress.stages()
    except KafkaError:
        return []  # the broker is away for a moment; the next look will tell


def status_line(stages: list[StageProgress]) -> str:
    """The state of the chain in one line."""
    if not stages:
        return "Kafka does not answer"
    return "  ".join(f"{s.stage} {s.done}/{s.records}" for s in stages)


def table(stages: list[StageProgress], supervisor: Supervisor) -> Table:
    """The state of the chain, a row per stage."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("stage")
    shown.add_column("done", justify="right")
    shown.add_column("waiting", justify="right")
    shown.add_column("workers")
    for stage in stages:
        mine = [p for p in supervisor.processes if p.name.startswith(stage.stage)]
        state = ", ".join(
            p.name.partition("-")[2] + (" up" if p.running else " down") + (f", died {p.deaths}x" if p.deaths else "")
            for p in mine
        )
        shown.add_row(stage.stage, f"{stage.done:,}", f"{stage.waiting:,}", state)
    if not stages:
        shown.add_row("Kafka does not answer", "", "", "")
    return shown
