"""Feeds that the golden files do not show: hostile, broken, empty ones."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.errors import InvalidEvent
from pipeline.records import RawArticle
from pipeline.settings import Producer
from pipeline.sources import rss
from pipeline.sources.rss import FeedDocument, parse_feed
from pipeline.sources.wire import BEGINNING, Item, Position

SETTINGS = Producer()
GOLDEN = Path(__file__).parents[2] / "golden" / "sources"
DOCUMENTS = [path.read_bytes() for path in sorted(GOLDEN.glob("*.xml"))]
PIECES = [
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<!DOCTYPE x [",
    b"<!ENTITY a 'b'>",
    b"<?xml version='1.0' encoding='utf-7'?>",
    b"encoding='bogus'",
    b"&#x0;",
    b"&#xD800;",
    b"&#99999999999;",
    b"\x00",
    b"\xed\xa0\x80",
    b"\xff\xfe",
    b"<a href='http://[bad'>",
    b"<pubDate>",
    b"<at:deleted-entry ref='x'>",
    b"<content type='x/y' mode='base64'>!!!</content>",
]


def parse(data: bytes, settings: Producer = SETTINGS) -> FeedDocument:
    return parse_feed(data, file="f", provider="Wire", settings=settings)


def channel(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>Norr</title>{''.join(items)}</channel></rss>".encode()


def read(data: bytes, start: Position = BEGINNING, settings: Producer = SETTINGS) -> list[Item]:
    return list(rss.read(io.BytesIO(data), file="f", settings=settings, start=start))


@given(
    st.sampled_from(DOCUMENTS),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=3))),
)
def test_a_damaged_document_gives_items_or_is_refused(document: bytes, damage: list[tuple[int, int, bytes]]) -> None:
    data = bytearray(document)
    for place, length, piece in damage:
        data[place : place + length] = piece
    try:
        items = parse(bytes(data)).items
    except InvalidEvent:
        return
    for item in items:
        assert (item.article is None) != (item.error is None)
        if item.article is not None:
            assert codec.decode(codec.encode(item.article), RawArticle) == item.article


@pytest.mark.parametrize(
    "data", [b"", b"<html><body>502 Bad Gateway</body></html>", b"\x00" * 100, b"{}", b"/etc/passwd"]
)
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent, match="neither RSS nor Atom") as caught:
        parse(data)
    assert caught.value.kind == "unsupported"


def test_what_feedparser_breaks_at_is_refused_and_ends_nothing() -> None:
    # A chapter without its start, which https://podlove.org/simple-chapters/ requires.
    chapters = "<psc:chapters xmlns:psc='http://podlove.org/simple-chapters'><psc:chapter title='A'/></psc:chapters>"
    with pytest.raises(InvalidEvent, match="feedparser cannot read it: TypeError") as caught:
        parse(channel(f"<item><title>A</title>{chapters}</item>"))
    assert caught.value.kind == "unsupported"


def test_a_feed_without_entries_is_an_empty_feed() -> None:
    assert parse(channel()).items == ()


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">',
        '<!ENTITY x SYSTEM "file:///etc/hostname">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1/p.dtd"> %p;',
    ],
)
def test_a_document_that_declares_entities_is_refused(declaration: str) -> None:
    data = f"<!DOCTYPE rss [{declaration}]>".encode() + channel("<item><title>&x;</title></item>")
    with pytest.raises(InvalidEvent, match="declares XML entities"):
        parse(data)


def test_a_doctype_alone_is_no_offence() -> None:
    doctype = b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss-0.91.dtd">'
    (item,) = parse(doctype + channel("<item><title>Trams collide</title></item>")).items
    assert item.article is not None
    assert item.article.title == "Trams collide"


def test_without_guid_and_link_the_id_is_a_hash_of_feed_and_title() -> None:
    first, again, other = (
        parse(channel(f"<item><title>{t}</title><description>{d}</description></item>")).items[0].article
        for t, d in [("Trams", "one"), ("Trams", "two"), ("Buses", "one")]
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.native_id == again.native_id != other.native_id


def test_a_reference_to_no_character_spoils_one_letter_only() -> None:
    (item,) = parse(channel("<item><guid>1</guid><title>A&#xDFFF;B&#1114112;C&#x1F600;</title></item>")).items
    assert item.article is not None
    assert item.article.title == "A\ufffdB\ufffdC\U0001f600"


def test_an_entry_over_the_limit_is_refused_and_the_others_are_read() -> None:
    data = channel(f"<item><guid>1</guid><title>{'x' * 3000}</title></item>", "<item><title>Trams</title></item>")
    long, short = parse(data, replace(SETTINGS, max_item_bytes=1000)).items
    assert long.error is not None
    assert long.error.kind == "too_large"
    assert (len(long.raw), long.size > 3000, long.truncated) == (1000, True, True)
    assert short.article is not None


def test_a_document_over_the_limit_is_refused() -> None:
    (item,) = read(channel("<item/>"), settings=replace(SETTINGS, fetch_max_bytes=20))
    assert item.error is not None
    assert item.error.kind == "too_large"


def test_the_dead_letter_of_an_entry_says_what_the_entry_said() -> None:
    (item,) = parse(channel("<item><guid>norr:1</guid><link>https://norr.example/1</link></item>")).items
    assert item.error is not None
    assert b'"link":"https://norr.example/1"' in item.raw


def test_going_on_after_any_entry_gives_the_rest() -> None:
    data = channel(*(f"<item><guid>{n}</guid><title>t{n}</title></item>" for n in range(4)))
    items = read(data)
    for n, item in enumerate(items):
        assert read(data, item.next) == items[n + 1 :]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_entry_that_the_document_ends_within_is_refused_and_the_others_are_read(encoding: str) -> None:
    items = [
        f"<item><guid>{n}</guid><title>Flood {n}</title><description>Two drowned.</description></item>" for n in "ab"
    ]
    whole = f"<?xml version='1.0' encoding='{encoding}'?>" + channel(*items).decode()
    for end in range(whole.index("<guid>b"), whole.rindex("</item>")):
        first, second = parse(whole[:end].encode(encoding)).items
        assert first.article is not None
        assert first.article.title == "Flood a"
        assert second.article is None
        assert second.error is not None
        assert "ends within this entry" in second.error.detail
    for end in range(whole.rindex("</item>") + len("</item>"), len(whole) + 1):
        assert [item.error for item in parse(whole[:end].encode(encoding)).items] == [None, None]
