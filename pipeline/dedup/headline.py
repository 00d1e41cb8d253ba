"""The words of a headline: what an article says it is about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import U32, lowest
from pipeline.text.words import U64, Words

_MOST = 12
# Shorter words are articles, prepositions and the like in most languages; a single character is a word of its own in
# scripts without spaces.
_LETTERS = 4
_HIGH = np.uint64(32)


def headline_hashes(hashes: U64) -> U32:
    """Word hashes in the form in which headlines are remembered."""
    return (hashes >> _HIGH).astype(np.uint32)


def headlines(words: Words, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> list[U32]:
    """Hashes of the content words of headlines, distinct.

    Args:
        words: of many texts.
        starts, ends: first and past-the-last word of each headline.
    """
    lengths = ends - starts
    text = np.repeat(np.arange(len(starts)), lengths)
    at = np.arange(len(text)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    counts = words.number[at] | (words.ends[at] - words.starts[at] >= _LETTERS)
    # Where none is long, all count.
    counts |= (np.bincount(text[counts], minlength=len(starts)) == 0)[text]
    return lowest(headline_hashes(words.hashes[at[counts]]), text[counts], len(starts), _MOST)
