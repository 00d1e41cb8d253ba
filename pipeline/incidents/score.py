"""How strongly two articles, and an article and an incident, report one event."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pipeline.incidents.features import WEIGHT_ONE
from pipeline.incidents.profile import Profile

JOIN = -0.5
"""An article joins the incident with the best score if it is at least this."""

MERGE = JOIN + 0.25
MOVE = 0.3
"""A placed article moves, or an updated one leaves, only for a score better by this."""

TOP = 3
"""An incident's score is the mean of its best links."""


class Query:
    """One article, unpacked for comparing it with many."""

    __slots__ = ("names", "profile", "words")

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.words = dict(zip(profile.words, profile.weights, strict=True))
        self.names = frozenset(profile.names)

    def cosine(self, other: Profile) -> float:
        get = self.words.get
        dot = 0
        for word, weight in zip(other.words, other.weights, strict=True):
            mine = get(word)
            if mine is not None:
                dot += mine * weight
        return dot / (WEIGHT_ONE * WEIGHT_ONE)


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that two articles report one event; `score` is a log-odds, `parts` add up to it."""

    score: float
    parts: dict[str, Any]


def link(query: Query, other: Profile) -> Link:
    """Compare two articles."""
    words = 4.0 + 2.6 * math.log(query.cosine(other) + 0.02)
    names = min(2.0, 0.4 * sum(1 for n in other.names if n in query.names))
    return Link(max(-6.0, min(6.0, words + names)), {"words": round(words, 3), "names": round(names, 3)})


def decay(days: float) -> float:
    """What a gap in time costs; it never forbids."""
    return 0.5 * math.log1p(max(0.0, days))
