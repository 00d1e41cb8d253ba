"""RSS and Atom: one entry, one article version; Atom tombstones (RFC 6721) are kills.

feedparser reads the entries, from bytes that we fetched: it never opens a connection here. Feeds in the wild are often
not well-formed XML, and feedparser reads what it can of them; lxml reads the tombstones, which feedparser does not
know, and finds out whether the document declares entities, which no feed needs and which can be used to attack.

An entry's version is its content: feeds have no version number. `version_created` is what the entry says of its last
update. An entry without a date has `published` None; what that means for its place in time is dedup's to say.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO

import feedparser
import lxml.html
from lxml import etree

from pipeline.codec import encode
from pipeline.errors import InvalidEvent
from pipeline.ids import content_hash
from pipeline.records import DatePrecision, RawArticle
from pipeline.settings import Producer
from pipeline.sources import dates
from pipeline.sources.jsonl import ID_LIMIT, UNKNOWN_PROVIDER
from pipeline.sources.whole import read_whole
from pipeline.sources.wire import Item, Position

_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_MINUTE_S = 60.0

_CHARACTER_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_REPLACEMENT = b"&#xFFFD;"
_ENTRY_TAG = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)\b[^<>]*(?<!/)>", re.IGNORECASE)
_FEED_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
# What feedparser 6.0 raises from the depths of its parsers for documents that are broken in rare ways.
_FEEDPARSER_LEAKS = (ValueError, TypeError, AttributeError, AssertionError, LookupError, RecursionError)

_Maker = Callable[[], tuple[RawArticle, tuple[str, ...]]]
"""Makes an article and names the optional fields that could not be used, or raises InvalidEvent."""


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed as read.

    Attributes:
        items: its entries in document order, then its tombstones.
        title: what it calls itself.
        ttl_s: how long it asks to be left alone (RSS `ttl`), in seconds.
    """

    items: tuple[Item, ...]
    title: str | None
    ttl_s: float | None


def read(stream: BinaryIO, *, file: str, settings: Producer, start: Position) -> Iterator[Item]:
    """Items of a feed document; the entries before `start.line` are left out."""
    whole = read_whole(stream, settings.fetch_max_bytes)
    if whole.digest:
        detail = f"the feed has {whole.size} bytes; producer.fetch_max_bytes allows {settings.fetch_max_bytes}"
        error = InvalidEvent("too_large", detail)
        after = Position(whole.size, 2)
        yield Item(file=file, line=1, raw=whole.data, size=whole.size, digest=whole.digest, error=error, next=after)
        return
    try:
        document = parse_feed(whole.data, file=file, provider=settings.provider or None, settings=settings)
    except InvalidEvent as e:
        yield Item(file=file, line=1, raw=whole.data, size=whole.size, error=e, next=Position(whole.size, 2))
        return
    if start.offset and start.offset != whole.size:
        start = Position()  # another document than the one that was read before
    yield from (item for item in document.items if item.line >= start.line)


def parse_feed(data: bytes, *, file: str, provider: str | None, settings: Producer) -> FeedDocument:
    """Read an RSS or Atom document.

    Args:
        data: the document as fetched; its encoding is found from the XML declaration.
        file: path or address, for the items.
        provider: the wire's name; default: the feed's title.
        settings: `max_item_bytes`.

    Raises:
        InvalidEvent: kind `unsupported` for what is no feed, or declares entities.
    """
    root = _xml_root(data)
    try:
        # A stream: bare bytes it would also try as a file name or an address.
        parsed = feedparser.parse(io.BytesIO(_CHARACTER_REFERENCE.sub(_readable, data)))
    except _FEEDPARSER_LEAKS as e:
        raise InvalidEvent("unsupported", f"feedparser cannot read it: {type(e).__name__}: {e}"[:200]) from None
    if not parsed.get("version") and not parsed.entries:
        raise InvalidEvent("unsupported", "neither RSS nor Atom: no feed element and no entries")
    feed: Mapping[str, Any] = parsed.feed
    form = "atom" if str(parsed.get("version", "")).startswith("atom") else "rss"
    title = _plain(feed.get("title_detail"), feed.get("title"))
    wire = provider or title or UNKNOWN_PROVIDER
    language = _text(feed.get("language"))

    tombstones = [] if root is None else list(root.iter(_TOMBSTONE + "deleted-entry"))
    cut = [(_refuse_cut, partial(_strings, parsed.entries.pop()))] if parsed.entries and _is_cut(data) else []
    makers: list[tuple[_Maker, Callable[[], bytes]]] = [
        *(
            (partial(_entry, e, wire=wire, outlet=title, language=language, form=form), partial(_strings, e))
            for e in parsed.entries
        ),
        *cut,
        *((partial(_kill, t, wire=wire, outlet=title), partial(_xml, t)) for t in tombstones),
    ]

    items = []
    for number, (make, original) in enumerate(makers, start=1):
        after = Position(len(data) if number == len(makers) else 0, number + 1)
        items.append(_item(make, original, file, number, settings, after))
    return FeedDocument(tuple(items), title, _ttl(feed.get("ttl")))


def _is_cut(data: bytes) -> bool:
    """Whether the document ends within its last entry, as when a server gives up: half a text is no version of it."""
    plain = data.replace(b"\0", b"")  # UTF-16 and UTF-32: what is sought is ASCII
    if _FEED_END.search(plain):
        return False
    tags = [tag[1] for tag in _ENTRY_TAG.finditer(plain)]
    return bool(tags) and not tags[-1]


def _refuse_cut() -> tuple[RawArticle, tuple[str, ...]]:
    raise InvalidEvent("schema", "the document ends within this entry: fetch it again")


def _item(
    make: _Maker, original: Callable[[], bytes], file: str, number: int, settings: Producer, after: Position
) -> Item:
    article: RawArticle | None = None
    error: InvalidEvent | None = None
    raw = b""
    problems: tuple[str, ...] = ()
    try:
        article, problems = make()
        raw = encode(article)  # an entry has no bytes of its own once the document is parsed
        if len(raw) > settings.max_item_bytes:
            article = None
            error = InvalidEvent(
                "too_large", f"the entry has {len(raw)} bytes; producer.max_item_bytes allows {settings.max_item_bytes}"
            )
    except InvalidEvent as e:
        error = e
        raw = original()
    except UnicodeDecodeError:  # lxml, where it recovered from bytes that are no text
        error = InvalidEvent("unsupported", "the entry holds bytes that are not text in the document's encoding")
        raw = original()
    size, digest = len(raw), None
    if size > settings.max_item_bytes:
        raw, digest = raw[: settings.max_item_bytes], sha256(raw).hexdigest()
    return Item(
        file=file,
        line=number,
        raw=raw,
        size=size,
        digest=digest,
        article=article,
        error=error,
        problems=problems,
        next=after,
    )


def _readable(reference: re.Match[bytes]) -> bytes:
    """A reference to what is no character (half a surrogate pair, say) would end feedparser's work on the document."""
    hexadecimal, decimal = reference.groups()
    digits = (hexadecimal or decimal).lstrip(b"0") or b"0"
    code = int(digits, 16 if hexadecimal else 10) if len(digits) <= 7 else sys.maxunicode + 1
    return _REPLACEMENT if code > sys.maxunicode or 0xD800 <= code <= 0xDFFF else reference.group()


def _xml_root(data: bytes) -> etree._Element | None:
    """The root element, read without network, DTD or entities; None for what even a lenient parser cannot read."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    dtd: Any = root.getroottree().docinfo.internalDTD  # the stubs do not know its methods
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise InvalidEvent("unsupported", "the document declares XML entities: a feed must not")
    return root


def _entry(
    entry: Mapping[str, Any], *, wire: str, outlet: str | None, language: str | None, form: str
) -> tuple[RawArticle, tuple[str, ...]]:
    problems: list[str] = []
    title = _plain(entry.get("title_detail"), entry.get("title"))
    link = _text(entry.get("link"))
    text, html, body_language = _body(entry)
    if text is None and html is None:
        if title is None:
            raise InvalidEvent("schema", "the entry has neither title, content nor summary: there is nothing to read")
        text = ""
    published, precision = _published(entry, problems)
    # feedparser answers for a missing `updated` with `published`, which says nothing of versions.
    updated = _text(dict(entry).get("updated"))
    article = RawArticle(
        provider=wire,
        native_id=_native_id(entry, link=link, outlet=outlet, title=title, body=text or html),
        source=_text((entry.get("source") or {}).get("title")) or outlet,
        title=title,
        text=text,
        html=html,
        published=published,
        published_precision=precision,
        url=_web_address(link),
        language=body_language or language,
        version_created=_instant(updated, "version_created", problems) if updated else None,
        format=form,
    )
    return article, tuple(problems)


def _strings(entry: Mapping[str, Any]) -> bytes:
    """What an unusable entry said, for its dead letter."""
    return encode({name: _encodable(value) for name, value in sorted(entry.items()) if isinstance(value, str)})


def _xml(element: etree._Element) -> bytes:
    try:
        return etree.tostring(element)
    except etree.SerialisationError:
        return b""  # bytes that are no text in any encoding


def _native_id(
    entry: Mapping[str, Any], *, link: str | None, outlet: str | None, title: str | None, body: str | None
) -> str:
    """guid or atom:id, else the link, else a hash of feed and title (of the body where there is no title)."""
    native_id = _text(entry.get("id")) or link
    if native_id is None:
        return content_hash("feed entry", outlet, title if title is not None else body)
    if len(native_id) > ID_LIMIT:
        raise InvalidEvent("schema", f"the entry's id has {len(native_id)} characters, at most {ID_LIMIT} are allowed")
    return native_id


def _body(entry: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """(text, html, language) of the content, else of the summary; of several contents the longest."""
    contents = [c for c in entry.get("content") or [] if _text(c.get("value"))]
    detail = max(contents, key=lambda c: len(c["value"])) if contents else entry.get("summary_detail") or {}
    value = _text(detail.get("value"))
    if value is None:
        return None, None, None
    language = _text(detail.get("language"))
    if detail.get("type") == "text/plain":
        return value, None, language
    return None, value, language


def _published(entry: Mapping[str, Any], problems: list[str]) -> tuple[datetime | None, DatePrecision]:
    """When it was published, else when it was updated."""
    for name in ("published", "updated"):
        text = _text(dict(entry).get(name))
        moment = _moment(text) if text else None
        if moment is not None:
            if moment.precision == "time" and not moment.zoned:
                problems.append("published")
            return dates.publication(moment)
        if text:
            problems.append("published" if name == "published" else "version_created")
    return None, "time"


def _instant(text: str, name: str, problems: list[str]) -> datetime | None:
    moment = _moment(text)
    if moment is None or (moment.precision == "time" and not moment.zoned):
        if name not in problems:
            problems.append(name)
        return None
    return moment.time


def _moment(text: str) -> dates.Moment | None:
    # Atom and dc:date are RFC 3339, RSS is RFC 822; feeds use either in the place of the other.
    for parse in (dates.parse_rfc3339, dates.parse_rfc822):
        try:
            return parse(text)
        except ValueError:
            continue
    return None


def _kill(element: etree._Element, *, wire: str, outlet: str | None) -> tuple[RawArticle, tuple[str, ...]]:
    """RFC 6721 section 3: `ref` is the id of the entry that was taken back, `when` the time of that."""
    problems: list[str] = []
    ref = (element.get("ref") or "").strip()
    if not ref:
        raise InvalidEvent("schema", "a deleted-entry without ref: it does not say which entry was taken back")
    if len(ref) > ID_LIMIT:
        raise InvalidEvent("schema", f"ref has {len(ref)} characters, at most {ID_LIMIT} are allowed")
    when = (element.get("when") or "").strip()
    comment = element.findtext(_TOMBSTONE + "comment")
    link = element.find(_ATOM + "link")
    article = RawArticle(
        provider=wire,
        native_id=ref,
        source=outlet,
        url=None if link is None else _web_address(_text(link.get("href"))),
        version_created=_instant(when, "version_created", problems) if when else None,
        pub_status="canceled",
        ednote=_text(comment),
        format="atom",
    )
    return article, tuple(problems)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return _encodable(value).strip()


def _web_address(link: str | None) -> str | None:
    # feedparser gives an entry's id as its link where it has none, and an id may be a URN.
    return link if link and link.lower().startswith(("http://", "https://")) else None


def _encodable(text: str) -> str:
    # A numeric reference such as &#xD800; gives half a surrogate pair, which no encoder takes.
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(detail: object, value: object) -> str | None:
    """A title as plain text: feedparser says whether it is markup."""
    text = _text(value)
    if text is None:
        return None
    kind = detail.get("type") if isinstance(detail, Mapping) else None
    if kind == "text/plain" or not ("<" in text or "&" in text):
        return text
    try:
        return _text(lxml.html.fragment_fromstring(text, create_parent="div").text_content())
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return text  # not markup after all, or with characters that markup cannot hold


def _ttl(value: object) -> float | None:
    """RSS `ttl` in minutes."""
    text = _text(value)
    return int(text) * _MINUTE_S if text and text.isascii() and text.isdigit() and len(text) < 7 else None
