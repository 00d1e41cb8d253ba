"""One decision in the making: where articles go, and what follows from that for incidents, log and consumers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline import ids
from pipeline.incidents.decision import (
    Card,
    Change,
    Decision,
    Features,
    Floor,
    Kept,
    Mark,
    Placement,
    Ruling,
)
from pipeline.incidents.entry import Entry
from pipeline.incidents.horizon import forgetting, paced
from pipeline.incidents.profile import Profile
from pipeline.incidents.state import State, days, earlier
from pipeline.incidents.stowed import keep
from pipeline.incidents.watermark import advance, believed
from pipeline.records import Annotated, ChangeKind
from pipeline.settings import Incidents

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Event time of an article without any, before there is a watermark."""

_NUMBERED = 8
"""Incidents of one article that are looked through for the one it founded."""


class Plan:
    """Collects what one input does, without touching the state; `finish` makes the decision of it.

    Attributes:
        article_id: the input's own article; None for an editor's word.
        incident_id: where that goes; None: nowhere, it is taken back.
        event_time: of the article; the watermark where it says none. An editor's word has no part in event time.
        reason: why, for people.
        ruling: see `Decision`.
        features, profile, card: of the article; None when it is taken back.
    """

    def __init__(self, state: State, item: Annotated, settings: Incidents) -> None:
        self._state = state
        self._settings = settings
        self.item = item
        self.article_id = item.article_id
        self.watermark = state.watermark
        self.time = self.event_time = item.event_time or state.watermark.time or EPOCH
        if self.article_id is not None:
            if _says_time(item):
                self.watermark = paced(state, settings, advance(state.watermark, self.event_time))
            self.time = believed(self.watermark, self.event_time)
        self.old = state.live(self.article_id)
        self.reason = item.reason
        self.ruling: Ruling | None = None
        self.incident_id: str | None = None
        self.scored = False
        self.why: dict[str, Any] = {}
        self.features: Features | None = None
        self.profile: Profile | None = None
        self.card: Card | None = None
        self._moved: dict[str, Placement] = {}
        self._merged: dict[str, str] = {}
        self._split: dict[str, str] = {}
        self._evidence: dict[str, dict[str, Any]] = {}
        self._edited: list[Change] = []

    # What may be decided

    def found(self) -> str:
        """Put the article into an incident of its own and return its id."""
        assert self.article_id is not None
        self.incident_id = self.free_id(self.article_id)
        return self.incident_id

    def free_id(self, founder: str) -> str:
        """The id of the incident that an article founds.

        It is that of the founding article. Where an incident of that id lives on without its founder (which was taken
        back, or moved), or was merged and an editor's word speaks of it, the founder's next one is numbered.
        """
        number = 0
        while self._is_taken(founded := founded_id(self.item.edition, founder, number), founder):
            number += 1
        return founded

    def _is_taken(self, incident_id: str, founder: str) -> bool:
        state = self._state
        if [e for e in state.reports(incident_id) if e.article_id != founder]:
            return True
        return state.resolve(incident_id) != incident_id and state.rulings.is_about(incident_id)

    def has_founded(self, article_id: str, incident_id: str) -> bool:
        """Whether the incident got its id from this article."""
        return incident_id in (founded_id(self.item.edition, article_id, n) for n in range(_NUMBERED))

    def move(self, entry: Entry, incident_id: str, why: dict[str, Any]) -> None:
        """Put another article into an incident."""
        now = self._placed(entry)
        self._moved[entry.article_id] = replace(
            now, incident_id=incident_id, assigned_seq=self.item.seq, seq=self.item.seq, why=why
        )

    def merge(self, loser: str, winner: str, evidence: dict[str, Any]) -> None:
        """Put all that an incident holds into another one."""
        for entry in self.members(loser):
            if entry.article_id != self.article_id:
                self.move(entry, winner, self._placed(entry).why)
        if self.incident_id == loser:
            self.incident_id = winner
        self._merged[loser] = winner
        self._evidence[loser] = evidence

    def split(self, incident_id: str, leaving: Sequence[Entry], evidence: dict[str, Any], *, follow: bool) -> None:
        """Put some reports of an incident into one of their own.

        Args:
            leaving: in the order of their decisions; the first one founds the new incident.
            evidence: what tells the two apart.
            follow: the input's own article leaves with them.
        """
        new = self.free_id(leaving[0].article_id)
        for entry in leaving:
            own = entry.scored
            self.move(
                entry, new, {"kind": "split", "from": incident_id, **evidence} if own else self._placed(entry).why
            )
        if follow:
            self.incident_id = new
            self.why = {**self.why, "split_from": incident_id}
        self._split[incident_id] = new
        self._evidence[incident_id] = {"reports": len(leaving) + follow, **evidence}

    def edited(self, incident_id: str, evidence: dict[str, Any]) -> None:
        """Tell consumers of an editor's word about an incident."""
        self._edited.append(self._change("edited", incident_id, None, evidence))

    def regroup(self, regrouped: dict[str, str]) -> None:
        """Give copy groups new roots."""
        for old, new in sorted(regrouped.items()):
            for entry in self._state.group(old):
                if entry.article_id == self.article_id:
                    continue
                now = self._placed(entry)
                copy_of = None if entry.article_id == new else new if now.copy_of == old else now.copy_of
                self._moved[entry.article_id] = replace(now, seq=self.item.seq, copy_of=copy_of, copy_group=new)

    def members(self, incident_id: str) -> list[Entry]:
        """Other articles that are in an incident as planned so far, in the order of their decisions."""
        state = self._state
        stay = {
            e.article_id: e
            for e in state.reports(incident_id)
            if e.article_id != self.article_id and self.incident_of(e) == incident_id
        }
        come = {p.article_id: state.entries[p.article_id] for p in self._moved.values() if p.incident_id == incident_id}
        return sorted((stay | come).values(), key=lambda e: e.seq)

    def incident_of(self, entry: Entry) -> str | None:
        """Where another article is as planned so far."""
        moved = self._moved.get(entry.article_id)
        return entry.incident_id if moved is None else moved.incident_id

    def going(self) -> set[str]:
        """Articles that this decision lets be forgotten."""
        return {e.article_id for e in self._forgetting()[1]}

    def _placed(self, entry: Entry) -> Placement:
        moved = self._moved.get(entry.article_id)
        return entry.placement() if moved is None else moved

    # What follows

    def finish(self) -> Decision:
        """The decision, with marks, changes, evictions and the effects that it carries on."""
        floor, evicted = self._forgetting()
        placed = self._placed_incidents()
        touched = list(placed | {change.incident_id: None for change in self._edited})
        changes = self._changes(touched)
        closed = self._closed(touched, self._state.forgotten(evicted, placed) if evicted else [])
        marks = {i: self._mark(i) for i in touched + [c.incident_id for c in closed]}
        for loser, winner in self._merged.items():
            for earlier_loser in self._state.redirected_to(loser):
                if earlier_loser not in marks:
                    mark = self._state.marks[earlier_loser]
                    marks[earlier_loser] = replace(mark, seq=self.item.seq, merged_into=winner)
        gone = {e.article_id for e in evicted}
        placements, carried = self._carried(gone, marks)
        return Decision(
            seq=self.item.seq,
            prev_seq=self.item.prev_seq,
            edition=self.item.edition,
            article_id=self.article_id,
            verdict=self.item.verdict,
            reason=self.reason,
            watermark=self.watermark,
            floor=floor,
            time=self.time if self.article_id is not None else None,
            event_time=self.event_time,
            incident_id=self.incident_id,
            scored=self.scored,
            copy_of=self.item.copy.of if self.item.copy is not None else None,
            copy_group=self.item.copy_group,
            why=self.why,
            kept=self._kept(),
            placements=tuple(
                sorted(
                    [p for p in self._moved.values() if p.article_id not in gone] + placements,
                    key=lambda p: (p.seq, p.article_id),
                )
            ),
            marks=tuple(sorted([*marks.values(), *carried], key=lambda m: (m.seq, m.incident_id))),
            changes=tuple(self._edited + changes + closed),
            ruling=self.ruling,
        )

    def _kept(self) -> Kept | None:
        """What is remembered of the article."""
        if self.incident_id is None or self.features is None or self.profile is None or self.card is None:
            return None
        return keep(self.card, self.why, self.features, self.profile)

    def _forgetting(self) -> tuple[Floor | None, list[Entry]]:
        return forgetting(self._state, self._settings, self.watermark, self.article_id)

    def _placed_incidents(self) -> dict[str, None]:
        """Incidents that articles are put into or taken from."""
        found: dict[str, None] = {}
        if self.old is not None and self.old.incident_id is not None:
            found[self.old.incident_id] = None
        if self.incident_id is not None:
            found[self.incident_id] = None
        for moved in sorted(self._moved.values(), key=lambda p: p.article_id):
            left = self._state.entries[moved.article_id].incident_id
            assert left is not None
            found[left] = None
            found[moved.incident_id] = None
        return found

    def _mark(self, incident_id: str) -> Mark:
        known = self._state.marks.get(incident_id)
        last = self._last_time(incident_id)
        # Never earlier than before: a mark that is forgotten must not leave an older one of it in force in the log.
        time = max([*([] if last is None else [last]), self.time if known is None else known.time])
        if last is not None:
            return Mark(incident_id=incident_id, seq=self.item.seq, time=time)
        winner = self._merged.get(incident_id)
        return Mark(incident_id=incident_id, seq=self.item.seq, merged_into=winner, withdrawn=winner is None, time=time)

    def _last_time(self, incident_id: str) -> datetime | None:
        """Time of an incident's newest report as planned so far; None where it has none."""
        own = [self.time] if self.incident_id == incident_id else []
        if self._moved or (self.old is not None and self.old.incident_id == incident_id):
            return max([*(e.time for e in self.members(incident_id)), *own], default=None)
        last = self._state.last_time(incident_id)
        return max([last, *own]) if last is not None else max(own, default=None)

    def _closed(self, touched: Sequence[str], forgotten: Sequence[str]) -> list[Change]:
        """Incidents that nobody has reported on for so long that they close now, and those that close because their
        last report is forgotten.

        Args:
            touched: incidents of which something else is told.
        """
        line = earlier(self.watermark.time, days(self._settings.close_after_days))
        old_line = earlier(self._state.watermark.time, days(self._settings.close_after_days))
        gone = set(forgotten)
        closed = []
        quiet = [] if line is None else self._state.closing_before(line)
        for incident_id in sorted({*quiet, *forgotten}):
            last = self._state.last_time(incident_id)
            if last is None or incident_id in touched or (old_line is not None and last < old_line):
                continue
            evidence = {"last_report": _iso(last)}
            if incident_id in gone:
                closed.append(self._change("closed", incident_id, None, evidence | {"reason": "forgotten"}))
            elif line is not None and last < line:
                closed.append(self._change("closed", incident_id, None, evidence))
        return closed

    def _changes(self, touched: Sequence[str]) -> list[Change]:
        """What consumers are told about the incidents whose record this decision changes, in a readable order."""
        state = self._state
        changes: list[Change] = []
        for incident_id in touched:
            before, last = incident_id in state.members, self._last_time(incident_id)
            evidence = self._evidence.get(incident_id, {})
            if not before and last is not None:
                changes.append(self._opened(incident_id))
            elif last is None:
                winner = self._merged.get(incident_id)
                kind: ChangeKind = "withdrawn" if winner is None else "merged"
                more = {"reason": self.item.reason} if winner is None else {"into": winner, **evidence}
                changes.append(self._change(kind, incident_id, self.article_id, more))
            if incident_id in self._split:
                more = {"into": self._split[incident_id], **evidence}
                changes.append(self._change("split", incident_id, self.article_id, more))
            changes += self._arrivals(incident_id)
            if last is not None:
                changes += self._opening_or_closing(incident_id, last)
        for moved in sorted(self._moved.values(), key=lambda p: p.article_id):
            entry = state.entries[moved.article_id]
            if moved.incident_id == entry.incident_id:
                groups = {"copy_group": moved.copy_group, "copy_of": moved.copy_of}
                changes.append(self._change("regrouped", moved.incident_id, moved.article_id, groups))
        return changes

    def _opened(self, incident_id: str) -> Change:
        known = self._state.marks.get(incident_id)
        others = self.members(incident_id)
        own = self.incident_id == incident_id and incident_id not in self._split.values()
        founder = self.article_id if own or not others else others[0].article_id
        if known is not None and known.merged_into is not None:
            return self._change("reopened", incident_id, founder, {"was_merged_into": known.merged_into})
        if known is not None and known.withdrawn:
            return self._change("reopened", incident_id, founder, {"was": "withdrawn"})
        return self._change("created", incident_id, founder, {})

    def _arrivals(self, incident_id: str) -> list[Change]:
        changes: list[Change] = []
        came_from = self.old.incident_id if self.old is not None else None
        if self.incident_id == incident_id and incident_id in self._state.members and came_from != incident_id:
            if came_from is None:
                evidence: dict[str, Any] = {k: self.why[k] for k in ("kind", "score") if k in self.why}
                changes.append(self._change("joined", incident_id, self.article_id, evidence))
            elif self._merged.get(came_from) != incident_id:
                changes.append(self._change("moved", incident_id, self.article_id, {"from": came_from}))
        for moved in sorted(self._moved.values(), key=lambda p: p.article_id):
            came_from = self._state.entries[moved.article_id].incident_id
            if moved.incident_id == incident_id and came_from not in (incident_id, None):
                assert came_from is not None
                if self._merged.get(came_from) != incident_id:
                    changes.append(self._change("moved", incident_id, moved.article_id, {"from": came_from}))
        if self.incident_id is None and self.old is not None and self.old.incident_id == incident_id:
            left = len(self.members(incident_id))
            if left:
                evidence = {"reason": self.item.reason, "reports_left": left}
                changes.append(self._change("retracted", incident_id, self.article_id, evidence))
        return changes

    def _opening_or_closing(self, incident_id: str, last: datetime) -> list[Change]:
        line = earlier(self.watermark.time, days(self._settings.close_after_days))
        old_line = earlier(self._state.watermark.time, days(self._settings.close_after_days))
        is_open = line is None or last >= line
        before = self._state.last_time(incident_id)
        was_open = before is None or old_line is None or before >= old_line
        if is_open and not was_open:
            return [self._change("reopened", incident_id, self.article_id, {"was": "closed"})]
        if was_open and not is_open:
            return [self._change("closed", incident_id, self.article_id, {"last_report": _iso(last)})]
        return []

    def _carried(self, evicted: set[str], marks: dict[str, Mark]) -> tuple[list[Placement], list[Mark]]:
        """Effects that still hold and whose records go away with this decision: it takes their place in the log."""
        state = self._state
        if self.ruling is None:
            assert self.article_id is not None
            superseded = {self.article_id}
        else:
            superseded = {self.ruling.key, *(r.key for r in state.rulings.surplus(self.ruling))}
        placements, carried = [], []
        for key in sorted(superseded):
            for kind, name in state.effects.of(key):
                if kind == "article":
                    if name not in evicted and name not in self._moved:
                        placements.append(state.entries[name].placement())
                elif name not in marks:
                    carried.append(state.marks[name])
        return placements, carried

    def _change(self, kind: ChangeKind, incident_id: str, article_id: str | None, evidence: dict[str, Any]) -> Change:
        return Change(change=kind, incident_id=incident_id, article_id=article_id, evidence=evidence)


def _says_time(item: Annotated) -> bool:
    """False where the event time may be only that of the articles before: it neither confirms nor denies another."""
    return item.article is not None and item.article.published is not None


def founded_id(edition: int, founder: str, number: int) -> str:
    """The id of an article's `number`th incident, from 0."""
    return ids.incident_id(edition, founder if number == 0 else f"{founder}#{number}")


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
