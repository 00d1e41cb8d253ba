"""Lines in bounded memory."""

from __future__ import annotations

import io
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources import lines
from pipeline.sources.lines import read_lines


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"bc", b"\0"]), max_size=40), st.integers(1, 6))
def test_lines_are_those_of_a_plain_split(parts: list[bytes], limit: int) -> None:
    data = b"".join(parts)
    expected = data.split(b"\n")
    ends = len(expected) - 1
    bodies = [b.removesuffix(b"\r") for b in expected[:ends]] + ([expected[-1]] if expected[-1] else [])
    found = list(read_lines(io.BytesIO(data), limit=limit))
    assert [f.data for f in found] == [b[:limit] for b in bodies]
    assert [f.size for f in found] == [len(b) for b in bodies]
    assert [f.digest for f in found] == [sha256(b).hexdigest() if len(b) > limit else None for b in bodies]
    assert [f.terminated for f in found] == [True] * ends + [False] * (len(bodies) - ends)
    assert [f.number for f in found] == list(range(1, len(bodies) + 1))
    assert [f.end for f in found] == [len(b"\n".join(expected[: n + 1]) + b"\n") for n in range(ends)] + (
        [len(data)] if len(bodies) > ends else []
    )


def test_a_huge_line_is_never_in_memory_as_a_whole() -> None:
    class Stream(io.RawIOBase):
        """Gives 64 MiB without a line end, and says how much was asked for at once."""

        left = 64 << 20
        largest = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            Stream.largest = max(Stream.largest, len(buffer))
            size = min(len(buffer), self.left)
            buffer[:size] = b"x" * size
            Stream.left -= size
            return size

    (line,) = read_lines(io.BufferedReader(Stream()), limit=1000)
    assert (line.size, len(line.data)) == (64 << 20, 1000)
    assert Stream.largest <= lines._CHUNK
