"""What a copy shares with its source, word by word, and what it adds."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import EVERYTHING, U32, WIDTH, Sketch
from pipeline.text.words import Words

# A sentence ends at a mark that white space and an opening follow, or at a line end. Each match begins with one set of
# characters, because that is what `re` searches for fast.
_SENTENCE_END = re.compile(r"[.!?…。！？\n](?:(?<=\n)\n*|[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\Wa-z_]))")

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
    if source.bound == EVERYTHING:
        hit = is_in(hashes, source.hashes)
        seen = None
    else:
        seen = (hashes < source.bound).nonzero()[0]
        hit = is_in(hashes[seen], source.hashes)
    # A stretch of hits without a known miss between them.
    first, past = stretches(hit)
    last = past - 1
    if seen is not None:
        first, last = seen[first], seen[last]
    mark = np.zeros(n + 1, np.int32)
    mark[first] = 1
    # Two stretches may reach as far as the same word: the end of the text.
    np.subtract.at(mark, np.minimum(last + WIDTH, n), 1)
    return np.cumsum(mark[:n]) > 0


def is_in(values: U32, among: U32) -> NDArray[np.bool_]:
    """Which values are among others: what np.isin gives, in a fraction of its time for a few hundred."""
    if not len(among):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(among)
    at = ordered.searchsorted(values)
    at[at == len(ordered)] = 0
    found: NDArray[np.bool_] = ordered[at] == values
    return found


def longest_run(cover: NDArray[np.bool_]) -> int:
    """Length in words of the longest covered stretch."""
    starts, ends = stretches(cover)
    return int((ends - starts).max(initial=0))


def stretches(cover: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and past-the-last word of every covered stretch."""
    padded = np.zeros(len(cover) + 2, np.bool_)
    padded[1:-1] = cover
    edges = (padded[1:] != padded[:-1]).nonzero()[0]
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
        first = end.start()
        spans.append((at, first if text[first] == "\n" else first + 1))
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
    if cover.all():
        return ()
    bounds = sentences(text)
    words = starts.searchsorted(np.array(bounds, starts.dtype).reshape(-1, 2))
    fresh = np.concatenate(([0], np.cumsum(~cover)))[words]
    is_fresh = (fresh[:, 1] - fresh[:, 0]) > _NEW_SHARE * (words[:, 1] - words[:, 0])
    has_words = words[:, 1] > words[:, 0]
    spans: list[tuple[int, int]] = []
    last_fresh = False
    for (start, end), is_new, counts in zip(bounds, is_fresh.tolist(), has_words.tolist(), strict=True):
        if not counts:
            continue
        if is_new and last_fresh:
            spans[-1] = (spans[-1][0], end)
        elif is_new:
            spans.append((start, end))
        last_fresh = is_new
    return tuple(spans)
