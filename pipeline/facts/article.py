"""The facts of one article, as its event lists them."""

from __future__ import annotations

from typing import Any

from pipeline.facts.tolls import summary
from pipeline.records import Article

_READ_CHARS = 4_000
"""Tolls further down a text are mostly those of other events."""


def facts_of(article: Article | None) -> dict[str, Any]:
    """Occurrences, claims and quotes of an article; empty until there is an extractor for them."""
    return {"occurrences": [], "claims": [], "quotes": []}


def tolls_of(article: Article | None) -> dict[str, Any]:
    """{"killed": {"min", "max"} or None, "wounded": the same}; max is None where the words leave it open."""
    if article is None:
        return {"killed": None, "wounded": None}
    return dict(summary(f"{article.title or ''}. {article.text[:_READ_CHARS]}"))
