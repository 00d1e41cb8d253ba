"""Plain text: one file, one article. Its id is the file's name.

A file may start with ` date YYYY-MM-DD `, the day it was published, and then the text; it has no title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO

from pipeline.errors import InvalidEvent
from pipeline.records import RawArticle
from pipeline.settings import Producer
from pipeline.sources import dates
from pipeline.sources.jsonl import UNKNOWN_PROVIDER
from pipeline.sources.whole import read_whole
from pipeline.sources.wire import Item, Position

_DATE = re.compile(r"\s*date (\d{4}-\d\d-\d\d)\s+", re.ASCII)


def read(stream: BinaryIO, *, file: str, settings: Producer, start: Position) -> Iterator[Item]:
    """The one item of a text file."""
    whole = read_whole(stream, settings.max_item_bytes)
    if start.line > 1 and start.offset == whole.size:
        return
    article: RawArticle | None = None
    error: InvalidEvent | None = None
    problems: tuple[str, ...] = ()
    try:
        if whole.digest:
            raise InvalidEvent(
                "too_large",
                f"the file has {whole.size} bytes; producer.max_item_bytes allows {settings.max_item_bytes}",
            )
        article, problems = parse_text(whole.data, name=PurePath(file).name, settings=settings)
    except InvalidEvent as e:
        error = e
    yield Item(
        file=file,
        line=1,
        raw=whole.data,
        size=whole.size,
        digest=whole.digest,
        article=article,
        error=error,
        problems=problems,
        next=Position(whole.size, 2),
    )


def parse_text(data: bytes, *, name: str, settings: Producer) -> tuple[RawArticle, tuple[str, ...]]:
    """Read one text file, and name the optional fields that could not be used.

    Args:
        data: the bytes of the file.
        name: the file's name; `.gz` at its end is no part of the id.
        settings: `provider`, the wire that the article came by.

    Raises:
        InvalidEvent: kind `unsupported` for bytes that are not UTF-8, `schema` for a file without text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InvalidEvent("unsupported", f"not UTF-8 at byte {e.start}: convert the file to UTF-8") from None
    published: datetime | None = None
    problems: tuple[str, ...] = ()
    if match := _DATE.match(text):
        text = text[match.end() :]
        try:
            published = dates.parse_rfc3339(match[1]).time
        except ValueError:
            problems = ("published",)
    if not text.strip():
        raise InvalidEvent("schema", "the file holds no text")
    article = RawArticle(
        provider=settings.provider or UNKNOWN_PROVIDER,
        native_id=name.removesuffix(".gz"),
        text=text,
        published=published,
        published_precision="date" if published else "time",
        format="text",
    )
    return article, problems
