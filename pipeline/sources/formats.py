"""The formats by name, which of them a file is in, and the items of a file or folder."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from pipeline.errors import InvalidEvent
from pipeline.settings import Producer
from pipeline.sources import jsonl, plaintext, rss
from pipeline.sources.whole import read_whole
from pipeline.sources.wire import BEGINNING, Item, Position, Reader

READERS: dict[str, Reader] = {
    "jsonl": jsonl.read,
    "text": plaintext.read,
    "rss": rss.read,
    "atom": rss.read,
}
"""Every format that can be read. A new one is a reader here and its suffixes, or its look, in `detect`."""

_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".rss": "rss",
    ".atom": "atom",
}
_TEMPORARY = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
_GZIP_MAGIC = b"\x1f\x8b"
_PEEK = 4096


def shown(path: Path) -> str:
    """A path as text that any encoder takes; file names are bytes and need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def files(path: Path) -> Iterator[Path]:
    """The files of a folder and the folders in it, in the order of their names; a file gives itself.

    Hidden files, and those that programs write while they work (.tmp, .part, ...), are left out.
    """
    if not path.is_dir():
        yield path
        return
    for child in sorted(path.iterdir(), key=lambda p: os.fsencode(p.name)):
        if child.name.startswith(".") or child.name.endswith(_TEMPORARY):
            continue
        if child.is_dir():
            if not child.is_symlink():  # a link may lead back up
                yield from files(child)
        elif child.is_file():
            yield child


@contextmanager
def open_bytes(path: Path, *, links: bool = True) -> Iterator[BinaryIO]:
    """A file's bytes, decompressed where it is gzip, whatever its name.

    Args:
        links: it may be a symbolic link.

    Raises:
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | (0 if links else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as f:
        if f.peek(2)[:2] == _GZIP_MAGIC:
            with gzip.open(f) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield f


def detect(path: Path, stream: BinaryIO) -> str:
    """The format of a file, from its suffix and, where that says too little, its content.

    Raises:
        InvalidEvent: kind `unsupported`; the detail says which forms can be read.
    """
    name = PurePath(path.name.lower().removesuffix(".gz"))
    if format := _SUFFIXES.get(name.suffix):
        return format
    start = stream.read(_PEEK)
    stream.seek(0)
    if name.suffix == ".xml":
        look = start.replace(b"\0", b"")  # UTF-16 too
        if b"<feed" in look:
            return "atom"
        if b"<rss" in look or b"<rdf:RDF" in look:
            return "rss"
        raise InvalidEvent("unsupported", "an XML document that is neither RSS nor Atom")
    if name.suffix == ".json":
        first, line_end, _ = start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
        if first.startswith(b"{") and (first.rstrip().endswith(b"}") or not line_end):
            return "jsonl"
        raise InvalidEvent("unsupported", "a JSON document, not JSON lines: write one object a line")
    known = ", ".join([*_SUFFIXES, ".json", ".xml"])
    raise InvalidEvent(
        "unsupported", f"no reader for {name.suffix or 'a file without suffix'}; there is one for {known}"
    )


def read_file(path: Path, settings: Producer, start: Position = BEGINNING, *, links: bool = True) -> Iterator[Item]:
    """The items of one file, from `start` on, in bounded memory.

    Args:
        links: it may be a symbolic link.

    Raises:
        OSError: the file cannot be opened or read.
    """
    file = shown(path)
    position = start
    with open_bytes(path, links=links) as stream:
        try:
            try:
                reader = READERS[detect(path, stream)]
            except InvalidEvent as e:
                whole = read_whole(stream, settings.max_item_bytes)
                after = Position(whole.size, 2)
                yield Item(file=file, line=1, raw=whole.data, size=whole.size, digest=whole.digest, error=e, next=after)
                return
            for item in reader(stream, file=file, settings=settings, start=start):
                yield item
                position = item.next
        except (EOFError, gzip.BadGzipFile, zlib.error) as e:
            error = InvalidEvent("unsupported", f"the gzip data is damaged or cut off: {e}")
            yield Item(
                file=file,
                line=position.line,
                raw=b"",
                size=0,
                error=error,
                next=replace(position, line=position.line + 1),
            )


def read_path(path: Path, settings: Producer) -> Iterator[Item]:
    """The items of a file, or of all files of a folder and the folders in it in the order of their names.

    What cannot be read is an item with an error: an unknown format, a damaged or unreadable file, a bad line. Nothing
    but a folder that cannot be listed raises.

    Raises:
        OSError: `path` is a folder that cannot be listed.
    """
    for file in files(path):
        try:
            yield from read_file(file, settings)
        except OSError as e:
            error = InvalidEvent("unsupported", f"the file cannot be read: {e.strerror or e}")
            yield Item(file=shown(file), line=1, raw=b"", size=0, error=error, next=Position(0, 2))
