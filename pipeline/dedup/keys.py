"""Keys: those hashes of a text's sketch under which it is found."""

from __future__ import annotations

import numpy as np

from pipeline.dedup.crowds import I64
from pipeline.dedup.sketch import EVERYTHING, KEPT, U32

_KEYS, _MOST = 32, 2048
"""Of each text only the lowest hashes are keys: so many, or a sixteenth of a long text, but no more than the second."""


def keys_of(hashes: U32, lengths: I64, are_sorted: bool = False) -> tuple[U32, I64]:
    """The hashes under which texts are found, and how many of each text they are; sorted, text after text.

    Args:
        hashes: those of each text's sketch, distinct, text after text.
        lengths: how many each text has.
        are_sorted: those of each text are.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    low = np.concatenate(([0], np.cumsum(hashes < EVERYTHING >> 4)))
    counts = np.maximum(np.minimum(lengths, _KEYS), np.minimum(low[ends] - low[starts], _MOST))
    if are_sorted:
        return hashes[np.arange(len(hashes)) < np.repeat(starts + counts, lengths)], counts
    # A row for each text: many times faster to sort than all in one.
    usual = lengths <= KEPT
    all_usual = bool(usual.all())
    column = np.arange(KEPT)
    rows = np.full((len(lengths), KEPT), EVERYTHING - 1, np.uint32)
    rows[column < (lengths * usual)[:, None]] = hashes if all_usual else hashes[np.repeat(usual, lengths)]
    rows.sort(axis=1)
    keys = rows[column < (counts * usual)[:, None]]
    if all_usual:
        return keys, counts
    every = np.empty(counts.sum(), np.uint32)
    is_usual = np.repeat(usual, counts)
    every[is_usual] = keys
    every[~is_usual] = np.concatenate(
        [np.sort(hashes[starts[n] : ends[n]])[: counts[n]] for n in (~usual).nonzero()[0]]
    )
    return every, counts
