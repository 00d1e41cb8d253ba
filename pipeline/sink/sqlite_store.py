"""Opening a SQLite store: connection, schema version, and what SQLite's errors mean here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from pipeline.errors import FatalError, RetryableError

APPLICATION_ID = 0x57697265
"""Marks the file as ours ("Wire"), so that no other program's database is written to by mistake."""

_RETRYABLE = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked by another process",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written (disk full, a size limit, or a failing disk)",
    sqlite3.SQLITE_NOMEM: "cannot be used: out of memory",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DENIED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, which say which file, what is wrong and what to do.

    Raises:
        RetryableError: locked, full, or the disk did not answer.
        FatalError: everything else.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a fault in this code, not in the store
    except sqlite3.Error as e:
        code = getattr(e, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code in _RETRYABLE:
            raise RetryableError(f"{path} {_RETRYABLE[code]}: {e}") from e
        if code in _DAMAGED:
            raise FatalError(
                f"{path} is damaged or no SQLite database: {e}. Put a backup in its place; or move the file away "
                f"(with {path.name}-wal and {path.name}-shm) and let the sink read its topics again from the start"
            ) from e
        if code in _DENIED:
            raise FatalError(
                f"{path} cannot be opened: {e}. Check that it is a file, and the rights on it and on its folder"
            ) from e
        raise FatalError(f"{path}: {e}. The tables are not as Wirefuse made them") from e


def connect(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection for writing, in autocommit mode, that any thread may use (one at a time)."""
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    # Most article records fit into one page of 8 KiB, few into one of 4 KiB. Only a new file takes this.
    connection.execute("PRAGMA page_size = 8192")
    # Readers go on while a batch is written.
    connection.execute("PRAGMA journal_mode = WAL")
    # A batch is acknowledged to Kafka once it is committed. NORMAL may lose the last commits with the power, and Kafka
    # would not send them again; one fsync per batch is cheap.
    connection.execute("PRAGMA synchronous = FULL")
    # A killed article must not stay readable in the free pages of the file.
    connection.execute("PRAGMA secure_delete = ON")
    # Ids are hashes, so every batch touches index pages all over the file: keep 16 MiB of them, and write them back
    # to the file every few batches (32 MiB of log), not after each.
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA wal_autocheckpoint = 4096")
    return connection


def connect_read_only(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection that cannot write."""
    uri = path.absolute().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)


def migrate(connection: sqlite3.Connection, path: Path, mend: Callable[[], None]) -> bool:
    """Create the tables, or bring an older version's up to date, in one transaction.

    Args:
        mend: called in it where there is an older version's content, once the tables are as they should be.

    Returns:
        Whether there was.

    Raises:
        FatalError: the file was written by a newer Wirefuse, or belongs to something else.
    """
    scripts = _scripts()
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = check_version(connection, path)
        for number, script in scripts.items():
            if number > version:
                for statement in _statements(script):
                    connection.execute(statement)
        if 0 < version < max(scripts):
            mend()
        if version < max(scripts):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {max(scripts)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return 0 < version < max(scripts)


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """Schema version of a store; 0: an empty file.

    Raises:
        FatalError: the file was written by a newer Wirefuse, or belongs to something else.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise FatalError(f"{path} is a SQLite database of something else; give the sink a file of its own (sink.url)")
    if version > latest_version():
        raise FatalError(
            f"{path} has schema version {version}, this Wirefuse knows up to {latest_version()}: "
            "a newer version wrote it. Use that version, or another file (sink.url)"
        )
    return int(version)


def latest_version() -> int:
    """The schema version that this code reads and writes."""
    return max(_scripts())


def _scripts() -> dict[int, str]:
    """The numbered scripts, in order."""
    folder = resources.files("pipeline.sink").joinpath("schema", "sqlite")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return {int(name.partition("_")[0]): folder.joinpath(name).read_text("utf-8") for name in names}


def _statements(script: str) -> Iterator[str]:
    # Connection.executescript would commit on its own; a migration is one transaction.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
