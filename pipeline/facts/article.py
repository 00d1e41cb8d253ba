"""The facts of one article, as its event lists them."""

from __future__ import annotations

from typing import Any

from pipeline.records import Article


def facts_of(article: Article | None) -> dict[str, Any]:
    """Occurrences, claims and quotes of an article; empty until there is an extractor for them."""
    return {"occurrences": [], "claims": [], "quotes": []}


def tolls_of(article: Article | None) -> dict[str, Any]:
    """{"killed": {"min", "max"} or None, "wounded": the same}."""
    return {"killed": None, "wounded": None}
