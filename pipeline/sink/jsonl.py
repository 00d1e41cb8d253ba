"""The JSON-lines sink: a folder of append-only files for tools that read text.

articles.jsonl     one line per input of the wire: its article event; of an article the highest (edition, seq) holds
incidents.jsonl    the records of the incidents; of an incident the highest version holds
assignments.jsonl  which incident an article is in; of an article the highest (edition, seq, listed) holds
changes.jsonl      the stream of changes

A line is never changed, but for one thing: when an article is taken back, its content is erased from the lines that
have it, also from the records of its incidents, and the files are written anew for that. This takes time in proportion
to their size.
"""

from __future__ import annotations

import threading
from collections import ChainMap, Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.codec import encode
from pipeline.errors import FatalError
from pipeline.records import ArticleEvent, IncidentRecord
from pipeline.sink.base import IncidentTombstone, SinkRecord, WriteResult
from pipeline.sink.cut import cut
from pipeline.sink.line_files import LineFiles
from pipeline.sink.line_index import (
    ARTICLES,
    ASSIGNMENTS,
    CHANGES,
    FILES,
    INCIDENTS,
    AssignmentLine,
    LineIndex,
    Snapshot,
    parse_article,
    parse_incident,
)
from pipeline.sink.rules import Batch, changes_article, erased, fold, kill_ids, rank_of, status_of


class JsonLinesSink:
    """Writes a folder of JSON-lines files.

    Args:
        folder: made when missing, with its parents.
    """

    name = "jsonl"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: LineFiles | None = None
        self._index: LineIndex | None = None  # None: the files must be read again
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"JsonLinesSink({str(self.folder)!r})"

    def open(self) -> None:
        with self._lock:
            if self._files is not None:
                return
            files = LineFiles(self.folder, FILES)
            try:
                self._erase(files)  # a crash may have come between a kill and this
            except BaseException:
                files.close()
                raise
            self._files = files

    def close(self) -> None:
        with self._lock:
            if self._files is not None:
                self._files.close()
                self._files = None
                self._index = None

    def write(self, batch: Sequence[SinkRecord]) -> WriteResult:
        folded = fold(batch)
        with self._lock:
            if self._files is None:
                raise FatalError(f"{self.folder}: the sink is not open")
            self._erase(self._files)  # an earlier attempt may have found the disk full
            result = self._append(self._files, folded)
            self._erase(self._files)
        return result

    def clear(self) -> None:
        with self._lock:
            if self._files is None:
                raise FatalError(f"{self.folder}: the sink is not open")
            self._index = None  # even a clear that fails in the middle leaves other files
            self._files.clear()

    def _append(self, files: LineFiles, batch: Batch) -> WriteResult:
        index = self._current()
        events = [_kept(e, index, batch) for rank, e in batch.inputs.items() if rank not in index.inputs]
        now = {id: max(rank, index.removed.get(id, rank)) for id, rank in batch.removals.items()}
        removed = ChainMap(now, index.removed)
        incidents = [
            cut(record, removed) if isinstance(record, IncidentRecord) else record
            for record in batch.incidents.values()
            if index.is_newer(record)
        ]
        assignments = [
            AssignmentLine(article_id=id, **said._asdict())
            for id, said in batch.assignments.items()
            if index.moves(id, said)
        ]
        changes = [change for id, change in batch.changes.items() if id not in index.changes]
        offsets = files.append(
            {
                ARTICLES: [_line(e) for e in events],
                INCIDENTS: [_incident_line(record) for record in incidents],
                ASSIGNMENTS: [_line(assignment) for assignment in assignments],
                CHANGES: [_line(change) for change in changes],
            }
        )
        before = {e.article_id: index.articles.get(e.article_id) for e in events if e.article_id is not None}
        for event, offset in zip(events, offsets[ARTICLES], strict=True):
            index.add_article(event, offset)
        for record, offset in zip(incidents, offsets[INCIDENTS], strict=True):
            index.add_incident(record, offset)
        for assignment in assignments:
            index.add_assignment(assignment)
        for change, offset in zip(changes, offsets[CHANGES], strict=True):
            index.add_change(change, offset)
        kills = Counter(index.identity(id).provider or "unknown" for id in kill_ids(events))
        return WriteResult(
            articles=sum(index.articles.get(id) is not entry for id, entry in before.items()),
            incidents=len(incidents),
            changes=len(changes),
            inputs=len(events),
            ignored=batch.size - len(events) - len(incidents) - len(changes),
            kills=dict(kills),
        )

    def _current(self) -> LineIndex:
        if self._index is None:
            snapshot = Snapshot(self.folder)
            snapshot.close()
            self._index = snapshot.index
        return self._index

    def _erase(self, files: LineFiles) -> None:
        """Write the files anew without what was taken back, if there is such a thing."""
        index = self._current()
        if not index.to_erase and not index.forget_superseded and not index.to_cut:
            return
        self._index = None  # its offsets are about to be wrong
        snapshot = Snapshot(self.folder)
        try:
            if index.to_erase:
                files.replace(ARTICLES, _without(snapshot, index.to_erase))
            if index.superseded or index.to_cut:
                files.replace(INCIDENTS, _newest(snapshot, index))
        finally:
            snapshot.close()
        self._current()


def _kept(event: ArticleEvent, index: LineIndex, batch: Batch) -> ArticleEvent:
    """The event as it is written: without content where it was taken back, or never counted."""
    if event.article_id is None or not changes_article(event) or status_of(event) != "usable":
        return erased(event)
    removed = index.removed_rank(event.article_id)
    removed = max(removed, batch.removals.get(event.article_id, removed))
    return erased(event) if rank_of(event) <= removed else event


def _without(snapshot: Snapshot, to_erase: set[int]) -> Iterator[bytes]:
    for offset, line in snapshot.lines(ARTICLES):
        yield _line(erased(parse_article(line))) if offset in to_erase else line


def _newest(snapshot: Snapshot, index: LineIndex) -> Iterator[bytes]:
    """The newest line of each incident, without what was taken back."""
    newest = {entry.offset: id for id, entry in index.incidents.items()}
    for offset, line in snapshot.lines(INCIDENTS):
        if (id := newest.get(offset)) is not None:
            record = parse_incident(line) if id in index.to_cut else None
            yield _line(cut(record, index.removed)) if isinstance(record, IncidentRecord) else line


def _line(record: object) -> bytes:
    return encode(record) + b"\n"


def _incident_line(record: IncidentRecord | IncidentTombstone) -> bytes:
    if isinstance(record, IncidentTombstone):
        return _line(
            {
                "incident_id": record.incident_id,
                "version": record.version,
                "status": "withdrawn",
                "tombstone": True,
            }
        )
    return _line(record)
