"""The rules that every sink shares, as functions of records alone. `base` says them in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipeline.records import (
    CHANGES_NOTHING,
    ArticleEvent,
    IncidentChange,
    IncidentRecord,
    Verdict,
)
from pipeline.sink.base import ArticleStatus, IncidentTombstone, SinkRecord

_STATUS: Mapping[Verdict, ArticleStatus] = {"kill": "killed", "withheld": "withheld"}

NOTHING_REMOVED = (-1, -1)
"""Rank of the last kill of an article that never was killed: below every rank."""


class Rank(NamedTuple):
    """Orders the events of one article."""

    edition: int
    seq: int


class Identity(NamedTuple):
    """What an article id is the hash of."""

    provider: str | None
    native_id: str | None


class Assignment(NamedTuple):
    """A claim that an article is in an incident; the greatest holds.

    Attributes:
        seq: the decision that put it there.
        listed: 1 when an incident's record makes the claim, 0 when the article's own event does.
        incident_id: also decides between two records that name the same decision: arbitrary, but the same everywhere.
    """

    edition: int
    seq: int
    listed: int
    incident_id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, folded: of every article and incident only the newest word is left.

    Attributes:
        inputs: every event, once per (edition, seq), in that order.
        articles: the newest event of each article, erased where it must be.
        identities: provider and native id of the articles that an event names; a kill may not know them.
        removals: rank of the newest kill or withheld version of each article.
        assignments: the greatest assignment of each article.
        regroupings: (edition, old root, seq, new root), in order.
        incidents: the newest record or tombstone of each incident.
        changes: every change, once per id.
        size: number of records, folded or not.
    """

    inputs: dict[Rank, ArticleEvent]
    articles: dict[str, ArticleEvent]
    identities: dict[str, Identity]
    removals: dict[str, Rank]
    assignments: dict[str, Assignment]
    regroupings: list[tuple[int, str, int, str]]
    incidents: dict[str, IncidentRecord | IncidentTombstone]
    changes: dict[str, IncidentChange]
    size: int


def fold(batch: Sequence[SinkRecord]) -> Batch:
    """Sort a batch by kind and keep what counts."""
    inputs: dict[Rank, ArticleEvent] = {}
    articles: dict[str, ArticleEvent] = {}
    identities: dict[str, Identity] = {}
    removals: dict[str, Rank] = {}
    assignments: dict[str, Assignment] = {}
    regroupings: set[tuple[int, str, int, str]] = set()
    incidents: dict[str, IncidentRecord | IncidentTombstone] = {}
    changes: dict[str, IncidentChange] = {}
    for record in batch:
        match record:
            case ArticleEvent():
                rank = rank_of(record)
                inputs.setdefault(rank, record)
                if not changes_article(record):
                    continue
                id = record.article_id
                assert id is not None
                known = articles.get(id)
                if known is None or rank > rank_of(known):
                    articles[id] = erased(record) if status_of(record) != "usable" else record
                if record.provider is not None:
                    identities[id] = Identity(record.provider, record.id)
                if status_of(record) != "usable":
                    removals[id] = max(rank, removals.get(id, rank))
                elif record.incident_id is not None:
                    claim = Assignment(*rank, 0, record.incident_id)
                    assignments[id] = max(claim, assignments.get(id, claim))
                regroupings.update((record.edition, old, record.seq, new) for old, new in record.regrouped.items())
            case IncidentRecord() | IncidentTombstone():
                newest = incidents.get(record.incident_id)
                if newest is None or version_of(record) > version_of(newest):
                    incidents[record.incident_id] = record
                for id, claim in listed(record):
                    assignments[id] = max(claim, assignments.get(id, claim))
            case IncidentChange():
                changes.setdefault(record.change_id, record)
    return Batch(
        dict(sorted(inputs.items())),
        dict(sorted(articles.items())),
        identities,
        removals,
        dict(sorted(assignments.items())),
        sorted(regroupings),
        dict(sorted(incidents.items())),
        changes,
        len(batch),
    )


def rank_of(event: ArticleEvent) -> Rank:
    """What orders the events of one article: see `base`."""
    return Rank(event.edition, event.seq)


def version_of(record: IncidentRecord | IncidentTombstone) -> tuple[int, int]:
    """What orders the records of one incident; a tombstone ends the version that it names."""
    return record.version, int(isinstance(record, IncidentTombstone))


def changes_article(event: ArticleEvent) -> bool:
    """False for what only needs to be accounted for."""
    return event.verdict not in CHANGES_NOTHING and event.article_id is not None


def status_of(event: ArticleEvent) -> ArticleStatus:
    return _STATUS.get(event.verdict, "usable")


def kill_ids(events: Iterable[ArticleEvent]) -> list[str]:
    """Article id of every kill."""
    return [e.article_id for e in events if e.verdict == "kill" and e.article_id is not None]


def erased(event: ArticleEvent) -> ArticleEvent:
    """The event without its content and all that was derived from it; what is left says that it existed."""
    return replace(
        event,
        title=None,
        text=None,
        url=None,
        copy_of=None,
        copy_kind=None,
        incident_id=None,
        why={},
        entities=(),
        side_spans=(),
        facts={},
        tolls={},
    )


# The rest of an article event never changes; these follow what happens to other articles and to incidents.
_PRESENT = ("copy_group", "incident_id")
_ARTICLE_FIELDS = tuple(f.name for f in fields(ArticleEvent) if f.name not in _PRESENT)


def article_json(event: ArticleEvent) -> dict[str, Any]:
    """JSON data of an event without the fields that may change later (`copy_group`, `incident_id`)."""
    return {name: getattr(event, name) for name in _ARTICLE_FIELDS}


def listed(record: IncidentRecord | IncidentTombstone) -> Iterator[tuple[str, Assignment]]:
    """(article id, assignment) of every report of a record."""
    if isinstance(record, IncidentRecord):
        for report in record.reports:
            yield report.article_id, Assignment(record.edition, report.assigned_seq, 1, record.incident_id)


def standing(assignment: Assignment | None, removed: tuple[int, int]) -> Assignment | None:
    """The assignment, if the article was not taken back since; `removed` is the rank of its newest removal."""
    return assignment if assignment is not None and assignment[:2] > removed else None


def present_group(
    root: str | None, edition: int, seq: int, regroupings: Mapping[tuple[int, str], Sequence[tuple[int, str]]]
) -> str | None:
    """The copy group that an event of this seq belongs to now.

    A regrouping renames what older events said; a root that was renamed may found a group of its own again later.

    Args:
        root: the group as the event said it.
        regroupings: (edition, old root) -> (seq, new root), ascending.
    """
    while root is not None:
        step = next(((at, new) for at, new in regroupings.get((edition, root), ()) if at > seq), None)
        if step is None:
            break
        seq, root = step
    return root


def timestamp(time: datetime | None) -> str | None:
    """RFC 3339, UTC, whole seconds: sorts as text."""
    if time is None:
        return None
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
