"""The words of a headline: what an article says it is about."""

from __future__ import annotations

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


def headline(told: Words) -> U32:
    """Hashes of the content words of a headline, distinct.

    Args:
        told: the words of the title, or of the beginning of the text where there is no title.
    """
    long = (told.ends - told.starts >= _LETTERS) | told.number
    hashes = headline_hashes(told.hashes[long] if long.any() else told.hashes)
    return np.array(sorted(set(hashes.tolist()))[:_MOST], np.uint32)
