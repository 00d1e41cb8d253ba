"""Streets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.facts.addresses import addresses


@pytest.mark.parametrize(
    ("text", "streets"),
    [
        ("in the 13500 block of Cerise Avenue", [("cerise ave", 13500)]),
        ("at 692 SW 201ST Ave", [("201st ave", 692)]),
        ("the 5100 block of South Morgan Street", [("morgan st", 5100)]),
        ("near East Main St., witnesses said", [("main st", None)]),
        ("at the corner of Fern and Olive streets", [("fern st", None), ("olive st", None)]),
        ("a crash on Interstate 95", [("hwy 95", None)]),
        ("a crash on I-95", [("hwy 95", None)]),
        ("20 Lily Ct", [("lily ct", 20)]),
        ("a fire in Wellington's High Street", [("high st", None)]),
    ],
)
def test_finds_streets(text: str, streets: list[tuple[str, int | None]]) -> None:
    assert [(a.street, a.number) for a in addresses(text)] == streets


@pytest.mark.parametrize(
    "text",
    [
        "the Supreme Court ruled",
        "before Judge Court",
        "in St. Louis on Friday",
        "on the street",
        "The Way We Were",
        "the California Highway Patrol said",
    ],
)
def test_what_is_no_street(text: str) -> None:
    assert list(addresses(text)) == []


def test_one_street_has_one_form() -> None:
    forms = ("South Morgan Street", "S. Morgan St.", "Morgan Street", "Morgan St")
    assert {a.street for form in forms for a in addresses(f"at 12 {form} today")} == {"morgan st"}


@given(st.text(max_size=200))
def test_spans_lie_in_any_text(text: str) -> None:
    for address in addresses(text):
        assert 0 <= address.start < address.end <= len(text)
