"""The embedded sink: one SQLite file, written in one transaction a batch, readable by anything while it grows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import FatalError
from pipeline.sink import sqlite_store
from pipeline.sink.sql import Transaction
from pipeline.sink.sql_sink import SqlSink


class SqliteSink(SqlSink[sqlite3.Connection]):
    """Writes one SQLite file.

    Args:
        path: the file; made when missing, with its folders.
        busy_timeout_s: how long to wait for another writer before giving up with a RetryableError.
        max_pages: the file grows to so many pages of 8 KiB at most; None: as far as the disk allows.
    """

    name = "sqlite"

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0, max_pages: int | None = None) -> None:
        super().__init__(str(path))
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._max_pages = max_pages

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise FatalError(f"{self.path.parent}: the sink's folder cannot be made: {e.strerror}") from e
        with sqlite_store.explained(self.path):
            connection = sqlite_store.connect(self.path, busy_timeout_s=self._busy_timeout_s)
            try:
                if sqlite_store.migrate(connection, self.path, Transaction(_Database(connection)).mend):
                    _empty_log(connection)
                if self._max_pages is not None:
                    connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[Transaction]:
        with sqlite_store.explained(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(_Database(connection))
                yield transaction
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite has rolled back by itself after some errors
                    connection.execute("ROLLBACK")
                raise
            if transaction.erased:
                _empty_log(connection)


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file: until then both still hold text that the batch has erased."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError:
        # A reader is in the way. The batch is committed; the next checkpoint does it.
        pass


class _Database:
    ids = "SELECT value FROM json_each(?)"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> int:
        return max(0, self._connection.executemany(sql, rows).rowcount)  # -1 for no rows
