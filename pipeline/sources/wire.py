"""What a reader yields: one item of a wire, read well or not, with the place it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO, Protocol

from pipeline.errors import InvalidEvent
from pipeline.records import EditorWord, RawArticle
from pipeline.settings import Producer


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on in a source.

    Attributes:
        offset: bytes (after decompression) that are done with.
        line: number of the next line or entry, from 1.
    """

    offset: int = 0
    line: int = 1


BEGINNING = Position()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a wire: exactly one of `article`, `word` and `error` is set.

    Attributes:
        article: what the reader understood.
        word: an editor's word, which travels like an article.
        error: why nothing could be made of it; the item is a dead letter.
        file: path of the file, or address of the feed.
        line: line of the item in the file, or number of the entry in a document, from 1.
        raw: the original bytes; only their start where the item is over `producer.max_item_bytes`.
        size: length of the whole original in bytes.
        digest: SHA-256 of the whole original, given where `raw` is only its start.
        problems: optional fields whose value could not be used; the article goes on without them.
        next: where to go on once this item and all before it are done with.
    """

    file: str
    line: int
    raw: bytes = field(repr=False)
    size: int
    article: RawArticle | None = None
    word: EditorWord | None = None
    error: InvalidEvent | None = None
    digest: str | None = None
    problems: tuple[str, ...] = ()
    next: Position = BEGINNING

    @property
    def record(self) -> RawArticle | EditorWord | None:
        """What is to be published; None where nothing could be made of the item."""
        return self.article if self.word is None else self.word

    @property
    def truncated(self) -> bool:
        """Whether `raw` is only the start of the original."""
        return len(self.raw) < self.size

    @property
    def unfinished(self) -> bool:
        """Whether it is the last line of a file and has no line end: whoever writes it may not be done."""
        return self.next.line == self.line

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole original, in hex."""
        return self.digest or sha256(self.raw).hexdigest()


class Reader(Protocol):
    """Turns the bytes of one format into items.

    A reader never raises for what it reads: what it cannot understand is an item with an error. It lets the
    OSError of the stream through.
    """

    def __call__(self, stream: BinaryIO, *, file: str, settings: Producer, start: Position) -> Iterator[Item]:
        """Yield the items of `stream`, which stands at its first byte, from `start` on."""
        ...
