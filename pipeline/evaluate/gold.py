"""Labelled articles for the ledger: reading them, ordering them, and turning them into its input."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from pipeline import ids
from pipeline.codec import decode_json
from pipeline.errors import InvalidEvent
from pipeline.evaluate.rows import lines
from pipeline.facts.furniture import without_furniture
from pipeline.facts.scenes import sentence_starts
from pipeline.records import Annotated, Article, DatePrecision
from pipeline.sources.dates import parse_rfc3339, publication

T = TypeVar("T")

Cut = Literal["lead", "title", "sentence", "mixed"]
CUTS: tuple[Cut, ...] = ("lead", "title", "sentence")
"""Cuts that the weights for brief texts are fitted on."""

_HEAD = 4_000
_LINE = 200
_SENTENCE = 6
"""Words that a line needs to be taken for a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldArticle:
    """One labelled article.

    Attributes:
        shift: added to `published` in the stream, not in the text (see `fold`).
    """

    id: str
    title: str | None
    text: str = field(repr=False)
    published: datetime | None
    precision: DatePrecision
    source: str | None
    cluster: str
    shift: timedelta = timedelta(0)

    @property
    def event_time(self) -> datetime | None:
        return None if self.published is None else self.published + self.shift


def read(path: Path) -> list[GoldArticle]:
    """Articles of a JSON-lines file (`.gz` too) with id, title, text, published and cluster.

    Raises:
        InvalidEvent: a line is no such article, or has the id of one before; the detail names file and line.
    """
    found: dict[str, GoldArticle] = {}
    for number, line in lines(path):
        where = f"{path}:{number}"
        article = _article(line, where)
        if article.id in found:
            raise InvalidEvent("schema", f"{where}: another line has the id {article.id!r}")
        found[article.id] = article
    return list(found.values())


def joined(sets: Iterable[Sequence[GoldArticle]]) -> list[GoldArticle]:
    """Several sets as one. A cluster is of one set: two of the same name in two sets are two.

    Raises:
        InvalidEvent: two sets have an article of the same id.
    """
    found: dict[str, GoldArticle] = {}
    for number, articles in enumerate(sets, 1):
        for article in articles:
            if article.id in found:
                raise InvalidEvent("schema", f"two of the files have an article {article.id!r}: they cannot be joined")
            found[article.id] = replace(article, cluster=f"{number}:{article.cluster}")
    return list(found.values())


def _article(line: bytes, where: str) -> GoldArticle:
    row = decode_json(line)
    if not isinstance(row, dict):
        raise InvalidEvent("schema", f"{where}: not an object")
    for key in ("id", "text", "cluster"):
        if not isinstance(row.get(key), str):
            raise InvalidEvent("schema", f"{where}: `{key}` must be a string")
    try:
        published, precision = _published(row.get("published"))
    except ValueError as e:
        raise InvalidEvent("date", f"{where}: published: {e}") from None
    return GoldArticle(
        id=row["id"],
        title=row.get("title") or None,
        text=row["text"],
        published=published,
        precision=precision,
        source=row.get("source"),
        cluster=row["cluster"],
    )


def _published(value: Any) -> tuple[datetime | None, DatePrecision]:
    return publication(parse_rfc3339(value)) if value else (None, "date")


def in_order(articles: Iterable[GoldArticle]) -> list[GoldArticle]:
    """By time; a set without any times in the order of a hash, so that clusters do not lie together."""
    found = list(articles)
    if all(a.published is None for a in found):
        return sorted(found, key=lambda a: hashlib.sha1(a.id.encode()).hexdigest())
    return sorted(found, key=lambda a: (a.event_time or datetime.min.replace(tzinfo=UTC), a.id))


def fold(articles: Iterable[GoldArticle], days: int) -> list[GoldArticle]:
    """Shift whole clusters in time so that all of them begin within so many days: a dense stress set."""
    found = list(articles)
    first: dict[str, datetime] = {}
    for a in found:
        if a.published is not None:
            first[a.cluster] = min(a.published, first.get(a.cluster, a.published))
    if not first:
        return found
    start = min(first.values())
    return [
        replace(a, shift=-timedelta(days=(first[a.cluster] - start).days // days * days)) if a.published else a
        for a in found
    ]


def cut(articles: Iterable[GoldArticle], how: Cut) -> list[GoldArticle]:
    """The same articles with less text, as many feeds bring them; furniture and short lines make no sentence.

    Args:
        how: `title` leaves the title alone (the first sentence where there is none), `lead` the title and two
            sentences, `sentence` the first sentence alone, and `mixed` one of the three or all, by a hash of the id.
    """
    return [_cut(a, how) for a in articles]


def _cut(article: GoldArticle, how: Cut) -> GoldArticle:
    if how == "mixed":
        kind = hashlib.sha1(f"x{article.id}".encode()).digest()[0] % 4
        return article if not kind else _cut(article, CUTS[kind - 1])
    sentences = _sentences(article.text)
    if how == "title":
        return replace(article, text="" if article.title else sentences[0])
    told = [s for s in sentences if _letters(s) != _letters(article.title or "")] or [article.text[:_LINE]]
    if how == "lead":
        return replace(article, text=" ".join(told[:2]))
    return replace(article, title=None, text=told[0])


def _sentences(text: str) -> list[str]:
    text = without_furniture(text[:_HEAD])
    starts = sentence_starts(text)
    found = [" ".join(text[a:b].split()) for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [s for s in found if len(s.split()) >= _SENTENCE] or [text[:_LINE]]


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def shuffled(articles: list[GoldArticle], hours: float, seed: int) -> list[GoldArticle]:
    """The same articles as another network might deliver them: each late by a random time up to `hours`."""
    rng = random.Random(seed)
    if all(a.published is None for a in articles):
        # Undated sets have no clock: displaced by up to a twentieth of the set.
        return displaced(articles, max(2, len(articles) // 20), rng)
    late = [
        (a.event_time or datetime.min.replace(tzinfo=UTC)).timestamp() + rng.random() * hours * 3600 for a in articles
    ]
    return [a for _, _, a in sorted(zip(late, range(len(articles)), articles, strict=True), key=lambda x: x[:2])]


def displaced(items: list[T], by: int, rng: random.Random) -> list[T]:
    """Items each moved back by a random number of places below `by`."""
    keys = [n + rng.random() * by for n in range(len(items))]
    return [item for _, _, item in sorted(zip(keys, range(len(items)), items, strict=True), key=lambda x: x[:2])]


def annotated(articles: Iterable[GoldArticle]) -> Iterator[Annotated]:
    """The articles as dedup would hand them on, all of them new; without entities, which play no part in scoring."""
    for seq, a in enumerate(articles):
        article_id = ids.article_id("gold", a.id)
        yield Annotated(
            edition=0,
            seq=seq,
            prev_seq=seq - 1,
            article_id=article_id,
            provider="gold",
            native_id=a.id,
            verdict="new",
            reason="first version",
            event_time=a.event_time,
            copy_group=article_id,
            article=Article(
                provider="gold",
                native_id=a.id,
                source=a.source,
                title=a.title,
                text=a.text,
                published=a.published,
                published_precision=a.precision,
                url=None,
                language="en",
                version=None,
                version_created=None,
            ),
        )
