"""How strongly two articles, and an article and an incident, report one event.

A link is the log-odds of a logistic regression over the signals below, fitted by `train` on labelled sets; an
incident's score weighs its best links against the gap in time. `weights.json` holds the weights of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from math import log, log1p, sqrt
from operator import itemgetter, mul
from typing import Any, NamedTuple

import numpy as np

from pipeline.codec import convert, decode_json
from pipeline.incidents.decision import Features
from pipeline.incidents.features import RARITY_ONE
from pipeline.incidents.index import WEIGHT_ONE, Lookup
from pipeline.incidents.profile import AGE, HEADLINE_ONE, LEAD, NAME, OPENING, PERSON, PLACE, STREET, TOKEN, Profile

SIGNALS = (
    "text",  # ln(cosine of the weighted words + .02)
    "opening",  # ln(cosine of the words of title and lead + .05)
    "covered",  # how much of one's title the other's title and lead have, the more of both ways; 0.5 where it has none
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
    "hours_differ",  # both name times of day, none within half an hour of the other's
    "tolls_differ",  # counts of killed, or of wounded, that exclude each other (0, 1 or 2)
    "places_differ",  # both name places, none of which the other names at all
    "persons_differ",
    "leads",  # ln(1 + 3 * sum of rarities of names that both lead with)
    "leads_differ",  # half for each article none of whose leading names the other has at all
    "crowd",  # how alike the newer one is to everything (cohort normalisation)
    "told",  # ln(1 + sum of rarities of the words that titles and leads share), for brief texts alone
)

ONLY_BRIEF = frozenset({"told"})
"""Signals that count for brief texts alone: among much text they say nothing that `opening` and `text` do not."""

BRIEF_STEMS, FULL_STEMS = 20, 40
"""Two texts of no more stems than the first are compared by the weights for brief texts, from the second on by those
for full ones, between by some of both. A headline has 4 to 15, two sentences with it 18 to 50."""

_FULL_PRODUCT = FULL_STEMS * FULL_STEMS

LIMIT = 6.0
"""Links are clipped to this: no pair of articles proves more."""

TOP = 3
_FLOOR = 0.02
_OPENING_FLOOR = 0.05
_UNTITLED = 0.5
_MINUTES, _MINUTES_APART = 5, 30
"""Times of day agree up to the first and differ from the second on: witnesses, police and newsrooms round them."""
_DAY_MINUTES = 24 * 60
_MANY, _GROWN = 8, 1.5
"""Counts of so many victims and more do not exclude each other up to this ratio: they grow while bodies are found."""
_ONE = WEIGHT_ONE * WEIGHT_ONE
_TOLD_MOST = 25.0
_ROOT_ONE = math.sqrt(WEIGHT_ONE)
_TITLE_ONE = HEADLINE_ONE * HEADLINE_ONE
_PER_RARITY = 3.0 / RARITY_ONE
_SILENT, _APART = (0.0, 0.0), (0.0, 1.0)
"""Of agreement and difference: where one of two says nothing, and where both do and share nothing."""
_coefficients = itemgetter(*SIGNALS, "bias")
_BUCKET = (1 << 13) - 1
"""The bits of a token that tell its bucket; a record of TOKEN begins with its token."""
_EVEN = 50
"""Reports of known and of new events that are taken to have been seen beforehand, each."""
_PRIOR_LIMIT = 2.0


class Coefficients(NamedTuple):
    """Weights of SIGNALS and then the bias, for two full texts and where one is brief."""

    full: tuple[float, ...]
    brief: tuple[float, ...]


@dataclass(frozen=True)
class Weights:
    """The fitted scorer, as `weights.json` has it.

    Attributes:
        pair: weight of each of SIGNALS, and `bias`, for two full texts.
        brief: the same where one of two texts is brief (see `briefness`).
        incident: weights of an incident's `best` link, of the mean of its `top` three, of `gap` (ln(1 + days since
            its nearest report)), of `brief_gap` (the same, in addition, between brief texts), and of `prior` (see
            `join_for`).
        join: an article joins the incident with the best score if it is at least this.
        margin: a placed article moves, or two incidents merge, only for so much more.
        fitted: sets, figures and seed of the fit.
    """

    pair: dict[str, float]
    brief: dict[str, float]
    incident: dict[str, float]
    join: float
    margin: float
    fitted: dict[str, Any]

    @cached_property
    def coefficients(self) -> Coefficients:
        """Weights of SIGNALS, in their order, and then the bias."""
        return Coefficients(_coefficients(self.pair), _coefficients(self.brief))

    def blended(self, brief: float) -> dict[str, float]:
        """Weight of each of SIGNALS, and `bias`, for two texts so brief."""
        if not brief:
            return self.pair
        return {name: w + brief * (self.brief[name] - w) for name, w in self.pair.items()}

    def for_wire(self, reports: int, incidents: int) -> Weights:
        """The same with the threshold that suits a wire (`join_for`)."""
        return replace(self, join=self.join_for(reports, incidents))

    def join_for(self, reports: int, incidents: int) -> float:
        """The threshold that suits a wire: less than `join` where events are usually told again, more where seldom.

        The log-odds that a report is not the first of its event, estimated from what is remembered (an empirical
        Bayes prior), drawn towards even odds and bounded, so that a young or an uncommon wire decides nothing by it.

        Args:
            reports: remembered ones that are compared. incidents: that they are in.
        """
        odds = math.log((max(0, reports - incidents) + _EVEN) / (incidents + _EVEN))
        prior = self.incident["prior"] * max(-_PRIOR_LIMIT, min(_PRIOR_LIMIT, odds))
        return round(self.join - prior, 3)


@cache
def weights() -> Weights:
    """The weights that ship with Wirefuse."""
    data = resources.files("pipeline.incidents").joinpath("weights.json").read_bytes()
    return convert(decode_json(data), Weights)


class Query:
    """One article, unpacked for comparing it with many.

    Attributes:
        lookup: its words as the index knows them.
        tokens: those of its profile, with weight and role.
        likely: for each bucket of tokens, by their lowest bits, whether one of its own is in it.
    """

    __slots__ = ("_said", "likely", "lookup", "profile", "tokens")

    def __init__(self, profile: Profile, lookup: Lookup, said: Features | Callable[[], Features]) -> None:
        self.profile = profile
        self.lookup = lookup
        self._said = said
        tokens = np.frombuffer(profile.tokens, dtype=TOKEN)
        self.tokens: dict[int, tuple[int, int]] = {t: (weight, role) for t, weight, _, role in tokens.tolist()}
        self.likely = np.zeros(_BUCKET + 1, dtype=np.bool_)
        self.likely[np.frombuffer(profile.tokens, dtype="<i8") & _BUCKET] = True

    def said(self) -> Features:
        """What the article says, in words; without `words` and `opening` where it is a remembered one."""
        if not isinstance(self._said, Features):
            self._said = self._said()
        return self._said


def query_of(seq: int, features: Features, lookup: Lookup, crowd: float = 0.0) -> Query:
    """A query from the features of the decision `seq`."""
    return Query(Profile.of(seq, features, crowd), lookup, features)


@dataclass(slots=True)
class _Shared:
    """What two articles share: numbers of shared tokens, sums over shared names."""

    persons: int = 0
    streets: int = 0
    ages: int = 0
    days: int = 0
    opening: int = 0
    told: float = 0.0
    my_title: int = 0
    their_title: int = 0
    names: int = 0
    places: int = 0
    leads: int = 0
    any_place: bool = False
    my_lead: bool = False
    their_lead: bool = False


_NOTHING = _Shared()


def signals(query: Query, others: Sequence[Profile], cosines: Sequence[float]) -> list[tuple[float, ...]]:
    """Values of SIGNALS, in that order, for an article and each of some others.

    Args:
        cosines: of their weighted words.
    """
    shared = _shared(query, others)
    return [
        _values(query.profile, o, c, shared.get(n, _NOTHING))
        for n, (o, c) in enumerate(zip(others, cosines, strict=True))
    ]


def _shared(query: Query, others: Sequence[Profile]) -> dict[int, _Shared]:
    """What the query shares with each of the others, by position; nothing where it shares no token."""
    joined = b"".join([p.tokens for p in others])
    if not joined or not query.tokens:
        return {}
    # Nearly all tokens of others fall into buckets without one of its own; only the rest is looked at one by one.
    theirs = np.frombuffer(joined, dtype=TOKEN)
    hits = np.flatnonzero(query.likely[np.frombuffer(joined, dtype="<i8") & _BUCKET])
    ends = np.cumsum([len(p.tokens) for p in others]) // TOKEN.itemsize
    rows = np.searchsorted(ends, hits, side="right")
    stems = query.profile.extent
    brief = [stems * p.extent < _FULL_PRODUCT for p in others]
    found: dict[int, _Shared] = {}
    for row, (token, weight, kind, role) in zip(rows.tolist(), theirs[hits].tolist(), strict=True):
        mine = query.tokens.get(token)
        if mine is None:
            continue
        own_weight, own = mine
        shared = found.get(row)
        if shared is None:
            shared = found[row] = _Shared()
        if kind == NAME:
            least = weight if weight < own_weight else own_weight
            if (own | role) & PLACE:
                shared.places += least
                shared.any_place = True
            else:
                shared.names += least
            if own & role & LEAD:
                shared.leads += least
            shared.my_lead = shared.my_lead or bool(own & LEAD)
            shared.their_lead = shared.their_lead or bool(role & LEAD)
        elif kind == OPENING:
            product = own_weight * weight
            shared.opening += product
            if brief[row]:
                shared.told += sqrt(sqrt(product))
            shared.my_title += own * own
            shared.their_title += role * role
        elif kind == PERSON:
            shared.persons += 1
        elif kind == STREET:
            shared.streets += 1
        elif kind == AGE:
            shared.ages += 1
        else:
            shared.days += 1
    return found


def _values(mine: Profile, other: Profile, cosine: float, shared: _Shared) -> tuple[float, ...]:
    my_title = shared.my_title / _TITLE_ONE if mine.has_title else _UNTITLED
    their_title = shared.their_title / _TITLE_ONE if other.has_title else _UNTITLED
    ages = streets = days = hours = _SILENT
    if mine.ages and other.ages:
        ages = _overlap(shared.ages, mine.ages, other.ages) if shared.ages else _APART
    if mine.streets and other.streets:
        streets = _overlap(shared.streets, mine.streets, other.streets) if shared.streets else _APART
    if mine.days and other.days:
        days = _overlap(shared.days, mine.days, other.days) if shared.days else _APART
    if mine.clocks and other.clocks:
        hours = _hours(mine.clocks, other.clocks)
    tolls = 0.0
    if mine.killed and other.killed:
        tolls += _tolls_differ(mine.killed, other.killed)
    if mine.wounded and other.wounded:
        tolls += _tolls_differ(mine.wounded, other.wounded)
    return (
        log(cosine + _FLOOR),
        log(shared.opening / _ONE + _OPENING_FLOOR),
        my_title if my_title >= their_title else their_title,
        *ages,
        *streets,
        *days,
        log1p(shared.names * _PER_RARITY) if shared.names else 0.0,
        log1p(shared.places * _PER_RARITY) if shared.places else 0.0,
        _back(mine, other) if mine.back or other.back else 0.0,
        *hours,
        tolls,
        1.0 if mine.has_places and other.has_places and not shared.any_place else 0.0,
        1.0 if mine.persons and other.persons and not shared.persons else 0.0,
        log1p(shared.leads * _PER_RARITY) if shared.leads else 0.0,
        0.5 * (not shared.my_lead) + 0.5 * (not shared.their_lead) if mine.has_leads and other.has_leads else 0.0,
        mine.crowd if mine.seq >= other.seq else other.crowd,
        _told(shared.told, mine.opening_norm, other.opening_norm) if shared.told else 0.0,
    )


def _told(roots: float, mine: float, others: float) -> float:
    """ln(1 + how much two openings say in common).

    A cosine is a share, and "House fire" is all of "House fire"; this is an amount. Each word counts about its inverse
    document frequency, the square root of its weight.

    Args:
        roots: sum over the shared words of the fourth root of the product of both weights, each of a unit vector.
        mine, others: lengths of the vectors that were scaled to units.
    """
    return log1p(min(_TOLD_MOST, roots * sqrt(sqrt(mine * others)) / _ROOT_ONE))


class Link(NamedTuple):
    """Evidence that two articles report one event.

    Attributes:
        score: the log-odds.
        values: of SIGNALS.
        brief: how far the weights for brief texts count, 0 to 1.
    """

    score: float
    values: tuple[float, ...]
    brief: float = 0.0


def links(query: Query, others: Sequence[Profile], cosines: Sequence[float], coefficients: Coefficients) -> list[Link]:
    """Compare an article with each of some others.

    Args:
        cosines: of their weighted words.
        coefficients: from `Weights.coefficients`.
    """
    found = []
    full, of_brief = coefficients
    mine = query.profile.extent
    for other, values in zip(others, signals(query, others, cosines), strict=True):
        score = sum(map(mul, full, values), full[-1])
        brief = 0.0
        if mine * other.extent < _FULL_PRODUCT:
            brief = briefness(mine, other.extent)
            score += brief * (sum(map(mul, of_brief, values), of_brief[-1]) - score)
        found.append(Link(score if -LIMIT <= score <= LIMIT else math.copysign(LIMIT, score), values, brief))
    return found


def briefness(mine: int, others: int) -> float:
    """How far two texts of so many stems are to be compared as brief ones, 0 to 1: by their geometric mean."""
    return min(1.0, max(0.0, (FULL_STEMS - sqrt(mine * others)) / (FULL_STEMS - BRIEF_STEMS)))


def incident_score(links: Sequence[float], gap_days: float, fitted: Weights, brief: float) -> float:
    """Score of an incident from its links, strongest first, and the days to its nearest report.

    Args:
        brief: of the best link.
    """
    w = fitted.incident
    top = links[:TOP]
    mean = sum(top) / len(top)
    return w["best"] * top[0] + w["top"] * mean + (w["gap"] + brief * w["brief_gap"]) * math.log1p(gap_days)


def _overlap(shared: int, mine: int, others: int) -> tuple[float, float]:
    """Agreement and difference of two that share something: the share of the smaller set that both have."""
    return shared / (mine if mine < others else others), 0.0


def _back(a: Profile, b: Profile) -> float:
    if a.day is None or b.day is None:
        return 0.0
    return float(any(d in b.on or d == b.day for d in a.back) or any(d in a.on or d == a.day for d in b.back))


def _hours(a: Sequence[int], b: Sequence[int]) -> tuple[float, float]:
    apart = min([min(abs(x - y), _DAY_MINUTES - abs(x - y)) for x in a for y in b])
    return float(apart <= _MINUTES), float(apart > _MINUTES_APART)


def _tolls_differ(a: Sequence[int], b: Sequence[int]) -> float:
    for i in range(0, len(a), 2):
        for j in range(0, len(b), 2):
            if (b[j + 1] < 0 or a[i] <= b[j + 1]) and (a[i + 1] < 0 or b[j] <= a[i + 1]):
                return 0.0
            less, more = sorted((a[i], b[j]))
            if less >= _MANY and more <= _GROWN * less:
                return 0.0
    return 1.0
