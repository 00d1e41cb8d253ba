"""What the JSON-lines files hold: where the newest word on each article and incident stands, and what follows from it.

The index is the fold of the lines, in any order; it is rebuilt when the files are opened. It holds some hundred bytes
per article, so this sink is for exports and small installations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from pipeline.codec import convert, decode, decode_json
from pipeline.errors import FatalError, InvalidEvent
from pipeline.records import ArticleEvent, IncidentChange, IncidentRecord, IncidentStatus
from pipeline.sink.base import ArticleStatus, IncidentTombstone
from pipeline.sink.line_files import committed_sizes, explained, read_lines
from pipeline.sink.rules import (
    LIVE,
    NOTHING_REMOVED,
    Assignment,
    Identity,
    Rank,
    changes_article,
    erased,
    listed,
    membership,
    present_group,
    rank_of,
    status_of,
    version_of,
)

ARTICLES = "articles.jsonl"
INCIDENTS = "incidents.jsonl"
CHANGES = "changes.jsonl"
FILES = (ARTICLES, INCIDENTS, CHANGES)

T = TypeVar("T")


@dataclass(slots=True)
class ArticleEntry:
    """Where the newest event of an article stands, and what the rules need of it."""

    rank: Rank
    offset: int
    status: ArticleStatus
    group: str | None
    incident_id: str | None


@dataclass(slots=True)
class IncidentEntry:
    """Where the newest record of an incident stands, and what the rules need of it."""

    version: tuple[int, int]
    offset: int
    status: IncidentStatus
    edition: int
    listed: dict[str, int]
    mentioned: frozenset[str]
    """Articles that its line names; of a merged incident too."""


@dataclass(slots=True)
class LineIndex:
    """The fold of the lines.

    Attributes:
        inputs: (edition, seq) -> offset in articles.jsonl; one line per input.
        identities: provider and native id of each article, as far as an event has said them.
        removed: article id -> rank of its newest kill or withheld version.
        content: article id -> (rank, offset) of its lines in articles.jsonl that have content.
        to_erase: offsets of the lines whose content was taken back.
        changes: change id -> offset in changes.jsonl, in order of arrival.
        superseded: lines of incidents.jsonl that a newer one has replaced.
        forget_superseded: one of these names an article taken back, or belongs to an incident that is gone.
    """

    inputs: dict[Rank, int] = field(default_factory=dict)
    articles: dict[str, ArticleEntry] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    removed: dict[str, Rank] = field(default_factory=dict)
    content: dict[str, list[tuple[Rank, int]]] = field(default_factory=dict)
    to_erase: set[int] = field(default_factory=set)
    incidents: dict[str, IncidentEntry] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    regroupings: dict[tuple[int, str], list[tuple[int, str]]] = field(default_factory=dict)
    superseded: int = 0
    forget_superseded: bool = False

    def add_article(self, event: ArticleEvent, offset: int) -> bool:
        """Take in one line of articles.jsonl; True if it is the newest word on its article."""
        rank = rank_of(event)
        self.inputs[rank] = offset
        if not changes_article(event):
            return False
        assert event.article_id is not None
        id = event.article_id
        if event.provider is not None:
            self.identities[id] = Identity(event.provider, event.id)
        status = status_of(event)
        if status != "usable":
            self.removed[id] = max(rank, self.removed.get(id, rank))
            self.forget_superseded = self.forget_superseded or self.superseded > 0
        elif event != erased(event):
            self.content.setdefault(id, []).append((rank, offset))
        removed = self.removed_rank(id)
        self.to_erase.update(at for said, at in self.content.get(id, ()) if said <= removed)
        for old, new in event.regrouped.items():
            steps = self.regroupings.setdefault((event.edition, old), [])
            steps.append((event.seq, new))
            steps.sort()
        known = self.articles.get(id)
        if known is not None and rank <= known.rank:
            return False
        self.articles[id] = ArticleEntry(rank, offset, status, event.copy_group, event.incident_id)
        return True

    def add_incident(self, record: IncidentRecord | IncidentTombstone, offset: int) -> bool:
        """Take in one line of incidents.jsonl; True if it is the newest word on its incident."""
        version = version_of(record)
        known = self.incidents.get(record.incident_id)
        if known is not None:
            self.superseded += 1
            if version <= known.version:
                return False
            gone = isinstance(record, IncidentTombstone) or any(id in self.removed for id in known.mentioned)
            self.forget_superseded = self.forget_superseded or gone
        self.incidents[record.incident_id] = (
            IncidentEntry(version, offset, "withdrawn", -1, {}, frozenset())
            if isinstance(record, IncidentTombstone)
            else IncidentEntry(
                version,
                offset,
                record.status,
                record.edition,
                listed(record),
                frozenset(r.article_id for r in record.reports),
            )
        )
        return True

    def add_change(self, change: IncidentChange, offset: int) -> None:
        """Take in one line of changes.jsonl."""
        self.changes[change.change_id] = offset

    def is_newer(self, record: IncidentRecord | IncidentTombstone) -> bool:
        """True if this record says more than what is written."""
        known = self.incidents.get(record.incident_id)
        return known is None or version_of(record) > known.version

    def removed_rank(self, article_id: str) -> tuple[int, int]:
        return self.removed.get(article_id, NOTHING_REMOVED)

    def memberships(self) -> dict[str, str]:
        """Article id -> the incident that it is in."""
        claims: defaultdict[str, list[Assignment]] = defaultdict(list)
        for incident_id, entry in self.incidents.items():
            if entry.status in LIVE:
                for article_id, seq in entry.listed.items():
                    claims[article_id].append(Assignment(entry.edition, seq, 1, incident_id))
        found: dict[str, str] = {}
        for article_id in sorted(claims.keys() | self.articles.keys()):
            article = self.articles.get(article_id)
            own, own_version = None, None
            if article is not None and article.incident_id is not None:
                own = Assignment(*article.rank, 0, article.incident_id)
                incident = self.incidents.get(article.incident_id)
                own_version = None if incident is None else incident.version[0]
            status = None if article is None else article.status
            now = membership(status, self.removed_rank(article_id), own, own_version, claims.get(article_id, ()))
            if now is not None:
                found[article_id] = now
        return found

    def identity(self, article_id: str) -> Identity:
        """Provider and native id of an article."""
        return self.identities.get(article_id, Identity(None, None))

    def group(self, article_id: str) -> str | None:
        """The copy group that an article belongs to now."""
        entry = self.articles[article_id]
        return present_group(entry.group, *entry.rank, self.regroupings)


class Snapshot:
    """The files as they are now, with their index; goes on reading these while a sink writes them anew.

    Raises:
        FatalError: a line is damaged; the message says which, and what to do.
        RetryableError: the disk did not answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = LineIndex()
        self._files: dict[str, BinaryIO] = {}
        try:
            with explained(folder):
                self._load()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """(offset, line) of a whole file."""
        return read_lines(self._files[name], self._sizes.get(name))

    def line(self, name: str, offset: int) -> bytes:
        """The line that begins at an offset of the index."""
        file = self._files[name]
        file.seek(offset)
        return file.readline()

    def _load(self) -> None:
        self._sizes = committed_sizes(self.folder)
        for name in FILES:
            path = self.folder / name
            self._files[name] = path.open("rb") if path.exists() else BytesIO()
        for offset, event in self._parsed(ARTICLES, parse_article):
            self.index.add_article(event, offset)
        for offset, record in self._parsed(INCIDENTS, parse_incident):
            self.index.add_incident(record, offset)
        for offset, change in self._parsed(CHANGES, parse_change):
            self.index.add_change(change, offset)

    def _parsed(self, name: str, parse: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
        for number, (offset, line) in enumerate(self.lines(name), 1):
            try:
                yield offset, parse(line)
            except InvalidEvent as e:
                raise FatalError(
                    f"{self.folder / name}, line {number} is damaged: {e.detail}. Put a backup in its place; or move"
                    f" {self.folder} away and let the sink read its topics again from the start"
                ) from e


def parse_article(line: bytes) -> ArticleEvent:
    """One line of articles.jsonl. Raises InvalidEvent."""
    return decode(line, ArticleEvent)


def parse_incident(line: bytes) -> IncidentRecord | IncidentTombstone:
    """One line of incidents.jsonl. Raises InvalidEvent."""
    data = decode_json(line)
    if isinstance(data, dict) and data.get("tombstone"):
        return convert(data, IncidentTombstone)
    return convert(data, IncidentRecord)


def parse_change(line: bytes) -> IncidentChange:
    """One line of changes.jsonl. Raises InvalidEvent."""
    return decode(line, IncidentChange)
