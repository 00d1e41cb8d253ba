"""Whether a sink could be written now, found out without changing anything."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import FatalError
from pipeline.sink.base import display_url, sink_kind

_BUSY_TIMEOUT_S = 5.0
_POSTGRES_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store that can be written.

    Attributes:
        shown: its URL, without user and password.
        version: of its schema; 0: there is nothing yet, and the sink will make it; None: this kind has none.
        latest: the version that this code writes; an older store is brought up to it by the sink.
    """

    shown: str
    version: int | None
    latest: int | None


def probe(url: str) -> StoreState:
    """Look at the store that a URL names.

    Raises:
        SettingsError: no such kind of sink.
        RetryableError: the store does not answer, or is locked.
        FatalError: it cannot be written, is damaged, or belongs to something else.
    """
    kind, path = sink_kind(url)
    shown = display_url(url)
    if kind == "sqlite":
        return _sqlite(shown, path)
    if kind == "jsonl":
        _check_folder(path)
        return StoreState(shown, None, None)
    return _postgres(url, shown)


def _sqlite(shown: str, path: Path) -> StoreState:
    from pipeline.sink import sqlite_store

    latest = sqlite_store.latest_version()
    if not path.exists():
        _check_folder(path.parent)
        return StoreState(shown, 0, latest)
    uri = path.absolute().as_uri() + "?mode=rw"
    with (
        sqlite_store.explained(path),
        closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)) as connection,
    ):
        version = sqlite_store.check_version(connection, path)
        connection.execute("BEGIN IMMEDIATE")  # what a writer begins with; nobody else may be writing
        connection.execute("ROLLBACK")
    return StoreState(shown, version, latest)


def _check_folder(folder: Path) -> None:
    """Whether files can be made in a folder, or the folder itself where it is missing."""
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise FatalError(f"{folder}: {there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FatalError(f"{there} cannot be written by this user")


def _postgres(url: str, shown: str) -> StoreState:
    from pipeline.sink import postgres_store

    with postgres_store.explained(shown), postgres_store.connect(url) as connection:
        version = postgres_store.check_version(connection, shown)
        row = connection.execute(
            "SELECT current_setting('transaction_read_only'), has_schema_privilege(current_schema(), 'CREATE')"
        ).fetchone()
        assert row is not None
        read_only, may_create = row
        if read_only == "on":
            raise FatalError(f"{shown} takes no writes: it is read-only, a standby perhaps")
        if version < postgres_store.latest_version() and not may_create:
            raise FatalError(f"{shown}: the user of sink.url may not make tables in its schema")
        if version:
            # One right at a time: of a list PostgreSQL says whether any is granted.
            for right in _POSTGRES_RIGHTS:
                granted = connection.execute("SELECT has_table_privilege('articles', %s)", (right,)).fetchone()
                if granted != (True,):
                    raise FatalError(f"{shown}: the user of sink.url has no {right} right on its tables")
    return StoreState(shown, version, postgres_store.latest_version())
