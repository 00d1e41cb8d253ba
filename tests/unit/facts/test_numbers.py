"""Whole numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts.numbers import numbers, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("11", 11),
        ("1,200", 1200),
        ("twenty-five", 25),
        ("two hundred", 200),
        ("a dozen", 12),
        ("a hundred", 100),
        ("three million", 3_000_000),
        ("forty ninety", None),
        ("999,999,999,999,999,999", 10**18 - 1),
        ("1,000,000,000,000,000,000", None),
        ("1" + ",000" * 2_000, None),
    ],
)
def test_value(text: str, value: int | None) -> None:
    assert parse(text) == value


def test_finds_whole_numbers_and_leaves_money_percentages_and_decimals() -> None:
    text = "Two hundred and 1,200 people, a dozen of them; $5 for 3% of 2.5 in v2."
    assert [(n.value, text[n.start : n.end]) for n in numbers(text)] == [
        (200, "Two hundred"),
        (1200, "1,200"),
        (12, "a dozen"),
    ]


@given(st.integers(0, 999_999_999))
def test_reads_what_python_writes(value: int) -> None:
    assert parse(str(value)) == value
    assert parse(f"{value:,}") == value


@given(st.text(max_size=200))
def test_spans_lie_in_any_text(text: str) -> None:
    for number in numbers(text):
        assert parse(text[number.start : number.end]) == number.value
