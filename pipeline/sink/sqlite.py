"""The embedded sink: one SQLite file, written in one transaction a batch, readable by anything while it grows."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from pipeline.codec import encode
from pipeline.errors import FatalError
from pipeline.records import ArticleEvent, IncidentRecord
from pipeline.sink import sqlite_store
from pipeline.sink.base import IncidentTombstone, SinkRecord, WriteResult
from pipeline.sink.rules import (
    NOTHING_REMOVED,
    Assignment,
    Batch,
    article_json,
    fold,
    kill_ids,
    present_group,
    rank_of,
    standing,
    status_of,
    timestamp,
    version_of,
)

_ARTICLE_COLUMNS = (
    "article_id, edition, seq, provider, source, native_id, status, verdict, copy_of, copy_group, incident_id,"
    " published, title, said_copy_group, record"
)


def _replaced(columns: str, *kept: str) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns.replace(" ", "").split(",") if name not in kept)


_PUT_ARTICLE = f"""
    INSERT INTO articles ({_ARTICLE_COLUMNS}) VALUES ({", ".join("?" * 15)})
    ON CONFLICT (article_id) DO UPDATE SET
        {_replaced(_ARTICLE_COLUMNS, "article_id", "provider", "native_id")},
        provider = coalesce(excluded.provider, provider), native_id = coalesce(excluded.native_id, native_id)
"""
_PUT_IDENTITY = "UPDATE articles SET provider = ?, native_id = ? WHERE article_id = ? AND provider IS NULL"
_PUT_REMOVAL = """
    UPDATE articles SET removed_edition = ?1, removed_seq = ?2
    WHERE article_id = ?3 AND (removed_edition, removed_seq) < (?1, ?2)
"""
_INCIDENT_COLUMNS = (
    "incident_id, version, tombstone, status, merged_into, title, first_seen, last_seen,"
    " reports, copies, independent_origins, record"
)
_PUT_INCIDENT = f"""
    INSERT INTO incidents ({_INCIDENT_COLUMNS}) VALUES ({", ".join("?" * 12)})
    ON CONFLICT (incident_id) DO UPDATE SET {_replaced(_INCIDENT_COLUMNS, "incident_id")}
"""
# All the groups that are linked to the given ones by regroupings, in either direction.
_LINKED_GROUPS = """
    WITH RECURSIVE linked (root) AS (
        SELECT value FROM json_each(?)
        UNION SELECT r.new_root FROM linked JOIN regroupings r ON r.old_root = linked.root
        UNION SELECT r.old_root FROM linked JOIN regroupings r ON r.new_root = linked.root
    )
"""
# One row if the record of any of these incidents names an article that was taken back.
_NAMES_REMOVED = """
    SELECT 1 FROM json_each(?) AS id
    JOIN incidents i ON i.incident_id = id.value, json_each(i.record, '$.reports') AS report
    JOIN articles a ON a.article_id = report.value ->> 'article_id' AND a.removed_seq >= 0
    LIMIT 1
"""
_IDS = "(SELECT value FROM json_each(?))"


class SqliteSink:
    """Writes one SQLite file.

    Args:
        path: the file; made when missing, with its folders.
        busy_timeout_s: how long to wait for another writer before giving up with a RetryableError.
        max_pages: the file grows to so many pages of 8 KiB at most; None: as far as the disk allows.
    """

    name = "sqlite"

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0, max_pages: int | None = None) -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._max_pages = max_pages
        self._connection: sqlite3.Connection | None = None
        # The sink stage calls from a pool of threads, never two at once; this makes a mistake there harmless.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SqliteSink({str(self.path)!r})"

    def open(self) -> None:
        with self._lock:
            if self._connection is not None:
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as e:
                raise FatalError(f"{self.path.parent}: the sink's folder cannot be made: {e.strerror}") from e
            with sqlite_store.explained(self.path):
                connection = sqlite_store.connect(self.path, busy_timeout_s=self._busy_timeout_s)
                try:
                    sqlite_store.migrate(connection, self.path)
                    if self._max_pages is not None:
                        connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
                except BaseException:
                    connection.close()
                    raise
            self._connection = connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def write(self, batch: Sequence[SinkRecord]) -> WriteResult:
        folded = fold(batch)
        with self._lock:
            if self._connection is None:
                raise FatalError(f"{self.path}: the sink is not open")
            with sqlite_store.explained(self.path):
                connection = self._connection
                connection.execute("BEGIN IMMEDIATE")
                try:
                    transaction = _Transaction(connection)
                    result = transaction.write(folded)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:  # SQLite has rolled back by itself after some errors
                        connection.execute("ROLLBACK")
                    raise
                if transaction.erased:
                    _empty_log(connection)
        return result


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file: until then both still hold text that the batch has erased."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError:
        # A reader is in the way. The batch is committed; the next checkpoint does it.
        pass


class _Transaction:
    """One batch inside an open transaction.

    Attributes:
        erased: the batch took an article back, or an incident's record has stopped naming one that was.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.erased = False

    def write(self, batch: Batch) -> WriteResult:
        articles = self._put_articles(batch)
        incidents = self._put_incidents(batch.incidents)
        self._place_articles(batch)
        inputs, kills = self._put_inputs(batch.inputs.values())
        changes = self._insert("INSERT OR IGNORE INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _changes(batch))
        return WriteResult(
            articles=articles,
            incidents=incidents,
            changes=changes,
            inputs=inputs,
            ignored=batch.size - inputs - incidents - changes,
            kills=kills,
        )

    def _insert(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Number of rows that were not there before."""
        return self._db.executemany(sql, rows).rowcount if rows else 0

    def _put_inputs(self, events: Collection[ArticleEvent]) -> tuple[int, dict[str, int]]:
        put = "INSERT OR IGNORE INTO inputs VALUES (?, ?, ?, ?, ?)"
        carried_out = [e for e in events if e.verdict == "kill" and self._insert(put, [_input_row(e)])]
        inputs = self._insert(put, [_input_row(e) for e in events if e.verdict != "kill"])
        kills: Counter[str] = Counter()
        for id in kill_ids(carried_out):
            ((provider,),) = self._db.execute("SELECT provider FROM articles WHERE article_id = ?", (id,)).fetchall()
            kills[provider or "unknown"] += 1
        return inputs + len(carried_out), dict(kills)

    def _put_articles(self, batch: Batch) -> int:
        if not batch.articles:
            return 0
        stored = {
            row[0]: (row[1], row[2])
            for row in self._db.execute(
                f"SELECT article_id, edition, seq FROM articles WHERE article_id IN {_IDS}", (_json(batch.articles),)
            )
        }
        newer = {id: e for id, e in batch.articles.items() if id not in stored or rank_of(e) > stored[id]}
        self._db.executemany(_PUT_ARTICLE, map(_article_row, newer.values()))
        nameless = {id for id in batch.articles if id not in newer or newer[id].provider is None}
        self._db.executemany(
            _PUT_IDENTITY, [(*batch.identities[id], id) for id in sorted(nameless & batch.identities.keys())]
        )
        self._db.executemany(_PUT_REMOVAL, [(*rank, id) for id, rank in batch.removals.items()])
        self.erased = bool(batch.removals)
        self._regroup(newer, batch.regroupings)
        return len(newer)

    def _regroup(self, articles: Mapping[str, ArticleEvent], regroupings: Sequence[tuple[int, str, int, str]]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO regroupings VALUES (?, ?, ?, ?)", regroupings)
        renamed = {old for _, old, _, _ in regroupings}
        said = {e.copy_group for e in articles.values() if e.copy_group is not None}
        steps: defaultdict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
        for edition, old, seq, new in self._db.execute(
            f"{_LINKED_GROUPS} SELECT edition, old_root, seq, new_root FROM linked JOIN regroupings r"
            " ON r.old_root = linked.root ORDER BY edition, old_root, seq",
            (_json(renamed | said),),
        ):
            steps[edition, old].append((seq, new))
        if not steps:
            return
        rows = self._db.execute(
            f"{_LINKED_GROUPS}, affected (article_id) AS ("
            "  SELECT root FROM linked"
            "  UNION SELECT article_id FROM articles WHERE said_copy_group IN linked AND said_copy_group <> article_id"
            "  UNION SELECT value FROM json_each(?))"
            " SELECT article_id, edition, seq, said_copy_group, copy_group"
            " FROM affected JOIN articles USING (article_id)",
            (_json(renamed), _json(articles)),
        ).fetchall()
        self._db.executemany(
            "UPDATE articles SET copy_group = ? WHERE article_id = ?",
            [
                (present, article_id)
                for article_id, edition, seq, root, stored in rows
                if (present := present_group(root, edition, seq, steps)) != stored
            ],
        )

    def _put_incidents(self, incidents: Mapping[str, IncidentRecord | IncidentTombstone]) -> int:
        stored = {
            row[0]: (row[1], row[2])
            for row in self._db.execute(
                f"SELECT incident_id, version, tombstone FROM incidents WHERE incident_id IN {_IDS}",
                (_json(incidents),),
            )
        }
        newer = {id: r for id, r in incidents.items() if id not in stored or version_of(r) > stored[id]}
        replaced = _json(newer.keys() & stored.keys())
        self.erased = self.erased or bool(self._db.execute(_NAMES_REMOVED, (replaced,)).fetchall())
        self._db.executemany(_PUT_INCIDENT, map(_incident_row, newer.values()))
        return len(newer)

    def _place_articles(self, batch: Batch) -> None:
        """Decide which incident each article is in that the batch may have moved."""
        ids = (_json(batch.articles.keys() | batch.assignments.keys()),)
        stored = {
            article_id: Assignment(edition, seq, listed, incident_id)
            for article_id, edition, seq, listed, incident_id in self._db.execute(
                "SELECT article_id, edition, assigned_seq, listed, incident_id FROM incident_articles"
                f" WHERE article_id IN {_IDS}",
                ids,
            )
        }
        rows = {
            row[0]: row[1:]
            for row in self._db.execute(
                "SELECT article_id, removed_edition, removed_seq, status, incident_id FROM articles"
                f" WHERE article_id IN {_IDS}",
                ids,
            )
        }
        gone: list[tuple[str]] = []
        put: list[tuple[Any, ...]] = []
        shown: list[tuple[str | None, str]] = []
        for id in sorted(batch.articles.keys() | batch.assignments.keys()):
            removed_edition, removed_seq, status, shown_before = rows.get(id, (*NOTHING_REMOVED, None, None))
            before, claim = stored.get(id), batch.assignments.get(id)
            greatest = max(filter(None, (before, claim)), default=None)
            now = standing(greatest, (removed_edition, removed_seq))
            if now != before:
                gone.append((id,))
                if now is not None:
                    put.append((now.incident_id, id, now.edition, now.seq, now.listed))
            shown_now = now.incident_id if now is not None and status == "usable" else None
            if status is not None and shown_now != shown_before:
                shown.append((shown_now, id))
        self._db.executemany("DELETE FROM incident_articles WHERE article_id = ?", gone)
        self._db.executemany("INSERT INTO incident_articles VALUES (?, ?, ?, ?, ?)", put)
        self._db.executemany("UPDATE articles SET incident_id = ? WHERE article_id = ?", shown)


def _json(ids: Iterable[str]) -> str:
    """A list for json_each: one parameter, however many ids."""
    return orjson.dumps(sorted(ids)).decode()


def _input_row(e: ArticleEvent) -> tuple[Any, ...]:
    return (e.edition, e.seq, e.article_id, e.verdict, e.reason)


def _article_row(e: ArticleEvent) -> tuple[Any, ...]:
    return (
        e.article_id,
        e.edition,
        e.seq,
        e.provider,
        e.source,
        e.id,
        status_of(e),
        e.verdict,
        e.copy_of,
        e.copy_group,
        e.incident_id,
        timestamp(e.published),
        e.title,
        e.copy_group,
        encode(article_json(e)).decode(),
    )


def _incident_row(r: IncidentRecord | IncidentTombstone) -> tuple[Any, ...]:
    if isinstance(r, IncidentTombstone):
        record = {"incident_id": r.incident_id, "version": r.version, "status": "withdrawn"}
        return (r.incident_id, r.version, 1, "withdrawn", None, None, None, None, 0, 0, 0, encode(record).decode())
    return (
        r.incident_id,
        r.version,
        0,
        r.status,
        r.merged_into,
        r.title,
        timestamp(r.first_seen),
        timestamp(r.last_seen),
        r.counts.get("reports", 0),
        r.counts.get("copies", 0),
        r.counts.get("independent_origins", 0),
        encode(r).decode(),
    )


def _changes(batch: Batch) -> list[tuple[Any, ...]]:
    return [
        (
            c.change_id,
            c.edition,
            c.seq,
            c.change,
            c.incident_id,
            c.article_id,
            None if c.event_time is None else c.event_time.isoformat(),
            encode(c.evidence).decode(),
        )
        for c in batch.changes.values()
    ]
