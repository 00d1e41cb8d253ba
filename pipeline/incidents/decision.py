"""The records of the incident log: one `Decision` per input, which holds all that the ledger's state needs.

The log is a compacted topic keyed by article, so an older record of an article disappears once a newer one is there. An
editor's word has a key of its own, which its undoing shares.
Whatever a decision did to *other* articles and to incidents (`placements`, `marks`) must outlive it: the decision
that supersedes a record carries those of its effects on that still hold, with the seq that first wrote them; the
highest seq wins. The record of a forgotten article stays in the log until none of its effects holds. The state is then
the fold of any compaction of the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from pipeline import codec
from pipeline.records import CHANGES_NOTHING, ChangeKind, DatePrecision, Verdict, WordKind

WORD = "word:"
"""How the log keys of editors' words begin."""

SCHEMA = 3
"""Version of these records' shape, in the header `wf-schema`; raised by any change of `Decision` or of `Profile`.

A log of another version is refused; `wirefuse state rebuild` makes it anew.
"""

NOTHING_KEY = "~"
"""Log key of decisions that change nothing; of these only the newest is needed."""


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What an article is compared by. Weights are frozen at arrival: integers, so that sums do not depend on order.

    Attributes:
        words: stems, heaviest first; `weights` their weights (a unit vector times WEIGHT_ONE).
        opening: positions in `words` of those that the title or the lead has; `opening_weights` their weights there, as
            a unit vector of its own; `headline_weights` the same in the title alone, 0 for the rest; `opening_norm` the
            length of the vector before it was scaled to a unit: how much the opening says.
        names: words of names, rarest first; `rarity` how rare, 0 to RARITY_ONE.
        places: those of `names` that seem to name places.
        persons: last words of names that seem to name persons.
        leads: those of `names` that the title and the lead have, without places: who and what it is about.
        ages: ages of persons in years.
        addresses: streets, normalised.
        days: days on which the told events happened, as proleptic ordinals (`date.toordinal`).
        back: days with a date in the text that lie well before publication, as ordinals.
        clocks: times of day, in minutes after midnight.
        killed, wounded: counts of victims as flat pairs (lowest, highest); -1 stands for an open end.
        day: day of publication, as ordinal; None where the article says no time.
        scenes: of a round-up, how many events it tells of (see `pipeline.facts.scenes`); 0 for a report of one.
    """

    words: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    opening: tuple[int, ...] = ()
    opening_weights: tuple[int, ...] = ()
    headline_weights: tuple[int, ...] = ()
    opening_norm: float = 0.0
    names: tuple[str, ...] = ()
    rarity: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    ages: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()
    days: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    clocks: tuple[int, ...] = ()
    killed: tuple[int, ...] = ()
    wounded: tuple[int, ...] = ()
    day: int | None = None
    scenes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name as one article has it, with the evidence around it that folding needs (see `entities.aliases`).

    Attributes:
        text: as written; `count` so often.
        explains: the name that it stands in brackets after, or whose brackets follow it.
        roles: offices that the text gives a person, and whose relative it says the person is.
    """

    text: str
    label: str
    count: int
    explains: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What an incident's record needs of one report."""

    provider: str
    source: str | None
    title: str | None
    lead: str
    published: datetime | None
    precision: DatePrecision
    language: str | None
    verdict: Verdict
    mentions: tuple[Mention, ...] = ()
    places: tuple[dict[str, Any], ...] = ()
    times: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is remembered of an article, in the form that it has in memory: the fold of the log need not make it again.

    Attributes:
        words: stems, heaviest first, with a space between; `weights` theirs (see `Features`), 16 bits each, the lower
            byte first.
        profile: the other features, as they are compared (`Profile.packed`).
        stowed: card, reasons and what the article says, compressed (`stowed.pack`).
        outlet: who carried it, folded; empty where the article does not say.
    """

    words: str
    weights: bytes = field(repr=False)
    profile: bytes = field(repr=False)
    stowed: bytes = field(repr=False)
    outlet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an article stands, written by the decision of another article.

    Attributes:
        seq: decision that wrote this; the highest wins.
        assigned_seq: decision that put the article into `incident_id`.
        why: the reasons in force; in full, because the record they came with may be gone.
    """

    article_id: str
    seq: int
    incident_id: str
    assigned_seq: int
    copy_of: str | None
    copy_group: str
    why: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an incident's reports alone do not tell.

    Attributes:
        seq: decision that last changed the incident: its version.
        merged_into: the incident that took its reports, when it was merged.
        withdrawn: its last report was taken back.
        time: of its newest report at that decision; without reports it is remembered as long as such an article.
    """

    incident_id: str
    seq: int
    merged_into: str | None = None
    withdrawn: bool = False
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """An editor's word as the ledger carried it out. In force until its undoing replaces it under the same log key.

    Attributes:
        incidents: ids that it is about, as they were when it was carried out: join (taker, joined), split (left, new),
            never-join both, pin and retitle the one. Words about an incident that was merged later follow its redirect.
        moved: articles that it put from one of them into the other.
        held: incident id -> articles that the machine must not move out of it.
        title: of a retitle.
        undone: it has no force any more; only its id still counts, so that it cannot come back by a second delivery.
    """

    word: WordKind
    word_id: str
    by: str
    at: datetime | None
    note: str | None
    incidents: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    held: dict[str, tuple[str, ...]] = field(default_factory=dict)
    title: str | None = None
    undone: bool = False

    @property
    def key(self) -> str:
        """Key of its decision in the incident log."""
        return f"{WORD}{self.word_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry of `incident-changes`, before it has an id."""

    change: ChangeKind
    incident_id: str
    article_id: str | None
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Event time as far as it has been seen (see `watermark.advance`).

    Attributes:
        time: the watermark; None until a second article has confirmed the first.
        ahead: number of articles in a row that lay further ahead than is believed at once.
        earliest: the earliest of these.
    """

    time: datetime | None = None
    ahead: int = 0
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Floor:
    """Articles up to this (time, article id) have been forgotten."""

    time: datetime
    article_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the ledger decided about one input, and all that its state keeps of it.

    Attributes:
        seq, prev_seq, edition, article_id, verdict, reason: as in the `Annotated` that was decided.
        watermark, floor: after this decision.
        time: event time of the article as far as it is believed; orders eviction and closing.
        event_time: event time as given, or the watermark.
        incident_id: the article's incident; None when it is taken back.
        scored: placed by its own evidence, not by that of the article it copies.
        kept: what is remembered of the article; None when it is taken back.
        placements, marks: effects on other articles and on incidents: this decision's own, and those carried on.
        changes: what consumers are told; order matters.
        ruling: of an editor's word that was carried out; of an undoing, the word that is undone.
    """

    seq: int
    prev_seq: int
    edition: int
    article_id: str | None
    verdict: Verdict
    reason: str
    watermark: Watermark
    floor: Floor | None
    time: datetime | None = None
    event_time: datetime | None = None
    incident_id: str | None = None
    scored: bool = False
    copy_of: str | None = None
    copy_group: str | None = None
    why: dict[str, Any] = field(default_factory=dict)
    kept: Kept | None = None
    placements: tuple[Placement, ...] = ()
    marks: tuple[Mark, ...] = ()
    changes: tuple[Change, ...] = ()
    ruling: Ruling | None = None

    @property
    def key(self) -> str:
        """Key of this record in the incident log."""
        if self.ruling is not None:
            return self.ruling.key
        if self.verdict in CHANGES_NOTHING or self.article_id is None:
            return NOTHING_KEY
        return self.article_id

    @property
    def own_marks(self) -> list[Mark]:
        """What it says of incidents, without what it carries on."""
        return [m for m in self.marks if m.seq == self.seq]


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a decision that the state is made of."""

    seq: int
    article_id: str | None
    verdict: Verdict
    watermark: Watermark
    floor: Floor | None
    time: datetime | None = None
    event_time: datetime | None = None
    incident_id: str | None = None
    scored: bool = False
    copy_of: str | None = None
    copy_group: str | None = None
    kept: Kept | None = None
    placements: tuple[Placement, ...] = ()
    marks: tuple[Mark, ...] = ()
    ruling: Ruling | None = None


_logged = msgspec.json.Decoder(Logged)


def read_logged(value: bytes) -> Logged:
    """Read back the bytes of a decision; several times faster than the whole of it.

    Raises:
        InvalidEvent: kind `schema`; the detail says what is wrong.
    """
    return codec.read(_logged, value, "Decision")
