"""Editors' words on their way through dedup: each gets its place in the order, and changes nothing."""

from __future__ import annotations

from agents.messages import Incoming
from agents.passing import to_entities_or_ledger
from pipeline.dedup.decision import NOTHING, annotated
from pipeline.editor_word import make

from .articles import Wire, item

WORD = make("never-join", by="anna", incident="1" * 32, other="2" * 32)


def test_a_word_passes_with_a_seq_of_its_own_and_is_remembered_by_nobody() -> None:
    wire = Wire()
    wire.send(item("a", "Some words about a thing that happened here."))
    before = wire.state.entries
    decision = wire.state.decide(7, WORD)
    record = annotated(decision, WORD, 0)
    assert (record.seq, record.prev_seq, record.verdict, record.article_id) == (7, 0, "word", None)
    assert record.word == WORD
    incoming = Incoming(topic="raw", partition=0, offset=7, key=None, value=None, headers={}, timestamp_ms=0)
    assert to_entities_or_ledger(record, incoming).topic == "annotated"
    assert decision.key == NOTHING
    assert wire.state.entries == before
    assert wire.state.decide(8, item("a", "Some words about a thing that happened here.")).verdict == "stale"


def test_the_same_word_passes_twice_for_the_ledger_to_tell() -> None:
    wire = Wire()
    assert [wire.state.decide(n, WORD).verdict for n in range(2)] == ["word", "word"]
