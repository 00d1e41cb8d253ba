"""Run a slow pattern only where it can match.

The extractors' patterns have a dozen branches and are tried at every character by `finditer`; where a match can begin
is found several times faster, by patterns that open with a set of characters and by `str.find`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORD_START = re.compile(r"\b\w")


def matches(pattern: re.Pattern[str], text: str, starts: Iterable[int]) -> Iterator[re.Match[str]]:
    """What `pattern.finditer(text)` yields, where matches begin nowhere but at `starts`.

    Args:
        starts: positions in ascending order; repeated ones are allowed.
    """
    end = 0
    for start in starts:
        if start >= end and (match := pattern.match(text, start)) is not None:
            yield match
            end = max(match.end(), start + 1)


def starts_of(pattern: re.Pattern[str], text: str) -> list[int]:
    """Where a pattern matches."""
    return [match.start() for match in pattern.finditer(text)]


def places_of(word: str, text: str) -> list[int]:
    """Where a string stands."""
    found = []
    at = text.find(word)
    while at >= 0:
        found.append(at)
        at = text.find(word, at + 1)
    return found


def words_before(text: str, places: Iterable[int], reach: int, start: re.Pattern[str] = _WORD_START) -> Iterator[int]:
    """Starts of words up to `reach` characters before each place, ascending.

    Args:
        places: ascending positions.
        start: how the words begin.
    """
    done = 0
    for place in places:
        for match in start.finditer(text, max(done, place - reach), place):
            yield match.start()
        done = max(done, place)
