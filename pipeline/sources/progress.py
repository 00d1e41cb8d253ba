"""Progress of publishing files: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipeline.sources.publisher import Counts
from pipeline.sources.wire import Item

_LINE_EVERY_S = 5.0


class Display(Protocol):
    """Shows how far publishing is, and lines for a person; on standard error."""

    def item(self, path: Path, item: Item) -> None: ...

    def file(self, path: Path) -> None: ...

    def say(self, line: str) -> None: ...


@contextmanager
def display(sizes: dict[Path, int], counts: Counts) -> Iterator[Display]:
    """A display for these files, with their sizes in bytes."""
    if not sys.stderr.isatty():
        yield _Lines(sizes, counts)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=5) as progress:
        yield _Bar(sizes, counts, progress, progress.add_task("", total=max(1, sum(sizes.values()))))


def rate(counts: Counts, seconds: float) -> str:
    """`1,234 sent, 2 dead letters, 411/s`."""
    dead = counts.dead_letters.total()
    text = f"{counts.sent:,} sent"
    if dead:
        text += f", {dead:,} dead letter{'s' if dead > 1 else ''}"
    return f"{text}, {(counts.sent + dead) / max(seconds, 1e-3):,.0f}/s"


class _Bytes:
    """How many bytes of the files are done with."""

    def __init__(self, sizes: dict[Path, int]) -> None:
        self._sizes = sizes
        self._total = sum(sizes.values())
        self._before = 0

    def within(self, path: Path, item: Item) -> int:
        # The offset in a compressed file counts more bytes than the file has.
        return self._before + min(item.next.offset, self._sizes.get(path, 0))

    def after(self, path: Path) -> int:
        self._before += self._sizes.get(path, 0)
        return self._before


class _Bar:
    def __init__(self, sizes: dict[Path, int], counts: Counts, progress: Progress, task: TaskID) -> None:
        self._bytes = _Bytes(sizes)
        self._counts = counts
        self._progress = progress
        self._task = task
        self._started = self._shown = time.monotonic()

    def item(self, path: Path, item: Item) -> None:
        now = time.monotonic()
        if now - self._shown >= 0.2:
            self._shown = now
            self._update(self._bytes.within(path, item))

    def file(self, path: Path) -> None:
        self._update(self._bytes.after(path))

    def _update(self, done: int) -> None:
        description = rate(self._counts, time.monotonic() - self._started)
        self._progress.update(self._task, completed=done, description=description)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


class _Lines:
    def __init__(self, sizes: dict[Path, int], counts: Counts) -> None:
        self._bytes = _Bytes(sizes)
        self._total = max(1, sum(sizes.values()))
        self._counts = counts
        self._started = self._shown = time.monotonic()

    def item(self, path: Path, item: Item) -> None:
        now = time.monotonic()
        if now - self._shown >= _LINE_EVERY_S:
            self._shown = now
            share = self._bytes.within(path, item) / self._total
            self.say(f"{rate(self._counts, now - self._started)}, {share:.0%} of the files")

    def file(self, path: Path) -> None:
        self._bytes.after(path)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)
