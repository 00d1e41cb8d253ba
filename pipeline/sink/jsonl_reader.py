"""Reads the files of the JSON-lines sink as they were when the reader was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import orjson

from pipeline.errors import FatalError
from pipeline.records import IncidentChange
from pipeline.sink.base import (
    ArticleQuery,
    Counts,
    IncidentQuery,
    IncidentTombstone,
    NoStoreError,
    StoredArticle,
    StoredIncident,
    StoredInput,
)
from pipeline.sink.line_index import (
    ARTICLES,
    ASSIGNMENTS,
    CHANGES,
    INCIDENTS,
    Snapshot,
    parse_article,
    parse_change,
    parse_incident,
)
from pipeline.sink.rules import status_of

S = TypeVar("S", StoredArticle, StoredIncident)


class JsonLinesReader:
    """Reads a folder of JSON-lines files; see `base.Reader`.

    Lists read every line: this is for looking, not for serving.

    Raises:
        NoStoreError: there is no such folder.
        FatalError: a line is damaged, or the folder is not what a sink writes.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / ARTICLES).exists():
            raise NoStoreError(f"nothing has been written yet: there is no {folder / ARTICLES}")
        if (folder / INCIDENTS).exists() and not (folder / ASSIGNMENTS).exists():
            raise FatalError(f"{folder} is no sink's: what `wirefuse offline` writes is to be read as it is")
        self._snapshot = Snapshot(folder)
        self._index = self._snapshot.index

    def close(self) -> None:
        self._snapshot.close()

    def counts(self) -> Counts:
        return Counts(
            inputs=_sorted_counts(stored.verdict for stored in self.inputs()),
            articles=_sorted_counts(entry.status for entry in self._index.articles.values()),
            incidents=_sorted_counts(entry.status for entry in self._index.incidents.values()),
            memberships=sum(1 for _ in self.memberships()),
            changes=len(self._index.changes),
        )

    def articles(self, query: ArticleQuery) -> list[StoredArticle]:
        found = [
            self._article(id)
            for id, entry in self._index.articles.items()
            if (query.status is None or entry.status == query.status)
            and (query.incident_id is None or self._index.incident_of(id) == query.incident_id)
            and (query.copy_group is None or self._index.group(id) == query.copy_group)
        ]
        since = query.since
        if since is not None:
            found = [a for a in found if a.published is not None and a.published >= since.replace(microsecond=0)]
        return _newest_first(found, "published", "article_id")[: query.limit]

    def article(self, article_id: str) -> StoredArticle | None:
        return self._article(article_id) if article_id in self._index.articles else None

    def find_articles(self, text: str, limit: int = 10) -> list[str]:
        index = self._index
        return sorted(id for id in index.articles if id.startswith(text) or index.identity(id).native_id == text)[
            :limit
        ]

    def incidents(self, query: IncidentQuery) -> list[StoredIncident]:
        entries = self._index.incidents.items()
        found = [
            stored
            for stored in (
                self._incident(id) for id, entry in entries if not query.statuses or entry.status in query.statuses
            )
            if stored.reports >= query.min_reports
        ]
        since = query.since
        if since is not None:
            found = [i for i in found if i.last_seen is not None and i.last_seen >= since.replace(microsecond=0)]
        return _newest_first(found, "last_seen", "incident_id")[: query.limit]

    def incident(self, incident_id: str) -> StoredIncident | None:
        return self._incident(incident_id) if incident_id in self._index.incidents else None

    def find_incidents(self, prefix: str, limit: int = 10) -> list[str]:
        return sorted(id for id in self._index.incidents if id.startswith(prefix))[:limit]

    def memberships(self) -> Iterator[tuple[str, str]]:
        of = ((self._index.incident_of(id), id) for id in self._index.assignments)
        yield from sorted((incident_id, id) for incident_id, id in of if incident_id is not None)

    def inputs(self) -> Iterator[StoredInput]:
        for _, offset in sorted(self._index.inputs.items()):
            e = parse_article(self._snapshot.line(ARTICLES, offset))
            yield StoredInput(edition=e.edition, seq=e.seq, article_id=e.article_id, verdict=e.verdict, reason=e.reason)

    def changes(
        self, *, after: int = 0, incident_id: str | None = None, last: int | None = None
    ) -> list[tuple[int, IncidentChange]]:
        found = [
            (position, parse_change(self._snapshot.line(CHANGES, offset)))
            for position, offset in enumerate(self._index.changes.values(), 1)
            if position > after
        ]
        found = [pair for pair in found if incident_id is None or pair[1].incident_id == incident_id]
        return found if last is None else found[max(0, len(found) - last) :]

    def _article(self, id: str) -> StoredArticle:
        line = self._snapshot.line(ARTICLES, self._index.articles[id].offset)
        e = parse_article(line)
        provider, native_id = self._index.identity(id)
        status, group = status_of(e), self._index.group(id)
        incident_id = self._index.incident_of(id) if status == "usable" else None
        present = {"id": native_id, "provider": provider, "copy_group": group, "incident_id": incident_id}
        return StoredArticle(
            article_id=id,
            edition=e.edition,
            seq=e.seq,
            provider=provider,
            source=e.source,
            native_id=native_id,
            status=status,
            verdict=e.verdict,
            copy_of=e.copy_of,
            copy_group=group,
            incident_id=incident_id,
            published=_whole_seconds(e.published),
            title=e.title,
            record=orjson.loads(line) | present,
        )

    def _incident(self, id: str) -> StoredIncident:
        line = self._snapshot.line(INCIDENTS, self._index.incidents[id].offset)
        r = parse_incident(line)
        record = orjson.loads(line)
        if isinstance(r, IncidentTombstone):
            del record["tombstone"]
            return StoredIncident(
                incident_id=id,
                version=r.version,
                status="withdrawn",
                merged_into=None,
                title=None,
                first_seen=None,
                last_seen=None,
                reports=0,
                copies=0,
                independent_origins=0,
                record=record,
            )
        return StoredIncident(
            incident_id=id,
            version=r.version,
            status=r.status,
            merged_into=r.merged_into,
            title=r.title,
            first_seen=_whole_seconds(r.first_seen),
            last_seen=_whole_seconds(r.last_seen),
            reports=r.counts.get("reports", 0),
            copies=r.counts.get("copies", 0),
            independent_origins=r.counts.get("independent_origins", 0),
            record=record,
        )


def _sorted_counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _whole_seconds(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(microsecond=0)


def _newest_first(found: list[S], time: str, id: str) -> list[S]:
    """By time, latest first and without a time last; then by id."""
    found.sort(key=attrgetter(id))
    known = [row for row in found if getattr(row, time) is not None]
    known.sort(key=attrgetter(time), reverse=True)
    return known + [row for row in found if getattr(row, time) is None]
