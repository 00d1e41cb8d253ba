"""Scores of clusterings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.metrics import bcubed, pairs

clusterings = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 4))


def test_known_values() -> None:
    # Bagga and Baldwin's example: 5 + 2 + 5 items, the two small clusters joined with one large one.
    gold = {f"i{n}": 0 if n < 5 else 1 if n < 7 else 2 for n in range(12)}
    found = {f"i{n}": 0 if n < 5 else 1 for n in range(12)}
    score = bcubed(gold, found)
    assert score.precision == pytest.approx((5 + 2 * 2 / 7 + 5 * 5 / 7) / 12)
    assert score.recall == 1.0
    assert pairs(gold, found).precision == pytest.approx((10 + 1 + 10) / (10 + 21))


@given(clusterings)
def test_a_clustering_agrees_with_itself(clusters: dict[str, int]) -> None:
    assert bcubed(clusters, clusters).f1 == pytest.approx(1.0)
    assert pairs(clusters, clusters).f1 == 1.0


@given(clusterings, st.data())
def test_names_do_not_matter_and_sides_swap(gold: dict[str, int], data: st.DataObject) -> None:
    found = {k: data.draw(st.integers(0, 4)) for k in gold}
    renamed = {k: f"x{v}" for k, v in found.items()}
    assert bcubed(gold, renamed) == bcubed(gold, found)
    assert bcubed(found, gold).precision == pytest.approx(bcubed(gold, found).recall)
    assert pairs(found, gold).f1 == pytest.approx(pairs(gold, found).f1)


def test_different_items_are_an_error() -> None:
    with pytest.raises(ValueError, match="not of the same items"):
        bcubed({"a": 1}, {"b": 1})
