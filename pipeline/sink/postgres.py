"""The sink for production: PostgreSQL, one transaction a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from pipeline.sink import postgres_store
from pipeline.sink.base import display_url
from pipeline.sink.sql import Transaction
from pipeline.sink.sql_sink import SqlSink

IDS = 'SELECT json_array_elements_text(?::json) COLLATE "C"'


class PostgresSink(SqlSink[psycopg.Connection[tuple[Any, ...]]]):
    """Writes one PostgreSQL database, or one schema of it.

    Any number of sinks may write at once: each takes an advisory lock for its transaction, because what a batch
    changes depends on what is there.

    Args:
        url: a libpq URL. It may hold a password, so that no message or log ever shows it.
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        super().__init__(display_url(url))
        self._url = url

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        with postgres_store.explained(self._shown):
            connection = postgres_store.connect(self._url)
            try:
                postgres_store.migrate(connection, self._shown, Transaction(_Database(connection)).mend)
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def _transaction(self, connection: psycopg.Connection[tuple[Any, ...]]) -> Iterator[Transaction]:
        with postgres_store.explained(self._shown):
            if connection.broken or connection.closed:
                connection = self._connection = self._connect()  # the server was restarted, or the network was away
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (postgres_store.LOCK,))
                yield Transaction(_Database(connection))


class _Database:
    ids = IDS

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(postgres_store.statement(sql), postgres_store.storable(parameters)).fetchall()

    def many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> int:
        with self._connection.cursor() as cursor:
            cursor.executemany(postgres_store.statement(sql), [postgres_store.storable(row) for row in rows])
            return max(0, cursor.rowcount)
