"""JSON lines: one object a line, one article version or editor's word an object. docs/wire-formats.md has the fields.

A bad value in an optional field does not reject the article: the field is left out and named in `Item.problems`. Two
kinds of field are the exception, because leaving them out does harm: those that say which article it is (`id`,
`provider`, or the `source` that stands in for it), and `pub_status`, which may withdraw it. A bad `embargoed_until`
never ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from pipeline.codec import decode_json
from pipeline.editor_word import is_word, parse_word
from pipeline.errors import InvalidEvent
from pipeline.records import DatePrecision, EditorWord, PubStatus, RawArticle
from pipeline.settings import Producer
from pipeline.sources import dates
from pipeline.sources.lines import Line, read_lines
from pipeline.sources.wire import Item, Position

ID_LIMIT = 1024
"""Characters of an id or a provider; longer ones are text in the wrong field."""

UNKNOWN_PROVIDER = "unknown"

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_LARGEST_VERSION = 2**63 - 1  # what every consumer of the records can hold
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*", re.ASCII)
_STATUSES: dict[str, PubStatus] = {
    "usable": "usable",
    "withheld": "withheld",
    "canceled": "canceled",
    "cancelled": "canceled",
}
_SHOWN = 40


def parse_line(line: bytes, *, settings: Producer) -> RawArticle:
    """Read one line of a JSON-lines wire.

    Args:
        line: the bytes, with or without the line end.
        settings: `max_item_bytes`, and `provider` for items that say neither provider nor source.

    Raises:
        InvalidEvent: kind `too_large`, `not_json` or `schema`; the detail names the field, what it holds and what
            to write instead.
    """
    return read_line(line, settings=settings)[0]


def read_line(line: bytes, *, settings: Producer) -> tuple[RawArticle, tuple[str, ...]]:
    """As `parse_line`; also gives the names of the optional fields whose value could not be used."""
    fields = _Fields(_object(line, settings))
    article = _article(fields, settings)
    return article, tuple(fields.problems)


def _object(line: bytes, settings: Producer) -> dict[str, Any]:
    if len(line) > settings.max_item_bytes:
        raise _too_large(len(line), settings)
    data = decode_json(line.removeprefix(_BOM))
    if not isinstance(data, dict):
        raise InvalidEvent("schema", f"the line holds {_kind(data)}, not an object: write one {{...}} a line")
    return data


def read(stream: BinaryIO, *, file: str, settings: Producer, start: Position) -> Iterator[Item]:
    """Items of a JSON-lines stream, one line in memory at a time. Blank lines are skipped."""
    stream.seek(start.offset)
    lines = read_lines(stream, limit=settings.max_item_bytes, offset=start.offset, number=start.line)
    first = start.offset == 0
    for line in lines:
        if first and line.data.startswith(_UTF16_BOMS):
            error = InvalidEvent("unsupported", "the file is UTF-16: convert it to UTF-8")
            after = Position(line.end, 2)
            yield Item(file=file, line=1, raw=line.data, size=line.size, digest=line.digest, error=error, next=after)
            return
        first = False
        if line.data.removeprefix(_BOM).strip():
            yield _item(line, file, settings)


def _item(line: Line, file: str, settings: Producer) -> Item:
    article: RawArticle | None = None
    word: EditorWord | None = None
    error: InvalidEvent | None = None
    problems: tuple[str, ...] = ()
    try:
        if line.size > settings.max_item_bytes:
            raise _too_large(line.size, settings)
        data = _object(line.data, settings)
        if is_word(data):
            word = parse_word(data)
        else:
            fields = _Fields(data)
            article = _article(fields, settings)
            problems = tuple(fields.problems)
    except InvalidEvent as e:
        error = e
    return Item(
        file=file,
        line=line.number,
        raw=line.data,
        size=line.size,
        digest=line.digest,
        article=article,
        word=word,
        error=error,
        problems=problems,
        # A line without its end may still be growing: whoever comes back starts at its first byte.
        next=Position(line.end, line.number + 1) if line.terminated else Position(line.end - line.size, line.number),
    )


def _too_large(size: int, settings: Producer) -> InvalidEvent:
    return InvalidEvent(
        "too_large", f"the item has {size} bytes; producer.max_item_bytes allows {settings.max_item_bytes}"
    )


def _kind(value: object) -> str:
    """What a JSON value is, for a person; the value itself only where it is short and no text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"[:_SHOWN]
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return _kind(value)
    return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…")


class _Fields:
    """The optional fields of one object; notes those whose value cannot be used."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.problems: list[str] = []

    def problem(self, name: str) -> None:
        if name not in self.problems:
            self.problems.append(name)

    def text(self, name: str) -> str | None:
        """A string that says something; null and blank ones count as absent."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(name)
            return None
        return value if value.strip() else None

    def time(self, name: str) -> dates.Moment | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = dates.parse_rfc3339(text)
        except ValueError:
            self.problem(name)
            return None
        if moment.precision == "time" and not moment.zoned:
            self.problem(name)
        return moment

    def published(self) -> tuple[datetime | None, DatePrecision]:
        moment = self.time("published")
        return (None, "time") if moment is None else dates.publication(moment)

    def instant(self, name: str) -> datetime | None:
        """A time that orders versions: one without an offset orders nothing, a date alone is its midnight."""
        moment = self.time(name)
        if moment is None or (moment.precision == "time" and not moment.zoned):
            return None
        return moment.time

    def embargo(self) -> datetime | None:
        value = self.data.get("embargoed_until")
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        until = dates.release(value)
        if until == dates.FOREVER:
            self.problem("embargoed_until")
        return until

    def version(self) -> int | None:
        value = self.data.get("version")
        if isinstance(value, str) and value.strip():
            # No version in use has more digits; int() refuses very long ones with an error of its own.
            digits = value.strip().removeprefix("+")
            value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else -1
        elif isinstance(value, float) and value.is_integer():
            value = int(value)  # 3.0 is how some encoders write 3
        elif value is None or value == "" or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_VERSION:
            self.problem("version")
            return None
        return value

    def language(self) -> str | None:
        text = self.text("language")
        if text is None:
            return None
        if not _LANGUAGE.fullmatch(text.strip()):
            self.problem("language")
            return None
        return text.strip().replace("_", "-")

    def signals(self) -> tuple[str, ...]:
        value = self.data.get("signals")
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        good = tuple(v for v in values if isinstance(v, str))
        if len(good) < len(values):
            self.problem("signals")
        return good


def _article(fields: _Fields, settings: Producer) -> RawArticle:
    native_id = _native_id(fields.data.get("id"))
    source = fields.text("source")
    provider = _provider(fields.data, settings)
    status = _pub_status(fields.data.get("pub_status"))
    title = fields.text("title")
    text, html = _body(fields, title, status)
    published, precision = fields.published()
    return RawArticle(
        provider=provider,
        native_id=native_id,
        source=source.strip() if source else None,
        title=title,
        text=text,
        html=html,
        published=published,
        published_precision=precision,
        url=fields.text("url"),
        language=fields.language(),
        version=fields.version(),
        version_created=fields.instant("version_created"),
        pub_status=status,
        embargoed_until=fields.embargo(),
        ednote=fields.text("ednote"),
        signals=fields.signals(),
        format="jsonl",
    )


def _native_id(value: object) -> str:
    advice = "give the wire's own id, a string or an integer below 2^64"
    if value is None:
        raise InvalidEvent("schema", f"id is missing: {advice}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidEvent("schema", f"id is {_kind(value)}: {advice}")
    text = str(value)
    if not text.strip():
        raise InvalidEvent("schema", f"id is empty: {advice}")
    if len(text) > ID_LIMIT:
        raise InvalidEvent("schema", f"id has {len(text)} characters, at most {ID_LIMIT} are allowed: {advice}")
    return text


def _provider(data: dict[str, Any], settings: Producer) -> str:
    """The wire: `provider`, else `source`, else the setting. Part of the article's identity, so never guessed."""
    for name in ("provider", "source"):
        value = data.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise InvalidEvent("schema", f"{name} is {_kind(value)}: give the name of the wire as a string")
        if len(value) > ID_LIMIT:
            raise InvalidEvent("schema", f"{name} has {len(value)} characters, at most {ID_LIMIT} are allowed")
        if value.strip():
            return value.strip()
    return settings.provider or UNKNOWN_PROVIDER


def _pub_status(value: object) -> PubStatus:
    if value is None or value == "":
        return "usable"
    status = _STATUSES.get(value.strip().lower()) if isinstance(value, str) else None
    if status is None:
        raise InvalidEvent("schema", f"pub_status is {_shown(value)}: write usable, withheld or canceled")
    return status


def _body(fields: _Fields, title: str | None, status: PubStatus) -> tuple[str | None, str | None]:
    """(text, html), at most one of them set; text wins. A headline alone has the text ""."""
    if status == "canceled":
        return None, None  # what a kill takes back must not travel with it
    text, html = fields.text("text"), fields.text("html")
    if text is not None:
        return text, None
    if html is not None:
        return None, html
    given = [fields.data[name] for name in ("text", "html") if fields.data.get(name) is not None]
    if title is not None and any(isinstance(value, str) for value in given):
        return "", None
    if status == "withheld":
        return None, None
    for name in ("text", "html"):
        if name in fields.problems:
            raise InvalidEvent("schema", f"{name} is {_kind(fields.data[name])}: write the body as a string")
    if given:
        raise InvalidEvent("schema", "text and title are empty: there is nothing to read")
    raise InvalidEvent("schema", "text and html are missing: give one of them, or pub_status canceled")
