"""Articles for the tests of the entities."""

from __future__ import annotations

from pipeline.records import Article


def article(text: str, title: str | None = None, language: str | None = "en", native_id: str = "1") -> Article:
    return Article(
        provider="test",
        native_id=native_id,
        source=None,
        title=title,
        text=text,
        published=None,
        published_precision="time",
        url=None,
        language=language,
        version=None,
        version_created=None,
    )
