"""What the SQL sinks share as sinks: one connection, used by one call at a time, and a transaction for each."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

from pipeline.errors import FatalError
from pipeline.sink.base import SinkRecord, WriteResult
from pipeline.sink.rules import fold
from pipeline.sink.sql import Transaction


class Connection(Protocol):
    """As every database's driver has it."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Connection)


class SqlSink(ABC, Generic[C]):
    """`base.Sink` on what a database differs in.

    Args:
        shown: the store, for messages; without its password.
    """

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._connection: C | None = None
        # The sink stage calls from one thread; this makes a mistake there harmless.
        self._lock = threading.Lock()

    @abstractmethod
    def _connect(self) -> C:
        """A connection to a store of the present schema; errors as `base.Sink.open` raises them."""

    @abstractmethod
    def _transaction(self, connection: C) -> AbstractContextManager[Transaction]:
        """Committed at its end, or rolled back by what is raised in it; errors as `base.Sink.write` raises them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r})"

    def open(self) -> None:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def write(self, batch: Sequence[SinkRecord]) -> WriteResult:
        folded = fold(batch)
        with self._lock, self._transaction(self._opened()) as transaction:
            return transaction.write(folded)

    def clear(self) -> None:
        with self._lock, self._transaction(self._opened()) as transaction:
            transaction.clear()

    def _opened(self) -> C:
        if self._connection is None:
            raise FatalError(f"{self._shown}: the sink is not open")
        return self._connection
