"""Any sequence of inputs, restarts and compactions keeps what the ledger promises."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import event as counted
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline import codec, ids
from pipeline.incidents import horizon, rulings, split
from pipeline.incidents.constraints import barred, home_of
from pipeline.incidents.decision import NOTHING_KEY, Decision
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.score import Weights, weights
from pipeline.records import Annotated, WordKind
from pipeline.settings import Incidents

from .dump import dump
from .wire import EVENTS, START, Wire, aid, article

SMALL = Incidents(max_articles=7, ttl_days=6.0, young_hours=200.0, close_after_days=2.0, max_words=6)

names = st.sampled_from([f"n{i}" for i in range(12)])
events = st.integers(0, len(EVENTS) - 1)
angles = st.integers(0, 3)
choices = st.integers(0, 200)
gaps = st.sampled_from([0.0, 0.5, 3.0, 20.0, 60.0, -30.0, -200.0, 24.0 * 365 * 50])

# Accepts merges and moves on next to no evidence, so that the machine comes upon many.
RESTLESS = replace(weights(), join=-4.0, margin=-1.5)

Log = list[tuple[str, bytes | None]]

Bound = tuple[dict[str, str], set[str], set[tuple[str, str]]]
"""article -> incident; articles that are held; pairs of incidents that are kept apart."""


def compacted(log: Log, seed: int) -> Log:
    """One of the states that Kafka's cleaner may leave the log in.

    The cleaner goes through the log from its start: where it has removed a record, it has removed all older ones of
    the same key. It never removes the newest of a key, unless that is a tombstone and nothing older is left.
    """
    rng = random.Random(seed)
    positions: dict[str, list[int]] = {}
    for n, (key, _) in enumerate(log):
        positions.setdefault(key, []).append(n)
    kept = set()
    for of_key in positions.values():
        rest = of_key[rng.randrange(len(of_key)) :]
        if len(rest) == 1 and log[rest[0]][1] is None and rng.random() < 0.5:
            continue
        kept.update(rest)
    return [entry for n, entry in enumerate(log) if n in kept]


def restored(log: Log, fitted: Weights) -> Ledger:
    ledger = Ledger(0, SMALL, fitted=fitted)
    for _, value in log:
        if value is not None:
            ledger.apply(Ledger.read(value))
    return ledger


class LedgerMachine(RuleBasedStateMachine):
    fitted = weights()

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.hours = 0.0
        self.ledger = Ledger(0, SMALL, fitted=self.fitted)
        self.undisturbed = Ledger(0, SMALL, fitted=self.fitted)
        self.log: Log = []
        self.killed: set[str] = set()
        self.said: list[str] = []
        self.last: Decision | None = None
        self.most_undone, rulings.MOST_UNDONE = rulings.MOST_UNDONE, 1

    def teardown(self) -> None:
        rulings.MOST_UNDONE = self.most_undone

    def feed(self, item: Annotated) -> Decision:
        before = self.bound()
        decision = self.ledger.decide(item)
        data = codec.encode(decision)
        assert codec.decode(data, Decision) == decision
        expected = self.undisturbed.decide(item)
        assert decision == expected
        assert data == codec.encode(expected)
        self.log.append((decision.key, data))
        for key in self.ledger.drain_tombstones():
            assert key != NOTHING_KEY
            self.log.append((key, None))
        assert item.article_id is not None or item.word is not None or decision.key == NOTHING_KEY
        self.check_changes(decision)
        if item.word is None:
            self.check_words(before)
        self.last = decision
        return decision

    def bound(self) -> Bound:
        """What the machine may not change with its next decision: by article, where it is held or was."""
        state = self.ledger._state
        live = {e.article_id: e.incident_id for e in state.entries.values() if e.incident_id is not None}
        held = {a for a in live if home_of(state, a) is not None}
        ids = sorted(set(live.values()))
        apart = {(a, b) for a in ids for b in ids if a != b and barred(state, a, b) is not None}
        return live, held, apart

    def check_words(self, before: Bound) -> None:
        """A decision of the machine contradicts no word in force."""
        live, held, apart = before
        state = self.ledger._state
        for article_id, was in live.items():
            entry = state.live(article_id)
            if entry is None or entry.incident_id == was:
                continue
            assert (was, entry.incident_id) not in apart
            if article_id in held:
                assert state.resolve(was) == entry.incident_id, "its whole incident was merged"

    def check_changes(self, decision: Decision) -> None:
        touched = set(self.ledger.touched(decision))
        for change in self.ledger.changes(decision):
            counted(change.change)
            assert change.incident_id in touched
            if change.change == "split":
                self.check_split(change.incident_id, change.evidence["into"], decision)
        for incident_id in touched:
            record = self.ledger.record(incident_id)
            assert record is None or record.version == decision.seq
        if touched:
            # What is written is made from what has changed; made anew from the log it is the same.
            anew = restored(self.log, self.fitted)
            for incident_id in sorted(touched):
                written, record = self.undisturbed.written(incident_id), anew.record(incident_id)
                assert (written and written.data) == (record and codec.encode(record))

    def check_split(self, stayed: str, left: str, decision: Decision) -> None:
        """Both parts live, and the founding article has not left."""
        for incident_id in (stayed, left):
            record = self.ledger.record(incident_id)
            assert record is not None
            assert record.status in ("open", "closed")
        if decision.ruling is None:
            gone = [p.article_id for p in decision.placements if p.incident_id == left and p.seq == decision.seq]
            assert gone or decision.incident_id == left
            assert stayed not in {ids.incident_id(decision.edition, article_id) for article_id in gone}

    def tick(self, gap: float) -> float:
        if gap < 10_000:
            self.hours += max(0.0, gap)
            return self.hours + min(0.0, gap)
        return self.hours + gap

    @rule(name=names, event=events, angle=angles, gap=gaps, verdict=st.sampled_from(["new", "update", "correction"]))
    def text(self, name: str, event: int, angle: int, gap: float, verdict: Any) -> None:
        at = START + timedelta(hours=self.tick(gap))
        self.killed.discard(aid(name))
        self.feed(self.wire.item(name, verdict, article(name, event, angle, at)))

    @rule(name=names, event=events)
    def undated(self, name: str, event: int) -> None:
        self.killed.discard(aid(name))
        self.feed(self.wire.item(name, "new", article(name, event, 2, None)))

    @rule(name=names, of=names, event=events, gap=gaps)
    def copy(self, name: str, of: str, event: int, gap: float) -> None:
        if name == of:
            return
        source = self.ledger._state.live(aid(of))
        group = aid(of) if source is None else source.copy_group
        self.killed.discard(aid(name))
        self.feed(self.wire.copy(name, of, event, self.tick(gap), copy_group=group))

    @rule(name=names, verdict=st.sampled_from(["kill", "withheld"]), reroot=st.booleans())
    def take_back(self, name: str, verdict: Any, reroot: bool) -> None:
        group = [e for e in self.ledger._state.group(aid(name)) if e.article_id != aid(name)]
        regrouped = {aid(name): group[0].article_id} if group and reroot else {}
        self.killed.add(aid(name))
        self.feed(self.wire.item(name, verdict, event_time=START + timedelta(hours=self.hours), regrouped=regrouped))

    def pick(self, choice: int) -> str:
        """Some incident, mostly a live one; seldom one that never was."""
        state = self.ledger._state
        known = sorted(state.members if choice % 3 else state.marks)
        return known[choice % len(known)] if known and choice % 17 else "f" * 32

    def report(self, choice: int) -> str:
        """Some article, mostly a live one."""
        state = self.ledger._state
        live = sorted(a for a, e in state.entries.items() if e.incident_id is not None)
        return live[choice % len(live)] if live and choice % 7 else aid(f"n{choice % 12}")

    def say(self, kind: WordKind, **said: Any) -> bool:
        """Whether the ledger carries the word out."""
        live = {e.article_id: e.incident_id for e in self.ledger._state.entries.values()}
        dumped = dump(self.undisturbed)
        decision = self.feed(self.wire.word(kind, **said))
        counted(f"{kind} {decision.verdict}")
        assert decision.verdict in ("word", "refused")
        if decision.verdict == "refused":
            assert {**dumped, "last_seq": 0} == {**dump(self.undisturbed), "last_seq": 0}
            assert not decision.changes
            return False
        assert decision.ruling is not None
        self.said.append(decision.ruling.word_id)
        after = {e.article_id: e.incident_id for e in self.ledger._state.entries.values()}
        gone = live.keys() - after.keys()
        assert {a: i is None for a, i in live.items() if a not in gone} == {a: i is None for a, i in after.items()}
        return True

    @rule(kind=st.sampled_from(["join", "never-join"]), one=choices, other=choices)
    def pair(self, kind: WordKind, one: int, other: int) -> None:
        if self.pick(one) != self.pick(other):
            self.say(kind, incident=self.pick(one), other=self.pick(other))

    @rule(article=choices, choice=choices)
    def split(self, article: int, choice: int) -> None:
        home = self.ledger.incident_of(self.report(article)) if choice % 5 else None
        self.say("split", incident=home or self.pick(choice), articles=[self.report(article)])

    @rule(article=choices, choice=choices)
    def pin(self, article: int, choice: int) -> None:
        self.say("pin", incident=self.pick(choice), articles=[self.report(article)])

    @rule(choice=choices)
    def retitle(self, choice: int) -> None:
        incident_id = self.pick(choice)
        if self.say("retitle", incident=incident_id, title="As the desk calls it"):
            record = self.ledger.record(self.ledger._state.resolve(incident_id))
            assert record is None or record.title == "As the desk calls it"

    @rule(choice=choices)
    def undo(self, choice: int) -> None:
        self.say("undo", of=self.said[choice % len(self.said)] if self.said else "0" * 16)

    @rule(name=names, verdict=st.sampled_from(["stale", "void"]))
    def nothing(self, name: str, verdict: Any) -> None:
        before = dump(self.undisturbed)
        self.feed(self.wire.item(name, verdict))
        after = dump(self.undisturbed)
        assert {**before, "last_seq": 0} == {**after, "last_seq": 0}

    @precondition(lambda self: self.log)
    @rule(seed=st.integers(0, 1000), really=st.booleans())
    def restart(self, seed: int, really: bool) -> None:
        log = compacted(self.log, seed)
        if really:
            self.log = log
        self.ledger = restored(log, self.fitted)
        assert dump(self.ledger) == dump(self.undisturbed)

    @precondition(lambda self: self.log)
    @rule(back=st.integers(0, 12))
    def resume(self, back: int) -> None:
        """A snapshot and the log behind it are the log; where compaction was there, no snapshot is used."""
        kept = [n for n, (_, value) in enumerate(self.log) if value is not None]
        taken = kept[max(0, len(kept) - 1 - back)] + 1
        older = restored(self.log[:taken], self.fitted)
        resumed = Ledger(0, SMALL, fitted=self.fitted)
        resumed.resume(older.snapshot())
        assert dump(resumed) == dump(older)
        for _, value in self.log[taken:]:
            if value is not None:
                resumed.apply(Ledger.read(value))
        assert dump(resumed) == dump(self.undisturbed)
        assert resumed.snapshot() == self.undisturbed.snapshot() == restored(self.log, self.fitted).snapshot()
        self.ledger = resumed

    @precondition(lambda self: self.last is not None)
    @rule()
    def redelivered(self) -> None:
        assert self.last is not None
        before = dump(self.ledger)
        self.ledger.apply(self.last)
        assert dump(self.ledger) == before

    @invariant()
    def every_live_article_is_in_one_live_incident(self) -> None:
        state = self.ledger._state
        seen: dict[str, str] = {}
        for incident_id in self.ledger.incident_ids():
            record = self.ledger.record(incident_id)
            assert record is not None
            if record.status in ("merged", "withdrawn"):
                assert not record.reports
            else:
                assert record.reports
            for report in record.reports:
                assert report.article_id not in seen
                seen[report.article_id] = incident_id
            assert record.counts["reports"] == len(record.reports)
            assert record.counts["copies"] == sum(r.copy_of is not None for r in record.reports)
            assert len(record.reports) >= record.counts["independent_origins"] >= bool(record.reports)
        assert seen == {e.article_id: e.incident_id for e in state.entries.values() if e.incident_id is not None}
        assert not self.killed & seen.keys()

    @invariant()
    def what_a_word_keeps_apart_is_apart(self) -> None:
        state = self.ledger._state
        for _, ruling in state.rulings.items():
            if ruling.word in ("never-join", "split") and not ruling.undone:
                one, other = map(state.resolve, ruling.incidents)
                assert one != other

    @invariant()
    def redirects_end_at_once(self) -> None:
        for incident_id in self.ledger.incident_ids():
            record = self.ledger.record(incident_id)
            if record is not None and record.merged_into is not None:
                target = self.ledger.record(record.merged_into)
                assert target is None or target.status != "merged"

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.ledger.entries <= SMALL.max_articles + 1
        words = self.ledger._state.rulings
        assert len(words) <= SMALL.max_words
        assert len(words.items()) <= SMALL.max_words + 2

    @invariant()
    def every_incident_can_be_found(self) -> None:
        """Each live incident has an indexed article, and only live articles are indexed."""
        state = self.ledger._state
        indexed = {state.by_seq[seq].incident_id for seq in state.index.seqs()}
        assert indexed == state.members.keys()


class RestlessMachine(LedgerMachine):
    """Merges, moves and splits a lot, and closes incidents one by one."""

    fitted = RESTLESS

    def __init__(self) -> None:
        super().__init__()
        self.most_closed, horizon.MOST_CLOSED = horizon.MOST_CLOSED, 1
        self.bounds = split.APART, split.TIE, split.CONTRADICTED
        split.APART, split.TIE, split.CONTRADICTED = 2.0, 7.0, -9.0

    def teardown(self) -> None:
        super().teardown()
        horizon.MOST_CLOSED = self.most_closed
        split.APART, split.TIE, split.CONTRADICTED = self.bounds


_settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
LedgerMachine.TestCase.settings = RestlessMachine.TestCase.settings = _settings
TestLedger = LedgerMachine.TestCase
TestRestlessLedger = RestlessMachine.TestCase
