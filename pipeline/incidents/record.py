"""The incident record, made from the reports."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from operator import attrgetter

import orjson

from pipeline import codec
from pipeline.entities.gazetteer import Gazetteer
from pipeline.incidents.book import Book, Shown, timeline_row, told
from pipeline.incidents.constraints import title_said, words_about
from pipeline.incidents.decision import Mark
from pipeline.incidents.entry import Entry
from pipeline.incidents.publishers import Publishers
from pipeline.incidents.state import State, earlier
from pipeline.records import IncidentRecord, IncidentStatus

LISTED = 1_000
"""Reports that a record lists: bounds its size and its cost. Its counts are of all."""

FOLDED = 40
"""Reports whose names are folded, the first ones: bounds the cost of a very large incident's record."""

KEPT = 4_000
"""Reports kept ready to be written again, of the incidents that changed last: 5 to 15 kB each."""

_OF_INCIDENT = 8
"""Reports that what is kept of an incident besides counts for: most have one or two, and would else fill the memory."""

_FIELDS = tuple(field.name for field in fields(IncidentRecord))
_by_time = attrgetter("event_time", "seq")


@dataclass(frozen=True, slots=True)
class Written:
    """A record as bytes (`codec.encode` of it), and what of it is asked for beside them."""

    incident_id: str
    version: int
    status: IncidentStatus
    independent_origins: int
    data: bytes


class Records:
    """Makes the records of one ledger's incidents. What has not changed since a record was last made is not made again.

    Args:
        close_after: an incident so long without a report is closed.
        names: known names that reports are folded with; default: those that ship. Like the publishers, they act on the
            record alone: no decision sees them, so a replay decides alike whatever the tables say.
    """

    def __init__(
        self, edition: int, close_after: timedelta, publishers: Publishers, names: Gazetteer | None = None
    ) -> None:
        self._edition = edition
        self._close_after = close_after
        self._publishers = publishers
        self._names = names
        self._books: OrderedDict[str, Book] = OrderedDict()
        self._kept = 0

    def has(self, state: State, incident_id: str) -> bool:
        """Whether an incident has a record."""
        mark = state.marks.get(incident_id)
        return mark is not None and (incident_id in state.members or mark.withdrawn or mark.merged_into is not None)

    def record(self, state: State, incident_id: str) -> IncidentRecord | None:
        """The record of an incident as the state has it; None if there is none."""
        if not self.has(state, incident_id):
            return None
        entries = listed(state.reports(incident_id))
        head, _ = self._head(state, state.marks[incident_id], entries)
        return replace(
            head,
            reports=tuple(told(e, *e.read()) for e in entries),
            timeline=tuple(timeline_row(e, e.read()[0]) for e in sorted(entries, key=_by_time)),
        )

    def written(self, state: State, incident_id: str) -> Written | None:
        """The bytes of that record; costs little more than what has changed."""
        return self._written(state, state.marks[incident_id]) if self.has(state, incident_id) else None

    def ended(self, state: State, mark: Mark) -> Written | None:
        """The same of an incident that has no reports any more, from what a decision said of it.

        None if that was something else, or is not the newest that is known.
        """
        known = state.marks.get(mark.incident_id)
        is_newest = known is None or known.seq <= mark.seq
        return self._written(state, mark) if is_newest and (mark.withdrawn or mark.merged_into is not None) else None

    def closed(self, state: State, mark: Mark) -> Written:
        """The record, as closed, of an incident whose last reports a decision lets be forgotten.

        Args:
            state: as it was before that decision.
            mark: what the decision says of the incident.
        """
        return self._written(state, mark, "closed")

    def _written(self, state: State, mark: Mark, status: IncidentStatus | None = None) -> Written:
        entries = listed(state.reports(mark.incident_id))
        head, shown = self._head(state, mark, entries)
        if status is not None:
            head = replace(head, status=status)
        row = {name: getattr(head, name) for name in _FIELDS}
        by_version = dict(zip((e.version for e in entries), shown, strict=True))
        row["reports"] = _array([s.report for s in shown])
        row["timeline"] = _array([by_version[e.version].line for e in sorted(entries, key=_by_time)])
        return Written(
            incident_id=mark.incident_id,
            version=head.version,
            status=head.status,
            independent_origins=head.counts["independent_origins"],
            data=codec.encode(row),
        )

    def _head(self, state: State, mark: Mark, entries: Sequence[Entry]) -> tuple[IncidentRecord, list[Shown]]:
        """The record without its lists, and what these consist of."""
        incident_id = mark.incident_id
        roster = state.members.get(incident_id)
        book = self._book(incident_id)
        shown = book.open(state, incident_id, entries, FOLDED)
        self._keep(incident_id, book)
        record = IncidentRecord(
            incident_id=incident_id,
            edition=self._edition,
            version=mark.seq,
            status=_status(state, mark, self._close_after),
            merged_into=mark.merged_into,
            title=title_said(state, incident_id) or book.title,
            first_seen=None if roster is None else roster.first_seen,
            last_seen=None if roster is None else roster.last_seen,
            event_time=book.event_time,
            places=book.places,
            entities=book.entities,
            weapons=book.weapons,
            reports=(),
            counts={
                "reports": 0 if roster is None else len(roster),
                "copies": sum(e.copy_of is not None for e in state.reports(incident_id)),
                "independent_origins": book.origins,
            },
            timeline=(),
            words=words_about(state, incident_id),
            languages=book.languages,
        )
        return record, shown

    def _book(self, incident_id: str) -> Book:
        book = self._books.pop(incident_id, None)
        if book is None:
            return Book(self._publishers, self._names)
        self._kept -= _OF_INCIDENT + len(book)
        return book

    def _keep(self, incident_id: str, book: Book) -> None:
        if not len(book):  # merged or withdrawn
            return
        self._books[incident_id] = book
        self._kept += _OF_INCIDENT + len(book)
        while self._kept > KEPT and len(self._books) > 1:
            _, oldest = self._books.popitem(last=False)
            self._kept -= _OF_INCIDENT + len(oldest)


def _array(items: Sequence[bytes]) -> orjson.Fragment:
    return orjson.Fragment(b"[" + b",".join(items) + b"]")


def listed(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The reports that a record lists, in the order of their decisions.

    All of them up to LISTED; of a larger incident the first FOLDED and those that were put into it last. Each report is
    so listed when it comes or is moved in, which is what a sink learns a move from.
    """
    if len(entries) <= LISTED:
        return entries
    newest = sorted(entries[FOLDED:], key=lambda e: (e.assigned_seq, e.seq))[FOLDED - LISTED :]
    return [*entries[:FOLDED], *sorted(newest, key=lambda e: e.seq)]


def _status(state: State, mark: Mark, close_after: timedelta) -> IncidentStatus:
    if mark.merged_into is not None:
        return "merged"
    if mark.withdrawn:
        return "withdrawn"
    line = earlier(state.watermark.time, close_after)
    last = state.last_time(mark.incident_id)
    return "closed" if line is not None and last is not None and last < line else "open"
