"""A whole document in bounded memory, for the formats that cannot be read line by line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Whole:
    """One document.

    Attributes:
        data: its bytes, at most the limit.
        size: its length in bytes.
        digest: SHA-256 of all of it where `data` is only its start, else None.
    """

    data: bytes = field(repr=False)
    size: int
    digest: str | None


def read_whole(stream: BinaryIO, limit: int) -> Whole:
    """Read to the end, keeping at most `limit` bytes."""
    data = stream.read(limit + 1)
    if len(data) <= limit:
        return Whole(data, len(data), None)
    digest = hashlib.sha256(data)
    size = len(data)
    while piece := stream.read(_CHUNK):
        digest.update(piece)
        size += len(piece)
    return Whole(data[:limit], size, digest.hexdigest())
