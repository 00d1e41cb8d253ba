"""From an annotated article to what it is compared by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from pipeline.incidents.decision import Features
from pipeline.incidents.words import CALENDAR, STOPWORDS, capitalised, stems
from pipeline.records import Annotated

WEIGHT_ONE = 65_535
"""Integer that stands for a weight of 1."""

MAX_WORDS = 120
"""Heaviest stems kept per article."""

TEXT_WORDS = 400
LEAD_WORDS = 60
"""The title and the lead say what happened; they count twice."""

Frequency = Callable[[str], tuple[int, int]]
"""term -> (articles with the term, articles in all)."""


def features(item: Annotated, frequency: Frequency) -> Features:
    """Features of an article that has a body.

    Args:
        frequency: document frequencies at this point of the stream; the weights made from them are kept for good.
    """
    article = item.article
    assert article is not None
    title = article.title or ""
    counts: Counter[str] = Counter()
    for part, limit, factor in ((title, TEXT_WORDS, 2), (article.text, LEAD_WORDS, 1), (article.text, TEXT_WORDS, 1)):
        for term in stems(part, limit):
            counts[term] += factor
    raw = {t: (1 + math.log(n)) * idf(*frequency(t)) ** 2 for t, n in counts.items()}
    heaviest = sorted(raw.items(), key=lambda x: (-x[1], x[0]))[:MAX_WORDS]
    norm = math.sqrt(math.fsum(w * w for _, w in heaviest)) or 1.0
    weighted = [(t, round(w / norm * WEIGHT_ONE)) for t, w in heaviest]
    weighted = [(t, w) for t, w in weighted if w > 0]
    names = _names(title) | _names(article.text[:4000])
    return Features(
        words=tuple(t for t, _ in weighted),
        weights=tuple(w for _, w in weighted),
        names=tuple(sorted(names)),
        rarity=tuple(1000 for _ in names),
        day=None if article.published is None else article.published.toordinal(),
    )


def idf(containing: int, total: int) -> float:
    """Inverse document frequency, smoothed; never negative."""
    return math.log((1 + total) / (1 + containing)) + 0.1


def _names(text: str) -> set[str]:
    found = set()
    for _, _, name in capitalised(text):
        folded = name.lower()
        if " " in folded and folded not in STOPWORDS and folded not in CALENDAR:
            found.add(folded)
    return found
