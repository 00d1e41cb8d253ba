"""Reads the SQLite store, also while a sink writes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from pipeline.errors import FatalError
from pipeline.sink import sqlite_store
from pipeline.sink.base import NoStoreError
from pipeline.sink.sql_reader import Row, SqlReader


class SqliteReader(SqlReader):
    """Reads one SQLite file; see `base.Reader`.

    Raises:
        NoStoreError: there is no such file.
        FatalError: the file is damaged, or not a store of this version.
    """

    ids = "SELECT value FROM json_each(?)"
    position = "rowid"

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0) -> None:
        self.path = path
        if not path.exists():
            raise NoStoreError(f"nothing has been written yet: there is no {path}")
        with sqlite_store.explained(path):
            self._db = sqlite_store.connect_read_only(path, busy_timeout_s=busy_timeout_s)
            self._db.row_factory = sqlite3.Row
            try:
                version = sqlite_store.check_version(self._db, path)
                if version == 0:
                    raise NoStoreError(f"nothing has been written yet: {path} is empty")
                if version < sqlite_store.latest_version():
                    raise FatalError(f"{path} has an older schema; start the sink once, which brings it up to date")
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    def select(self, sql: str, *parameters: Any) -> list[Row]:
        with sqlite_store.explained(self.path):
            return [dict(row) for row in self._db.execute(sql, parameters)]
