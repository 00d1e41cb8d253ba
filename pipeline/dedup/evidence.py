"""What a copy shares with its source, word by word, and what it adds."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import EVERYTHING, U32, WIDTH, Sketch
from pipeline.text.words import Words

# A sentence ends at a mark that white space and an opening follow, or at a line end.
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\Wa-z_])|\n+")

_NEW_SHARE = 0.5
"""A sentence is the copy's own when more than this share of its words is not in the source."""


def covered(words: Words, hashes: U32, source: Sketch) -> NDArray[np.bool_]:
    """Which words of a text stand in a shingle of the source.

    Where the source kept only a part of its shingles, the words between two kept ones that both match are taken to
    match too.

    Args:
        words: of the copy.
        hashes: all its shingle hashes, in text order.
        source: sketch of the source.
    """
    n = len(words)
    seen = np.arange(len(hashes)) if source.bound == EVERYTHING else np.flatnonzero(hashes < source.bound)
    hit = np.isin(hashes[seen], source.hashes)
    mark = np.zeros(n + 1, np.int32)
    # A stretch of hits without a known miss between them.
    for first, past in zip(*(edge.tolist() for edge in stretches(hit)), strict=True):
        mark[seen[first]] += 1
        mark[min(int(seen[past - 1]) + WIDTH, n)] -= 1
    return np.cumsum(mark[:n]) > 0


def longest_run(cover: NDArray[np.bool_]) -> int:
    """Length in words of the longest covered stretch."""
    starts, ends = stretches(cover)
    return int((ends - starts).max(initial=0))


def stretches(cover: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and past-the-last word of every covered stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], cover.astype(np.int8), [0]))))
    return edges[::2], edges[1::2]


def core(cover: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The covered stretches at least half as long as the longest: what was taken over, without phrases in common."""
    starts, ends = stretches(cover)
    lengths = ends - starts
    marked = cover.copy()
    for n in np.flatnonzero(2 * lengths < lengths.max(initial=0)).tolist():
        marked[starts[n] : ends[n]] = False
    return marked


def sentences(text: str) -> list[tuple[int, int]]:
    """Half-open character spans of the sentences of a text, without the white space between them."""
    spans = []
    at = 0
    for end in _SENTENCE_END.finditer(text):
        spans.append((at, end.start()))
        at = end.end()
    spans.append((at, len(text)))
    return [(a, b) for a, b in spans if b > a]


def added(text: str, starts: NDArray[np.int32], cover: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Spans of a copy's sentences that its source has not; neighbours are joined.

    Args:
        text: the copy's cleaned text.
        starts: where its words start.
        cover: of `covered`.
    """
    fresh = np.concatenate(([0], np.cumsum(~cover)))
    spans: list[tuple[int, int]] = []
    last_fresh = False
    for start, end in sentences(text):
        first = int(np.searchsorted(starts, start))
        past = int(np.searchsorted(starts, end))
        if past == first:
            continue
        is_fresh = (fresh[past] - fresh[first]) > _NEW_SHARE * (past - first)
        if is_fresh and last_fresh:
            spans[-1] = (spans[-1][0], end)
        elif is_fresh:
            spans.append((start, end))
        last_fresh = is_fresh
    return tuple(spans)
