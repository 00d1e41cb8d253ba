"""Titles of incidents."""

from __future__ import annotations

import pytest

from pipeline.text.headlines import clean


@pytest.mark.parametrize(
    ("title", "cleaned"),
    [
        ("Ferry sinks off Port Velasco", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco | Osk Gazette", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco - Local News - Osk Gazette", "Ferry sinks off Port Velasco"),
        ("UPDATE: Ferry sinks off Port Velasco", "Ferry sinks off Port Velasco"),
        ("BREAKING - Ferry   sinks", "Ferry sinks"),
        ("Ferry - sinks", "Ferry - sinks"),
        ("Update on the ferry that sank", "Update on the ferry that sank"),
        ("Man, 20, shot in well-known bar", "Man, 20, shot in well-known bar"),
    ],
)
def test_the_outlet_and_labels_go(title: str, cleaned: str) -> None:
    assert clean(title) == cleaned
