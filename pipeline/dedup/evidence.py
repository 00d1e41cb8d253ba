"""What a copy shares with its source, word by word, and what it adds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.sketch import EVERYTHING, U32, WIDTH, Sketch

Spans: TypeAlias = list[tuple[int, int]]
"""First and past-the-last of stretches, in order."""

# A sentence ends at a mark that white space and an opening follow, or at a line end. Each match begins with one set of
# characters, because that is what `re` searches for fast.
_SENTENCE_END = re.compile(r"[.!?…。！？\n](?:(?<=\n)\n*|[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\Wa-z_]))")

_NEW_SHARE = 0.5
"""A sentence is the copy's own when more than this share of its words is not in the source."""


def covered(words: int, hashes: U32, source: Sketch) -> Spans:
    """The stretches of a text's words that stand in shingles of the source; none touches the next.

    Where the source kept only a part of its shingles, the words between two kept ones that both match are taken to
    match too.

    Args:
        words: of the copy, so many.
        hashes: all its shingle hashes, in text order.
        source: sketch of the source.
    """
    if source.bound == EVERYTHING:
        seen = None
        hit = hits(hashes, source.hashes)
    else:
        places = (hashes < source.bound).nonzero()[0]
        seen = places.tolist()
        hit = hits(hashes[places], source.hashes)
    spans: Spans = []
    # A stretch of hits without a known miss between them.
    first = hit.find(1)
    while first >= 0:
        past = hit.find(0, first)
        last = (len(hit) if past < 0 else past) - 1
        start, end = (first, last) if seen is None else (seen[first], seen[last])
        end = min(end + WIDTH, words)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        first = -1 if past < 0 else hit.find(1, past)
    return spans


def hits(values: U32, among: U32) -> bytes:
    """For each value 1 where it is among others, else 0."""
    if not len(among):
        return bytes(len(values))
    ordered = among.copy()
    ordered.sort()
    hit: NDArray[np.bool_] = ordered.take(ordered.searchsorted(values), mode="clip") == values
    return hit.tobytes()


def longest(spans: Spans) -> int:
    """Length of the longest stretch."""
    return max((end - start for start, end in spans), default=0)


def core(spans: Spans) -> Spans:
    """The stretches at least half as long as the longest: what was taken over, without phrases in common."""
    most = longest(spans)
    return [(start, end) for start, end in spans if 2 * (end - start) >= most]


def uncovered_before(spans: Spans, places: Sequence[int]) -> list[int]:
    """How many words before each of some places, in ascending order, are in no stretch."""
    counts = []
    covered = n = 0
    for place in places:
        while n < len(spans) and spans[n][1] <= place:
            covered += spans[n][1] - spans[n][0]
            n += 1
        inside = max(0, place - spans[n][0]) if n < len(spans) else 0
        counts.append(place - covered - inside)
    return counts


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


def added(text: str, starts: NDArray[np.int32], spans: Spans) -> tuple[tuple[int, int], ...]:
    """Spans of characters of a copy's sentences that its source has not; neighbours are joined.

    Args:
        text: the copy's cleaned text.
        starts: where its words start.
        spans: of `covered`.
    """
    if spans == [(0, len(starts))]:
        return ()
    bounds = sentences(text)
    words = starts.searchsorted(np.array(bounds, starts.dtype).ravel()).tolist()
    fresh = uncovered_before(spans, words)
    found: list[tuple[int, int]] = []
    last_fresh = False
    for n, (start, end) in enumerate(bounds):
        length = words[2 * n + 1] - words[2 * n]
        if not length:
            continue
        is_fresh = fresh[2 * n + 1] - fresh[2 * n] > _NEW_SHARE * length
        if is_fresh and last_fresh:
            found[-1] = (found[-1][0], end)
        elif is_fresh:
            found.append((start, end))
        last_fresh = is_fresh
    return tuple(found)
