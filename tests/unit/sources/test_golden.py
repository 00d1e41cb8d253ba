"""Feed documents and what is made of them. Running this file writes the golden files anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import codec
from pipeline.records import RawArticle
from pipeline.settings import Producer
from pipeline.sources.rss import parse_feed

GOLDEN = Path(__file__).parents[2] / "golden" / "sources"
DOCUMENTS = sorted(GOLDEN.glob("*.xml"))


def outcome(path: Path) -> dict[str, Any]:
    document = parse_feed(path.read_bytes(), file=path.name, provider=None, settings=Producer())
    return {
        "title": document.title,
        "ttl_s": document.ttl_s,
        "items": [
            {
                "line": item.line,
                "article": json.loads(codec.encode(item.article)) if item.article else None,
                "error": str(item.error) if item.error else None,
                "problems": list(item.problems),
                "next": [item.next.offset, item.next.line],
            }
            for item in document.items
        ],
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_a_feed_document_gives_the_golden_items(path: Path) -> None:
    assert outcome(path) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_article_of_a_feed_survives_the_trip_through_the_topic(path: Path) -> None:
    for item in parse_feed(path.read_bytes(), file=path.name, provider="Wire", settings=Producer()).items:
        if item.article is not None:
            assert codec.decode(codec.encode(item.article), RawArticle) == item.article
            assert item.article.provider == "Wire"


if __name__ == "__main__":
    for document in DOCUMENTS:
        text = json.dumps(outcome(document), ensure_ascii=False, indent=1)
        document.with_suffix(".json").write_text(text + "\n")
