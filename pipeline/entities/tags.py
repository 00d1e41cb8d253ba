"""BILUO tags (Ratinov and Roth 2009): spans as one tag per token, and back by the best valid sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.entities.labels import LABELS

TAGS: tuple[str, ...] = ("O", *(f"{p}-{label}" for label in LABELS for p in "BILU"))
"""O is 0; label k has B, I, L, U at 1 + 4k ... 4 + 4k."""

N_TAGS = len(TAGS)

# A token this sure to be outside splits the sequence; a label below this at a token is not looked at.
_SURE_OUTSIDE = 5.0
_UNLIKELY = 5.0


def first_tag(label: str) -> int:
    """The tag B of a label."""
    return 1 + 4 * LABELS.index(label)


def span_tags(start: int, end: int, label: str) -> list[int]:
    """The tags of a span of tokens."""
    b = first_tag(label)
    if end - start == 1:
        return [b + 3]
    return [b, *[b + 1] * (end - start - 2), b + 2]


def decode(scores: NDArray[np.float32]) -> list[tuple[int, int, str]]:
    """Spans (start, end, label) of the valid tag sequence with the highest sum of scores.

    Runs of tokens that are nearly surely outside are left out, and labels that are hopeless at every tag of a token;
    within the rest the search (Viterbi) is exact.

    Args:
        scores: (tokens, tags), any scale on which differences are log odds.
    """
    if not len(scores):
        return []
    best_inside = scores[:, 1:].max(axis=1)
    open_tokens = np.flatnonzero(best_inside > scores[:, 0] - _SURE_OUTSIDE)
    if not len(open_tokens):
        return []
    spans: list[tuple[int, int, str]] = []
    breaks = np.flatnonzero(np.diff(open_tokens) > 1)
    for run in np.split(open_tokens, breaks + 1):
        start, end = int(run[0]), int(run[-1]) + 1
        tags = _best_path(scores[start:end])
        spans += [(start + a, start + b, label) for a, b, label in spans_of(tags)]
    return spans


def spans_of(tags: Sequence[int]) -> list[tuple[int, int, str]]:
    """Spans of a valid tag sequence."""
    spans = []
    start = 0
    for i, tag in enumerate(tags):
        if tag == 0:
            continue
        kind = (tag - 1) % 4
        if kind in (0, 3):
            start = i
        if kind in (2, 3):
            spans.append((start, i + 1, LABELS[(tag - 1) // 4]))
    return spans


def _best_path(scores: NDArray[np.float32]) -> list[int]:
    if len(scores) == 1:
        row = scores[0]
        inside = [0, *range(4, N_TAGS, 4)]
        return [max(inside, key=lambda t: (float(row[t]), -t))]
    # Labels that may play a part anywhere in the run: few, nearly always one or two.
    by_label = scores[:, 1:].reshape(len(scores), -1, 4).max(axis=2)
    likely = np.flatnonzero((by_label > scores.max(axis=1, keepdims=True) - _UNLIKELY).any(axis=0))
    firsts = [1 + 4 * int(label) for label in likely]
    rows = scores[:, [0, *(b + k for b in firsts for k in range(4))]].tolist()
    # State: 0 between entities, or k inside an entity of the k-th likely label. steps[i][state]: the state before
    # token i and the tag taken there.
    inside = [float("-inf")] * len(firsts)
    between = 0.0
    steps: list[list[tuple[int, int]]] = []
    for row in rows:
        best, how = between + row[0], (0, 0)
        after, taken = [], []
        for k, b in enumerate(firsts):
            begin, within, last, unit = row[1 + 4 * k : 5 + 4 * k]
            if between + unit > best:
                best, how = between + unit, (0, b + 3)
            if inside[k] + last > best:
                best, how = inside[k] + last, (k + 1, b + 2)
            if between + begin >= inside[k] + within:
                after.append(between + begin)
                taken.append((0, b))
            else:
                after.append(inside[k] + within)
                taken.append((k + 1, b + 1))
        between, inside = best, after
        steps.append([how, *taken])
    tags = []
    state = 0  # a run ends between entities
    for choices in reversed(steps):
        state, tag = choices[state]
        tags.append(tag)
    return tags[::-1]
