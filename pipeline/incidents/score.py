"""How strongly two articles, and an article and an incident, report one event.

A link is the log-odds of a logistic regression over the signals below, fitted by `train` on labelled sets; an
incident's score is a second one over its best links and the gap in time. `weights.json` holds both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import mul
from typing import Any

from pipeline.codec import convert, decode_json
from pipeline.incidents.decision import Features
from pipeline.incidents.features import RARITY_ONE
from pipeline.incidents.index import WEIGHT_ONE
from pipeline.incidents.profile import Profile

SIGNALS = (
    "text",  # ln(cosine of the weighted words + .02)
    "title",  # ln(cosine of the titles + .05)
    "ages",  # share of the smaller set of ages that both have
    "ages_differ",  # both name ages, none is shared
    "streets",
    "streets_differ",
    "days",
    "days_differ",
    "names",  # ln(1 + 3 * sum of rarities of shared names), without places
    "places",  # the same of places
    "back",  # one gives a date, days before, on which the other's event happened or was published
    "hours",  # the same time of day, to 5 minutes
    "hours_differ",
    "tolls_differ",  # counts of killed, or of wounded, that exclude each other (0, 1 or 2)
    "places_differ",  # both name places, none of which the other names at all
    "persons_differ",
    "leads",  # ln(1 + 3 * sum of rarities of names that both lead with)
    "leads_differ",  # half for each article none of whose leading names the other has at all
    "crowd",  # how alike the newer one is to everything (cohort normalisation)
)

LIMIT = 6.0
"""Links are clipped to this: no pair of articles proves more."""

TOP = 3
_FLOOR = 0.02
_TITLE_FLOOR = 0.05
_MINUTES = 5
_PER_RARITY = 3.0 / RARITY_ONE


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted scorer, as `weights.json` has it.

    Attributes:
        pair: weight of each of SIGNALS, and `bias`.
        incident: weights of an incident's `best` link, of the mean of its `top` three, and of `gap` (ln(1 + days
            since its last report)), and `bias`.
        join: an article joins the incident with the best score if it is at least this.
        margin: a placed article moves, or two incidents merge, only for so much more.
        fitted: sets, figures and seed of the fit.
    """

    pair: dict[str, float]
    incident: dict[str, float]
    join: float
    margin: float
    fitted: dict[str, Any]

    def coefficients(self) -> tuple[float, ...]:
        """Weights of SIGNALS, in their order, and then the bias."""
        return (*(self.pair[name] for name in SIGNALS), self.pair["bias"])


@cache
def weights() -> Weights:
    """The weights that ship with Wirefuse."""
    data = resources.files("pipeline.incidents").joinpath("weights.json").read_bytes()
    return convert(decode_json(data), Weights)


class Query:
    """One article, unpacked for comparing it with many."""

    __slots__ = ("names", "places", "profile", "title", "weights", "words")

    def __init__(self, profile: Profile, words: Sequence[str], weights: Sequence[int]) -> None:
        self.profile = profile
        self.words = words
        self.weights = weights
        self.title = dict(zip(profile.title, profile.title_weights, strict=True))
        self.names = dict(zip(profile.names, profile.rarity, strict=True))
        self.places = frozenset(profile.places)


def query_of(seq: int, features: Features) -> Query:
    """A query from the features of the decision `seq`."""
    return Query(Profile(seq, features), features.words, features.weights)


def signals(query: Query, other: Profile, cosine: float) -> tuple[float, ...]:
    """Values of SIGNALS, in that order, for two articles whose weighted words have the given cosine."""
    mine = query.profile
    own = query.names
    names = places = leads = 0
    shared = [name for name in other.names if name in own]
    for name in shared:
        least = min(own[name], other.rarity[other.names.index(name)])
        if name in query.places or name in other.places:
            places += least
        else:
            names += least
        if name in mine.leads and name in other.leads:
            leads += least
    newer = mine if mine.seq >= other.seq else other
    return (
        math.log(cosine + _FLOOR),
        math.log(_title_cosine(query.title, other) + _TITLE_FLOOR),
        *overlap(mine.ages, other.ages),
        *overlap(mine.addresses, other.addresses),
        *overlap(mine.days, other.days),
        math.log1p(names * _PER_RARITY) if names else 0.0,
        math.log1p(places * _PER_RARITY) if places else 0.0,
        _back(mine, other) if mine.back or other.back else 0.0,
        *_hours(mine.clocks, other.clocks),
        _tolls_differ(mine.killed, other.killed) + _tolls_differ(mine.wounded, other.wounded),
        _places_differ(query, other, shared),
        _differ(mine.persons, other.persons),
        math.log1p(leads * _PER_RARITY) if leads else 0.0,
        _leads_differ(mine, other, shared),
        newer.crowd,
    )


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that two articles report one event; `score` is the log-odds, `values` are of SIGNALS."""

    score: float
    values: tuple[float, ...]


def link(query: Query, other: Profile, cosine: float, coefficients: Sequence[float]) -> Link:
    """Compare two articles whose weighted words have the given cosine.

    Args:
        coefficients: from `Weights.coefficients`.
    """
    values = signals(query, other, cosine)
    score = sum(map(mul, coefficients, values), coefficients[-1])
    return Link(max(-LIMIT, min(LIMIT, score)), values)


def incident_score(links: Sequence[float], gap_days: float, fitted: Weights) -> float:
    """Score of an incident from its links, strongest first, and the days to its nearest report."""
    w = fitted.incident
    top = links[:TOP]
    mean = sum(top) / len(top)
    return w["bias"] + w["best"] * top[0] + w["top"] * mean + w["gap"] * math.log1p(gap_days)


def overlap(a: Sequence[object], b: Sequence[object]) -> tuple[float, float]:
    """(share of the smaller set that both have, 1 if both say something and share nothing)."""
    if not a or not b:
        return 0.0, 0.0
    shared = len([x for x in a if x in b])
    return shared / min(len(a), len(b)), float(not shared)


def _differ(a: Sequence[str], b: Sequence[str]) -> float:
    """1 if both say something and share nothing."""
    if not a or not b:
        return 0.0
    return 0.0 if [x for x in a if x in b] else 1.0


def _title_cosine(mine: dict[str, int], other: Profile) -> float:
    shared = [n for n, word in enumerate(other.title) if word in mine]
    dot = sum(mine[other.title[n]] * other.title_weights[n] for n in shared)
    return dot / (WEIGHT_ONE * WEIGHT_ONE)


def _back(a: Profile, b: Profile) -> float:
    if a.day is None or b.day is None:
        return 0.0
    return float(any(d in b.days or d == b.day for d in a.back) or any(d in a.days or d == a.day for d in b.back))


def _hours(a: Sequence[int], b: Sequence[int]) -> tuple[float, float]:
    if not a or not b:
        return 0.0, 0.0
    near = any(abs(x - y) <= _MINUTES for x in a for y in b)
    return float(near), float(not near)


def _tolls_differ(a: Sequence[int], b: Sequence[int]) -> float:
    if not a or not b:
        return 0.0
    for i in range(0, len(a), 2):
        for j in range(0, len(b), 2):
            if (b[j + 1] < 0 or a[i] <= b[j + 1]) and (a[i + 1] < 0 or b[j] <= a[i + 1]):
                return 0.0
    return 1.0


def _places_differ(query: Query, other: Profile, shared: Sequence[str]) -> float:
    if not query.places or not other.places:
        return 0.0
    return float(not any(name in query.places or name in other.places for name in shared))


def _leads_differ(a: Profile, b: Profile, shared: Sequence[str]) -> float:
    if not a.leads or not b.leads:
        return 0.0
    return 0.5 * (not any(n in shared for n in a.leads)) + 0.5 * (not any(n in shared for n in b.leads))
