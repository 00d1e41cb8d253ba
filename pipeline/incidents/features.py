"""From an annotated article to what it is compared by."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache

from pipeline.facts import scenes
from pipeline.facts.addresses import Address, addresses
from pipeline.facts.ages import Age, ages
from pipeline.facts.dates import ClockMention, DateMention, clocks, dateline, dates_of
from pipeline.facts.furniture import without_furniture
from pipeline.facts.names import Name, names_of
from pipeline.facts.stamps import is_stamped
from pipeline.facts.tolls import Toll, tolls_of
from pipeline.incidents import background
from pipeline.incidents.decision import Features
from pipeline.incidents.index import MAX_WORDS, WEIGHT_ONE
from pipeline.incidents.words import stem, stem_by_word, stems
from pipeline.records import Annotated
from pipeline.text.headlines import without_outlet

RARITY_ONE = 1_000

MAX_NAMES = 40

TEXT_WORDS = 400
LEAD_WORDS = 60
"""The title and the lead say what happened; they count twice."""

HEAD_WORDS = 120
"""Days, hours and tolls are read from the title and so many words: further down, other events are recalled."""

OLD_DAYS = 4
"""A date so far before publication is a reference back to something reported earlier."""

PRIOR = 1_000
"""Articles that the background counts for."""

_UNSEEN = 1.0
"""Documents that a term is taken to have had in the background beyond those counted."""

Frequency = Callable[[str], int]
"""stem -> number of remembered articles with it."""

Extract = Callable[[Annotated, Frequency, int], Features]

_READ_CHARS = 5_000
"""More than TEXT_WORDS take."""


def features(item: Annotated, frequency: Frequency, remembered: int) -> Features:
    """Features of an article that has a body.

    Args:
        frequency: document frequencies at this point of the stream; the weights made from them are kept for good.
        remembered: number of articles that they were counted in.
    """
    article = item.article
    assert article is not None
    title = without_outlet(article.title or "")
    text = without_furniture(article.text[:_READ_CHARS])
    head, body = _first_words(text, HEAD_WORDS), _first_words(text, TEXT_WORDS)
    rarity = _Rarity(frequency, remembered)
    of_title, of_text = stems(title, TEXT_WORDS), stem_by_word(text, TEXT_WORDS)
    words, weights = _weighted(_counts(of_title, of_text), rarity, MAX_WORDS)
    opening, opening_weights, headline_weights, opening_norm = _opening(of_title, of_text[:LEAD_WORDS], words, rarity)
    # Without the labels of the entities stage: they did worse (docs/quality/incidents.md), and copies have none.
    in_title, in_body = names_of(title), names_of(body)
    named = in_title + in_body
    lead_end = len(_first_words(text, LEAD_WORDS))
    tokens = _name_tokens(named, rarity)
    published = dateline(article.text) if article.published is None else article.published.date()
    told = f"{title}. {head}"
    full = f"{title}. {body}"  # begins with `told`
    said = [d for d in dates_of(full, published) if d.precision == "day"]
    counted, aged, streets = tolls_of(full), list(ages(full)), list(addresses(full))
    hours = [c for c in clocks(full) if not is_stamped(full, c.start, c.end)]
    return Features(
        words=words,
        weights=weights,
        opening=opening,
        opening_weights=opening_weights,
        headline_weights=headline_weights,
        opening_norm=opening_norm,
        names=tuple(tokens),
        rarity=tuple(tokens.values()),
        places=_places(named, tokens),
        leads=_leads([*in_title, *(n for n in in_body if n.start < lead_end)], tokens),
        persons=tuple(sorted({n.words[-1] for n in named if n.kind == "person" and len(n.words) > 1})),
        ages=tuple(sorted({a.years for a in aged})),
        addresses=tuple(sorted({a.street for a in streets})),
        days=_days(d for d in said if d.start < len(told)),
        back=_back(said, published),
        clocks=tuple(sorted({c.minutes for c in hours if c.end <= len(told)})),
        killed=_toll(t for t in counted if t.kind == "killed" and t.end <= len(told)),
        wounded=_toll(t for t in counted if t.kind == "wounded" and t.end <= len(told)),
        scenes=_scenes(full, in_body, len(full) - len(body), streets, aged, hours, counted),
        day=None if published is None else published.toordinal(),
    )


class _Rarity(dict[str, float]):
    """Inverse document frequency: ln(1 / share of articles with the term).

    The share is that of the remembered articles, drawn towards the background's as if PRIOR more articles had been
    seen there: a wire soon has common words of its own (the name of its town), which no background knows.
    """

    def __init__(self, frequency: Frequency, remembered: int) -> None:
        super().__init__()
        self._frequency = frequency
        self._background, documents = background.table()
        self._prior = PRIOR / (documents + 1)
        self._total = PRIOR + remembered
        self.most = math.log(self._total / (self._prior * _UNSEEN))

    def __missing__(self, term: str) -> float:
        seen = self._frequency(term) + self._prior * (self._background.get(term, 0) + _UNSEEN)
        found = self[term] = math.log(self._total / seen) if seen < self._total else 0.0
        return found


def _counts(title: Sequence[str], text: Sequence[str]) -> dict[str, int]:
    """How often each stem stands in title and text, those of title and lead counted twice.

    Args:
        title: its stems.
        text: the stem of each of its words, or nothing.
    """
    counts: dict[str, int] = {}
    for part, factor in ((title, 2), (text[:LEAD_WORDS], 2), (text[LEAD_WORDS:], 1)):
        for term in part:
            if term:
                counts[term] = counts.get(term, 0) + factor
    return counts


def _opening(
    title: Sequence[str], lead: Sequence[str], words: Sequence[str], rarity: _Rarity
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], float]:
    """Positions of the title's and the lead's words, their weights, their weights in the title alone, and a length.

    Weighted as the whole text is, each as a unit vector of its own; what is too light for `words` is left out. The
    length is that of the vector of weights before it became a unit.

    Args:
        title, lead: stems.
        words: of the article, the only ones that count.
    """
    counts: dict[str, int] = {}
    for part, factor in ((title, 2), (lead, 1)):
        for term in part:
            counts[term] = counts.get(term, 0) + factor
    of_title = frozenset(title)
    raw = [_heaviness(counts[w]) * rarity[w] ** 2 if w in counts else 0.0 for w in words]
    raw_title = [rarity[w] ** 2 if w in of_title else 0.0 for w in words]
    norm, title_norm = (math.sqrt(math.fsum([w * w for w in weights])) or 1.0 for weights in (raw, raw_title))
    kept = [n for n, w in enumerate(raw) if w]
    return (
        tuple(kept),
        tuple([round(raw[n] / norm * WEIGHT_ONE) for n in kept]),
        tuple([round(w / title_norm * WEIGHT_ONE) if (w := raw_title[n]) else 0 for n in kept]),
        round(norm, 1),
    )


def _weighted(counts: Mapping[str, int], rarity: _Rarity, most: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Terms and their weights, heaviest first: (1 + ln tf) * idf^2, as a unit vector."""
    # Negative, so that they sort as they are.
    raw = [(-_heaviness(n) * rarity[t] ** 2, t) for t, n in counts.items()]
    raw.sort()
    del raw[most:]
    norm = math.sqrt(math.fsum([w * w for w, _ in raw])) or 1.0
    kept = [(t, round(-w / norm * WEIGHT_ONE)) for w, t in raw]
    return tuple(t for t, w in kept if w), tuple(w for _, w in kept if w)


@cache
def _heaviness(count: int) -> float:
    return 1 + math.log(count)


def _name_tokens(named: Iterable[Name], rarity: _Rarity) -> dict[str, int]:
    """Words of names, rarest first, with their rarity to the fourth power."""
    found = {w for n in named for w in n.words if len(w) > 2}
    scored = [(round((rarity[stem(w)] / rarity.most) ** 4 * RARITY_ONE), w) for w in sorted(found)]
    scored.sort(key=lambda x: (-x[0], x[1]))
    return {w: r for r, w in scored[:MAX_NAMES]}


def _places(named: Iterable[Name], tokens: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted({w for n in named if n.kind == "place" for w in n.words if w in tokens}))


def _leads(named: Iterable[Name], tokens: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted({w for n in named if n.kind != "place" for w in n.words if w in tokens}))


def _days(said: Iterable[DateMention]) -> tuple[int, ...]:
    return tuple(sorted({d.first.toordinal() for d in said if d.kind != "relative"}))


def _back(said: Iterable[DateMention], published: date | None) -> tuple[int, ...]:
    if published is None:
        return ()
    last = published.toordinal() - OLD_DAYS
    return tuple(sorted({d.first.toordinal() for d in said if d.kind == "explicit" and d.first.toordinal() <= last}))


def _toll(counted: Iterable[Toll]) -> tuple[int, ...]:
    """Flat pairs of lowest and highest; -1 stands for an open end."""
    pairs = sorted({(t.low, -1 if t.high is None else t.high) for t in counted})
    return tuple(n for pair in pairs for n in pair)


def _scenes(
    text: str,
    named: Iterable[Name],
    offset: int,
    streets: Iterable[Address],
    aged: Iterable[Age],
    hours: Iterable[ClockMention],
    counted: Iterable[Toll],
) -> int:
    """Events that a round-up tells of; 0 for a report of one.

    Args:
        offset: of the text that the names are of, in `text`.
    """
    told: list[scenes.Said] = [(a.start, a.years) for a in aged]
    told += [(c.start, ("hour", c.minutes)) for c in hours]
    told += [(t.start, (t.kind, t.low, t.high)) for t in counted]
    if len(told) < scenes.MANY_STREETS:
        return 0
    in_streets = scenes.many(text, [(a.start, a.street) for a in streets], told, scenes.MANY_STREETS)
    places = [(n.start + offset, n.words) for n in named if n.kind == "place"]
    return max(in_streets, scenes.many(text, places, told, scenes.MANY_PLACES))


def _first_words(text: str, limit: int) -> str:
    """The text up to the end of its `limit`-th word, as it stands."""
    found = _first(limit).match(text)
    return text if found is None else found[0]


@cache
def _first(count: int) -> re.Pattern[str]:
    """So many words from the beginning of a text."""
    return re.compile(rf"\s*+(?:\S++\s++){{{count - 1}}}\S++")
