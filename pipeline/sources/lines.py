"""Lines of a byte stream in bounded memory: of a line over the limit only the start is kept, the rest is hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end.

    Attributes:
        data: its bytes, at most the limit.
        number: from 1.
        end: offset of the first byte after its line end.
        size: its length in bytes.
        digest: SHA-256 of the whole line where `data` is only its start, else None.
        terminated: whether a line end follows; without one the line may still be growing.
    """

    data: bytes = field(repr=False)
    number: int
    end: int
    size: int
    digest: str | None
    terminated: bool


def read_lines(stream: BinaryIO, *, limit: int, offset: int = 0, number: int = 1) -> Iterator[Line]:
    """Lines from where `stream` stands; both LF and CRLF end one.

    Args:
        stream: a buffered stream.
        limit: bytes of a line that are kept.
        offset: where the stream stands.
        number: the number of the first line.
    """
    while data := stream.readline(limit + 2):  # room for CRLF after the longest line
        offset += len(data)
        line = _short(data, number, offset)
        if line.size > limit:
            line = _long(stream, data, limit, number, offset)
            offset = line.end
        yield line
        number += 1


def _short(data: bytes, number: int, end: int) -> Line:
    body = data.removesuffix(b"\n")
    terminated = len(body) < len(data)
    if terminated:
        body = body.removesuffix(b"\r")
    return Line(body, number, end, len(body), None, terminated)


def _long(stream: BinaryIO, head: bytes, limit: int, number: int, offset: int) -> Line:
    """Read on to the end of a line that is over the limit."""
    # Hash one byte late: a CR is part of the line unless the very next byte is the LF that ends it.
    digest = hashlib.sha256()
    size, held, piece = 0, b"", head
    terminated = False
    while piece:
        held += piece
        if held.endswith(b"\n"):
            held = held.removesuffix(b"\n").removesuffix(b"\r")
            terminated = True
            break
        digest.update(held[:-1])
        size += len(held) - 1
        held = held[-1:]
        piece = stream.readline(_CHUNK)
        offset += len(piece)
    digest.update(held)
    size += len(held)
    return Line(head[:limit], number, offset, size, digest.hexdigest(), terminated)
