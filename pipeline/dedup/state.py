"""One edition's memory of its wire, and the decision on each input.

State is a fold: `apply` takes a decision into the state and `decide` is "make a decision from the state, apply it".
What the state holds is a function of the newest record of each article (and the newest record of all), so the fold of
any compaction of the decision log gives the same state, and the same decisions from there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.dedup.clock import Clock
from pipeline.dedup.copies import Copies, Finding
from pipeline.dedup.credits import credits
from pipeline.dedup.decision import Decision, Logged, Memory, Move, read_logged
from pipeline.dedup.embargoes import Embargoes
from pipeline.dedup.lineage import Groups
from pipeline.dedup.prepare import Prepared, prepare
from pipeline.dedup.remembered import NEVER, Entry, Remembered, packed
from pipeline.dedup.versions import is_correction, micros, order, stated_order
from pipeline.ids import article_id as id_of
from pipeline.ids import content_hash
from pipeline.records import EditorWord, RawArticle, Verdict, Void
from pipeline.settings import Dedup as DedupSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_HOUR = 3_600_000_000


class Dedup:
    """The state of one edition.

    Attributes:
        last_seq: seq of the last decision; -1 at first.
        embargoes: of the articles that are remembered.
    """

    def __init__(self, edition: int, settings: DedupSettings) -> None:
        self.edition = edition
        self.last_seq = -1
        self._tolerance = _micros(settings.future_tolerance_hours * _HOUR)
        ttl = _micros(settings.ttl_days * _DAY)
        self._clock = Clock()
        # The tolerance on top: within it, what arrives late still finds what it would have found in time.
        self._remembered = Remembered(ttl + self._tolerance, settings.max_entries)
        self._groups = Groups(self._remembered)
        self._copies = Copies(self._remembered, settings.ttl_days)
        self._tombstones: dict[str, None] = {}
        self.embargoes = Embargoes()

    @property
    def entries(self) -> int:
        """Articles remembered, withdrawn ones included."""
        return len(self._remembered)

    @property
    def evicted(self) -> Counter[str]:
        """Articles forgotten since this object was made, by reason: "age" or "size"."""
        return self._remembered.evicted

    def drain_tombstones(self) -> list[str]:
        """Log keys of the articles forgotten since the last call, in the order they were forgotten.

        An article that has been remembered again meanwhile is left out.
        """
        keys = [key for key in self._tombstones if self._remembered.get(key) is None]
        self._tombstones.clear()
        return keys

    def decide(self, seq: int, item: RawArticle | EditorWord | Void) -> Decision:
        """Decide one input and take the decision into the state: `decide_all` for one, several times slower."""
        (decision,) = self.decide_all([seq], [item])
        return decision

    def decide_all(
        self,
        seqs: Sequence[int],
        items: Sequence[RawArticle | EditorWord | Void],
        prepared: Sequence[Prepared | None] | None = None,
    ) -> list[Decision]:
        """Decide inputs one after the other and take the decisions into the state.

        Where a sequence of inputs is divided changes no decision. Tombstones are to be drained after the whole batch.

        Args:
            seqs: their offsets, ascending, each greater than `last_seq`.
            items: any records that a decoder can make; there is no input that raises.
            prepared: of `prepare`, if it was called already.
        """
        if not items:
            return []
        if prepared is None:
            prepared = prepare(items)
        self._copies.expect(prepared)
        decisions = []
        for place, (seq, item, own) in enumerate(zip(seqs, items, prepared, strict=True)):
            decision = self._decide(seq, item, own, place)
            self._apply(decision, place)
            self._forget()
            decisions.append(decision)
        self._copies.settle()
        return decisions

    @staticmethod
    def read(value: bytes) -> Logged:
        """What the state needs of a record of the dedup log.

        Raises:
            InvalidEvent: it is none.
        """
        return read_logged(value)

    def apply(self, decision: Decision | Logged) -> None:
        """Take a decision into the state; one that is already in it changes nothing."""
        self.apply_all([decision])

    def apply_all(self, decisions: Iterable[Decision | Logged]) -> None:
        """Take decisions into the state, in the order of their seq."""
        for decision in decisions:
            if decision.seq > self.last_seq:
                self._apply(decision, None)
        # Once is enough: what is to be forgotten depends on what is remembered, not on the order it came in.
        self._forget()

    def settle(self) -> bool:
        """Do a part of what `apply_all` put off until the next input; False when nothing is left.

        The index is built many times faster as a whole, and in parts so that a worker can say that it lives.
        """
        return self._copies.settle_part()

    def _apply(self, decision: Decision | Logged, place: int | None) -> None:
        self.last_seq = decision.seq
        self._clock = decision.clock
        memory, article_id = decision.memory, decision.article_id
        if memory is None or article_id is None:
            return
        old = self._remembered.slot_of(article_id)
        if old is not None:
            self._take_out(old)
        slot = self._remembered.put(article_id, decision.seq, memory)
        if memory.moves or memory.group != article_id:
            self._groups.add(article_id, memory.group, decision.seq, memory.moves)
        self._copies.add(slot, place)
        until = decision.embargoed_until
        self.embargoes.note(article_id, None if until is None else until.timestamp())

    def _forget(self) -> None:
        while (due := self._remembered.oldest_to_forget(self._clock.watermark)) is not None:
            self._take_out(due[0])
            forgotten = self._remembered.forget(*due)
            self._tombstones[forgotten] = None
            self.embargoes.note(forgotten, None)

    def _take_out(self, slot: int) -> None:
        old = self._remembered.at(slot)
        self._groups.remove(old.article_id, old.group, self._remembered.moves(old.article_id))
        self._copies.remove(slot)

    def _decide(
        self, seq: int, item: RawArticle | EditorWord | Void, prepared: Prepared | None, place: int
    ) -> Decision:
        match item:
            case RawArticle():
                return self._article(seq, item, prepared, place)
            case EditorWord():  # the ledger's business; here it only gets its place in the order
                return self._nothing(seq, None, "word", item.word, None)
            case Void():
                return self._nothing(seq, item.article_id, "void", item.reason, None)

    def _article(self, seq: int, item: RawArticle, prepared: Prepared | None, place: int) -> Decision:
        article_id = id_of(item.provider, item.native_id)
        known = self._remembered.get(article_id)
        if item.pub_status != "usable":
            return self._withdrawal(seq, item, article_id, known)
        assert prepared is not None
        cleaned = prepared.cleaned
        content = content_hash(cleaned.title, cleaned.text, item.ednote, _text(item.embargoed_until))
        stale = _stale(item, content, known)
        if stale is not None:
            return self._nothing(seq, article_id, "stale", stale, item.published)
        return self._publication(seq, item, article_id, known, prepared, content, place)

    def _nothing(
        self, seq: int, article_id: str | None, verdict: Verdict, reason: str, published: datetime | None
    ) -> Decision:
        return Decision(
            seq=seq,
            prev_seq=self.last_seq,
            article_id=article_id,
            verdict=verdict,
            reason=reason,
            event_time=published if published is not None else _time(self._clock.watermark),
            watermark=_time(self._clock.watermark),
            clock=self._clock,
        )

    def _withdrawal(self, seq: int, item: RawArticle, article_id: str, known: Entry | None) -> Decision:
        kill = item.pub_status == "canceled"
        if known is not None:
            stated = stated_order(item, known)
            if stated == "older":
                return self._nothing(seq, article_id, "stale", "older version", item.published)
            if known.status == "canceled" and stated != "newer":
                return self._nothing(seq, article_id, "stale", "redelivery" if kill else "killed", item.published)
            if known.status == item.pub_status and stated != "newer":
                return self._nothing(seq, article_id, "stale", "redelivery", item.published)
        clock = self._clock.after(micros(item.published), self._tolerance)
        heirs = [e for e in self._groups.members(article_id) if e.article_id != article_id]
        moves = (Move(old=article_id, new=heirs[0].article_id, seq=seq),) if heirs else ()
        # A withdrawal without a version says nothing of the version it takes back: no later one can be shown newer.
        memory = Memory(
            status=item.pub_status,
            version=item.version,
            version_created=micros(item.version_created),
            published=micros(item.published),
            content=None,
            origin=_earliest(micros(item.published), known),
            since=self._since(clock.watermark, known, moves),
            moves=self._kept_moves(article_id) + moves,
        )
        return Decision(
            seq=seq,
            prev_seq=self.last_seq,
            article_id=article_id,
            verdict="kill" if kill else "withheld",
            reason=item.pub_status,
            event_time=item.published if item.published is not None else _time(clock.watermark),
            watermark=_time(clock.watermark),
            regrouped={m.old: m.new for m in moves},
            clock=clock,
            memory=self._lasting(article_id, memory, clock),
        )

    def _publication(
        self, seq: int, item: RawArticle, article_id: str, known: Entry | None, own: Prepared, content: str, place: int
    ) -> Decision:
        published = micros(item.published)
        clock = self._clock.after(published, self._tolerance)
        event_time = published if published is not None else clock.watermark
        origin = _earliest(event_time, known)
        found = self._copies.find(article_id, own, origin, place)
        group, moves = self._lineage(seq, article_id, found)
        verdict, reason = _verdict(item, known)
        if found.best is not None:
            copied = f"{found.best.kind} copy"
            reason = copied if verdict == "new" else f"{reason}, {copied}"
            verdict = "copy"
        version, version_created = _version(item, known)
        memory = Memory(
            status="usable",
            version=version,
            version_created=version_created,
            published=published,
            content=content,
            origin=origin,
            since=self._since(clock.remembered_from(published, self._tolerance), known, moves),
            group=group,
            signature=packed(own.sketch.hashes),
            bound=own.sketch.bound,
            shingles=own.sketch.shingles,
            words=own.sketch.words,
            figures=packed(own.figures),
            headline=packed(own.headline),
            exact=own.exact,
            moves=moves if known is None else self._kept_moves(article_id) + moves,
        )
        # The same, without a second conversion, where the article says it in UTC.
        said = item.published
        time = said if said is not None and said.tzinfo is UTC else _time(event_time)
        return Decision(
            seq=seq,
            prev_seq=self.last_seq,
            article_id=article_id,
            verdict=verdict,
            reason=reason,
            event_time=time,
            watermark=time if event_time == clock.watermark else _time(clock.watermark),
            copy_of=found.best.of if found.best else None,
            copy_kind=found.best.kind if found.best else None,
            copy_why=found.best.why if found.best else {},
            credits=credits(own.cleaned.text) if own.may_credit else (),
            added=found.best.added if found.best else (),
            copy_group=group,
            regrouped={m.old: m.new for m in moves} if moves else {},
            clock=clock,
            memory=self._lasting(article_id, memory, clock),
            embargoed_until=item.embargoed_until,
        )

    def _lineage(self, seq: int, article_id: str, found: Finding) -> tuple[str, tuple[Move, ...]]:
        """The group of an article, and the groups that get another root through it."""
        if found.best is None and not found.later:
            return article_id, ()
        moves: dict[str, str] = {}
        group = article_id
        if found.best is not None:
            source = self._remembered.get(found.best.of)
            assert source is not None
            group = self._root(source)
            if group == article_id:
                # Its own former copies: an update made it a copy of one that was published earlier.
                group = source.article_id
            if any(e.article_id != article_id for e in self._groups.members(article_id)):
                moves[article_id] = group
        for later in found.later:
            e = self._remembered.get(later)
            assert e is not None
            if self._root(e) == later and later != group:
                moves[later] = group
        return group, tuple(Move(old=old, new=new, seq=seq) for old, new in moves.items())

    def _root(self, entry: Entry) -> str:
        assert entry.group is not None
        return self._groups.root(entry.group, entry.seq)

    def _lasting(self, article_id: str, memory: Memory, clock: Clock) -> Memory | None:
        """None for what would be forgotten at once: a record followed by its tombstone leaves no trace of its seq."""
        lasts = self._remembered.would_last(article_id, memory.since, clock.watermark)
        return memory if lasts else None

    def _kept_moves(self, article_id: str) -> tuple[Move, ...]:
        moves = self._remembered.moves(article_id)
        return tuple(m for m in moves if self._groups.needs(m)) if moves else ()

    def _since(self, since: int | None, known: Entry | None, moves: tuple[Move, ...]) -> int | None:
        """When the time to live begins. Never earlier than before, so that forgetting does not depend on history.

        An article that re-rooted a group outlives the group's members, whose group its record says.
        """
        if known is None and not moves:
            return since
        times = [since] if known is None else [since, known.since]
        for move in moves:
            times += [None if e.since is None else e.since + 1 for e in self._groups.members(move.old)]
        return None if None in times else max(time for time in times if time is not None)


def _stale(item: RawArticle, content: str, known: Entry | None) -> str | None:
    """Why a usable delivery changes nothing; None when it does."""
    if known is None:
        return None
    stated = stated_order(item, known)
    if known.status == "canceled":
        return None if stated == "newer" else "killed"
    if known.status == "withheld":
        # A wire without versions can only release by sending again.
        return "withheld" if stated in ("older", "same") else None
    match order(item, content, known):
        case "older":
            return "older version"
        case "same":
            return "redelivery"
        case _:
            return None


def _verdict(item: RawArticle, known: Entry | None) -> tuple[Verdict, str]:
    if known is None:
        return "new", "first seen"
    if known.status == "canceled":
        return "update", "reinstated"
    if known.status == "withheld":
        return "update", "released"
    return ("correction", "correction") if is_correction(item) else ("update", "newer version")


def _version(item: RawArticle, known: Entry | None) -> tuple[int | None, int | None]:
    """The version to remember of a usable delivery; what it does not state stays as it was."""
    version, created = item.version, micros(item.version_created)
    if known is not None and known.status == "usable":
        if version is None:
            version = known.version
        if created is None and version == known.version:
            created = known.version_created
    return version, created


def _earliest(time: int | None, known: Entry | None) -> int | None:
    """The earliest publication time that any remembered version of an article stated."""
    before = None if known is None else known.origin
    if time is None or before is None:
        return before if time is None else time
    return min(time, before)


def _micros(value: float) -> int:
    """Microseconds as a whole number; a setting may say "for ever" with any large number."""
    return int(min(value, NEVER >> 2))


def _time(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def _text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
