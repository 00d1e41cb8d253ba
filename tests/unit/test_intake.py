"""From bytes on `raw` to an article that the rest may rely on: an article or InvalidEvent, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.errors import InvalidEvent
from pipeline.intake import raw_record
from pipeline.records import RawArticle

GOOD = {"provider": "p", "native_id": "n", "text": "Words."}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_article_or_an_invalid_event(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        raw_record(data)  # random bytes are no article


@given(st.sampled_from(list(RawArticle.__slots__)), json_values)
def test_any_value_in_any_field(name: str, value: object) -> None:
    try:
        article = raw_record(orjson.dumps({**GOOD, name: value}))
    except InvalidEvent:
        return
    assert raw_record(codec.encode(article)) == article, "what was accepted once is accepted again, unchanged"


@given(
    st.builds(
        RawArticle,
        provider=st.text(min_size=1, max_size=20),
        native_id=st.text(min_size=1, max_size=20),
        title=st.none() | st.text(max_size=50),
        text=st.text(max_size=200),
        published=st.none() | st.datetimes(timezones=st.just(UTC)),
        version=st.none() | st.integers(0, 2**60),
        signals=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    )
)
def test_round_trip(article: RawArticle) -> None:
    assert raw_record(codec.encode(article)) == article


def test_times_come_out_in_utc() -> None:
    article = raw_record(orjson.dumps(GOOD | {"published": "2024-05-01T12:00:00+02:00"}))
    assert article.published == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert article.published.utcoffset() is not None


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        ({"published": "2024-05-01T12:00:00"}, "date", "published"),
        ({"published": "0001-01-01T00:00:00+14:00"}, "date", "published"),
        ({"provider": ""}, "schema", "provider"),
        ({"native_id": "x" * 2000}, "schema", "native_id"),
        ({"text": None}, "schema", "text or html"),
        ({"title": 7}, "schema", "title"),
        ({"pub_status": "gone"}, "schema", "pub_status"),
    ],
)
def test_an_error_says_what_is_wrong(change: dict[str, object], kind: str, word: str) -> None:
    with pytest.raises(InvalidEvent, match=word) as caught:
        raw_record(orjson.dumps(GOOD | change))
    assert caught.value.kind == kind


def test_a_kill_needs_no_body() -> None:
    assert raw_record(orjson.dumps({"provider": "p", "native_id": "n", "pub_status": "canceled"})).text is None
