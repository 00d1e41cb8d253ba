"""The JSON-lines wire: what is read, what is left out, what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.errors import InvalidEvent
from pipeline.records import RawArticle
from pipeline.settings import Producer
from pipeline.sources import jsonl
from pipeline.sources.dates import FOREVER
from pipeline.sources.jsonl import parse_line, read_line
from pipeline.sources.wire import BEGINNING, Item, Position

SETTINGS = Producer()
MINIMAL = {"id": "a1", "text": "Two trams collided in Lund."}


def line(**fields: Any) -> bytes:
    return json.dumps(MINIMAL | fields).encode()


def article(**fields: Any) -> RawArticle:
    return parse_line(line(**fields), settings=SETTINGS)


def problems(**fields: Any) -> tuple[str, ...]:
    return read_line(line(**fields), settings=SETTINGS)[1]


def refusal(data: bytes, settings: Producer = SETTINGS) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        parse_line(data, settings=settings)
    return caught.value


def items(data: bytes, settings: Producer = SETTINGS, start: Position = BEGINNING) -> list[Item]:
    return list(jsonl.read(io.BytesIO(data), file="x.jsonl", settings=settings, start=start))


def test_every_field_arrives() -> None:
    given = {
        "id": "urn:x:1",
        "provider": "Nordwire",
        "source": "Lund Post",
        "title": "Trams collide",
        "text": "Two trams collided.",
        "published": "2023-03-24T11:00:00+02:00",
        "url": "https://lund.example/1",
        "language": "en_GB",
        "version": 3,
        "version_created": "2023-03-24T11:05:00Z",
        "pub_status": "withheld",
        "embargoed_until": "2023-03-25T00:00:00Z",
        "ednote": "Corrects the number",
        "signals": ["update", "lead"],
        "mood": "ignored",
    }
    assert parse_line(json.dumps(given).encode(), settings=SETTINGS) == RawArticle(
        provider="Nordwire",
        native_id="urn:x:1",
        source="Lund Post",
        title="Trams collide",
        text="Two trams collided.",
        published=datetime(2023, 3, 24, 9, tzinfo=UTC),
        url="https://lund.example/1",
        language="en-GB",
        version=3,
        version_created=datetime(2023, 3, 24, 11, 5, tzinfo=UTC),
        pub_status="withheld",
        embargoed_until=datetime(2023, 3, 25, tzinfo=UTC),
        ednote="Corrects the number",
        signals=("update", "lead"),
    )


@pytest.mark.parametrize(
    ("fields", "provider"),
    [
        ({"provider": "Nordwire", "source": "Lund Post"}, "Nordwire"),
        ({"source": " Lund Post "}, "Lund Post"),
        ({"provider": " ", "source": "Lund Post"}, "Lund Post"),
        ({}, "unknown"),
    ],
)
def test_the_wire_is_the_provider_else_the_source(fields: dict[str, Any], provider: str) -> None:
    assert article(**fields).provider == provider


def test_the_setting_names_the_wire_of_items_that_do_not() -> None:
    settings = replace(SETTINGS, provider="Desk")
    assert parse_line(line(), settings=settings).provider == "Desk"
    assert parse_line(line(source="Lund Post"), settings=settings).provider == "Lund Post"


def test_an_integer_id_is_its_digits() -> None:
    assert article(id=17).native_id == "17"
    assert article(id=2**64 - 1).native_id == str(2**64 - 1)


@pytest.mark.parametrize("bad", [None, "", " ", True, 1.5, 2**64, [], {}, "x" * 1025])
def test_an_item_without_a_usable_id_is_refused(bad: object) -> None:
    error = refusal(line(id=bad))
    assert error.kind == "schema"
    assert error.detail.startswith("id ")


@pytest.mark.parametrize(
    ("data", "kind", "named"),
    [
        (b"", "not_json", "byte 0"),
        (b'{"id": "a", "text": "cut o', "not_json", "byte 26"),
        (b'{"id": "a", "text": "\xff"}', "not_json", "byte 21 of 24 (0xFF) is not UTF-8: convert"),
        (b'{"id": "a", "text": "\\ud83d"}', "not_json", "surrogate"),
        (b'{"id": "a", "text": "x", "version": NaN}', "not_json", "byte"),
        (b"[" * 100_000, "not_json", "depth"),
        (b'["a", "b"]', "schema", "a list"),
        (b"7", "schema", "the number 7"),
        (b"1", "schema", "the number 1"),
        (b"true", "schema", "true"),
        (b'{"text": "x"}', "schema", "id is missing"),
        (b'{"id": "a"}', "schema", "text and html are missing"),
        (b'{"id": "a", "title": "t"}', "schema", "text and html are missing"),
        (b'{"id": "a", "text": ["x"]}', "schema", "text is a list"),
        (b'{"id": "a", "html": 5}', "schema", "html is the number 5"),
        (b'{"id": "a", "text": "  "}', "schema", "text and title are empty"),
        (b'{"id": "a", "text": "x", "provider": 5}', "schema", "provider is the number 5"),
        (b'{"id": "a", "text": "x", "source": {}}', "schema", "source is an object"),
        (b'{"id": "a", "text": "x", "pub_status": "live"}', "schema", "pub_status is 'live'"),
        (b'{"id": "a", "text": "x", "pub_status": 1}', "schema", "pub_status is the number 1"),
    ],
)
def test_a_refusal_names_the_field_and_its_value(data: bytes, kind: str, named: str) -> None:
    error = refusal(data)
    assert error.kind == kind
    assert named in error.detail


def test_a_refusal_never_shows_the_body() -> None:
    assert "collided" not in refusal(json.dumps(MINIMAL | {"id": None}).encode()).detail
    assert "collided" not in refusal(json.dumps({"id": "a", "text": {"x": "collided"}}).encode()).detail


def test_an_item_over_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    data = line()
    assert parse_line(data, settings=replace(SETTINGS, max_item_bytes=len(data)))
    error = refusal(data, replace(SETTINGS, max_item_bytes=len(data) - 1))
    assert error.kind == "too_large"
    assert "producer.max_item_bytes" in error.detail


def test_text_wins_over_html_and_a_bad_one_gives_way_to_the_other() -> None:
    both = article(html="<p>Two trams</p>")
    assert (both.text, both.html) == (MINIMAL["text"], None)
    only = article(text=None, html="<p>Two trams</p>")
    assert (only.text, only.html) == (None, "<p>Two trams</p>")
    assert article(text=["x"], html="<p>Two trams</p>").html == "<p>Two trams</p>"
    assert problems(text=["x"], html="<p>Two trams</p>") == ("text",)


def test_a_headline_alone_is_an_article() -> None:
    flash = article(text="", title="Trams collide in Lund")
    assert (flash.text, flash.html, flash.title) == ("", None, "Trams collide in Lund")


@pytest.mark.parametrize("status", ["canceled", "cancelled", "Canceled"])
def test_a_kill_needs_no_body_and_carries_none(status: str) -> None:
    for fields in ({}, {"text": "x"}, {"html": "<p>x</p>", "title": "t"}):
        kill = parse_line(json.dumps({"id": "a", "pub_status": status} | fields).encode(), settings=SETTINGS)
        assert (kill.pub_status, kill.text, kill.html) == ("canceled", None, None)


def test_a_withheld_item_may_come_without_a_body() -> None:
    held = parse_line(b'{"id": "a", "pub_status": "withheld"}', settings=SETTINGS)
    assert (held.pub_status, held.text) == ("withheld", None)
    assert article(pub_status="withheld").text == MINIMAL["text"]


@pytest.mark.parametrize(
    ("given", "version"), [(0, 0), (7, 7), ("7", 7), (" 12 ", 12), (3.0, 3), (2**63 - 1, 2**63 - 1), ("", None)]
)
def test_versions_that_are_understood(given: object, version: int | None) -> None:
    assert article(version=given).version == version
    assert problems(version=given) == ()


@pytest.mark.parametrize("bad", [-1, "-1", "1.2", "v2", 1.5, True, [], {}, 2**63, 10**30, "9" * 5000, "٣"])
def test_a_bad_version_is_left_out_and_named(bad: object) -> None:
    assert article(version=bad).version is None
    assert problems(version=bad) == ("version",)


@pytest.mark.parametrize("name", ["title", "url", "ednote", "language", "published", "version_created", "signals"])
@pytest.mark.parametrize("bad", [5, True, {"a": 1}])
def test_a_bad_optional_field_is_left_out_and_named(name: str, bad: object) -> None:
    assert getattr(article(**{name: bad}), name) in (None, ())
    assert problems(**{name: bad}) == (name,)


@pytest.mark.parametrize("name", ["title", "url", "ednote", "language", "published", "source", "embargoed_until"])
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_null_and_blank_are_absent(name: str, empty: object) -> None:
    assert getattr(article(**{name: empty}), name) is None
    assert problems(**{name: empty}) == ()


@pytest.mark.parametrize("bad", ["soon", "2023-13-01", "0000-01-01", "9999-12-31T23:59:59-01:00", 1679655600])
def test_an_article_with_a_bad_publication_time_goes_on_without_it(bad: object) -> None:
    assert article(published=bad).published is None
    assert problems(published=bad) == ("published",)


def test_a_publication_date_alone_is_its_midnight() -> None:
    read = article(published="2023-03-24")
    assert (read.published, read.published_precision) == (datetime(2023, 3, 24, tzinfo=UTC), "date")
    assert problems(published="2023-03-24") == ()


def test_a_publication_time_without_an_offset_is_known_to_the_day() -> None:
    read = article(published="2023-03-24T22:15:00")
    assert (read.published, read.published_precision) == (datetime(2023, 3, 24, tzinfo=UTC), "date")
    assert problems(published="2023-03-24T22:15:00") == ("published",)


def test_a_version_time_without_an_offset_orders_nothing() -> None:
    assert article(version_created="2023-03-24T22:15:00").version_created is None
    assert problems(version_created="2023-03-24T22:15:00") == ("version_created",)


@pytest.mark.parametrize("bad", ["tomorrow", "2023-02-30", 5, False, [], {"until": "x"}, "9999-12-31T23:00:00-05:00"])
def test_an_embargo_that_cannot_be_read_never_ends(bad: object) -> None:
    assert article(embargoed_until=bad).embargoed_until == FOREVER
    assert problems(embargoed_until=bad) == ("embargoed_until",)


def test_signals() -> None:
    assert article(signals=["a", "b"]).signals == ("a", "b")
    assert article(signals="a").signals == ("a",)
    assert article(signals=["a", 5]).signals == ("a",)
    assert problems(signals=["a", 5]) == ("signals",)


def test_of_duplicate_keys_the_last_wins() -> None:
    read = parse_line(b'{"id": "a", "text": "x", "id": "b"}', settings=SETTINGS)
    assert read.native_id == "b"


def test_null_bytes_and_ten_thousand_line_ends_are_kept() -> None:
    text = "a\0b\n" * 10_000
    assert article(text=text).text == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    "id",
    "text",
    "html",
    "title",
    "published",
    "source",
    "provider",
    "url",
    "language",
    "version",
    "version_created",
    "pub_status",
    "embargoed_until",
    "ednote",
    "signals",
]


def read_or_refuse(data: bytes) -> None:
    """The promise of the reader: an article that survives the trip through the topic, or InvalidEvent."""
    try:
        read = parse_line(data, settings=SETTINGS)
    except InvalidEvent:
        return
    assert codec.decode(codec.encode(read), RawArticle) == read
    assert read.native_id.strip()
    assert read.provider.strip()
    assert read.pub_status == "withheld" or (read.text is None) + (read.html is None) in (1, 2)
    if read.pub_status == "usable":
        assert (read.text is None) != (read.html is None)


@given(st.binary())
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe{\x00")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@given(st.dictionaries(st.sampled_from(NAMES), json_values), st.booleans())
def test_any_object_is_read_or_refused(fields: dict[str, Any], whole: bool) -> None:
    read_or_refuse(json.dumps((MINIMAL if whole else {}) | fields).encode())


@given(st.binary(min_size=1, max_size=4), st.integers(0, 200), st.booleans())
def test_a_damaged_line_is_read_or_refused(noise: bytes, place: int, insert: bool) -> None:
    data = line(published="2023-03-24T11:00:00Z", version=3, signals=["a"], embargoed_until="2023-03-25T00:00:00Z")
    place = min(place, len(data))
    read_or_refuse(data[:place] + noise + data[place + (0 if insert else len(noise)) :])


def test_lines_are_numbered_and_blank_ones_skipped() -> None:
    data = b"\xef\xbb\xbf" + line(id=1) + b"\r\n\r\n  \n" + line(id=2) + b"\n\n" + b"broken\n" + line(id=3)
    found = items(data)
    assert [i.line for i in found] == [1, 4, 6, 7]
    assert [i.article.native_id if i.article else None for i in found] == ["1", "2", None, "3"]
    assert found[2].error is not None
    assert found[2].error.kind == "not_json"
    assert found[2].raw == b"broken"
    assert found[1].raw == line(id=2)


def test_going_on_from_any_item_gives_the_rest() -> None:
    data = b"".join(line(id=n) + end for n, end in enumerate([b"\n", b"\r\n", b"\n\n", b"\n"]))
    found = items(data)
    for n, item in enumerate(found):
        assert items(data, start=item.next) == found[n + 1 :]


def test_an_unfinished_last_line_is_read_again_from_its_start() -> None:
    data = line(id=1) + b"\n" + line(id=2)[:20]
    first, half = items(data)
    assert first.article
    assert half.error
    grown = line(id=1) + b"\n" + line(id=2) + b"\n" + line(id=3) + b"\n"
    assert [i.article.native_id for i in items(grown, start=half.next) if i.article] == ["2", "3"]


def test_a_line_over_the_limit_is_refused_with_its_size_and_hash_and_the_next_is_read() -> None:
    settings = replace(SETTINGS, max_item_bytes=200)
    long = line(text="x" * 5_000_000)
    found = items(line(id=1) + b"\n" + long + b"\r\n" + line(id=2) + b"\n", settings)
    assert [i.article.native_id if i.article else None for i in found] == ["1", None, "2"]
    assert found[1].error is not None
    assert found[1].error.kind == "too_large"
    assert (found[1].raw, found[1].size, found[1].sha256) == (long[:200], len(long), sha256(long).hexdigest())
    assert found[1].truncated
    assert not found[0].truncated


def test_utf16_is_refused_once_with_advice() -> None:
    (item,) = items("\n".join(json.dumps(MINIMAL) for _ in range(3)).encode("utf-16"))
    assert item.error is not None
    assert item.error.kind == "unsupported"
    assert "UTF-8" in item.error.detail
