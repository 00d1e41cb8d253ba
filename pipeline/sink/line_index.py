"""What the JSON-lines files hold: where the newest word on each article and incident stands, and what follows from it.

The index is the fold of the lines, in any order; it is rebuilt when the files are opened. It holds some hundred bytes
per article, so this sink is for exports and small installations.
"""

from __future__ import annotations

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
    NOTHING_REMOVED,
    Assignment,
    Identity,
    Rank,
    changes_article,
    erased,
    listed,
    present_group,
    rank_of,
    standing,
    status_of,
    version_of,
)

ARTICLES = "articles.jsonl"
INCIDENTS = "incidents.jsonl"
ASSIGNMENTS = "assignments.jsonl"
CHANGES = "changes.jsonl"
FILES = (ARTICLES, INCIDENTS, ASSIGNMENTS, CHANGES)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentLine:
    """One line of assignments.jsonl: see `rules.Assignment`."""

    article_id: str
    incident_id: str
    edition: int
    seq: int
    listed: int


@dataclass(slots=True)
class ArticleEntry:
    """Where the newest event of an article stands, and what the rules need of it."""

    rank: Rank
    offset: int
    status: ArticleStatus
    group: str | None


@dataclass(slots=True)
class IncidentEntry:
    """Where the newest record of an incident stands, and what the rules need of it."""

    version: tuple[int, int]
    offset: int
    status: IncidentStatus
    named: dict[str, Rank]
    """Articles that its line names, with the rank of the decision that put each there."""


@dataclass(slots=True)
class LineIndex:
    """The fold of the lines.

    Attributes:
        inputs: (edition, seq) -> offset in articles.jsonl; one line per input.
        identities: provider and native id of each article, as far as an event has said them.
        removed: article id -> rank of its newest kill or withheld version.
        content: article id -> (rank, offset) of its lines in articles.jsonl that have content.
        to_erase: offsets of the lines whose content was taken back.
        assignments: the greatest assignment of each article, also one from before a removal.
        changes: change id -> offset in changes.jsonl, in order of arrival.
        superseded: lines of incidents.jsonl that a newer one has replaced.
        forget_superseded: one of these names an article taken back, or belongs to an incident that is gone.
        to_cut: incidents whose newest line names an article that was taken back after it had been put there.
    """

    inputs: dict[Rank, int] = field(default_factory=dict)
    articles: dict[str, ArticleEntry] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    removed: dict[str, Rank] = field(default_factory=dict)
    content: dict[str, list[tuple[Rank, int]]] = field(default_factory=dict)
    to_erase: set[int] = field(default_factory=set)
    incidents: dict[str, IncidentEntry] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    regroupings: dict[tuple[int, str], list[tuple[int, str]]] = field(default_factory=dict)
    superseded: int = 0
    forget_superseded: bool = False
    to_cut: set[str] = field(default_factory=set)

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
            self.to_cut.update(i for i, entry in self.incidents.items() if id in entry.named and self._is_cut(entry))
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
        self.articles[id] = ArticleEntry(rank, offset, status, event.copy_group)
        return True

    def add_incident(self, record: IncidentRecord | IncidentTombstone, offset: int) -> bool:
        """Take in one line of incidents.jsonl; True if it is the newest word on its incident."""
        version = version_of(record)
        known = self.incidents.get(record.incident_id)
        if known is not None:
            self.superseded += 1
            if version <= known.version:
                return False
            gone = isinstance(record, IncidentTombstone) or any(id in self.removed for id in known.named)
            self.forget_superseded = self.forget_superseded or gone
        if isinstance(record, IncidentTombstone):
            entry = IncidentEntry(version, offset, "withdrawn", {})
        else:
            named = {id: Rank(claim.edition, claim.seq) for id, claim in listed(record)}
            entry = IncidentEntry(version, offset, record.status, named)
        self.incidents[record.incident_id] = entry
        self.to_cut.discard(record.incident_id)
        if self._is_cut(entry):
            self.to_cut.add(record.incident_id)
        return True

    def _is_cut(self, entry: IncidentEntry) -> bool:
        """Whether its line names what was taken back after it had been put there."""
        return any(rank <= self.removed_rank(id) for id, rank in entry.named.items())

    def add_assignment(self, line: AssignmentLine) -> None:
        """Take in one line of assignments.jsonl."""
        said = Assignment(line.edition, line.seq, line.listed, line.incident_id)
        self.assignments[line.article_id] = max(said, self.assignments.get(line.article_id, said))

    def add_change(self, change: IncidentChange, offset: int) -> None:
        """Take in one line of changes.jsonl."""
        self.changes[change.change_id] = offset

    def is_newer(self, record: IncidentRecord | IncidentTombstone) -> bool:
        """True if this record says more than what is written."""
        known = self.incidents.get(record.incident_id)
        return known is None or version_of(record) > known.version

    def moves(self, article_id: str, assignment: Assignment) -> bool:
        """True if this assignment holds from now on."""
        known = self.assignments.get(article_id)
        return (known is None or assignment > known) and assignment[:2] > self.removed_rank(article_id)

    def removed_rank(self, article_id: str) -> tuple[int, int]:
        return self.removed.get(article_id, NOTHING_REMOVED)

    def incident_of(self, article_id: str) -> str | None:
        """The incident that an article is in."""
        assignment = standing(self.assignments.get(article_id), self.removed_rank(article_id))
        return None if assignment is None else assignment.incident_id

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
        for _, line in self._parsed(ASSIGNMENTS, parse_assignment):
            self.index.add_assignment(line)
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


def parse_assignment(line: bytes) -> AssignmentLine:
    """One line of assignments.jsonl. Raises InvalidEvent."""
    return decode(line, AssignmentLine)


def parse_change(line: bytes) -> IncidentChange:
    """One line of changes.jsonl. Raises InvalidEvent."""
    return decode(line, IncidentChange)
