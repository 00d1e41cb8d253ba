"""A record that is held back for one that will never come, told from one whose predecessor is only slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import pytest

from agents.gaps import GapWatch, Upstream
from agents.offsets import Offsets

LIMIT = 10.0
HEAD = {("annotated", 0): 7}


class Topics(Offsets):
    """Ends of partitions and acknowledged offsets of groups, as a cluster would tell them."""

    def __init__(self) -> None:
        self.first = 0
        self.raw = 20
        self.unique = 12
        self.dedup = 20
        self.entities = 12

    async def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {(name, number): getattr(self, name) for name, number in partitions}

    async def begins(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(partitions, self.first)

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        name = {"dedup": "raw", "entities": "unique"}[group]
        return {(name, 0): getattr(self, group)} if getattr(self, group) else {}


class Ledger:
    """Looks every two seconds, as the runner does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.topics = Topics()
        upstream = [Upstream("dedup", [("raw", 0)]), Upstream("entities", [("unique", 0)])]
        self.watch = GapWatch(self.topics, upstream, LIMIT)

    def look(self, heads: dict[tuple[str, int], int], seconds: float, waiting: int = 0) -> str | None:
        for _ in range(int(seconds / 2)):
            self.now += 2.0
            asyncio.run(self.watch.look(heads, waiting))  # type: ignore[arg-type]
        return self.watch.problem()


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(monkeypatch)


def test_a_gap_that_nothing_can_fill_is_a_problem_that_names_the_record(ledger: Ledger) -> None:
    assert ledger.look(HEAD, LIMIT) is None, "it may yet come"
    said = ledger.look(HEAD, 10)
    assert said is not None
    assert "annotated[0]@7 is held back" in said


def test_waiting_for_slow_or_dead_stages_is_no_problem_however_long(ledger: Ledger) -> None:
    ledger.topics.entities = 11
    assert ledger.look(HEAD, 1000) is None
    ledger.topics.entities, ledger.topics.dedup = 12, 0  # never ran
    assert ledger.look({("annotated", 0): 8}, 1000) is None


def test_what_a_stage_hands_on_at_last_is_waited_for(ledger: Ledger) -> None:
    ledger.topics.dedup = 19
    assert ledger.look(HEAD, 100) is None
    ledger.topics.dedup, ledger.topics.unique = 20, 13  # it went to unique
    assert ledger.look(HEAD, 100) is None
    ledger.topics.entities = 13
    assert ledger.look(HEAD, 100, waiting=1) is None, "and has come, but is not taken yet"
    assert ledger.look({}, 100) is None


def test_traffic_that_never_ends_does_not_hide_a_gap(ledger: Ledger) -> None:
    for _ in range(20):
        ledger.topics.raw += 3
        ledger.topics.unique += 2
        ledger.look(HEAD, 2)
        ledger.topics.dedup = ledger.topics.raw - 1  # always a little behind
        ledger.topics.entities = ledger.topics.unique - 1
    assert ledger.watch.problem() is not None


def test_a_ledger_that_goes_on_is_well_whatever_it_holds_back(ledger: Ledger) -> None:
    for offset in range(100):
        assert ledger.look({("annotated", 0): offset}, LIMIT - 2) is None


def test_a_gap_is_seen_also_behind_what_retention_deleted_and_nobody_can_acknowledge(ledger: Ledger) -> None:
    """After a week without members Kafka forgets a group's commits."""
    ledger.topics.entities, ledger.topics.first = 0, 11
    assert ledger.look(HEAD, 100) is None, "one is still there"
    ledger.topics.first = 12
    assert ledger.look(HEAD, 10) is not None


def test_the_problem_ends_with_the_gap(ledger: Ledger) -> None:
    assert ledger.look(HEAD, 40) is not None
    assert ledger.look({}, 2) is None
