"""Watches one folder: a file is taken once it has stopped changing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.sources.feed_config import FolderConfig
from pipeline.sources.formats import files

_State = tuple[int, int]
"""Size in bytes, time of the last change in nanoseconds."""


class Folder:
    """Says which files of a folder are ready to be read.

    A file is ready when it has not changed since the last look: its size and time are as they were then, or, for one
    that was not there (it was renamed into place, say), it was last written before then. At the first look "the last
    look" is one interval ago. A symbolic link is no file unless the configuration says so: it may lead anywhere.

    Args:
        clock: the time in seconds since the epoch, as the file system tells it.
    """

    def __init__(self, config: FolderConfig, clock: Callable[[], float] = time.time) -> None:
        self.config = config
        self.waiting = 0
        """Files that were still changing at the last look."""
        self.links: list[Path] = []
        """Symbolic links that the last look left out, and none before it."""
        self._links: set[Path] = set()
        self._clock = clock
        self._seen: dict[Path, _State] = {}
        self._looked = clock() - config.interval_s

    @property
    def present(self) -> list[Path]:
        """All files that the last look found."""
        return list(self._seen)

    def ready(self) -> list[Path]:
        """The files that are ready now, in the order of their names.

        Raises:
            OSError: the folder cannot be listed.
        """
        now = self._clock()
        os.scandir(self.config.path).close()  # raises where there is no such folder
        states: dict[Path, _State] = {}
        found = []
        self.waiting, self.links = 0, []
        for path in files(self.config.path):
            try:
                stat = path.stat()
                if path.is_symlink() and not self.config.links:
                    if path not in self._links:
                        self._links.add(path)
                        self.links.append(path)
                    continue
            except OSError:
                continue  # it was taken away in between
            states[path] = (stat.st_size, stat.st_mtime_ns)
            if self._seen.get(path) == states[path] or stat.st_mtime_ns < self._looked * 1e9:
                found.append(path)
            else:
                self.waiting += 1
        self._seen, self._looked = states, now
        return found
