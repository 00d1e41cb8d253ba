"""What a SQL sink does with a batch, for every database: SQL that they share, and the little in which they differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from pipeline.codec import decode, encode
from pipeline.records import ArticleEvent, IncidentRecord
from pipeline.sink.base import IncidentTombstone, WriteResult
from pipeline.sink.cut import cut
from pipeline.sink.rules import (
    NOTHING_REMOVED,
    Assignment,
    Batch,
    article_json,
    kill_ids,
    present_group,
    rank_of,
    standing,
    status_of,
    timestamp,
    version_of,
)


class Json(str):
    """Text of a column that holds JSON."""

    __slots__ = ()


class Database(Protocol):
    """An open transaction. Parameters are `?`; a set of ids is one parameter, a JSON list (`ids`)."""

    ids: str
    """SQL of the ids in a parameter, as a set for IN."""

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]: ...

    def many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> int:
        """Run a statement for each row; returns the number of rows of tables that it changed."""
        ...


_TABLES = ("articles", "incidents", "incident_articles", "former_places", "regroupings", "inputs", "changes")
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
        provider = coalesce(excluded.provider, articles.provider),
        native_id = coalesce(excluded.native_id, articles.native_id)
"""
_PUT_INPUT = "INSERT INTO inputs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT_REGROUPING = "INSERT INTO regroupings VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT_CHANGE = """
    INSERT INTO changes (change_id, edition, seq, change, incident_id, article_id, event_time, evidence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_PUT_IDENTITY = "UPDATE articles SET provider = ?, native_id = ? WHERE article_id = ? AND provider IS NULL"
_PUT_REMOVAL = """
    UPDATE articles SET removed_edition = ?, removed_seq = ?
    WHERE article_id = ? AND (removed_edition, removed_seq) < (?, ?)
"""
_INCIDENT_COLUMNS = (
    "incident_id, version, tombstone, status, merged_into, title, first_seen, last_seen,"
    " reports, copies, independent_origins, record"
)
_PUT_INCIDENT = f"""
    INSERT INTO incidents ({_INCIDENT_COLUMNS}) VALUES ({", ".join("?" * 12)})
    ON CONFLICT (incident_id) DO UPDATE SET {_replaced(_INCIDENT_COLUMNS, "incident_id")}
"""
_PUT_FORMER = "INSERT INTO former_places VALUES (?, ?) ON CONFLICT DO NOTHING"
# The incidents whose stored record may list one of the given articles.
_NAMING = """
    SELECT incident_id, record FROM incidents WHERE tombstone = 0 AND incident_id IN (
        SELECT incident_id FROM incident_articles WHERE article_id IN ({ids})
        UNION SELECT incident_id FROM former_places WHERE article_id IN ({ids})
    )
"""
# All the groups that are linked to the given ones by regroupings, in either direction.
_LINKED_GROUPS = """
    WITH RECURSIVE linked (root) AS (
        {ids}
        UNION SELECT CASE WHEN r.old_root = linked.root THEN r.new_root ELSE r.old_root END
        FROM linked JOIN regroupings r ON r.old_root = linked.root OR r.new_root = linked.root
    )
"""


class Transaction:
    """One batch inside an open transaction.

    Attributes:
        erased: the batch took an article back.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self.erased = False

    def write(self, batch: Batch) -> WriteResult:
        articles = self._put_articles(batch)
        self._cut_stored(batch.removals)
        rows = self._article_rows(batch.articles.keys() | batch.assignments.keys())
        removed = {id: (row[0], row[1]) for id, row in rows.items()}
        newer = self._put_incidents(batch.incidents, removed)
        self._place_articles(batch, rows, newer)
        inputs, kills = self._put_inputs(batch.inputs.values())
        changes = self._db.many(_PUT_CHANGE, _changes(batch))
        return WriteResult(
            articles=articles,
            incidents=len(newer),
            changes=changes,
            inputs=inputs,
            ignored=batch.size - inputs - len(newer) - changes,
            kills=kills,
        )

    def mend(self) -> None:
        """Bring what an older version has written up to date."""
        rows = self._db.rows(
            "SELECT article_id FROM articles WHERE removed_seq >= 0"
            " AND article_id IN (SELECT article_id FROM former_places)"
        )
        self._cut_stored([id for (id,) in rows])
        self.erased = self.erased or bool(rows)

    def clear(self) -> None:
        for table in _TABLES:
            self._db.many(f"DELETE FROM {table}", [()])
        self.erased = True

    def _put_inputs(self, events: Collection[ArticleEvent]) -> tuple[int, dict[str, int]]:
        put = self._db.many
        carried_out = [e for e in events if e.verdict == "kill" and put(_PUT_INPUT, [_input_row(e)])]
        inputs = put(_PUT_INPUT, [_input_row(e) for e in events if e.verdict != "kill"])
        kills: Counter[str] = Counter()
        for id in kill_ids(carried_out):
            ((provider,),) = self._db.rows("SELECT provider FROM articles WHERE article_id = ?", id)
            kills[provider or "unknown"] += 1
        return inputs + len(carried_out), dict(kills)

    def _put_articles(self, batch: Batch) -> int:
        if not batch.articles:
            return 0
        stored = {
            row[0]: (row[1], row[2])
            for row in self._db.rows(
                f"SELECT article_id, edition, seq FROM articles WHERE article_id IN ({self._db.ids})",
                _json(batch.articles),
            )
        }
        newer = {id: e for id, e in batch.articles.items() if id not in stored or rank_of(e) > stored[id]}
        self._db.many(_PUT_ARTICLE, map(_article_row, newer.values()))
        nameless = {id for id in batch.articles if id not in newer or newer[id].provider is None}
        self._db.many(_PUT_IDENTITY, [(*batch.identities[id], id) for id in sorted(nameless & batch.identities.keys())])
        self._db.many(_PUT_REMOVAL, [(*rank, id, *rank) for id, rank in batch.removals.items()])
        self.erased = bool(batch.removals)
        self._regroup(newer, batch.regroupings)
        return len(newer)

    def _regroup(self, articles: Mapping[str, ArticleEvent], regroupings: Sequence[tuple[int, str, int, str]]) -> None:
        self._db.many(_PUT_REGROUPING, regroupings)
        renamed = {old for _, old, _, _ in regroupings}
        said = {e.copy_group for e in articles.values() if e.copy_group is not None}
        steps: defaultdict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
        linked = _LINKED_GROUPS.format(ids=self._db.ids)
        for edition, old, seq, new in self._db.rows(
            f"{linked} SELECT edition, old_root, seq, new_root FROM linked JOIN regroupings r"
            " ON r.old_root = linked.root ORDER BY edition, old_root, seq",
            _json(renamed | said),
        ):
            steps[edition, old].append((seq, new))
        if not steps:
            return
        rows = self._db.rows(
            f"{linked}, affected (article_id) AS ("
            "  SELECT root FROM linked"
            "  UNION SELECT article_id FROM articles"
            "    WHERE said_copy_group IN (SELECT root FROM linked) AND said_copy_group <> article_id"
            f"  UNION {self._db.ids})"
            " SELECT article_id, edition, seq, said_copy_group, copy_group"
            " FROM affected JOIN articles USING (article_id)",
            _json(renamed),
            _json(articles),
        )
        self._db.many(
            "UPDATE articles SET copy_group = ? WHERE article_id = ?",
            [
                (present, article_id)
                for article_id, edition, seq, root, stored in rows
                if (present := present_group(root, edition, seq, steps)) != stored
            ],
        )

    def _cut_stored(self, article_ids: Collection[str]) -> None:
        """Take articles that were taken back out of the records of incidents."""
        if not article_ids:
            return
        ids = _json(article_ids)
        naming = self._db.rows(_NAMING.format(ids=self._db.ids), ids, ids)
        records = [decode(record.encode(), IncidentRecord) for _, record in naming]
        rows = self._article_rows({report.article_id for record in records for report in record.reports})
        removed = {id: (row[0], row[1]) for id, row in rows.items()}
        kept = [(record, cut(record, removed)) for record in records]
        self._db.many(_PUT_INCIDENT, [_incident_row(now) for before, now in kept if now is not before])

    def _article_rows(self, ids: Collection[str]) -> dict[str, tuple[Any, ...]]:
        """Article id -> (removed_edition, removed_seq, status, incident_id)."""
        return {
            row[0]: row[1:]
            for row in self._db.rows(
                "SELECT article_id, removed_edition, removed_seq, status, incident_id FROM articles"
                f" WHERE article_id IN ({self._db.ids})",
                _json(ids),
            )
        }

    def _put_incidents(
        self, incidents: Mapping[str, IncidentRecord | IncidentTombstone], removed: Mapping[str, tuple[int, int]]
    ) -> list[IncidentRecord | IncidentTombstone]:
        """Store what is newer than what is there; returns it as it is stored."""
        stored = {
            row[0]: (row[1], row[2])
            for row in self._db.rows(
                f"SELECT incident_id, version, tombstone FROM incidents WHERE incident_id IN ({self._db.ids})",
                _json(incidents),
            )
        }
        newer = [
            cut(r, removed) if isinstance(r, IncidentRecord) else r
            for id, r in incidents.items()
            if id not in stored or version_of(r) > stored[id]
        ]
        self._db.many(_PUT_INCIDENT, map(_incident_row, newer))
        return newer

    def _place_articles(
        self,
        batch: Batch,
        rows: Mapping[str, tuple[Any, ...]],
        records: Sequence[IncidentRecord | IncidentTombstone],
    ) -> None:
        """Decide which incident each article is in that the batch may have moved.

        Args:
            rows: of all these articles (`_article_rows`).
            records: those of the batch that were stored.
        """
        ids = _json(batch.articles.keys() | batch.assignments.keys())
        stored = {
            article_id: Assignment(edition, seq, listed, incident_id)
            for article_id, edition, seq, listed, incident_id in self._db.rows(
                "SELECT article_id, edition, assigned_seq, listed, incident_id FROM incident_articles"
                f" WHERE article_id IN ({self._db.ids})",
                ids,
            )
        }
        at: dict[str, str] = {}
        former: set[tuple[str, str]] = set()
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
                if now is not None and before is not None and now.incident_id != before.incident_id:
                    former.add((id, before.incident_id))
            if now is not None:
                at[id] = now.incident_id
            shown_now = now.incident_id if now is not None and status == "usable" else None
            if status is not None and shown_now != shown_before:
                shown.append((shown_now, id))
        former.update(
            (report.article_id, record.incident_id)
            for record in records
            if isinstance(record, IncidentRecord)
            for report in record.reports
            if at.get(report.article_id) != record.incident_id
        )
        self._db.many(_PUT_FORMER, sorted(former))
        self._db.many("DELETE FROM incident_articles WHERE article_id = ?", gone)
        self._db.many("INSERT INTO incident_articles VALUES (?, ?, ?, ?, ?)", put)
        self._db.many("UPDATE articles SET incident_id = ? WHERE article_id = ?", shown)


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
        Json(encode(article_json(e)), "utf-8"),
    )


def _incident_row(r: IncidentRecord | IncidentTombstone) -> tuple[Any, ...]:
    if isinstance(r, IncidentTombstone):
        record = {"incident_id": r.incident_id, "version": r.version, "status": "withdrawn"}
        return (
            r.incident_id,
            r.version,
            1,
            "withdrawn",
            None,
            None,
            None,
            None,
            0,
            0,
            0,
            Json(encode(record), "utf-8"),
        )
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
        Json(encode(r), "utf-8"),
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
            Json(encode(c.evidence), "utf-8"),
        )
        for c in batch.changes.values()
    ]
