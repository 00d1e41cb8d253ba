"""The sink for production: PostgreSQL, one transaction a batch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from pipeline.errors import FatalError
from pipeline.sink import postgres_store
from pipeline.sink.base import SinkRecord, WriteResult, display_url
from pipeline.sink.rules import fold
from pipeline.sink.sql import Transaction

IDS = 'SELECT json_array_elements_text(?::json) COLLATE "C"'


class PostgresSink:
    """Writes one PostgreSQL database, or one schema of it.

    Any number of sinks may write at once: each takes an advisory lock for its transaction, because what a batch
    changes depends on what is there.

    Args:
        url: a libpq URL. It may hold a password, so that no message or log ever shows it.
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self._shown = display_url(url)
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"PostgresSink({self._shown!r})"

    def open(self) -> None:
        with self._lock:
            if self._connection is None:
                with postgres_store.explained(self._shown):
                    self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        connection = postgres_store.connect(self._url)
        try:
            postgres_store.migrate(connection, self._shown)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def write(self, batch: Sequence[SinkRecord]) -> WriteResult:
        folded = fold(batch)
        with self._transaction() as transaction:
            return transaction.write(folded)

    def clear(self) -> None:
        with self._transaction() as transaction:
            transaction.clear()

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self._lock:
            if self._connection is None:
                raise FatalError(f"{self._shown}: the sink is not open")
            with postgres_store.explained(self._shown):
                if self._connection.broken or self._connection.closed:
                    self._connection = self._connect()  # the server was restarted, or the network was away
                with self._connection.transaction():
                    self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (postgres_store.LOCK,))
                    yield Transaction(_Database(self._connection))


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
