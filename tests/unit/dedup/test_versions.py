"""Versions of one item: newest wins, late ones change nothing, what was taken back stays back."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .articles import START, Wire, item

TEXT = "The harbour of Lannick stayed closed for a second day after a freighter ran aground at its mouth on Monday."
OTHER = "A freighter that ran aground at the mouth of Lannick harbour was towed free on Wednesday, the pilot said."


def verdicts(*items: object) -> list[tuple[str, str]]:
    wire = Wire()
    for one in items:
        wire.send(one)  # type: ignore[arg-type]
    return [(d.verdict, d.reason) for d in wire.decisions]


def test_first_newer_older_and_again() -> None:
    assert verdicts(
        item("a", TEXT, version=2),
        item("a", OTHER, version=3),
        item("a", TEXT, version=2),
        item("a", OTHER, version=3),
    ) == [("new", "first seen"), ("update", "newer version"), ("stale", "older version"), ("stale", "redelivery")]


def test_version_0_is_a_version() -> None:
    assert verdicts(item("a", OTHER, version=1), item("a", TEXT, version=0))[-1] == ("stale", "older version")


def test_one_version_with_other_content_is_an_update() -> None:
    assert verdicts(item("a", TEXT, version=1), item("a", OTHER, version=1))[-1] == ("update", "newer version")


def test_version_created_decides_between_equal_versions() -> None:
    later, earlier = START + timedelta(hours=2), START + timedelta(hours=1)
    stream = [item("a", TEXT, version=1, version_created=later), item("a", OTHER, version=1, version_created=earlier)]
    assert verdicts(*stream)[-1] == ("stale", "older version")


def test_without_versions_publication_decides_then_arrival() -> None:
    assert verdicts(item("a", TEXT, 5), item("a", OTHER, 4))[-1] == ("stale", "older version")
    assert verdicts(item("a", TEXT, 5), item("a", OTHER, 5))[-1] == ("update", "newer version")
    assert verdicts(item("a", TEXT, None), item("a", OTHER, None))[-1] == ("update", "newer version")


def test_a_touched_time_stamp_is_no_news() -> None:
    assert verdicts(item("a", TEXT, 1), item("a", TEXT, 3))[-1] == ("stale", "redelivery")


def test_a_version_that_says_no_number_does_not_make_older_ones_new() -> None:
    stream = [item("a", TEXT, 1, version=3), item("a", OTHER, 2), item("a", TEXT, 1, version=2)]
    assert verdicts(*stream)[-1] == ("stale", "older version")


@pytest.mark.parametrize(
    "fields",
    [
        {"signals": ("sig:correction",)},
        {"signals": ("urgent", "Correction")},
        {"ednote": "CORRECTS spelling of name in paragraph 3"},
        {"ednote": "Correction: the toll is 12, not 21"},
    ],
)
def test_corrections(fields: dict[str, object]) -> None:
    assert verdicts(item("a", TEXT, version=1), item("a", OTHER, version=2, **fields))[-1][0] == "correction"


def test_a_note_that_is_no_correction() -> None:
    stream = [item("a", TEXT, version=1), item("a", OTHER, version=2, ednote="Adds quotes, incorrectly slugged")]
    assert verdicts(*stream)[-1][0] == "update"


@given(st.permutations([(1, "usable"), (2, "usable"), (3, "canceled")]), st.integers(0, 2))
def test_a_killed_item_is_killed_in_whatever_order(order: list[tuple[int, str]], again: int) -> None:
    stream = [
        item("a", TEXT + str(v) if status == "usable" else None, version=v, pub_status=status)
        for v, status in [*order, order[again]]
    ]
    wire = Wire()
    wire.send(*stream)
    assert wire.state._remembered.get(wire.decisions[-1].article_id or "").status == "canceled"  # type: ignore[union-attr]
    killed_at = next(n for n, d in enumerate(wire.decisions) if d.verdict == "kill")
    assert {d.verdict for d in wire.decisions[killed_at + 1 :]} <= {"stale"}


@given(st.permutations([(1, "usable"), (2, "canceled"), (3, "usable")]))
def test_a_newer_version_brings_a_killed_item_back_in_whatever_order(order: list[tuple[int, str]]) -> None:
    wire = Wire()
    for v, status in order:
        wire.send(item("a", TEXT + str(v) if status == "usable" else None, version=v, pub_status=status))
    known = wire.state._remembered.get(wire.decisions[-1].article_id or "")
    assert known is not None
    assert (known.status, known.version) == ("usable", 3)


def test_a_kill_without_a_version_is_final() -> None:
    for order in permutations(
        [item("a", TEXT, version=1), item("a", None, pub_status="canceled"), item("a", OTHER, version=2)]
    ):
        wire = Wire()
        wire.send(*order)
        after = [d.verdict for d in wire.decisions]
        assert set(after[after.index("kill") + 1 :]) <= {"stale"}


def test_a_kill_before_its_article() -> None:
    assert verdicts(item("a", None, 3, version=2, pub_status="canceled"), item("a", TEXT, 1, version=1)) == [
        ("kill", "canceled"),
        ("stale", "killed"),
    ]


def test_a_kill_erases_the_body_from_the_log() -> None:
    wire = Wire()
    wire.send(item("a", TEXT, version=1))
    memory = wire.send(item("a", None, version=2, pub_status="canceled")).memory
    assert memory is not None
    assert (memory.signature, memory.figures, memory.headline, memory.content) == (b"", b"", b"", None)


def test_a_late_kill_of_an_older_version_does_nothing() -> None:
    stream = [item("a", TEXT, version=3), item("a", None, version=2, pub_status="canceled")]
    assert verdicts(*stream)[-1] == ("stale", "older version")


def test_withheld_and_released() -> None:
    assert verdicts(
        item("a", TEXT, version=1),
        item("a", None, version=2, pub_status="withheld"),
        item("a", TEXT, version=1),
        item("a", TEXT, version=2),
        item("a", TEXT, version=3),
    ) == [
        ("new", "first seen"),
        ("withheld", "withheld"),
        ("stale", "withheld"),
        ("stale", "withheld"),
        ("update", "released"),
    ]


def test_a_wire_without_versions_releases_by_sending_again() -> None:
    stream = [item("a", TEXT, 1), item("a", None, 2, pub_status="withheld"), item("a", TEXT, 1)]
    assert verdicts(*stream)[-1] == ("update", "released")


def test_a_withheld_item_can_be_killed_and_not_the_other_way() -> None:
    withheld, killed = (item("a", None, version=2, pub_status=s) for s in ("withheld", "canceled"))
    assert verdicts(item("a", TEXT, version=1), withheld, killed, withheld) == [
        ("new", "first seen"),
        ("withheld", "withheld"),
        ("kill", "canceled"),
        ("stale", "killed"),
    ]
