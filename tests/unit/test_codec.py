"""Bytes of records: structs are written as dataclasses with the same fields are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec

Plain = str | int | float | None


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AsDataclass:
    text: str | None
    number: int
    when: datetime | None
    data: bytes
    why: dict[str, Plain]
    inner: Inner


class AsStruct(msgspec.Struct, frozen=True):
    text: str | None
    number: int
    when: datetime | None
    data: bytes
    why: dict[str, Plain]
    inner: Inner


# Every decoder refuses lone surrogates.
_text = st.text(st.characters(exclude_categories=["Cs"]))
_numbers = st.integers(-(1 << 63), (1 << 63) - 1)
_shares = st.floats(0, 1).map(lambda share: round(share, 3))


@given(
    st.none() | _text,
    _numbers,
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.binary(),
    st.dictionaries(_text, st.none() | _text | _numbers | _shares),
    st.builds(Inner, _text, st.lists(st.tuples(_numbers, _numbers)).map(tuple)),
)
def test_a_struct_has_the_bytes_of_a_dataclass(
    text: str | None, number: int, when: datetime | None, data: bytes, why: dict[str, Plain], inner: Inner
) -> None:
    written = codec.encode(AsStruct(text, number, when, data, why, inner))
    assert written == codec.encode(AsDataclass(text, number, when, data, why, inner))
    assert codec.decode(written, AsStruct) == AsStruct(text, number, when, data, why, inner)
