"""The records that travel between the stages, one frozen dataclass per topic.

Times are aware and in UTC. Spans are half-open character offsets into the record's own `text`.
A repr shows ids, never an article's body. `codec` turns records into bytes and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

SCHEMA_VERSION = 1
"""Version of every record's shape; travels in the `wf-schema` header. Raised on breaking changes only."""

PubStatus = Literal["usable", "withheld", "canceled"]
"""ninjs `pubStatus`: canceled (one l) withdraws what was published; withheld may return to usable."""

Verdict = Literal["new", "update", "correction", "copy", "stale", "kill", "withheld", "void", "word", "refused"]
"""What was decided about one input: by dedup, but for editors' words, which the ledger accepts or refuses.

new, update, correction: an article (version) whose text stands on its own; goes on to NER.
copy: its text is another article's. stale: an older version, or one delivered before; changes nothing.
kill, withheld: the article is taken back. void: the input could not be processed; it is in the dead letters.
word: an editor's word that was carried out. refused: one that could not be; the reason says why.
"""

CHANGES_NOTHING: frozenset[Verdict] = frozenset({"stale", "void", "refused"})
"""Verdicts that leave every article and incident as it was."""

NEEDS_ENTITIES: frozenset[Verdict] = frozenset({"new", "update", "correction"})
"""Verdicts whose article goes through NER."""

WordKind = Literal["join", "split", "never-join", "pin", "retitle", "undo"]
"""What an editor may say; `EditorWord` says what each needs."""

CopyKind = Literal["exact", "near", "contained"]
DatePrecision = Literal["time", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawArticle:
    """One version of one item of a wire, as its reader understood it (topic `raw`).

    Exactly one of `text` and `html` is set, unless `pub_status` is canceled: a kill needs no body.
    """

    provider: str
    native_id: str
    source: str | None = None
    """The outlet that wrote it; the wire that carried it is `provider`."""
    title: str | None = None
    text: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    published: datetime | None = None
    published_precision: DatePrecision = "time"
    url: str | None = None
    language: str | None = None
    version: int | None = None
    version_created: datetime | None = None
    pub_status: PubStatus = "usable"
    embargoed_until: datetime | None = None
    ednote: str | None = None
    signals: tuple[str, ...] = ()
    format: str = "jsonl"
    """Which reader made this record: jsonl, text, rss, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorWord:
    """What an editor says about incidents (topic `raw`, where the field `word` tells it from an article).

    ==========  ===========================  =====================================================
    word        fields                       meaning
    ==========  ===========================  =====================================================
    join        incident, other              the reports of `other` go into `incident`, for ever
    split       incident, articles           these leave, with their copies, into one of their own
    never-join  incident, other              the machine may never merge these, nor move between them
    pin         incident, article in         it is put there and stays, its later versions too
                `articles`
    retitle     incident, title              its title from now on
    undo        of                           that word has no force from now on
    ==========  ===========================  =====================================================

    Attributes:
        word_id: identity of this word; the same word delivered twice counts once.
        by: who says it.
        at: wall time at which it was said, for people; no decision depends on it.
        note: why, for people.
        incident, other: incident ids; one that was merged stands for the one that took its reports.
        articles: article ids.
        of: word_id of the word that is undone.
    """

    word: WordKind
    word_id: str
    by: str
    at: datetime | None = None
    note: str | None = None
    incident: str | None = None
    other: str | None = None
    articles: tuple[str, ...] = ()
    title: str | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article version after cleaning: what people and the later stages read."""

    provider: str
    native_id: str
    source: str | None
    title: str | None
    text: str = field(repr=False)
    published: datetime | None
    published_precision: DatePrecision
    url: str | None
    language: str | None
    version: int | None
    version_created: datetime | None
    embargoed_until: datetime | None = None
    ednote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """Stands in for an input that went to the dead letters, so that its `seq` still has exactly one record.

    Attributes:
        reason: the error's kind.
        article_id: its article, where that much could be read.
    """

    reason: str
    article_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """How an article is a copy of an earlier one.

    Attributes:
        of: article id of the direct best earlier source.
        kind: exact, near or contained.
        why: measured evidence, e.g. {"jaccard": .83, "contained": .97, "contains": .85, "longest_run": 212}, and the
            credit lines of this copy, if it has some: {"credits": [{"agency": "Reuters", "place": "dateline"}]}.
        added: text of this copy that its source has not (facts of a later version live there).
    """

    of: str
    kind: CopyKind
    why: dict[str, Any]
    added: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A named thing in the article's text: `text[start:end]`."""

    start: int
    end: int
    label: str
    text: str
    entity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSpan:
    """A stretch of the text that is not the story: caption, related link, embedded post."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What the entities stage found in one article."""

    entities: tuple[Entity, ...] = ()
    title_entities: tuple[Entity, ...] = ()
    """Entities of the title; offsets into the title."""
    side_spans: tuple[SideSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """The one record per `seq` of an edition that reaches the ledger (topic `annotated`).

    The same record without `annotation` travels on `unique` from dedup to entities.

    Attributes:
        edition: partition of `raw`.
        seq: offset in `raw[edition]`; the total order of the edition.
        prev_seq: the seq that dedup decided before this one; -1 for the first. The ledger takes a record when
            `prev_seq` is the last it decided, so an offset that never existed (retention) is no gap.
        article_id: None only for a void whose bytes had no readable id.
        reason: one word or short phrase for a person: "redelivery", "older version", a void's error kind, ...
        event_time: `published`, or the edition's watermark at this seq where the article says no time.
        copy: set when verdict is copy.
        copy_group: article id of the root of the copy group; the article's own id when it is no copy.
        regrouped: copy groups that this article re-rooted, old root -> new root.
        article: the cleaned article; None for stale, kill, withheld and void.
        annotation: set by the entities stage; None for what does not go there.
        word: set when verdict is word.
    """

    edition: int
    seq: int
    prev_seq: int
    article_id: str | None
    verdict: Verdict
    reason: str
    event_time: datetime | None
    provider: str | None = None
    """With `native_id`, the wire's own name for the article; None only where article_id is."""
    native_id: str | None = None
    copy: Copy | None = None
    copy_group: str | None = None
    regrouped: dict[str, str] = field(default_factory=dict)
    article: Article | None = None
    annotation: Annotation | None = None
    word: EditorWord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleEvent:
    """The final word on one input (topic `enriched`, `articles.jsonl`, table `articles`)."""

    id: str | None
    """The wire's own id, as given in the input; None for a void whose bytes had none."""
    article_id: str | None
    edition: int
    seq: int
    provider: str | None
    source: str | None
    title: str | None
    text: str | None = field(repr=False)
    url: str | None
    published: datetime | None
    language: str | None
    version: int | None
    verdict: Verdict
    reason: str
    copy_of: str | None
    copy_kind: CopyKind | None
    copy_group: str | None
    regrouped: dict[str, str]
    incident_id: str | None
    why: dict[str, Any]
    entities: tuple[Entity, ...]
    side_spans: tuple[SideSpan, ...]
    facts: dict[str, Any]
    tolls: dict[str, Any]


IncidentStatus = Literal["open", "closed", "merged", "withdrawn"]
ChangeKind = Literal[
    "created",
    "joined",
    "moved",
    "merged",
    "split",
    "closed",
    "reopened",
    "retracted",
    "withdrawn",
    "regrouped",
    "edited",
]
"""retracted: a report was taken back, others remain; withdrawn: the last one was. edited: an editor's word about it was
carried out; the evidence says which, whose and when.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One article in an incident, as the incident record lists it.

    `assigned_seq` is the seq of the decision that put it there; a sink keeps the assignment with the highest.
    """

    article_id: str
    assigned_seq: int
    provider: str
    source: str | None
    title: str | None
    published: datetime | None
    verdict: Verdict
    copy_of: str | None
    why: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecord:
    """One incident as it stands (topic `incidents`, `incidents.jsonl`, table `incidents`).

    `version` is the seq of the decision that last changed it: a record with a lower version is older. `counts` are of
    all reports; `reports` and `timeline` list at most 1,000 of them: the first and those put into it last. `words` are
    the editors' words about it that are in force, the last 50: {"word", "word_id", "by", "at", "note"}. `languages` are
    those of the listed reports, the most frequent first: {"language", "reports"}; what says none is left out.
    `weapons` are weapons, vehicles, ships and aircraft, those that most reports name first: {"entity_id", "name",
    "label", "forms", "reports"}; they are among the `entities` too. Reports that tell of many events (`why.round_up`)
    count as reports, not as independent origins, and are not read for title, time, places and names where there is any
    other.
    """

    incident_id: str
    edition: int
    version: int
    status: IncidentStatus
    merged_into: str | None
    title: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    event_time: dict[str, Any] | None
    places: tuple[dict[str, Any], ...]
    entities: tuple[dict[str, Any], ...]
    reports: tuple[Report, ...]
    counts: dict[str, int]
    timeline: tuple[dict[str, Any], ...]
    words: tuple[dict[str, Any], ...] = ()
    languages: tuple[dict[str, Any], ...] = ()
    weapons: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChange:
    """One entry of the stream `incident-changes`: what happened to an incident, and on what evidence.

    `change_id` is `edition:seq:n`: the same decision always gives the same ids, so a replay is recognised.
    """

    change_id: str
    change: ChangeKind
    incident_id: str
    edition: int
    seq: int
    article_id: str | None
    event_time: datetime | None
    evidence: dict[str, Any]
