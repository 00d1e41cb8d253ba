"""Who is blamed when a stage dies: the input that kills it, after the deaths allowed, and never another one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.blame import PART_BYTES, Blame
from agents.journal import CrashJournal
from agents.messages import Incoming
from pipeline.errors import InvalidEvent
from pipeline.topics import TopicName

MAX_ATTEMPTS = 3


class Died(Exception):
    """The process is gone."""


def record(offset: int, partition: int = 0, size: int = 10) -> Incoming:
    return Incoming(
        topic="raw", partition=partition, offset=offset, key=None, value=b"x" * size, headers={}, timestamp_ms=0
    )


def nothing_held(name: TopicName, number: int) -> frozenset[int]:
    return frozenset()


@contextmanager
def process(directory: Path, partitions: int = 1) -> Iterator[Blame]:
    """A stage's blame over one life of its process."""
    blame = Blame(CrashJournal(directory), "echo", MAX_ATTEMPTS)
    for number in range(partitions):
        blame.open("raw", number)
    try:
        yield blame
    finally:
        blame.close()


def life(directory: Path, start: int, count: int, batch: int, deadly: set[int], refused: list[int]) -> int:
    """Work from offset `start` until all is done or the process dies; returns the offset to go on from."""
    with process(directory) as blame:
        position = start
        while position < count:
            for part in blame.parts([record(n) for n in range(position, min(position + batch, count))]):
                blame.begin(part)
                for incoming in part:
                    try:
                        blame.refuse_crash_loop(incoming)
                    except InvalidEvent:
                        refused.append(incoming.offset)
                        continue
                    if incoming.offset in deadly:
                        raise Died(position)
                position = part[-1].offset + 1
                blame.done(part, nothing_held)
        return position


@given(
    count=st.integers(1, 60),
    batch=st.integers(1, 20),
    deadly=st.sets(st.integers(0, 59), max_size=4),
)
@example(count=30, batch=16, deadly={20})
@example(count=2, batch=1, deadly={0, 1})
def test_exactly_the_deadly_are_refused_each_after_its_deaths(count: int, batch: int, deadly: set[int]) -> None:
    deadly = {n for n in deadly if n < count}
    refused: list[int] = []
    position = deaths = 0
    with tempfile.TemporaryDirectory() as directory:
        while position < count:
            try:
                position = life(Path(directory), position, count, batch, deadly, refused)
            except Died as death:
                position = death.args[0]
                deaths += 1
                assert deaths <= MAX_ATTEMPTS * len(deadly)
    assert sorted(refused) == sorted(deadly)


@given(kills=st.lists(st.integers(0, 6), max_size=12))
def test_an_input_that_is_only_held_back_is_never_blamed_for_kills(kills: list[int]) -> None:
    """Whoever kills the process while a record waits, however often, does not make it deadly."""
    with tempfile.TemporaryDirectory() as directory:
        for later in kills:
            with process(Path(directory)) as blame:
                for part in blame.parts([record(0)]):
                    blame.refuse_crash_loop(part[0])
                    blame.begin(part)
                    blame.done(part, lambda name, number: {0})
                if later:
                    more = [record(n) for n in range(1, later + 1)]
                    blame.begin(more)
                    blame.done(more, lambda name, number: {0})
        with process(Path(directory)) as blame:
            blame.refuse_crash_loop(record(0))


def test_a_held_back_input_that_kills_when_it_is_taken_up_is_refused(tmp_path: Path) -> None:
    held = record(0)
    for _ in range(MAX_ATTEMPTS):
        with process(tmp_path) as blame:
            blame.refuse_crash_loop(held)
            blame.begin([held])
            blame.done([held], lambda name, number: {0})
            blame.begin([record(1)])
            blame.taking_up(held)
    with process(tmp_path) as blame, pytest.raises(InvalidEvent, match="crash_loop"):
        blame.refuse_crash_loop(held)


def test_what_the_world_is_to_blame_for_counts_for_nobody(tmp_path: Path) -> None:
    for _ in range(5):
        with process(tmp_path) as blame:
            part = [record(0), record(1)]
            blame.begin(part)
            blame.acquit()
    with process(tmp_path) as blame:
        assert blame.parts(part) == [part]


def test_an_outage_does_not_clear_one_that_was_suspected_before(tmp_path: Path) -> None:
    with process(tmp_path) as blame:
        blame.begin([record(0)])
    with process(tmp_path) as blame:
        blame.begin([record(0)])  # alone
    with process(tmp_path) as blame:
        blame.begin([record(0)])
        blame.acquit()
    with process(tmp_path) as blame:
        assert blame.attempts(record(0)) == 2, "the death alone still counts, the outage does not"


def test_large_inputs_are_worked_on_in_parts_in_their_order(tmp_path: Path) -> None:
    items = [record(n, size=PART_BYTES // 2) for n in range(5)] + [record(5, size=5 * PART_BYTES), record(6), record(7)]
    with process(tmp_path) as blame:
        parts = blame.parts(items)
    assert [i for part in parts for i in part] == items
    assert [[i.offset for i in part] for part in parts] == [[0, 1], [2, 3], [4], [5], [6, 7]]


def test_small_inputs_are_one_part_whatever_their_partitions(tmp_path: Path) -> None:
    items = [record(n, partition=n % 2) for n in range(20)]
    with process(tmp_path, partitions=2) as blame:
        assert blame.parts(items) == [items]
        assert blame.parts([]) == []
