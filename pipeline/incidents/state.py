"""The ledger's memory: what the fold of the incident log leaves, and how one decision changes it.

Nothing here decides. Every field is a function of the newest record of each log key, an article or an editor's word
(and of the effects these carry), never of records that compaction may have removed;
`tests/unit/incidents/test_ledger_machine.py` holds it to that.
"""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime, timedelta
from sys import intern
from typing import Any

from pipeline import codec
from pipeline.incidents.decision import (
    Card,
    Decision,
    Features,
    Floor,
    Logged,
    Mark,
    Placement,
    Ruling,
    Watermark,
    kept,
)
from pipeline.incidents.index import Index
from pipeline.incidents.profile import Profile
from pipeline.incidents.rulings import Rulings
from pipeline.incidents.stowed import pack, pack_vector, read_said, said_of, unpack, unpack_vector
from pipeline.records import CHANGES_NOTHING

Vector = tuple[tuple[str, ...], tuple[int, ...]]
"""Words and their weights."""

EffectKey = tuple[str, str]
"""("article", article id) or ("incident", incident id): one register that later decisions may overwrite."""


_UNTIDY = 1024
"""Items that the queues may hold beyond twice what they need."""


class Entry:
    """One remembered article. What is only shown (card, reasons, what it says) is kept compressed.

    Attributes:
        seq: of its newest own decision.
        time: orders eviction and closing. event_time: as given.
        incident_id: None once the article was taken back; the entry then only carries effects.
        placed_seq: seq of the placement in force: its own decision's, or another article's.
        assigned_seq: seq of the decision that put it into its incident.
        profile: None when it was taken back.
        outlet: who carried it, folded; empty where the article does not say.
        vector: words and weights, compressed, while the article is not indexed; the index holds them otherwise.
    """

    __slots__ = (
        "article_id",
        "assigned_seq",
        "copy_group",
        "copy_of",
        "event_time",
        "incident_id",
        "outlet",
        "placed_seq",
        "profile",
        "scored",
        "seq",
        "stowed",
        "time",
        "vector",
    )

    def __init__(self, decision: Decision | Logged, profile: Profile | None = None) -> None:
        assert decision.article_id is not None
        assert decision.time is not None
        assert decision.event_time is not None
        self.article_id = decision.article_id
        self.seq = self.placed_seq = self.assigned_seq = decision.seq
        self.time = decision.time
        # Nearly always the same; once in memory is enough.
        self.event_time = decision.time if decision.event_time == decision.time else decision.event_time
        self.incident_id = decision.incident_id
        self.scored = decision.scored
        self.copy_of = decision.copy_of
        group = decision.copy_group
        self.copy_group = decision.article_id if group is None or group == decision.article_id else group
        found = decision.features
        self.profile = None if found is None else profile or Profile(decision.seq, found)
        self.vector: bytes | None = None
        card, why, source = kept(decision)
        self.stowed = pack(card, why, b"" if found is None else said_of(found))
        self.outlet = intern(source.casefold()) if source else ""

    @property
    def age_key(self) -> tuple[datetime, str]:
        return self.time, self.article_id

    @property
    def is_round_up(self) -> bool:
        """Whether the article tells of many events."""
        return self.profile is not None and self.profile.scenes > 0

    def read(self) -> tuple[Card, dict[str, Any]]:
        """The card and the reasons of a live article."""
        card, why, _ = unpack(self.stowed)
        return codec.decode(card, Card), codec.decode_json(why)

    def read_why(self) -> dict[str, Any]:
        why: dict[str, Any] = codec.decode_json(unpack(self.stowed)[1])
        return why

    def read_said(self) -> Features:
        """What a live article says, without its words and title."""
        return read_said(unpack(self.stowed)[2])

    def put_why(self, why: dict[str, Any]) -> None:
        card, _, said = unpack(self.stowed)
        self.stowed = pack(card, codec.encode(why), said)


class State:
    """Fold of the incident log of one edition.

    Args:
        ttl: only to tell, in `evicted`, what was forgotten for its age from what went for want of room.
    """

    def __init__(self, ttl: timedelta) -> None:
        self._ttl = ttl
        self.last_seq = -1
        self.watermark = Watermark()
        self.floor: Floor | None = None
        self.entries: dict[str, Entry] = {}
        self.by_seq: dict[int, Entry] = {}
        self.members: dict[str, dict[str, Entry]] = {}
        """incident id -> its live articles by id. Iterate with `reports`, which orders them."""
        self.marks: dict[str, Mark] = {}
        self.rulings = Rulings()
        self.index = Index()
        self.evicted: Counter[str] = Counter()
        self.tombstones: dict[str, None] = {}
        self._groups: dict[str, tuple[Entry, ...]] = {}
        self._held: dict[str, dict[EffectKey, None]] = {}
        self._holder: dict[EffectKey, str] = {}
        self._by_age: list[tuple[datetime, str, int]] = []
        self._closing: list[tuple[datetime, str]] = []
        self._marks_by_time: list[tuple[datetime, str]] = []
        self._tidy_at = _UNTIDY
        self._redirects: dict[str, dict[str, None]] = {}

    # Reading

    def live(self, article_id: str | None) -> Entry | None:
        """The entry of an article that is in an incident."""
        entry = None if article_id is None else self.entries.get(article_id)
        return entry if entry is not None and entry.incident_id is not None else None

    def reports(self, incident_id: str) -> list[Entry]:
        """Live articles of an incident, in the order of their decisions."""
        return sorted(self.members.get(incident_id, {}).values(), key=_by_seq)

    def group(self, copy_group: str) -> list[Entry]:
        """Live articles of a copy group, in the order of their decisions."""
        return sorted(self._groups.get(copy_group, ()), key=_by_seq)

    def last_time(self, incident_id: str) -> datetime | None:
        return max((e.time for e in self.members.get(incident_id, {}).values()), default=None)

    def closing_before(self, line: datetime) -> list[str]:
        """Incidents whose last report is older than the line, of those not named by an earlier call.

        May name an incident that closed long ago (after a restart) or that a later report has kept open; the caller
        looks at its reports.
        """
        due: dict[str, None] = {}
        while self._closing and self._closing[0][0] < line:
            due[heapq.heappop(self._closing)[1]] = None
        return list(due)

    def closing_limit(self, since: datetime | None, line: datetime, most: int) -> datetime | None:
        """The earliest time before which at least `most` open incidents have their last report; None if none such.

        Args:
            since: incidents quiet since before this time are closed already.
            line: only times before this are looked at.
        """
        taken = []
        due: set[str] = set()
        limit = None
        newest: datetime | None = None
        while self._closing and self._closing[0][0] < line and limit is None:
            item = heapq.heappop(self._closing)
            taken.append(item)
            time, incident_id = item
            # What else lies in the queue depends on what happened since the start, and must not count.
            if self.last_time(incident_id) != time or (since is not None and time < since):
                continue
            if len(due) >= most and newest is not None and time > newest:
                limit = time
            due.add(incident_id)
            newest = time
        for item in taken:
            heapq.heappush(self._closing, item)
        return limit

    def effects_held(self, key: str) -> list[EffectKey]:
        """The effects whose newest record has this log key."""
        return list(self._held.get(key, ()))

    def expired(self, floor: Floor, without: str | None) -> list[Entry]:
        """Entries at or below the floor, oldest first, but for one article."""
        found = []
        kept = None
        while self._by_age and self._by_age[0][:2] <= (floor.time, floor.article_id):
            item = heapq.heappop(self._by_age)
            entry = self._aged(item)
            if entry is None:
                continue
            if entry.article_id == without:
                kept = item
                continue
            found.append((item, entry))
        for item, _ in found:  # reading must not change what a second call sees
            heapq.heappush(self._by_age, item)
        if kept is not None:
            heapq.heappush(self._by_age, kept)
        return [entry for _, entry in found]

    def oldest(self, count: int, without: str | None) -> list[Entry]:
        """The `count` oldest entries by (time, article id), but for one article, if one is given."""
        taken = []
        found: list[Entry] = []
        while self._by_age and len(found) < count:
            item = heapq.heappop(self._by_age)
            entry = self._aged(item)
            if entry is None:
                continue
            taken.append(item)
            if entry.article_id != without:
                found.append(entry)
        for item in taken:
            heapq.heappush(self._by_age, item)
        return found

    def _aged(self, item: tuple[datetime, str, int]) -> Entry | None:
        entry = self.entries.get(item[1])
        return entry if entry is not None and entry.seq == item[2] else None

    def known_incidents(self) -> list[str]:
        return sorted(self.members.keys() | self.marks.keys())

    def redirected_to(self, incident_id: str) -> list[str]:
        """Merged incidents whose reports went to this one."""
        return sorted(self._redirects.get(incident_id, ()))

    def resolve(self, incident_id: str) -> str:
        """The incident itself, or the one that has its reports since it was merged."""
        mark = self.marks.get(incident_id)
        return incident_id if mark is None or mark.merged_into is None else mark.merged_into

    # Writing

    def apply(self, decision: Decision | Logged, profile: Profile | None = None) -> None:
        """Fold one decision in; one that is already in changes nothing.

        Args:
            profile: of its features, where it has been made already.
        """
        if decision.seq <= self.last_seq:
            return
        self.last_seq = decision.seq
        ruling, article_id = decision.ruling, decision.article_id
        if ruling is not None:
            left = self._apply_ruling(decision.seq, ruling)
            holder = ruling.key
        elif decision.verdict not in CHANGES_NOTHING and article_id is not None:
            left = self._apply_article(decision, article_id, profile)
            holder = article_id
        else:
            return
        self.watermark = decision.watermark
        self.floor = decision.floor
        for placement in decision.placements:
            left += self._apply_placement(placement, holder)
        for mark in decision.marks:
            left.append(mark.incident_id)
            self._apply_mark(mark, holder)
        if decision.floor is not None:
            left += self._evict(decision.floor, article_id)
            self._prune_marks(decision.floor, left)
        if len(self._closing) + len(self._marks_by_time) > self._tidy_at:
            self._tidy()

    def _tidy(self) -> None:
        """Take out of the queues what would change nothing: without it, what is carried on and on would fill them."""
        self._closing = list({item for item in self._closing if item[1] in self.members})
        marks = self.marks
        self._marks_by_time = list(
            {item for item in self._marks_by_time if item[1] in marks and marks[item[1]].time == item[0]}
        )
        heapq.heapify(self._closing)
        heapq.heapify(self._marks_by_time)
        self._tidy_at = 2 * (len(self._closing) + len(self._marks_by_time)) + _UNTIDY

    def _apply_article(self, decision: Decision | Logged, article_id: str, profile: Profile | None) -> list[str]:
        """Remember an article's newest version; returns the incident that it was in."""
        old = self.entries.get(article_id)
        left = [] if old is None or old.incident_id is None else [old.incident_id]
        self._forget(article_id)
        self.tombstones.pop(article_id, None)
        entry = Entry(decision, profile)
        self.entries[article_id] = self.by_seq[entry.seq] = entry
        heapq.heappush(self._by_age, (*entry.age_key, entry.seq))
        found = decision.features
        self._place(entry, None if found is None else (found.words, found.weights))
        return left

    def _apply_ruling(self, seq: int, ruling: Ruling) -> list[str]:
        """Remember an editor's word; returns the incidents whose redirects it no longer keeps."""
        self._forget_held(ruling.key)
        self.tombstones.pop(ruling.key, None)
        left = self.rulings.put(seq, ruling)
        for forgotten in self.rulings.surplus():
            self.rulings.drop(forgotten.word_id)
            self._forget_held(forgotten.key)
            self.tombstones[forgotten.key] = None
        return left

    def _forget(self, article_id: str) -> None:
        entry = self.entries.pop(article_id, None)
        if entry is None:
            return
        del self.by_seq[entry.seq]
        self._displace(entry)
        self._release(("article", article_id))
        self._forget_held(article_id)

    def _forget_held(self, key: str) -> None:
        for effect in self._held.pop(key, ()):
            del self._holder[effect]

    def _place(self, entry: Entry, vector: Vector | None = None) -> None:
        """Let an entry into its incident.

        Args:
            vector: words and weights of a new entry.
        """
        if entry.incident_id is None:
            return
        self.members.setdefault(entry.incident_id, {})[entry.article_id] = entry
        self._groups[entry.copy_group] = (*self._groups.get(entry.copy_group, ()), entry)
        heapq.heappush(self._closing, (entry.time, entry.incident_id))
        self._reindex(entry.incident_id, entry.copy_group, entry.seq, vector)
        if vector is not None and entry.seq not in self.index:
            entry.vector = pack_vector(*vector)

    def _displace(self, entry: Entry) -> None:
        if entry.incident_id is None:
            return
        self._unindex(entry)
        members = self.members[entry.incident_id]
        del members[entry.article_id]
        if not members:
            del self.members[entry.incident_id]
        group = tuple(e for e in self._groups[entry.copy_group] if e is not entry)
        if group:
            self._groups[entry.copy_group] = group
        else:
            del self._groups[entry.copy_group]
        self._reindex(entry.incident_id, entry.copy_group)

    def _reindex(self, incident_id: str, copy_group: str, new: int | None = None, vector: Vector | None = None) -> None:
        """Within one incident, a copy group is compared through its scored articles, else through its first.

        Args:
            new: seq of an entry whose words and weights are `vector`.
        """
        group = [e for e in self.group(copy_group) if e.incident_id == incident_id]
        speakers = [e for e in group if e.scored] or group[:1]
        wanted = {e.seq for e in speakers}
        for entry in group:
            if entry.seq not in wanted:
                self._unindex(entry)
            elif entry.seq == new and vector is not None:
                self.index.add(entry.seq, *vector)
            elif entry.vector is not None:
                self.index.add(entry.seq, *unpack_vector(entry.vector))
                entry.vector = None

    def _unindex(self, entry: Entry) -> None:
        vector = self.index.remove(entry.seq)
        if vector is not None:
            entry.vector = pack_vector(*vector)

    def _apply_placement(self, placement: Placement, holder: str) -> list[str]:
        """Move an article; returns the incident that it left."""
        entry = self.live(placement.article_id)
        if entry is None or entry.incident_id is None or placement.seq < entry.placed_seq:
            return []
        left = entry.incident_id
        self._displace(entry)
        entry.placed_seq = placement.seq
        entry.incident_id = placement.incident_id
        entry.assigned_seq = placement.assigned_seq
        entry.copy_of = placement.copy_of
        entry.copy_group = placement.copy_group
        entry.put_why(placement.why)
        self._place(entry)
        self._hold(("article", entry.article_id), holder)
        return [left]

    def _apply_mark(self, mark: Mark, holder: str) -> None:
        known = self.marks.get(mark.incident_id)
        if known is not None:
            if mark.seq < known.seq:
                return
            self._drop_mark(mark.incident_id)
        self.marks[mark.incident_id] = mark
        heapq.heappush(self._marks_by_time, (mark.time, mark.incident_id))
        if mark.merged_into is not None:
            self._redirects.setdefault(mark.merged_into, {})[mark.incident_id] = None
        self._hold(("incident", mark.incident_id), holder)

    def _evict(self, floor: Floor, without: str | None) -> list[str]:
        left = []
        for entry in self.expired(floor, without):
            if entry.incident_id is not None:
                left.append(entry.incident_id)
            self._forget(entry.article_id)
            self.tombstones[entry.article_id] = None
            self.evicted["age" if self._is_too_old(entry) else "size"] += 1
        return left

    def _is_too_old(self, entry: Entry) -> bool:
        line = earlier(self.watermark.time, self._ttl)
        return line is not None and entry.time < line

    def _prune_marks(self, floor: Floor, left: list[str]) -> None:
        """Drop marks of incidents without reports that the floor has passed.

        Not sooner: during a restore an incident may lack its reports until a later record of the log places them.
        """
        while self._marks_by_time and self._marks_by_time[0][0] < floor.time:
            left.append(heapq.heappop(self._marks_by_time)[1])
        for incident_id in left:
            mark = self.marks.get(incident_id)
            if mark is None or mark.time >= floor.time or incident_id in self.members:
                continue
            # An editor's word about a merged incident must find its way to where the reports are.
            if mark.merged_into is None or not self.rulings.is_about(incident_id):
                self._drop_mark(incident_id)

    def _drop_mark(self, incident_id: str) -> None:
        mark = self.marks.pop(incident_id)
        if mark.merged_into is not None:
            losers = self._redirects[mark.merged_into]
            del losers[incident_id]
            if not losers:
                del self._redirects[mark.merged_into]
        self._release(("incident", incident_id))

    def _hold(self, effect: EffectKey, holder: str) -> None:
        self._release(effect)
        self._holder[effect] = holder
        self._held.setdefault(holder, {})[effect] = None

    def _release(self, effect: EffectKey) -> None:
        holder = self._holder.pop(effect, None)
        if holder is None:
            return
        held = self._held[holder]
        del held[effect]
        if not held:
            del self._held[holder]


def days(number: float) -> timedelta:
    """A setting in days as a duration; more than a timedelta holds means for ever."""
    return timedelta(days=min(number, timedelta.max.days))


def earlier(time: datetime | None, by: timedelta) -> datetime | None:
    """`time - by`; None where there is no time, or no such date."""
    if time is None:
        return None
    try:
        return time - by
    except OverflowError:
        return None


def _by_seq(entry: Entry) -> int:
    return entry.seq
