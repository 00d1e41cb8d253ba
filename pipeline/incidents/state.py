"""The ledger's memory: what the fold of the incident log leaves, and how one decision changes it.

Nothing here decides. Every field is a function of the newest record of each log key, an article or an editor's word
(and of the effects these carry), never of records that compaction may have removed;
`tests/unit/incidents/test_ledger_machine.py` holds it to that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial

from pipeline.incidents.decision import WORD, Decision, Floor, Logged, Mark, Placement, Ruling, Watermark
from pipeline.incidents.effects import Effect, Effects
from pipeline.incidents.entry import Entry
from pipeline.incidents.index import Index, Weights
from pipeline.incidents.profile import Profile
from pipeline.incidents.queues import AgeQueue, TimeQueue
from pipeline.incidents.roster import Roster
from pipeline.incidents.rulings import Rulings
from pipeline.incidents.stowed import pack_vector, read_weights, read_words, unpack_vector
from pipeline.records import CHANGES_NOTHING

Vector = tuple[Sequence[str], Weights]
"""Words and their weights."""


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
        self.members: dict[str, Roster] = {}
        """Incident id -> its live articles."""
        self.marks: dict[str, Mark] = {}
        self.rulings = Rulings()
        self.index = Index()
        self.evicted: Counter[str] = Counter()
        self.tombstones: dict[str, None] = {}
        self.effects = Effects()
        self._groups: dict[str, tuple[Entry, ...]] = {}
        self._redirects: dict[str, dict[str, None]] = {}
        # Functions of tables, not methods: a circle would keep a state that is given up in memory for ever, as the
        # collector leaves alone what was restored (`gc.freeze`).
        self._by_age = AgeQueue(partial(_is_of, self.entries))
        self._closing = TimeQueue(partial(_is_last, self.members))
        self._marks_by_time = TimeQueue(partial(_is_marked, self.marks))

    # Reading

    def live(self, article_id: str | None) -> Entry | None:
        """The entry of an article that is in an incident."""
        entry = None if article_id is None else self.entries.get(article_id)
        return entry if entry is not None and entry.incident_id is not None else None

    def reports(self, incident_id: str) -> Sequence[Entry]:
        """Live articles of an incident, in the order of their decisions; good until the next decision is applied."""
        roster = self.members.get(incident_id)
        return () if roster is None else roster.entries

    def group(self, copy_group: str) -> list[Entry]:
        """Live articles of a copy group, in the order of their decisions."""
        return sorted(self._groups.get(copy_group, ()), key=_by_seq)

    def last_time(self, incident_id: str) -> datetime | None:
        roster = self.members.get(incident_id)
        return None if roster is None else roster.last_time

    def closing_before(self, line: datetime) -> list[str]:
        """Incidents whose last report is older than the line, of those not named by an earlier call.

        May name an incident that closed long ago (after a restart) or that a later report has kept open; the caller
        looks at its reports.
        """
        return list(self._closing.pop_before(line))

    def closing_limit(self, since: datetime | None, line: datetime, most: int) -> datetime | None:
        """The earliest time before which at least `most` open incidents have their last report; None if none such.

        Args:
            since: incidents quiet since before this time are closed already.
            line: only times before this are looked at.
        """
        return self._closing.limit(since, line, most)

    def expired(self, floor: Floor, without: str | None) -> list[Entry]:
        """Entries at or below the floor, oldest first, but for one article."""
        return [self.entries[a] for a in self._by_age.up_to(floor.time, floor.article_id, without)]

    def forgotten(self, going: Sequence[Entry], placed: Collection[str]) -> list[str]:
        """Incidents of which no report is left when these entries are forgotten, in order.

        Args:
            placed: incidents that the same decision puts articles into or takes from: left out.
        """
        going_of = Counter(e.incident_id for e in going if e.incident_id is not None and e.incident_id not in placed)
        return sorted(i for i, number in going_of.items() if len(self.members[i]) == number)

    def oldest(self, count: int, without: str | None) -> list[Entry]:
        """The `count` oldest entries by (time, article id), but for one article, if one is given."""
        return [self.entries[a] for a in self._by_age.oldest(count, without)]

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

    def apply(
        self, decision: Decision | Logged, profile: Profile | None = None, words: Sequence[str] | None = None
    ) -> None:
        """Fold one decision in; one that is already in changes nothing.

        Args:
            profile, words: of its features, where they are at hand; else they are read from the decision.
        """
        if decision.seq <= self.last_seq:
            return
        self.last_seq = decision.seq
        ruling, article_id = decision.ruling, decision.article_id
        if ruling is not None:
            left = self._apply_ruling(decision.seq, ruling)
            holder = ruling.key
        elif decision.verdict not in CHANGES_NOTHING and article_id is not None:
            left = self._apply_article(decision, article_id, profile, words)
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

    def _apply_article(
        self, decision: Decision | Logged, article_id: str, profile: Profile | None, words: Sequence[str] | None
    ) -> list[str]:
        """Remember an article's newest version; returns the incident that it was in."""
        old = self.entries.get(article_id)
        left = [] if old is None or old.incident_id is None else [old.incident_id]
        self._forget(article_id)
        self.effects.drop(article_id)
        self.tombstones.pop(article_id, None)
        entry = Entry(decision, profile)
        self.entries[article_id] = self.by_seq[entry.seq] = entry
        self._by_age.push(*entry.age_key, entry.seq)
        kept = decision.kept
        self._place(entry, None if kept is None else (words or read_words(kept.words), read_weights(kept.weights)))
        return left

    def _apply_ruling(self, seq: int, ruling: Ruling) -> list[str]:
        """Remember an editor's word; returns the incidents whose redirects it no longer keeps."""
        self.effects.drop(ruling.key)
        self.tombstones.pop(ruling.key, None)
        left = self.rulings.put(seq, ruling)
        for forgotten in self.rulings.surplus():
            self.rulings.drop(forgotten.word_id)
            self.effects.drop(forgotten.key)
            self.tombstones[forgotten.key] = None
        return left

    def _forget(self, article_id: str) -> None:
        entry = self.entries.pop(article_id, None)
        if entry is None:
            return
        del self.by_seq[entry.seq]
        self._displace(entry)
        self._release(("article", article_id))

    def _place(self, entry: Entry, vector: Vector | None = None) -> None:
        """Let an entry into its incident.

        Args:
            vector: words and weights of a new entry.
        """
        if entry.incident_id is None:
            return
        roster = self.members.get(entry.incident_id)
        if roster is None:
            self.members[entry.incident_id] = Roster(entry)
        else:
            roster.add(entry)
        if roster is None or roster.last_time == entry.time:
            self._closing.push(entry.time, entry.incident_id)
        others = self._groups.get(entry.copy_group)
        if others is None and vector is not None:  # it stands for itself, as most do
            self._groups[entry.copy_group] = (entry,)
            self.index.add(entry.seq, *vector)
            return
        self._groups[entry.copy_group] = (*(others or ()), entry)
        self._reindex(entry.incident_id, entry.copy_group, entry.seq, vector)
        if vector is not None and entry.seq not in self.index:
            entry.vector = pack_vector(*vector)

    def _displace(self, entry: Entry) -> None:
        if entry.incident_id is None:
            return
        self._unindex(entry)
        roster = self.members[entry.incident_id]
        if len(roster) == 1:
            del self.members[entry.incident_id]
        else:
            roster.remove(entry)
            if (last := roster.last_time) < entry.time:
                self._closing.push(last, entry.incident_id)
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

    def fill(self, entries: Sequence[Entry]) -> None:
        """Put remembered articles into a state that has none; their words are in the index already.

        Args:
            entries: in the order of their decisions.
        """
        for entry in entries:
            self.entries[entry.article_id] = self.by_seq[entry.seq] = entry
            if entry.incident_id is None:
                continue
            roster = self.members.get(entry.incident_id)
            if roster is None:
                self.members[entry.incident_id] = Roster(entry)
            else:
                roster.add(entry)
            self._groups[entry.copy_group] = (*self._groups.get(entry.copy_group, ()), entry)
        self._by_age.fill((*e.age_key, e.seq) for e in entries)
        for incident_id, roster in self.members.items():
            self._closing.push(roster.last_time, incident_id)

    def _apply_mark(self, mark: Mark, holder: str) -> None:
        known = self.marks.get(mark.incident_id)
        if known is not None:
            if mark.seq < known.seq:
                return
            self._drop_mark(mark.incident_id)
        self.put_mark(mark)
        self._hold(("incident", mark.incident_id), holder)

    def put_mark(self, mark: Mark) -> None:
        """Remember what is said of an incident of which nothing is said yet."""
        self.marks[mark.incident_id] = mark
        self._marks_by_time.push(mark.time, mark.incident_id)
        if mark.merged_into is not None:
            self._redirects.setdefault(mark.merged_into, {})[mark.incident_id] = None

    def _evict(self, floor: Floor, without: str | None) -> list[str]:
        left = []
        for entry in self.expired(floor, without):
            if entry.incident_id is not None:
                left.append(entry.incident_id)
            self._forget(entry.article_id)
            if not self.effects.of(entry.article_id):
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
        for incident_id in [*self._marks_by_time.pop_before(floor.time), *left]:
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

    def _hold(self, effect: Effect, key: str) -> None:
        self._let_go(self.effects.hold(effect, key))

    def _release(self, effect: Effect) -> None:
        self._let_go(self.effects.release(effect))

    def _let_go(self, key: str | None) -> None:
        """A record that holds nothing any more may leave the log, if it is of a forgotten article."""
        if key is not None and key not in self.entries and not key.startswith(WORD):
            self.tombstones[key] = None


def _is_of(entries: Mapping[str, Entry], article_id: str, seq: int) -> bool:
    entry = entries.get(article_id)
    return entry is not None and entry.seq == seq


def _is_last(members: Mapping[str, Roster], time: datetime, incident_id: str) -> bool:
    roster = members.get(incident_id)
    return roster is not None and roster.last_time == time


def _is_marked(marks: Mapping[str, Mark], time: datetime, incident_id: str) -> bool:
    mark = marks.get(incident_id)
    return mark is not None and mark.time == time


@lru_cache(maxsize=64)
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
