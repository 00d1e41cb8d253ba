"""Reads the PostgreSQL store, also while sinks write it."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from pipeline.errors import FatalError
from pipeline.sink import postgres_store
from pipeline.sink.base import NoStoreError, display_url
from pipeline.sink.postgres import IDS
from pipeline.sink.sql_reader import Row, SqlReader


class PostgresReader(SqlReader):
    """Reads one PostgreSQL database; see `base.Reader`.

    Raises:
        NoStoreError: there are no tables yet.
        RetryableError, FatalError: see `postgres_store.explained`.
    """

    ids = IDS
    position = "position"

    def __init__(self, url: str) -> None:
        self._shown = display_url(url)
        with postgres_store.explained(self._shown):
            self._db = postgres_store.connect(url)
            try:
                version = postgres_store.check_version(self._db, self._shown)
                if version == 0:
                    raise NoStoreError(f"nothing has been written yet: {self._shown} has no tables")
                if version < postgres_store.latest_version():
                    raise FatalError(
                        f"{self._shown} has an older schema; start the sink once, which brings it up to date"
                    )
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    def select(self, sql: str, *parameters: Any) -> list[Row]:
        with postgres_store.explained(self._shown), self._db.cursor(row_factory=dict_row) as cursor:
            cursor.execute(postgres_store.statement(sql), postgres_store.storable(parameters))
            return list(cursor.fetchall())
