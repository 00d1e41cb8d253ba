"""Annotators in processes of their own, so that NER uses every core and blocks no event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.entities.alias_file import AliasFile
from pipeline.entities.gazetteer import Name, alias_path
from pipeline.errors import DeadlyInput, FatalError, InvalidEvent, SettingsError
from pipeline.records import Annotation, Article
from pipeline.settings import Entities

if TYPE_CHECKING:
    from pipeline.entities.annotator import Annotator

_PARENT_CHECK_S = 1.0

_annotator: Annotator | None = None
_load_error = ""


def _start_child(settings: Entities, parent: int) -> None:
    """Initialise a pool process: leave signals to the parent, follow it into death, load the pipeline."""
    global _annotator, _load_error
    # Ctrl-C and a supervisor's SIGTERM go to the whole process group; the parent drains, then stops us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    # Here, so that the parent need not import spaCy: time at every start, and 60 MiB.
    from pipeline.entities.annotator import Annotator

    try:
        _annotator = Annotator(settings)
    except SettingsError as e:
        _load_error = str(e)  # an exception here would only say "broken pool"


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os._exit(1)


def _ready() -> str:
    return _load_error


def _annotate(articles: Sequence[Article], own: tuple[Name, ...]) -> list[Annotation | InvalidEvent]:
    assert _annotator is not None, "the parent asks for nothing before _ready() said yes"
    _annotator.use_names(own)
    return _annotator.annotate(articles)


def split(sizes: Sequence[int], parts: int) -> list[tuple[int, int]]:
    """Cut a list into at most `parts` runs [start, end) of about equal total size, none empty.

    A part ends where the running total passes its share of the whole.
    """
    total = sum(sizes)
    cuts = [0]
    done = 0
    for i, size in enumerate(sizes):
        done += size
        if done * parts >= total * len(cuts) and len(cuts) < parts:
            cuts.append(i + 1)
    cuts.append(len(sizes))
    return [(a, b) for a, b in itertools.pairwise(cuts) if a < b]


class Pool:
    """A fixed number of annotator processes (started by spawn; none is replaced: a dead one ends the pool).

    The user's file of aliases is looked at before each batch. Its names travel with the work: all processes annotate
    one batch with the same names.
    """

    def __init__(self, settings: Entities) -> None:
        self._settings = settings
        self._executor: ProcessPoolExecutor | None = None
        self._children: list[BaseProcess] = []
        self._aliases = AliasFile(None)

    def start(self) -> None:
        """Start the processes and wait until the pipeline is loaded.

        Raises:
            SettingsError: the pipeline or the aliases that the settings name cannot be used.
            FatalError: a process died while loading.
        """
        self._aliases = AliasFile(alias_path(self._settings.aliases))
        # One process per core is the plan; each of them starting a thread per core would slow them all.
        for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(variable, "1")
        others = set(active_children())
        executor = ProcessPoolExecutor(
            self._settings.processes,
            mp_context=get_context("spawn"),
            initializer=_start_child,
            initargs=(self._settings, os.getpid()),
        )
        asked = [executor.submit(_ready) for _ in range(self._settings.processes)]
        self._children = [child for child in active_children() if child not in others]
        try:
            errors = [future.result() for future in asked]
        except BrokenProcessPool as e:
            self._kill()
            raise FatalError(f"an entities process died while loading the pipeline: {e}") from e
        if any(errors):
            executor.shutdown()
            raise SettingsError(next(e for e in errors if e))
        self._executor = executor

    def resident_bytes(self) -> int:
        """Resident memory of all processes, what they share counted in each; 0 where there is no /proc."""
        pages = 0
        for child in self._children:
            try:
                pages += int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
            except OSError:
                pass  # it is gone, or this is no Linux
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """Stop the processes; work that waits is given up."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    async def annotate(self, articles: Sequence[Article]) -> list[Annotation | InvalidEvent]:
        """One annotation per article, in their order, computed by all processes at once.

        Raises:
            FatalError: a process of the pool died, or the pool is not started.
        """
        if self._executor is None:
            raise FatalError("the entities pool is not running")
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._aliases.refresh)
        own = self._aliases.names
        runs = split([len(a.text) + 200 for a in articles], self._settings.processes)
        try:
            parts = await asyncio.gather(
                *(loop.run_in_executor(self._executor, _annotate, list(articles[a:b]), own) for a, b in runs)
            )
        except BrokenProcessPool as e:
            self._kill()
            raise DeadlyInput(f"an entities process died: {e}") from e
        return [annotation for part in parts for annotation in part]

    def _kill(self) -> None:
        # A broken executor ends the other processes by SIGTERM, which they ignore, and waits for them.
        for child in self._children:
            child.kill()
