"""Cutting a text into pieces that a pipeline takes in bounded time."""

from __future__ import annotations

import re
from collections.abc import Iterator

# The longest English word in use has 45 letters, a URL a few hundred characters. A tokenizer peels affixes off such
# a run one by one, in time that grows with the square of its length.
MAX_WORD = 1000

_LONG_WORD = re.compile(rf"\S{{{MAX_WORD + 1},}}")
# Where to cut, best first: after a paragraph, a line, a sentence, a word.
_CUTS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"[.!?][\"'”’)]*\s"), re.compile(r"\s"))


def windows(text: str, max_chars: int) -> Iterator[tuple[int, str]]:
    """Pieces of a text that together hold it all but words of over 1,000 characters, with the offset of each.

    A piece has at most `max_chars` characters and ends after the last paragraph, line, sentence or word that fits,
    looked for in that order in its second half.
    """
    start = 0
    for word in _LONG_WORD.finditer(text):
        yield from _cut(text, start, word.start(), max_chars)
        start = word.end()
    yield from _cut(text, start, len(text), max_chars)


def _cut(text: str, start: int, end: int, max_chars: int) -> Iterator[tuple[int, str]]:
    while end - start > max_chars:
        stop = _last_cut(text, start + max_chars // 2, start + max_chars)
        yield start, text[start:stop]
        start = stop
    if start < end:
        yield start, text[start:end]


def _last_cut(text: str, low: int, high: int) -> int:
    for pattern in _CUTS:
        cuts = [cut.end() for cut in pattern.finditer(text, low, high)]
        if cuts:
            return cuts[-1]
    return high
