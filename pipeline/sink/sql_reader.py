"""Reads a SQL store, whatever the database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from pipeline.codec import convert
from pipeline.records import IncidentChange
from pipeline.sink.base import (
    ArticleQuery,
    Counts,
    IncidentQuery,
    StoredArticle,
    StoredIncident,
    StoredInput,
)
from pipeline.sink.rules import timestamp

Row = Mapping[str, Any]

_ARTICLE = (
    "SELECT article_id, edition, seq, provider, source, native_id, status, verdict, copy_of, copy_group, incident_id,"
    " published, title, record FROM articles"
)
_INCIDENT = (
    "SELECT incident_id, version, status, merged_into, title, first_seen, last_seen, reports, copies,"
    " independent_origins, record FROM incidents"
)
_CHANGE = "SELECT {} AS position, change_id, edition, seq, change, incident_id, article_id, event_time, evidence"
# In this form the root is found by the primary key and its copies by the partial index.
_IN_COPY_GROUP = """article_id IN (
    WITH wanted (root) AS (SELECT ?)
    SELECT article_id FROM articles, wanted WHERE article_id = root AND copy_group = root
    UNION SELECT article_id FROM articles, wanted WHERE copy_group = root AND copy_group <> article_id
)"""


class SqlReader(ABC):
    """`base.Reader` on what a database differs in.

    Attributes:
        ids: SQL of the ids in a parameter (a JSON list), as a set for IN.
        position: column of `changes` that counts up.
    """

    ids: str
    position: str

    @abstractmethod
    def select(self, sql: str, *parameters: Any) -> Sequence[Row]:
        """Rows by column name. Parameters are `?`; JSON comes as text, times as text or UTC datetimes."""

    @abstractmethod
    def close(self) -> None: ...

    def counts(self) -> Counts:
        return Counts(
            inputs=self._grouped("inputs", "verdict"),
            articles=self._grouped("articles", "status"),
            incidents=self._grouped("incidents", "status"),
            memberships=self._count("incident_articles"),
            changes=self._count("changes"),
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
        return [
            _article(row) for row in self._listed(_ARTICLE, where, "published DESC NULLS LAST, article_id", query.limit)
        ]

    def article(self, article_id: str) -> StoredArticle | None:
        rows = self.select(f"{_ARTICLE} WHERE article_id = ?", article_id)
        return _article(rows[0]) if rows else None

    def find_articles(self, text: str, limit: int = 10) -> list[str]:
        rows = self.select(
            "SELECT article_id FROM articles WHERE (article_id >= ? AND article_id < ?) OR native_id = ?"
            " ORDER BY article_id LIMIT ?",
            text,
            _after(text),
            text,
            limit,
        )
        return [row["article_id"] for row in rows]

    def incidents(self, query: IncidentQuery) -> list[StoredIncident]:
        where: dict[str, Any] = {}
        if query.statuses:
            where[f"status IN ({self.ids})"] = orjson.dumps(query.statuses).decode()
        if query.since is not None:
            where["last_seen >= ?"] = timestamp(query.since)
        if query.min_reports:
            where["reports >= ?"] = query.min_reports
        return [
            _incident(row)
            for row in self._listed(_INCIDENT, where, "last_seen DESC NULLS LAST, incident_id", query.limit)
        ]

    def incident(self, incident_id: str) -> StoredIncident | None:
        rows = self.select(f"{_INCIDENT} WHERE incident_id = ?", incident_id)
        return _incident(rows[0]) if rows else None

    def find_incidents(self, prefix: str, limit: int = 10) -> list[str]:
        rows = self.select(
            "SELECT incident_id FROM incidents WHERE incident_id >= ? AND incident_id < ? ORDER BY 1 LIMIT ?",
            prefix,
            _after(prefix),
            limit,
        )
        return [row["incident_id"] for row in rows]

    def memberships(self) -> Iterator[tuple[str, str]]:
        for row in self.select("SELECT incident_id, article_id FROM incident_articles ORDER BY 1, 2"):
            yield row["incident_id"], row["article_id"]

    def inputs(self) -> Iterator[StoredInput]:
        for row in self.select("SELECT edition, seq, article_id, verdict, reason FROM inputs ORDER BY 1, 2"):
            yield StoredInput(**dict(row))

    def changes(
        self, *, after: int = 0, incident_id: str | None = None, last: int | None = None
    ) -> list[tuple[int, IncidentChange]]:
        where: dict[str, Any] = {f"{self.position} > ?": after}
        if incident_id is not None:
            where["incident_id = ?"] = incident_id
        rows = self._listed(f"{_CHANGE.format(self.position)} FROM changes", where, f"{self.position} DESC", last)
        return [_change(row) for row in reversed(rows)]

    def _listed(self, select: str, where: dict[str, Any], order: str, limit: int | None) -> Sequence[Row]:
        conditions = f" WHERE {' AND '.join(where)}" if where else ""
        limits = () if limit is None else (limit,)
        sql = f"{select}{conditions} ORDER BY {order}{' LIMIT ?' if limits else ''}"
        return self.select(sql, *where.values(), *limits)

    def _grouped(self, table: str, column: str) -> dict[str, int]:
        rows = self.select(f"SELECT {column} AS what, count(*) AS n FROM {table} GROUP BY 1 ORDER BY 1")
        return {row["what"]: row["n"] for row in rows}

    def _count(self, table: str) -> int:
        return int(self.select(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def _after(prefix: str) -> str:
    """The first text behind all that begin with the prefix."""
    return prefix + "\U0010ffff"


def _time(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _article(row: Row) -> StoredArticle:
    present = {
        "id": row["native_id"],
        "provider": row["provider"],
        "copy_group": row["copy_group"],
        "incident_id": row["incident_id"],
    }
    values = dict(row) | {"published": _time(row["published"]), "record": orjson.loads(row["record"]) | present}
    return StoredArticle(**values)


def _incident(row: Row) -> StoredIncident:
    return StoredIncident(
        **dict(row)
        | {
            "first_seen": _time(row["first_seen"]),
            "last_seen": _time(row["last_seen"]),
            "record": orjson.loads(row["record"]),
        }
    )


def _change(row: Row) -> tuple[int, IncidentChange]:
    values = dict(row)
    position = values.pop("position")
    return position, convert(values | {"evidence": orjson.loads(values["evidence"])}, IncidentChange)
