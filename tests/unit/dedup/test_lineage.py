"""Lineage: the root is the first published, whoever arrives first, and whatever becomes of the others."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.state import Dedup
from pipeline.records import RawArticle, Void
from pipeline.settings import Dedup as DedupSettings

from .articles import Wire, id_of, item, real_articles
from .streams import story, streams

TEXT = real_articles()[0][1]
EDITED = TEXT + " The ministry will meet again in May, it said on its web site."


def test_a_late_original_becomes_the_root_and_says_so() -> None:
    wire = Wire()
    wire.send(item("second", TEXT, 2), item("third", EDITED, 3))
    first = wire.send(item("first", TEXT, 1))
    assert (first.verdict, first.copy_group) == ("new", id_of("first"))
    assert first.regrouped == {id_of("second"): id_of("first")}
    assert wire.send(item("fourth", EDITED, 4)).copy_group == id_of("first")


def test_equal_times_are_ordered_by_id() -> None:
    low, high = sorted(("a", "b"), key=id_of)
    for order in ((low, high), (high, low)):
        wire = Wire()
        wire.send(*(item(name, TEXT, 1) for name in order))
        assert set(wire.group.values()) == {id_of(low)}


def test_a_killed_root_leaves_its_group_to_the_next() -> None:
    wire = Wire()
    wire.send(item("first", TEXT, 1), item("third", EDITED, 3), item("second", TEXT, 2))
    kill = wire.send(item("first", None, 4, pub_status="canceled"))
    assert kill.regrouped == {id_of("first"): id_of("second")}
    assert wire.send(item("fourth", TEXT, 5)).copy_group == id_of("second")
    assert wire.send(item("third", None, 5, pub_status="canceled")).regrouped == {}


def test_a_killed_late_root_gives_back_the_group_it_took_over() -> None:
    wire = Wire()
    wire.send(item("third", EDITED, 3), item("second", TEXT, 2), item("first", TEXT, 1))
    kill = wire.send(item("first", None, 4, pub_status="canceled"))
    assert kill.regrouped == {id_of("first"): id_of("second")}
    assert wire.group == {"third": id_of("second"), "second": id_of("second")}
    assert wire.send(item("fourth", TEXT, 5)).copy_group == id_of("second")


def test_a_withheld_root_takes_its_group_back_when_released() -> None:
    wire = Wire()
    wire.send(item("first", TEXT, 1, version=1), item("second", TEXT, 2))
    assert wire.send(item("first", None, 1, version=2, pub_status="withheld")).regrouped == {
        id_of("first"): id_of("second")
    }
    released = wire.send(item("first", TEXT, 1, version=3))
    assert (released.verdict, released.regrouped) == ("update", {id_of("second"): id_of("first")})
    assert wire.send(item("third", TEXT, 3)).copy_group == id_of("first")


def test_an_update_that_joins_another_story_takes_its_copies_along() -> None:
    other = real_articles()[3][1]
    wire = Wire()
    wire.send(item("source", other, 0), item("root", TEXT, 1, version=1), item("copy", TEXT, 2))
    joined = wire.send(item("root", other, 1, version=2))
    assert (joined.copy_group, joined.regrouped) == (id_of("source"), {id_of("root"): id_of("source")})


def test_a_copy_that_was_rewritten_leaves_its_group_alone() -> None:
    wire = Wire()
    wire.send(item("first", TEXT, 1), item("second", TEXT, 2, version=1), item("third", TEXT, 3))
    wire.send(item("second", real_articles()[4][1], 2, version=2))
    assert wire.group == {"first": id_of("first"), "second": id_of("second"), "third": id_of("first")}


def test_two_stories_stitched_together_stay_two_stories() -> None:
    other = real_articles()[3][1]
    wire = Wire()
    wire.send(item("one", TEXT, 1), item("two", other, 2))
    stitched = wire.send(item("both", f"{TEXT}\n\n{other}", 3))
    assert stitched.verdict == "copy"
    assert stitched.regrouped == {}
    assert wire.group["one"] != wire.group["two"]


def test_a_root_that_was_forgotten_stays_the_root() -> None:
    wire = Wire(ttl_days=5, future_tolerance_hours=24)
    others = [item(f"n{n}", real_articles()[5 + n][1], 20.0 * n) for n in range(10)]
    wire.send(item("first", TEXT, 0), *others[:5], item("second", TEXT, 100), *others[5:])
    assert wire.state.evicted["age"] >= 1
    assert wire.send(item("third", TEXT, 185)).copy_group == id_of("first")


def test_a_group_keeps_its_root_when_the_root_is_rewritten() -> None:
    wire = Wire()
    wire.send(item("second", TEXT, 2), item("first", TEXT, 1, version=1))
    wire.send(item("first", real_articles()[4][1], 1, version=2))
    assert wire.send(item("third", TEXT, 3)).copy_group == id_of("first")


def test_a_late_root_is_remembered_as_long_as_the_group_it_took_over() -> None:
    wire = Wire(ttl_days=5, future_tolerance_hours=24)
    others = [item(f"n{n}", real_articles()[5 + n][1], 20.0 * n) for n in range(13)]
    wire.send(*others[:6], item("second", TEXT, 100), item("late", TEXT, 0), *others[6:])
    assert wire.state.evicted["age"] >= 3
    assert wire.send(item("third", TEXT, 245)).copy_group == id_of("late")


def test_a_late_root_outlives_copies_from_after_a_silence() -> None:
    wire = Wire(ttl_days=5, future_tolerance_hours=24)
    gap = 24.0 * 60
    hours = [gap + n for n in range(36)] + [gap + 40 + 20.0 * n for n in range(10)]
    others = [item(f"n{n}", real_articles()[5 + n][1], hour) for n, hour in enumerate(hours)]
    wire.send(item("before", real_articles()[1][1], 0), item("also", real_articles()[2][1], 1))
    wire.send(item("second", TEXT, gap + 80), item("first", TEXT, gap), *others)
    assert wire.state.evicted["age"] > 30
    assert wire.send(item("third", TEXT, gap + 220)).copy_group == id_of("first")


@settings(max_examples=150, deadline=None)
@given(streams)
def test_a_copy_is_in_the_group_that_its_source_was_said_to_be_in(items: list[RawArticle | Void]) -> None:
    state = Dedup(0, DedupSettings(ttl_days=3, max_entries=6))
    told: dict[str, str] = {}
    for seq, one in enumerate(items):
        decision = state.decide(seq, one)
        told = {article: decision.regrouped.get(group, group) for article, group in told.items()}
        if decision.copy_group is not None and decision.article_id is not None:
            told[decision.article_id] = decision.copy_group
        if decision.copy_of is not None:
            assert decision.copy_group == told[decision.copy_of]


_families = [real_articles()[n][1] for n in (0, 7, 12)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 14))
def test_groups_and_roots_do_not_depend_on_the_order_of_arrival(seed: int, count: int) -> None:
    random = Random(seed)
    stream = []
    for n in range(count):
        family = random.randrange(len(_families))
        lines = _families[family].split("\n")
        kept = lines if random.random() < 0.5 else lines[: max(3, len(lines) * 2 // 3)]
        extra = " ".join(story(5000 + n, sentences=1)) if random.random() < 0.5 else ""
        stream.append((family, item(str(n), "\n".join([*kept, extra]), random.randrange(40))))
    groups = []
    for _ in range(3):
        random.shuffle(stream)
        wire = Wire()
        wire.send(*(article for _, article in stream))
        groups.append(dict(sorted(wire.group.items())))
    assert groups[0] == groups[1] == groups[2]
    for family in range(len(_families)):
        members = [a for f, a in stream if f == family]
        if members:
            first = min(members, key=lambda a: (a.published, id_of(a.native_id)))
            assert {groups[0][a.native_id] for a in members} == {id_of(first.native_id)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_forgetting_others_changes_no_group(seed: int) -> None:
    random = Random(seed)
    fillers = [item(f"f{n}", real_articles()[20 + n][1], random.randrange(30)) for n in range(12)]
    copies = [item(f"c{n}", TEXT if n % 2 else EDITED, 40 + n) for n in range(6)]
    large, small = Wire(), Wire(max_entries=4)
    for wire in (large, small):
        wire.send(item("root", TEXT, 39), *fillers, *copies)
    assert small.state.evicted["size"] > 0
    assert {n: g for n, g in small.group.items() if n[0] in "cr"} == {
        n: g for n, g in large.group.items() if n[0] in "cr"
    }
