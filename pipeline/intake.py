"""From the bytes of a record on `raw` to a record that the rest may rely on, whoever published it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pipeline.codec import convert, decode_json
from pipeline.editor_word import checked
from pipeline.errors import InvalidEvent
from pipeline.records import EditorWord, RawArticle

MAX_ID_CHARS = 1024


def raw_record(data: bytes | None) -> RawArticle | EditorWord:
    """Parse and check a record of the topic `raw`; its times come out in UTC.

    Raises:
        InvalidEvent: neither an article nor an editor's word that can be used; the detail says why.
    """
    value = decode_json(data)
    if isinstance(value, dict) and "word" in value and "native_id" not in value:
        word = checked(convert(value, EditorWord))
        return replace(word, at=_utc("at", word.at))
    return _article(convert(value, RawArticle))


def _article(raw: RawArticle) -> RawArticle:
    for name, value in (("provider", raw.provider), ("native_id", raw.native_id)):
        if not value or len(value) > MAX_ID_CHARS:
            raise InvalidEvent("schema", f"{name} must have 1 to {MAX_ID_CHARS} characters, not {len(value)}")
    if raw.text is None and raw.html is None and raw.pub_status == "usable":
        raise InvalidEvent("schema", "a usable article needs text or html")
    published = _utc("published", raw.published)
    version_created = _utc("version_created", raw.version_created)
    embargoed_until = _utc("embargoed_until", raw.embargoed_until)
    if published is raw.published and version_created is raw.version_created and embargoed_until is raw.embargoed_until:
        return raw  # a copy would cost as much as the rest of this
    return replace(raw, published=published, version_created=version_created, embargoed_until=embargoed_until)


def _utc(name: str, time: datetime | None) -> datetime | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidEvent("date", f"{name} has no time zone: {time.isoformat()}")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidEvent("date", f"{name} is outside years 1 to 9999 in UTC: {time.isoformat()}") from None
