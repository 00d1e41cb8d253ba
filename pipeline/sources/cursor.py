"""What has been published and acknowledged, so that a producer that starts again skips nothing and repeats little.

One SQLite file per data directory, for it gives what a cursor needs: a commit is all or nothing and on the disk when it
returns. Its rows belong to a destination (cluster, topic, edition): an article that one cluster has is news to another.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import FatalError
from pipeline.settings import Settings
from pipeline.sources.wire import BEGINNING, Position

FILE_NAME = "cursors.db"

_BUSY_S = 30.0
# Enough to tell two files apart by their first and last articles, little enough to read at every look.
_FINGERPRINT_PART = 64 * 1024
_SCHEMA = """
create table if not exists files (
    destination text not null, path text not null, size integer not null, digest text not null,
    mtime_ns integer not null, position integer not null,
    line integer not null, finished integer not null, primary key (destination, path)
) without rowid;
create table if not exists feeds (
    destination text not null, feed text not null, address text not null, url text not null, etag text,
    last_modified text, gone integer not null, fetches integer not null, primary key (destination, feed)
) without rowid;
create table if not exists entries (
    destination text not null, feed text not null, id text not null, hash text not null, fetch integer not null,
    primary key (destination, feed, id)
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells a file that grew from another one in its place.

    Attributes:
        size: bytes of the file when it was looked at.
        digest: hash of the first and the last 64 KiB of these.
        mtime_ns: when it was last changed, in nanoseconds since the epoch.
    """

    size: int
    digest: str
    mtime_ns: int


def fingerprint(path: Path, size: int | None = None) -> Fingerprint:
    """Fingerprint of a file, or of its first `size` bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as f:
        stat = path.stat()
        size = stat.st_size if size is None else size
        digest = hashlib.sha256(f.read(min(size, _FINGERPRINT_PART)))
        f.seek(max(0, size - _FINGERPRINT_PART))
        digest.update(f.read(min(size, _FINGERPRINT_PART)))
    return Fingerprint(size, digest.hexdigest(), stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class FileMark:
    """How far a file is published.

    Attributes:
        path: absolute, as text.
        fingerprint: of the file when reading began.
        position: where to go on.
        finished: whether its end was reached.
    """

    path: str
    fingerprint: Fingerprint
    position: Position
    finished: bool


@dataclass(frozen=True, slots=True)
class FeedMark:
    """What is known of a feed: its place and what a conditional request needs.

    Attributes:
        feed: its name in the configuration.
        address: its URL in the configuration.
        url: where it is now, after permanent redirects.
        gone: the server said that it will not come back (410).
        fetches: documents of it that were read to their end.
    """

    feed: str
    address: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    gone: bool = False
    fetches: int = 0


@dataclass(frozen=True, slots=True)
class EntryMark:
    """A feed's entry as it was last published.

    Attributes:
        fetch: number of the last document that had it.
    """

    feed: str
    id: str
    hash: str
    fetch: int


Mark = FileMark | FeedMark | EntryMark


class Cursors:
    """The cursors of one destination.

    Args:
        path: the SQLite file; made if it is not there.
        destination: cluster, topic and edition, as text.

    Raises:
        FatalError: the file is no cursor file or is damaged; the message says what to do.
    """

    def __init__(self, path: Path, destination: str) -> None:
        self._path = path
        self._destination = destination
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_BUSY_S)
            self._db.execute("pragma journal_mode = wal")
            # In WAL mode only FULL has a commit on the disk when it returns.
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, OSError) as e:
            raise self._broken(e) from e

    @classmethod
    def of(cls, settings: Settings, destination: str) -> Cursors:
        """The cursors in the state directory of `settings`."""
        return cls(settings.state_dir / FILE_NAME, destination)

    def close(self) -> None:
        self._db.close()

    def commit(self, marks: Iterable[Mark]) -> None:
        """Remember the marks, all or none; they are on the disk when this returns. Later marks win.

        Raises:
            FatalError: the file cannot be written.
        """
        files: dict[str, FileMark] = {}
        feeds: dict[str, FeedMark] = {}
        entries: dict[tuple[str, str], EntryMark] = {}
        for mark in marks:
            match mark:
                case FileMark():
                    files[mark.path] = mark
                case FeedMark():
                    feeds[mark.feed] = mark
                case EntryMark():
                    entries[mark.feed, mark.id] = mark
        try:
            with self._db:
                self._write(files.values(), feeds.values(), entries.values())
        except sqlite3.DatabaseError as e:
            raise self._broken(e) from e

    def _write(self, files: Iterable[FileMark], feeds: Iterable[FeedMark], entries: Iterable[EntryMark]) -> None:
        d = self._destination
        self._db.executemany(
            "insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    d,
                    m.path,
                    m.fingerprint.size,
                    m.fingerprint.digest,
                    m.fingerprint.mtime_ns,
                    m.position.offset,
                    m.position.line,
                    m.finished,
                )
                for m in files
            ],
        )
        self._db.executemany(
            "insert or replace into feeds values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(d, m.feed, m.address, m.url, m.etag, m.last_modified, m.gone, m.fetches) for m in feeds],
        )
        self._db.executemany(
            "insert or replace into entries values (?, ?, ?, ?, ?)",
            [(d, m.feed, m.id, m.hash, m.fetch) for m in entries],
        )

    def file(self, path: str) -> FileMark | None:
        """What is remembered of a file."""
        row = self._one("select size, digest, mtime_ns, position, line, finished from files", "path", path)
        if row is None:
            return None
        size, digest, mtime_ns, offset, line, finished = row
        return FileMark(path, Fingerprint(size, digest, mtime_ns), Position(offset, line), bool(finished))

    def start(self, path: Path, key: str) -> tuple[Fingerprint, Position] | None:
        """Where to read a file from, and its fingerprint; None for one that is published as it is.

        Args:
            path: the file.
            key: its absolute path as text.

        Raises:
            OSError: it cannot be read.
        """
        mark = self.file(key)
        if mark is None:
            return fingerprint(path), BEGINNING
        stat = path.stat()
        known = mark.fingerprint
        if mark.finished and (stat.st_size, stat.st_mtime_ns) == (known.size, known.mtime_ns):
            return None
        now = fingerprint(path)
        if now.size < known.size or fingerprint(path, known.size).digest != known.digest:
            return now, BEGINNING  # another file in its place
        if mark.finished and now.size == known.size:
            return None
        return now, mark.position

    def forget_files(self, folder: str, present: Iterable[str]) -> None:
        """Forget the files under `folder` that are not among `present`."""
        prefix = folder.rstrip("/") + "/"
        with self._db:
            rows = self._db.execute(
                "select path from files where destination = ? and substr(path, 1, ?) = ?",
                (self._destination, len(prefix), prefix),
            )
            gone = {path for (path,) in rows} - set(present)
            self._db.executemany(
                "delete from files where destination = ? and path = ?",
                [(self._destination, path) for path in sorted(gone)],
            )

    def feed(self, feed: str, address: str) -> FeedMark:
        """What is remembered of a feed; nothing where the configuration has given it another address."""
        row = self._one("select address, url, etag, last_modified, gone, fetches from feeds", "feed", feed)
        if row is None:
            return FeedMark(feed, address, address)
        known, url, etag, last_modified, gone, fetches = row
        if known != address:
            return FeedMark(feed, address, address, fetches=fetches)
        return FeedMark(feed, address, url, etag, last_modified, bool(gone), fetches)

    def entry(self, feed: str, id: str) -> str | None:
        """Hash of the entry as it was last published."""
        with closing(
            self._db.execute(
                "select hash from entries where destination = ? and feed = ? and id = ?", (self._destination, feed, id)
            )
        ) as rows:
            row = rows.fetchone()
        return None if row is None else str(row[0])

    def forget_entries(self, feed: str, keep: int) -> None:
        """Forget the entries of a feed that have not been seen for longest, all but `keep`."""
        with self._db:
            self._db.execute(
                "delete from entries where destination = ? and feed = ? and id in (select id from entries where "
                "destination = ? and feed = ? order by fetch desc, id limit -1 offset ?)",
                (self._destination, feed, self._destination, feed, keep),
            )

    def _one(self, select: str, column: str, value: str) -> tuple[Any, ...] | None:
        try:
            with closing(
                self._db.execute(f"{select} where destination = ? and {column} = ?", (self._destination, value))
            ) as rows:
                row: tuple[Any, ...] | None = rows.fetchone()
                return row
        except sqlite3.DatabaseError as e:
            raise self._broken(e) from e

    def _broken(self, error: Exception) -> FatalError:
        if isinstance(error, sqlite3.OperationalError | OSError):
            return FatalError(f"the cursor file {self._path} cannot be used: {error}")
        return FatalError(
            f"the cursor file {self._path} is damaged ({error}): remove it; what was published is then sent again and "
            "recognised as sent before"
        )
