"""Lines of labelled files, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InvalidEvent


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number, from 1, and bytes of each line that is not blank.

    Raises:
        InvalidEvent: the gzip data of a `.gz` is damaged or cut off.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise InvalidEvent("unsupported", f"{path}: the gzip data is damaged or cut off: {e}") from None
