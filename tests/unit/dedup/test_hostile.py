"""Input that nobody should send: every article is decided, none stops or slows the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.codec import decode, encode
from pipeline.dedup.decision import Decision, annotated
from pipeline.dedup.lookahead import NEWEST
from pipeline.dedup.prepare import prepare
from pipeline.dedup.state import Dedup
from pipeline.records import RawArticle, Void
from pipeline.settings import Dedup as DedupSettings

from .articles import Wire, item

TEXTS = {
    "one word repeated": "fire " * 100_000,
    "one endless word": "x" * 5_000_000,
    "no words": "… — !!! " * 50_000,
    "only numbers": " ".join(str(n) for n in range(100_000)),
    "one number": "7 " * 100_000,
    "5 MB of text": " ".join(f"word{n % 70_000}" for n in range(500_000)),
    "nul": "\0" * 1_000_000,
    "accents": "e\u0301" * 500_000,
    "han": "北京" * 500_000,
    "spaces": " " * 3_000_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_odd_texts_are_decided_and_their_copies_found(text: str) -> None:
    wire = Wire()
    first = wire.send(item("a", text))
    again = wire.send(item("b", text, 1))
    assert first.verdict == "new"
    has_words = any(c.isalnum() for c in text) and len(text.split()) > 4
    assert again.verdict == ("copy" if has_words or "北" in text else again.verdict)
    assert len(encode(first)) < 64 * 1024
    annotated(again, item("b", text, 1), 0)


_times = st.datetimes(timezones=st.just(UTC))
_anything = st.text(st.characters(codec="utf-8"), max_size=80)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(
            RawArticle,
            provider=st.sampled_from(["", "w", "\u0000", "長い"]),
            native_id=st.sampled_from(["", "1", "2"]),
            source=st.none() | _anything,
            title=st.none() | _anything,
            text=st.none() | _anything,
            html=st.none() | _anything,
            published=st.none() | _times,
            language=st.none() | _anything,
            version=st.none() | st.integers(-(2**63), 2**63 - 1),
            version_created=st.none() | _times,
            pub_status=st.sampled_from(["usable", "usable", "withheld", "canceled"]),
            embargoed_until=st.none() | _times,
            ednote=st.none() | _anything,
            signals=st.lists(_anything, max_size=2).map(tuple),
        ),
        max_size=6,
    )
)
def test_any_record_is_decided(stream: list[RawArticle]) -> None:
    state = Dedup(0, DedupSettings(max_entries=3))
    for seq, one in enumerate(stream):
        decision = state.decide(seq, one)
        assert decode(encode(decision), Decision) == decision
        encode(annotated(decision, one, 0))


def test_a_version_beyond_64_bits_is_decided() -> None:
    wire = Wire()
    wire.send(item("a", "The first text of the item.", version=10**60))
    assert wire.send(item("a", "The second text of the item.", version=10**30)).verdict == "stale"


def test_voids_keep_their_place() -> None:
    state = Dedup(0, DedupSettings())
    decision = state.decide(5, Void(reason="not_json", article_id=None))
    assert (decision.verdict, decision.prev_seq, decision.key) == ("void", -1, "~")
    assert annotated(decision, Void(reason="not_json"), 0).article is None
    assert state.decide(9, item("a", "A text.")).prev_seq == 5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*range(12)]), min_size=1, max_size=12))
def test_what_is_prepared_does_not_depend_on_the_batch(order: list[int]) -> None:
    texts = [*(t[:3_000] for t in TEXTS.values()), "Short text of 12.", "A. 5, 6 and 7 of 8."]
    batch = [item(str(n), texts[n], title="A headline" if n % 2 else None) for n in order]
    for one, together in zip(batch, prepare(batch), strict=True):
        (alone,) = prepare([one])
        assert alone is not None
        assert together is not None
        for a, b in ((alone.sketch.hashes, together.sketch.hashes), (alone.figures, together.figures)):
            assert a.tolist() == b.tolist()
        assert (alone.exact, alone.headline.tolist()) == (together.exact, together.headline.tolist())
        assert (alone.words.starts - alone.offset).tolist() == (together.words.starts - together.offset).tolist()


def test_a_time_at_the_end_of_time_changes_nothing_for_others() -> None:
    wire = Wire(ttl_days=2)
    text = "The harbour of Lannick stayed closed for a second day after a freighter ran aground on Monday, police said."
    wire.send(item("a", text, 0), item("b", "Another text of this wire.", 1))
    for year in (1, 9999):
        far = item(f"y{year}", f"A text from the year {year} of this wire.")
        wire.send(replace(far, published=datetime(year, 1, 1, tzinfo=UTC)))
    assert wire.send(item("c", text, 2)).copy_kind == "exact"


def test_a_phrase_that_many_have_leads_to_a_few_of_them() -> None:
    """Else each new article of a form would cost more than the one before."""
    phrase = (
        "The statement did not say when the talks between the two sides would begin again or where they would be held"
    )
    wire = Wire()
    stream = [item(str(n), f"{phrase} {' '.join(f'w{n}x{m}' for m in range(40))}", n) for n in range(600)]
    wire.state.decide_all(range(600), stream)
    (own,) = prepare([item("last", f"{phrase} {' '.join(f'last{m}' for m in range(40))}")])
    assert own is not None
    wire.state._copies.expect([own])
    ahead = wire.state._copies._ahead
    assert ahead is not None
    found = ahead.candidates(0)
    assert 0 < sum(found.values()) <= NEWEST * (len(phrase.split()) - 4)
