"""Titles of incidents."""

from __future__ import annotations

import pytest

from pipeline.text.headlines import clean, without_outlet


@pytest.mark.parametrize(
    ("title", "cleaned"),
    [
        ("Ferry sinks off Port Velasco", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco | Osk Gazette", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco - Local News - Osk Gazette", "Ferry sinks off Port Velasco"),
        ("UPDATE: Ferry sinks off Port Velasco", "Ferry sinks off Port Velasco"),
        ("BREAKING - Ferry   sinks", "Ferry sinks"),
        ("Ferry - sinks", "Ferry - sinks"),
        ("Osk beat Ostby 20 - 13 to reach the final", "Osk beat Ostby 20 - 13 to reach the final"),
        ("Update on the ferry that sank", "Update on the ferry that sank"),
        ("Man, 20, shot in well-known bar", "Man, 20, shot in well-known bar"),
    ],
)
def test_the_outlet_and_labels_go(title: str, cleaned: str) -> None:
    assert clean(title) == cleaned


@pytest.mark.parametrize(
    ("title", "without"),
    [
        ("Ferry sinks off Port Velasco - KOSK News 5 - Osk, Ruritania", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco - oskregion.com | Osk, Ruritania |", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco :: KOSK.com", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco : News", "Ferry sinks off Port Velasco"),
        ("Ferry sinks off Port Velasco - The Harbour Post", "Ferry sinks off Port Velasco"),
    ],
)
def test_the_page_behind_a_title_is_not_compared(title: str, without: str) -> None:
    assert without_outlet(title) == without


@pytest.mark.parametrize(
    "title",
    [
        "Ferry Sinks Off Port Velasco – Twelve Are Saved",
        "Ferry sinks off Port Velasco - but the news came late",
        "FERRY SINKS OFF PORT VELASCO - WITH TWELVE ON BOARD",
        "Osk beat Ostby in the final 20 - 13 at the Post",
        "Who saved the twelve of Port Velasco | Ana Ruiz",
        "Ferry - The Harbour Post",
    ],
)
def test_a_clause_or_an_author_behind_a_title_stays(title: str) -> None:
    assert without_outlet(title) == title
