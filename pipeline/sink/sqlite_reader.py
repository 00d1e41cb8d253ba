"""Reads the SQLite store, also while a sink writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from pipeline.codec import convert
from pipeline.errors import FatalError
from pipeline.records import IncidentChange
from pipeline.sink import sqlite_store
from pipeline.sink.base import (
    ArticleQuery,
    Counts,
    IncidentQuery,
    NoStoreError,
    StoredArticle,
    StoredIncident,
    StoredInput,
)
from pipeline.sink.rules import timestamp

_ARTICLE = (
    "SELECT article_id, edition, seq, provider, source, native_id, status, verdict, copy_of, copy_group, incident_id,"
    " published, title, record FROM articles"
)
_INCIDENT = (
    "SELECT incident_id, version, status, merged_into, title, first_seen, last_seen, reports, copies,"
    " independent_origins, record FROM incidents"
)
# In this form the root is found by the primary key and its copies by the partial index.
_IN_COPY_GROUP = """article_id IN (
    WITH wanted (root) AS (SELECT ?)
    SELECT article_id FROM articles, wanted WHERE article_id = root AND copy_group = root
    UNION SELECT article_id FROM articles, wanted WHERE copy_group = root AND copy_group <> article_id
)"""


class SqliteReader:
    """Reads one SQLite file; see `base.Reader`.

    Raises:
        NoStoreError: there is no such file.
        FatalError: the file is damaged, or not a store of this version.
    """

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

    def counts(self) -> Counts:
        return Counts(
            inputs=self._grouped("inputs", "verdict"),
            articles=self._grouped("articles", "status"),
            incidents=self._grouped("incidents", "status"),
            memberships=self._rows("SELECT count(*) FROM incident_articles")[0][0],
            changes=self._rows("SELECT count(*) FROM changes")[0][0],
        )

    def articles(self, query: ArticleQuery) -> list[StoredArticle]:
        where: dict[str, Any] = {}
        if query.status is not None:
            where["status = ?"] = query.status
        if query.incident_id is not None:
            where["article_id IN (SELECT article_id FROM incident_articles WHERE incident_id = ?)"] = query.incident_id
        if query.copy_group is not None:
            where[_IN_COPY_GROUP] = query.copy_group
        if query.since is not None:
            where["published >= ?"] = timestamp(query.since)
        return [_article(row) for row in self._listed(_ARTICLE, where, "published DESC, article_id", query.limit)]

    def article(self, article_id: str) -> StoredArticle | None:
        rows = self._rows(f"{_ARTICLE} WHERE article_id = ?", article_id)
        return _article(rows[0]) if rows else None

    def find_articles(self, text: str, limit: int = 10) -> list[str]:
        rows = self._rows(
            "SELECT article_id FROM articles WHERE (article_id >= ?1 AND article_id < ?2) OR native_id = ?1"
            " ORDER BY article_id LIMIT ?3",
            text,
            _after(text),
            limit,
        )
        return [row[0] for row in rows]

    def incidents(self, query: IncidentQuery) -> list[StoredIncident]:
        where: dict[str, Any] = {}
        if query.statuses:
            where["status IN (SELECT value FROM json_each(?))"] = orjson.dumps(query.statuses).decode()
        if query.since is not None:
            where["last_seen >= ?"] = timestamp(query.since)
        if query.min_reports:
            where["reports >= ?"] = query.min_reports
        return [_incident(row) for row in self._listed(_INCIDENT, where, "last_seen DESC, incident_id", query.limit)]

    def incident(self, incident_id: str) -> StoredIncident | None:
        rows = self._rows(f"{_INCIDENT} WHERE incident_id = ?", incident_id)
        return _incident(rows[0]) if rows else None

    def find_incidents(self, prefix: str, limit: int = 10) -> list[str]:
        rows = self._rows(
            "SELECT incident_id FROM incidents WHERE incident_id >= ? AND incident_id < ? ORDER BY 1 LIMIT ?",
            prefix,
            _after(prefix),
            limit,
        )
        return [row[0] for row in rows]

    def memberships(self) -> Iterator[tuple[str, str]]:
        for row in self._rows("SELECT incident_id, article_id FROM incident_articles ORDER BY 1, 2"):
            yield row[0], row[1]

    def inputs(self) -> Iterator[StoredInput]:
        for row in self._rows("SELECT edition, seq, article_id, verdict, reason FROM inputs ORDER BY 1, 2"):
            yield StoredInput(**dict(row))

    def changes(
        self, *, after: int = 0, incident_id: str | None = None, last: int | None = None
    ) -> list[tuple[int, IncidentChange]]:
        where: dict[str, Any] = {"rowid > ?": after}
        if incident_id is not None:
            where["incident_id = ?"] = incident_id
        rows = self._listed("SELECT rowid AS position, * FROM changes", where, "rowid DESC", last)
        return [_change(row) for row in reversed(rows)]

    def _rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        with sqlite_store.explained(self.path):
            return self._db.execute(sql, parameters).fetchall()

    def _listed(self, select: str, where: dict[str, Any], order: str, limit: int | None) -> list[sqlite3.Row]:
        conditions = f" WHERE {' AND '.join(where)}" if where else ""
        sql = f"{select}{conditions} ORDER BY {order} LIMIT ?"
        return self._rows(sql, *where.values(), -1 if limit is None else limit)  # LIMIT -1: no limit

    def _grouped(self, table: str, column: str) -> dict[str, int]:
        return {row[0]: row[1] for row in self._rows(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1")}


def _after(prefix: str) -> str:
    """The first text behind all that begin with the prefix."""
    return prefix + "\U0010ffff"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def _article(row: sqlite3.Row) -> StoredArticle:
    present = {
        "id": row["native_id"],
        "provider": row["provider"],
        "copy_group": row["copy_group"],
        "incident_id": row["incident_id"],
    }
    values = dict(row) | {"published": _time(row["published"]), "record": orjson.loads(row["record"]) | present}
    return StoredArticle(**values)


def _incident(row: sqlite3.Row) -> StoredIncident:
    return StoredIncident(
        **dict(row)
        | {
            "first_seen": _time(row["first_seen"]),
            "last_seen": _time(row["last_seen"]),
            "record": orjson.loads(row["record"]),
        }
    )


def _change(row: sqlite3.Row) -> tuple[int, IncidentChange]:
    values = dict(row)
    position = values.pop("position")
    return position, convert(values | {"evidence": orjson.loads(values["evidence"])}, IncidentChange)
