"""Scenes: sentences that each tell of something that happened somewhere else. A round-up has several.

"Four men were killed over the weekend. In the first attack, a 21-year-old man was shot at 1:15 a.m. in the 6300 block
of South Morgan Street. Two hours later, a 34-year-old woman ..." A report of one event says its where and when once or
twice; a round-up gives every event its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

_END = re.compile(r"[.!?][\"'”’)]*\s+(?=[\"“‘(]?[A-Z0-9])|\n+")
_SHORT = re.compile(
    r"\b(?:[A-Z]|[ap]\.m|Mr|Mrs|Ms|Dr|St|Sgt|Lt|Capt|Gen|Det|Ave|Blvd|Rd|No|Jan|Feb|Aug|Sept?|Oct|Nov|Dec)$"
)

MANY_STREETS = 3
"""A text with so many scenes in different streets tells of many events."""

MANY_PLACES = 4
"""The same of places; names taken for places by their capitals are less certain than streets."""

Said = tuple[int, object]
"""(where in the text, what): a street, an age, an hour, a toll."""


def many(text: str, where: Sequence[Said], what: Iterable[Said], least: int) -> int:
    """`count` of scenes; 0 where they are fewer than `least`."""
    if len(where) < least:  # a scene has a place
        return 0
    found = count(text, where, what)
    return found if found >= least else 0


def count(text: str, where: Iterable[Said], what: Iterable[Said]) -> int:
    """Number of scenes: sentences with a place and an age, hour or toll, none of which was given before.

    Args:
        where: places or streets by position.
        what: ages, hours and tolls by position.
    """
    starts = sentence_starts(text)
    places, details = _by_sentence(starts, where), _by_sentence(starts, what)
    seen_places: set[object] = set()
    seen_details: set[object] = set()
    scenes = 0
    for number in sorted(places.keys() & details.keys()):
        here, told = places[number], details[number]
        if not seen_places & here and not seen_details & told:
            scenes += 1
        seen_places |= here
        seen_details |= told
    return scenes


def sentence_starts(text: str) -> list[int]:
    """Where sentences begin, roughly: after a full stop that ends no short form, after a line break."""
    return [0, *(m.end() for m in _END.finditer(text) if not _SHORT.search(text, max(0, m.start() - 6), m.start()))]


def _by_sentence(starts: Sequence[int], said: Iterable[Said]) -> dict[int, set[object]]:
    found: dict[int, set[object]] = {}
    for position, what in said:
        found.setdefault(bisect_right(starts, position) - 1, set()).add(what)
    return found
