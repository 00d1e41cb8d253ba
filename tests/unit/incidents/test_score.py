"""The threshold follows how often a wire tells its events again, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.incidents.score import weights


def test_a_young_wire_decides_nothing_by_its_habit() -> None:
    assert weights().for_wire(0, 0).join == weights().join
    assert abs(weights().for_wire(2, 1).join - weights().join) < 0.02


def test_events_told_again_lower_the_threshold_and_single_ones_raise_it() -> None:
    told_again, single = weights().for_wire(3_000, 1_000), weights().for_wire(1_000, 950)
    assert told_again.join < weights().join < single.join


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_threshold_moves_no_further_than_its_bound(incidents: int, again: int) -> None:
    moved = abs(weights().for_wire(incidents + again, incidents).join - weights().join)
    assert moved <= 2 * weights().incident["prior"] + 0.001
