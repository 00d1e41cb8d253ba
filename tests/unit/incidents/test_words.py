"""Editors' words: what each does, what undoing it restores, and that the machine never contradicts one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline import codec, ids
from pipeline.incidents import editing
from pipeline.incidents.decision import NOTHING_KEY, Decision
from pipeline.incidents.explain import explain
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.score import weights
from pipeline.records import EditorWord, WordKind
from pipeline.settings import Incidents

from .dump import dump
from .wire import Wire, aid

EAGER = replace(weights(), join=-20.0, margin=0.0)
"""Finds that everything belongs together."""

SHY = replace(weights(), join=99.0)
"""Finds that nothing does."""


class Desk:
    """A ledger, its wire, and its log."""

    def __init__(self, fitted: Any = None, **settings: Any) -> None:
        self.wire = Wire()
        self.settings = Incidents(**settings)
        self.ledger = Ledger(0, self.settings, fitted=fitted)
        self.log: dict[str, bytes] = {}

    def feed(self, item: Any) -> Decision:
        decision = self.ledger.decide(item)
        self.log.pop(decision.key, None)
        self.log[decision.key] = codec.encode(decision)
        for key in self.ledger.drain_tombstones():
            self.log.pop(key, None)
        return decision

    def new(self, name: str, event: int, hours: float = 0.0, angle: int = 1) -> str:
        found = self.feed(self.wire.new(name, event=event, angle=angle, hours=hours)).incident_id
        assert found is not None
        return found

    def say(self, kind: WordKind, **said: Any) -> Decision:
        decision = self.feed(self.wire.word(kind, **said))
        restored = Ledger(0, self.settings)
        restored.apply_all([Ledger.read(value) for value in self.log.values()])
        assert dump(restored) == dump(self.ledger), "the newest record of each key is enough"
        return decision

    def home(self, name: str) -> str | None:
        return self.ledger.incident_of(aid(name))

    def reports(self, incident_id: str) -> set[str]:
        record = self.ledger.record(incident_id)
        assert record is not None
        return {r.article_id for r in record.reports}


def word_of(decision: Decision) -> str:
    assert decision.ruling is not None
    return decision.ruling.word_id


def test_join_moves_all_reports_and_leaves_a_redirect() -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    assert desk.new("b2", 1, angle=2) == b
    joined = desk.say("join", incident=a, other=b, note="one fire")
    assert desk.reports(a) == {aid("a"), aid("b"), aid("b2")}
    loser = desk.ledger.record(b)
    assert loser is not None
    assert (loser.status, loser.merged_into, loser.reports) == ("merged", a, ())
    edited, merged = desk.ledger.changes(joined)
    assert (edited.change, edited.incident_id) == ("edited", a)
    said = {"word": "join", "by": "anna", "at": "2023-03-24T06:00:00Z", "note": "one fire"}
    assert said.items() <= edited.evidence.items()
    assert (merged.change, merged.incident_id, merged.evidence["into"]) == ("merged", b, a)
    record = desk.ledger.record(a)
    assert record is not None
    assert [said.items() <= w.items() for w in record.words] == [True]
    why = {r.article_id: r.why for r in record.reports}[aid("b")]
    assert "join by anna on 2023-03-24" in explain(why)


def test_what_was_joined_is_not_parted_by_an_update() -> None:
    free, bound = Desk(), Desk()
    for desk in (free, bound):
        a, b = desk.new("a", 0), desk.new("b", 1)
    bound.say("join", incident=a, other=b)
    for desk in (free, bound):
        desk.new("c", 2, hours=1)
        desk.feed(desk.wire.update("b", event=2, angle=2, hours=2))
    assert free.home("b") == free.home("c"), "the machine alone would move it"
    assert bound.home("b") == bound.home("a") == a


def test_split_takes_copies_along_and_holds_both_parts() -> None:
    desk = Desk(fitted=EAGER)
    a = desk.new("a", 0)
    desk.new("b", 1)
    desk.feed(desk.wire.copy("b copy", of="b", event=1))
    assert {desk.home(n) for n in ("a", "b", "b copy")} == {a}
    split = desk.say("split", incident=a, articles=[aid("b")])
    new = desk.home("b")
    assert new == ids.incident_id(0, aid("b"))
    assert desk.home("b copy") == new
    assert desk.home("a") == a
    assert [c.change for c in desk.ledger.changes(split)].count("edited") == 2
    # A machine that finds everything alike would merge the two at the next report.
    for n in range(4):
        desk.new(f"c{n}", n % 4, hours=n)
    desk.feed(desk.wire.update("b", event=0, angle=2, hours=5))
    assert desk.home("b") != desk.home("a")
    assert desk.ledger.record(new) is not None


def test_the_part_with_the_founder_keeps_the_id() -> None:
    desk = Desk(fitted=EAGER)
    a = desk.new("a", 0)
    desk.new("b", 0, angle=2)
    desk.new("c", 0, angle=3)
    desk.say("split", incident=a, articles=[aid("a")])
    assert desk.home("a") == a
    assert desk.home("b") == desk.home("c") == ids.incident_id(0, aid("b"))


def test_never_join_keeps_two_apart_whoever_speaks_for_one() -> None:
    free, bound = Desk(fitted=SHY), Desk(fitted=SHY)
    for desk in (free, bound):
        a, b = desk.new("a", 0), desk.new("b", 0, angle=2)
        assert a != b
    bound.say("never-join", incident=a, other=b)
    for desk in (free, bound):
        desk.ledger._weights = EAGER
        desk.new("c", 0, hours=1, angle=3)
    assert free.home("a") == free.home("b"), "the machine alone would merge them"
    assert bound.home("a") == a
    assert bound.home("b") == b


def test_never_join_follows_a_merge() -> None:
    desk = Desk(fitted=SHY)
    a, b, c = desk.new("a", 0), desk.new("b", 0, angle=2), desk.new("c", 0, angle=3)
    desk.say("never-join", incident=a, other=b)
    desk.say("join", incident=c, other=a)
    refused = desk.say("join", incident=b, other=c)
    assert refused.verdict == "refused"
    assert "never-join by anna" in refused.reason
    desk.ledger._weights = EAGER
    desk.new("d", 0, hours=1)
    assert desk.home("a") == desk.home("c") != desk.home("b")


def test_a_pinned_article_stays_with_its_later_versions_and_comes_back_there() -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    desk.new("b2", 1, angle=2)
    pinned = desk.say("pin", incident=a, articles=[aid("b")])
    assert desk.home("b") == a
    assert desk.home("b2") == b
    assert [c.change for c in desk.ledger.changes(pinned)] == ["edited", "moved"]
    updated = desk.feed(desk.wire.update("b", event=1, angle=3, hours=1))
    assert updated.incident_id == a
    assert updated.why["kind"] == "editor"
    desk.feed(desk.wire.copy("b", of="b2", event=1, hours=2))
    assert desk.home("b") == a
    desk.feed(desk.wire.kill("b"))
    assert desk.home("b") is None
    desk.new("b", 1, hours=3)
    assert desk.home("b") == a
    desk.feed(desk.wire.kill("a"))
    desk.feed(desk.wire.kill("b"))
    back = desk.feed(desk.wire.new("b", event=1, hours=4))
    assert back.incident_id == a
    assert [c.change for c in desk.ledger.changes(back)] == ["reopened"]


def test_an_incident_whose_only_report_is_pinned_elsewhere_leads_there() -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    desk.say("pin", incident=a, articles=[aid("b")])
    record = desk.ledger.record(b)
    assert record is not None
    assert record.merged_into == a


def test_a_title_stays_through_reports_closing_and_a_merge() -> None:
    desk = Desk(close_after_days=1.0)
    a, b = desk.new("a", 0), desk.new("b", 1)
    for day in range(5):
        desk.new(f"x{day}", 2, hours=24 * day)
    closed = desk.ledger.record(a)
    assert closed is not None
    assert closed.status == "closed"
    retitled = desk.say("retitle", incident=a, title="The ferry of Port Velasco")
    assert desk.ledger.touched(retitled) == [a]
    desk.new("a2", 0, angle=2, hours=24 * 4)
    desk.say("join", incident=b, other=a)
    record = desk.ledger.record(b)
    assert record is not None
    assert record.title == "The ferry of Port Velasco"
    desk.say("retitle", incident=b, title="Its own")
    record = desk.ledger.record(b)
    assert record is not None
    assert record.title == "Its own"


@pytest.mark.parametrize("word", ["pin", "never-join", "retitle"])
def test_undoing_what_binds_frees_and_moves_nothing(word: WordKind) -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    desk.new("b2", 1, angle=2)
    before = desk.ledger.record(a)
    said: dict[str, Any] = {"pin": {"articles": [aid("b")]}, "never-join": {"other": b}, "retitle": {"title": "T"}}[
        word
    ]
    bound = desk.say(word, incident=a, **said)
    homes = {n: desk.home(n) for n in ("a", "b", "b2")}
    undone = desk.say("undo", of=word_of(bound))
    assert undone.reason == "undo by anna"
    assert "edited" in [c.change for c in desk.ledger.changes(undone)]
    assert {n: desk.home(n) for n in ("a", "b", "b2")} == homes
    after = desk.ledger.record(a)
    assert before is not None
    assert after is not None
    assert (after.title, after.words) == (before.title, ())
    if word == "pin":
        desk.feed(desk.wire.update("b", event=1, angle=3, hours=1))
        assert desk.home("b") == b, "the machine decides its next version"


def test_undoing_a_join_gives_back_what_is_still_there() -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    for n in (2, 3):
        assert desk.new(f"b{n}", 1, angle=n) == b
    c = desk.new("c", 2)
    joined = desk.say("join", incident=a, other=b)
    desk.feed(desk.wire.kill("b2"))
    desk.say("pin", incident=c, articles=[aid("b3")])
    undone = desk.say("undo", of=word_of(joined))
    assert desk.reports(a) == {aid("a")}
    assert desk.reports(b) == {aid("b")}
    assert desk.home("b3") == c
    assert "reopened" in [x.change for x in desk.ledger.changes(undone)]


def test_undoing_a_split_puts_together_what_is_still_there() -> None:
    desk = Desk(fitted=EAGER)
    a = desk.new("a", 0)
    desk.new("b", 1)
    split = desk.say("split", incident=a, articles=[aid("b")])
    new = desk.home("b")
    assert new is not None
    desk.say("undo", of=word_of(split))
    assert desk.reports(a) == {aid("a"), aid("b")}
    record = desk.ledger.record(new)
    assert record is not None
    assert record.merged_into == a


def test_undoing_a_split_parts_no_one_whom_another_word_keeps_apart() -> None:
    desk = Desk(fitted=EAGER)
    a = desk.new("a", 0)
    desk.new("b", 1)
    split = desk.say("split", incident=a, articles=[aid("b")])
    new = desk.home("b")
    desk.say("never-join", incident=a, other=new)
    desk.say("undo", of=word_of(split))
    assert desk.home("b") == new


@pytest.mark.parametrize(
    ("word", "said", "reason"),
    [
        ("join", {"incident": "A", "other": "f" * 32}, "no incident f+ is known"),
        ("join", {"incident": "A", "other": "gone"}, "was withdrawn"),
        ("split", {"incident": "A", "articles": ["a"]}, "nothing would be left"),
        ("split", {"incident": "A", "articles": ["b"]}, "is not in incident"),
        ("pin", {"incident": "A", "articles": ["nobody"]}, "no article .* is known"),
        ("pin", {"incident": "A", "articles": ["killed"]}, "was taken back"),
        ("retitle", {"incident": "f" * 32, "title": "T"}, "no incident"),
        ("undo", {"of": "0" * 16}, "no word 0+ is in force"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_the_reason(
    word: WordKind, said: dict[str, Any], reason: str
) -> None:
    desk = Desk()
    named = {"A": desk.new("a", 0), "B": desk.new("b", 1), "gone": desk.new("killed", 2)}
    desk.feed(desk.wire.kill("killed"))
    said = {k: named.get(v, v) if isinstance(v, str) else [aid(x) for x in v] for k, v in said.items()}
    before = dump(desk.ledger)
    item = desk.wire.word(word, **said)
    decision = desk.feed(item)
    assert (decision.verdict, decision.key) == ("refused", NOTHING_KEY)
    assert re.search(reason, decision.reason), decision.reason
    assert item.word is not None
    assert decision.reason.startswith(f"{word} by anna (word {item.word.word_id}): ")
    assert {**dump(desk.ledger), "last_seq": 0} == {**before, "last_seq": 0}
    event = desk.ledger.event(decision, item)
    assert (event.verdict, event.article_id, event.seq) == ("refused", None, item.seq)


def test_a_word_delivered_twice_counts_once_even_when_it_was_undone() -> None:
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    item = desk.wire.word("join", incident=a, other=b)
    joined = desk.feed(item)
    again = desk.feed(desk.wire.item(None, "word", word=item.word))
    assert (again.verdict, again.reason) == ("stale", "redelivery")
    desk.say("undo", of=word_of(joined))
    desk.feed(desk.wire.item(None, "word", word=item.word))
    assert desk.home("b") == b


def test_a_word_outlives_the_articles_and_redirects_it_speaks_of() -> None:
    desk = Desk(fitted=SHY, ttl_days=3.0)
    a, b, c = desk.new("a", 0), desk.new("b", 1), desk.new("c", 2)
    desk.say("never-join", incident=a, other=c)
    desk.say("join", incident=b, other=a)
    for day in range(1, 8):
        for incident_id, name in ((b, "b"), (c, "c")):
            desk.new(f"{name}{day}", 3, hours=24 * day)
            desk.say("pin", incident=incident_id, articles=[aid(f"{name}{day}")])
    assert desk.home("a") is None
    assert desk.home("b") is None
    refused = desk.say("join", incident=c, other=b)
    assert (refused.verdict, "never-join by anna" in refused.reason) == ("refused", True)
    assert desk.say("retitle", incident=a, title="Where a went").verdict == "word"
    assert desk.new("a", 0, hours=24 * 7) == b, "a forgotten article comes back to where it was joined"


def test_words_are_bounded() -> None:
    desk = Desk(max_words=2)
    a = desk.new("a", 0)
    first = desk.say("retitle", incident=a, title="1")
    desk.say("retitle", incident=a, title="2")
    third = desk.say("retitle", incident=a, title="3")
    assert (third.verdict, "incidents.max_words" in third.reason) == ("refused", True)
    desk.say("undo", of=word_of(first))
    assert desk.say("retitle", incident=a, title="3").verdict == "word"


def test_a_word_that_moves_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "MOST_MOVED", 1)
    desk = Desk()
    a, b = desk.new("a", 0), desk.new("b", 1)
    desk.new("b2", 1, angle=2)
    assert "2 reports would move" in desk.say("join", incident=a, other=b).reason
    assert desk.say("join", incident=b, other=a).verdict == "word"


def test_a_word_has_no_part_in_event_time() -> None:
    desk = Desk(close_after_days=1.0)
    a = desk.new("a", 0)
    desk.new("b", 1)
    before = desk.ledger._state.watermark
    late = desk.wire.word("retitle", incident=a, title="T")
    assert late.word is not None
    assert late.word.at is not None
    late = replace(late, word=replace(late.word, at=late.word.at + timedelta(days=900)))
    desk.feed(late)
    assert desk.ledger._state.watermark == before
    assert isinstance(late.word, EditorWord)
