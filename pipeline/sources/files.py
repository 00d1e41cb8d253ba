"""Publishes files: each from where its cursor stands, as often as it grows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pipeline.settings import Producer
from pipeline.sources.cursor import Cursors, FileMark, Mark, fingerprint
from pipeline.sources.formats import files, read_file, shown
from pipeline.sources.pace import Pacer
from pipeline.sources.publisher import Publisher
from pipeline.sources.wire import BEGINNING, Item

FOLLOW_S = 1.0
"""Files that are followed are looked at so often."""

_LONG_WAIT_S = 60.0


def file_key(path: Path) -> str:
    """Name of a file among the cursors: its absolute path."""
    return shown(Path(os.path.abspath(path)))  # noqa: PTH100 - a link is a file of its own


def sizes(paths: Iterable[Path]) -> dict[Path, int]:
    """The files of these paths that can be found now, with their sizes in bytes."""
    found = {}
    for path in paths:
        try:
            for file in files(path):
                found[file] = file.stat().st_size
        except OSError:
            continue  # publishing it will say what is wrong
    return found


@dataclass(slots=True)
class FileReport:
    """What became of the files.

    Attributes:
        published: files that were read to their end.
        skipped: files that were published before and have not changed.
        failed: files that could not be read, with the reason.
    """

    published: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class FilePublisher:
    """Publishes files and folders.

    Args:
        pacer: how long to wait before each article.
        report: filled while the files are published.
        again: read every file from its beginning, whatever the cursor says.
        follow: leave the last line of a file alone while it has no line end.
        on_item: told of every item once it is sent, with the file's path.
        on_file: told of every file that is done with.
        say: takes one line for a person.
        links: a file may be a symbolic link.
    """

    def __init__(
        self,
        publisher: Publisher[Mark],
        cursors: Cursors,
        settings: Producer,
        pacer: Pacer,
        *,
        report: FileReport | None = None,
        again: bool = False,
        follow: bool = False,
        on_item: Callable[[Path, Item], None] = lambda path, item: None,
        on_file: Callable[[Path], None] = lambda path: None,
        say: Callable[[str], None] = lambda line: None,
        links: bool = True,
    ) -> None:
        self.report = FileReport() if report is None else report
        self._publisher = publisher
        self._cursors = cursors
        self._settings = settings
        self._pacer = pacer
        self._again = again
        self._follow = follow
        self._on_item = on_item
        self._on_file = on_file
        self._say = say
        self._links = links

    def publish(self, paths: Iterable[Path]) -> None:
        """Publish files and folders, each file once, and return when all is acknowledged.

        Raises:
            Stopped: the user asked to stop.
        """
        seen: set[str] = set()
        for path in self._found(paths):
            key = file_key(path)
            if key not in seen:
                seen.add(key)
                self.publish_file(path)
        self._publisher.flush()
        self._again = False

    def follow(self, paths: Iterable[Path]) -> None:
        """Publish what there is and what comes, until stopped.

        Raises:
            Stopped: the user asked to stop.
        """
        paths = list(paths)
        while True:
            self.publish(paths)
            self._publisher.wait(FOLLOW_S)

    def publish_file(self, path: Path) -> bool:
        """Publish one file; True if it had anything that was not published before."""
        key = file_key(path)
        try:
            begin = (fingerprint(path), BEGINNING) if self._again else self._cursors.start(path, key)
        except OSError as e:
            self._fail(path, e)
            return False
        if begin is None:
            self.report.skipped += 1
            self._on_file(path)
            return False
        known, position = begin
        items = read_file(path, self._settings, position, links=self._links)
        while True:
            try:
                item = next(items, None)
            except OSError as e:
                self._fail(path, e)
                return True
            if item is None or (self._follow and item.unfinished):
                break
            self._pause(item)
            position = item.next
            self._publisher.send(item, FileMark(key, known, position, finished=False))
            self._on_item(path, item)
        self._publisher.mark(FileMark(key, known, position, finished=True))
        self.report.published += 1
        self._on_file(path)
        return True

    def _found(self, paths: Iterable[Path]) -> Iterator[Path]:
        for path in paths:
            try:
                yield from files(path)
            except OSError as e:
                self._fail(path, e)

    def _pause(self, item: Item) -> None:
        seconds = self._pacer.wait_s(item.article.published if item.article else None)
        if seconds >= _LONG_WAIT_S and item.article is not None:
            wait = timedelta(seconds=round(seconds))
            self._say(f"{item.file}, line {item.line}: published {item.article.published}, goes out in {wait}")
        if seconds > 0:
            self._publisher.wait(seconds)

    def _fail(self, path: Path, error: OSError) -> None:
        name, reason = shown(path), error.strerror or str(error)
        if name not in self.report.failed:
            self._say(f"{name}: cannot be read: {reason}")
        self.report.failed[name] = reason
