"""How many were killed and wounded, as the reports of an incident count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.sink.base import StoredArticle

KINDS = ("killed", "wounded")


def tolls_said(articles: Sequence[StoredArticle]) -> dict[str, dict[str, int]]:
    """What the newest versions of the articles count, copies left out: they repeat what another counted.

    Returns:
        Kind of toll -> the count in words ("4", "5 or more") -> number of articles, in the order of publication.
    """
    found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for article in sorted(articles, key=lambda a: (a.published is None, str(a.published), a.article_id)):
        tolls = article.record.get("tolls") or {}
        for kind in KINDS:
            said = _range(tolls.get(kind) or {"min": 0, "max": None})
            if article.copy_of is None and said:
                found[kind][said] += 1
    return {kind: dict(counts) for kind, counts in found.items() if counts}


def _range(toll: Mapping[str, Any]) -> str:
    """{"min", "max"} in words; max is None where the text leaves it open. Empty where that says nothing."""
    low, high = toll["min"], toll["max"]
    if high is None:
        return f"{low} or more" if low else ""
    return str(low) if low == high else f"{low} to {high}"
