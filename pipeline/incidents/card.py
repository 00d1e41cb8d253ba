"""What an incident's record needs of one report, taken from the article once."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pipeline.entities.labels import IDENTITY_CLASS
from pipeline.entities.mentions import mentions_of
from pipeline.facts.dates import dateline, dates_of
from pipeline.facts.furniture import credits
from pipeline.facts.places import fold, places
from pipeline.facts.stamps import is_stamped
from pipeline.incidents.decision import Card, Mention
from pipeline.records import Annotated, Entity
from pipeline.text.sentences import first_sentence

HEAD_CHARS = 1_500
"""Where and when are read from the beginning; further down, other places and days are recalled."""

LEAD_CHARS = 450
"""A place named in the title or so early is taken for the event's own."""

# What stands before the place of an event: "in Syria's", "near the town of".
_HERE = re.compile(r"\b(?:in|at|near|nearby|outside|off|around|across)\s(?:the\s)?(?:[\w’'-]+\s){0,2}$", re.IGNORECASE)
_HERE_CHARS = 80
# A stamp's day has a year, which stands soon after its weekday.
_YEAR = re.compile(r"\d{4}|/\d\d")
_YEAR_CHARS = 24
_DATELINE = re.compile(r"(?:,\s[A-Z][\w.]*)?\s?(?:\([\w\s.]+\)\s?)?(?:—|–|--|-\s)")

_MOST_PLACES = 20
_MOST_MENTIONS = 60
_SENTENCE_CHARS = 300


def card(item: Annotated) -> Card:
    """The card of an article that has a body."""
    article = item.article
    assert article is not None
    text = article.text
    return Card(
        provider=article.provider,
        source=article.source,
        title=article.title,
        lead=first_sentence(text.strip(), _SENTENCE_CHARS),
        published=article.published,
        precision=article.published_precision,
        language=article.language,
        verdict=item.verdict,
        mentions=_mentions(item),
        places=_places(item),
        times=_times(item),
    )


def _mentions(item: Annotated) -> tuple[Mention, ...]:
    """Names of the article, equal mentions together, the most mentioned first; counts, sums and times are none.

    Nor whom the page credits its pictures to.
    """
    article, annotation = item.article, item.annotation
    assert article is not None
    if annotation is None:
        return ()
    counts: Counter[tuple[str, str, str, tuple[str, ...]]] = Counter()
    for text, entities in ((article.title or "", annotation.title_entities), (article.text, annotation.entities)):
        credited = credits(text)
        spans = [(e.start, e.end, e.label) for e in entities if not any(a < e.end and e.start < b for a, b in credited)]
        for m in mentions_of(text, spans):
            if IDENTITY_CLASS.get(m.label) != "value":
                counts[m.text, m.label, m.explains, tuple(sorted(m.roles))] += 1
    ordered = sorted(counts.items(), key=lambda x: -x[1])[:_MOST_MENTIONS]
    return tuple(Mention(text=t, label=lab, count=n, explains=e, roles=r) for (t, lab, e, r), n in ordered)


def _places(item: Annotated) -> tuple[dict[str, Any], ...]:
    """Places of title and head: {"name", "label", "here"}.

    `here` is whether it is likely the event's own: named so early, and as where something is ("in", "near").
    """
    article, annotation = item.article, item.annotation
    assert article is not None
    title = article.title or ""
    entities: tuple[Entity, ...] = () if annotation is None else annotation.entities
    of_title: tuple[Entity, ...] = () if annotation is None else annotation.title_entities
    found: dict[str, dict[str, Any]] = {}
    head = article.text[:HEAD_CHARS]
    in_head = tuple(e for e in entities if e.end <= HEAD_CHARS)
    for text, known, limit in ((title, of_title, len(title)), (head, in_head, LEAD_CHARS)):
        for place in places(text, known):
            name = text[place.start : place.end].removesuffix("’s").removesuffix("'s")
            row = found.setdefault(fold(name), {"name": name, "label": place.label, "here": False})
            here = _HERE.search(text, max(0, place.start - _HERE_CHARS), place.start)
            located = here or (not place.start and _DATELINE.match(text, place.end))
            row["here"] = row["here"] or (place.start < limit and located is not None)
    return tuple(found.values())[:_MOST_PLACES]


def _times(item: Annotated) -> tuple[dict[str, Any], ...]:
    """Single days of title and head, in order of first mention: {"day", "count"}; none after publication.

    Nor those of the page's own time stamps: they say when the page was made.
    """
    article = item.article
    assert article is not None
    published = dateline(article.text) if article.published is None else article.published.date()
    found: dict[str, int] = {}
    text = f"{article.title or ''}. {article.text[:HEAD_CHARS]}"
    for when in dates_of(text, published):
        if when.precision != "day" or when.first != when.last or (published is not None and when.last > published):
            continue
        with_year = _YEAR.search(text, when.start, when.end + _YEAR_CHARS) is not None
        if not (with_year and is_stamped(text, when.start, when.end)):
            day = when.first.isoformat()
            found[day] = found.get(day, 0) + 1
    return tuple({"day": day, "count": count} for day, count in found.items())
