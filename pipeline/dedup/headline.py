"""The words of a headline: what an article says it is about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.dedup.sketch import U32
from pipeline.text.words import U64, Words

_MOST = 12
# Shorter words are articles, prepositions and the like in most languages; a single character is a word of its own in
# scripts without spaces.
_LETTERS = 4
_HIGH = np.uint64(32)


def headline_hashes(hashes: U64) -> U32:
    """Word hashes in the form in which headlines are remembered."""
    return (hashes >> _HIGH).astype(np.uint32)


def headlines(words: Words, places: Sequence[tuple[int, int]]) -> list[U32]:
    """Hashes of the content words of headlines, distinct.

    Args:
        words: of many texts.
        places: first and past-the-last word of each headline.
    """
    hashes = headline_hashes(words.hashes)
    long = (words.ends - words.starts >= _LETTERS) | words.number
    found = []
    for start, end in places:
        every = hashes[start:end].tolist()
        told = {h for h, is_long in zip(every, long[start:end].tolist(), strict=True) if is_long} or set(every)
        found.append(np.array(sorted(told)[:_MOST], np.uint32))
    return found
