"""State is the fold of any compaction of the decision log: same state, same later decisions, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.codec import encode
from pipeline.dedup import copies, index
from pipeline.dedup.decision import read_logged
from pipeline.dedup.state import Dedup
from pipeline.errors import InvalidEvent
from pipeline.records import RawArticle, Void
from pipeline.settings import Dedup as DedupSettings

from .articles import item
from .streams import streams, text

SMALL = DedupSettings(ttl_days=3, max_entries=6, future_tolerance_hours=48)

Log = list[tuple[str, bytes | None]]


def run(state: Dedup, items: list[RawArticle | Void], first: int, log: Log, together: int) -> list[bytes]:
    """Decide items with the log written as the stage writes it: tombstones after a batch of decisions."""
    decided = []
    for start in range(0, len(items), together):
        batch = items[start : start + together]
        for decision in state.decide_all(range(first + start, first + start + len(batch)), batch):
            log.append((decision.key, encode(decision)))
            decided.append(encode(decision))
        log += [(key, None) for key in state.drain_tombstones()]
    return decided


def compacted(log: Log, random: Random) -> Log:
    """What Kafka may make of a compacted topic: any superseded record may be gone, tombstones too; order is kept."""
    newest = {key: at for at, (key, _) in enumerate(log)}
    kept = [(key, value) for at, (key, value) in enumerate(log) if newest[key] == at or random.random() < 0.5]
    gone = {key for key, at in newest.items() if log[at][1] is None and random.random() < 0.5}
    return [(key, value) for key, value in kept if key not in gone]


def restored(log: Log, together: int = 1) -> Dedup:
    state = Dedup(0, SMALL)
    logged = [read_logged(value) for _, value in log if value is not None]
    for start in range(0, len(logged), together):
        state.apply_all(logged[start : start + together])
    return state


@settings(max_examples=200, deadline=None)
@given(streams, st.data())
def test_restart_from_a_compacted_log_changes_no_later_decision(
    items: list[RawArticle | Void], data: st.DataObject
) -> None:
    together = st.integers(1, 50)
    cut = data.draw(st.integers(0, len(items)))
    random = Random(data.draw(st.integers(0, 1_000_000)))
    undisturbed = run(Dedup(0, SMALL), items, 0, [], data.draw(together))

    log: Log = []
    before = run(Dedup(0, SMALL), items[:cut], 0, log, data.draw(together))
    again = restored(compacted(log, random), data.draw(together))
    after = run(again, items[cut:], cut, [], data.draw(together))
    assert before + after == undisturbed


@settings(max_examples=100, deadline=None)
@given(streams, st.integers(2, 50))
def test_where_a_stream_is_divided_changes_no_decision(items: list[RawArticle | Void], together: int) -> None:
    alone, batches = Dedup(0, SMALL), Dedup(0, SMALL)
    assert run(alone, items, 0, [], 1) == run(batches, items, 0, [], together)
    assert (alone.entries, alone.evicted) == (batches.entries, batches.evicted)


def test_a_log_record_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="not a Decision"):
        read_logged(b'{"seq": 1, "clock": {}, "memory": {"signature": "not base64!"}}')


@settings(max_examples=60, deadline=None)
@given(streams)
def test_the_fold_remembers_exactly_what_the_live_state_remembers(items: list[RawArticle | Void]) -> None:
    live = Dedup(0, SMALL)
    log: Log = []
    run(live, items, 0, log, 1)
    again = restored(log)
    assert (again.last_seq, again.entries) == (live.last_seq, live.entries)
    assert again.entries <= SMALL.max_entries


@settings(max_examples=60, deadline=None)
@given(streams)
def test_applying_decisions_twice_changes_nothing(items: list[RawArticle | Void]) -> None:
    once, twice = Dedup(0, SMALL), Dedup(0, SMALL)
    for seq, one in enumerate(items[:-1]):
        decision = once.decide(seq, one)
        twice.apply(decision)
        twice.apply(decision)
    last = len(items) - 1
    assert encode(once.decide(last, items[-1])) == encode(twice.decide(last, items[-1]))


def test_an_update_that_says_an_earlier_time_is_forgotten_no_earlier() -> None:
    """Else the fold of a log without the first version would forget another article than the live state did."""
    bound = DedupSettings(max_entries=2)
    live = Dedup(0, bound)
    texts = ("A freighter ran aground.", "Two ferries collided.", "The pilots went on strike.")
    wire = [item(name, text, hours, version=1) for name, text, hours in zip("abc", texts, (5, 4, 6), strict=True)]
    first = [live.decide(n, one) for n, one in enumerate(wire)]
    update = live.decide(3, item("a", "A freighter was towed free.", 1, version=2))
    assert update.verdict == "update"
    again = Dedup(0, bound)
    for decision in (*first[1:], update):
        again.apply(decision)
    probes = [item("a", texts[0], 5, version=1), item("b", texts[1], 4)]
    assert [live.decide(4 + n, one) for n, one in enumerate(probes)] == [
        again.decide(4 + n, one) for n, one in enumerate(probes)
    ]


def test_a_late_root_that_was_rewritten_is_still_the_root_after_a_restart() -> None:
    """The log keeps its newest record alone; that must say what an older one did to the others."""
    source, other = text(1), text(2)
    stream = [item("second", source, 2), item("first", source, 1, version=1), item("first", other, 1, version=2)]
    live = Dedup(0, DedupSettings())
    second, late, rewritten = live.decide_all(range(3), stream)
    assert late.regrouped
    again = Dedup(0, DedupSettings())
    again.apply_all([read_logged(encode(d)) for d in (second, rewritten)])
    third = item("third", source, 3)
    assert encode(again.decide(3, third)) == encode(live.decide(3, third))
    assert live.decide(4, replace(third, native_id="fourth")).copy_group == late.article_id


def test_what_is_forgotten_leaves_the_index() -> None:
    state = Dedup(0, DedupSettings(max_entries=5))
    stream = [item(str(n % 40), text(n), n, version=n) for n in range(200)]
    sizes = []
    for seq, one in enumerate(stream):
        state.decide(seq, one)
        sizes.append(len(state._copies._index))
    assert state.evicted["size"] > 100
    assert max(sizes[50:]) <= max(sizes[:10]) == 5 * 32


@settings(max_examples=100, deadline=None)
@given(streams, st.data())
def test_a_log_folded_as_a_whole_gives_what_it_gives_record_by_record(
    items: list[RawArticle | Void], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(items)))
    log: Log = []
    run(Dedup(0, SMALL), items[:cut], 0, log, data.draw(st.integers(1, 50)))
    kept = compacted(log, Random(data.draw(st.integers(0, 1_000_000))))
    logged = [read_logged(value) for _, value in kept if value is not None]

    one_by_one, whole = Dedup(0, SMALL), Dedup(0, SMALL)
    for decision in logged:
        one_by_one.apply(decision)
        while one_by_one.settle():
            pass
    with pytest.MonkeyPatch.context() as patch:
        # Several pieces of several parts each.
        patch.setattr(copies, "_TOGETHER", 3)
        patch.setattr(copies, "_SORTED", 2)
        patch.setattr(index, "_BUILT", 64)
        whole.apply_all(logged)
        while whole.settle():
            pass
    states = one_by_one, whole
    assert len({(state.last_seq, state.entries, len(state._copies._index)) for state in states}) == 1
    assert run(one_by_one, items[cut:], cut, [], 7) == run(whole, items[cut:], cut, [], 7)


def test_embargoes_are_known_again_after_a_restart() -> None:
    later, end = datetime(2099, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    state = Dedup(0, SMALL)
    log: Log = []
    items = [item(f"a{n}", text(n), hours=n, embargoed_until=later) for n in range(4)]
    items += [item("a0", text(0), hours=5, version=2), item("a1", None, hours=6, pub_status="canceled")]
    run(state, items, 0, log, 1)
    again = restored(log)
    assert [again.embargoes.held(t) for t in (end - 1, end)] == [2, 0]
    assert state.embargoes.held(end - 1) == 2
    run(again, [item(f"b{n}", text(9 + n), hours=7 + n) for n in range(6)], len(items), log, 1)
    assert again.embargoes.held(end - 1) == 0, "forgotten for want of room"
