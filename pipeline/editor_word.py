"""An editor's word before it is decided: what each kind needs, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pipeline.codec import convert, encode
from pipeline.errors import InvalidEvent
from pipeline.ids import word_id
from pipeline.records import EditorWord, WordKind

NEEDS: Final[dict[WordKind, tuple[str, ...]]] = {
    "join": ("incident", "other"),
    "split": ("incident", "articles"),
    "never-join": ("incident", "other"),
    "pin": ("incident", "articles"),
    "retitle": ("incident", "title"),
    "undo": ("of",),
}
"""Fields of `EditorWord` that each kind of word must say; it says no others."""

UNKNOWN_EDITOR = "unknown"

MAX_ARTICLES = 1_000
"""Articles that one word may name."""

_MAX_CHARS = {"word_id": 64, "by": 200, "note": 2_000, "incident": 64, "other": 64, "title": 1_000, "of": 64}
_SPECIFIC = ("incident", "other", "articles", "title", "of")


def make(
    word: WordKind,
    *,
    by: str,
    at: datetime | None = None,
    note: str | None = None,
    incident: str | None = None,
    other: str | None = None,
    articles: Sequence[str] = (),
    title: str | None = None,
    of: str | None = None,
) -> EditorWord:
    """A word with its id, which is a hash of all that it says.

    Raises:
        InvalidEvent: kind `schema`: something is missing, or too much.
    """
    said = encode([word, by, at, note, incident, other, list(articles), title, of]).decode()
    return checked(
        EditorWord(
            word=word,
            word_id=word_id(said),
            by=by,
            at=at,
            note=note,
            incident=incident,
            other=other,
            articles=tuple(articles),
            title=title,
            of=of,
        )
    )


def checked(word: EditorWord) -> EditorWord:
    """The word, if it says all that its kind needs and nothing else.

    Raises:
        InvalidEvent: kind `schema`; the detail names the field.
    """
    for name in _SPECIFIC:
        given = bool(getattr(word, name))
        if given != (name in NEEDS[word.word]):
            raise InvalidEvent("schema", f"{word.word} {'takes no' if given else 'needs'} {name}")
    for name, most in _MAX_CHARS.items():
        value = getattr(word, name)
        if value is not None and (len(value) > most or not value.strip()):
            raise InvalidEvent("schema", f"{name} must have 1 to {most} characters, not {len(value)}")
    most_articles = 1 if word.word == "pin" else MAX_ARTICLES
    if len(word.articles) > most_articles:
        raise InvalidEvent("schema", f"{word.word} takes at most {most_articles} articles, not {len(word.articles)}")
    if word.incident is not None and word.incident == word.other:
        raise InvalidEvent("schema", f"{word.word} needs two incidents, not {word.incident} twice")
    return word


def is_word(data: Mapping[str, Any]) -> bool:
    """Whether a line's object is an editor's word: an article must have an id, and a word has none."""
    return "word" in data and "id" not in data


@dataclass(frozen=True, slots=True)
class _Line:
    """A word as a line of a JSON-lines wire has it."""

    word: WordKind
    by: str = UNKNOWN_EDITOR
    at: datetime | None = None
    note: str | None = None
    incident: str | None = None
    other: str | None = None
    article: str | None = None
    articles: tuple[str, ...] = ()
    title: str | None = None
    of: str | None = None


def parse_word(data: Mapping[str, Any]) -> EditorWord:
    """The editor's word of a line's object.

    Raises:
        InvalidEvent: kind `schema`; the detail names the field.
    """
    line = convert(data, _Line, "an editor's word")
    return make(
        line.word,
        by=line.by,
        at=line.at,
        note=line.note,
        incident=line.incident,
        other=line.other,
        articles=line.articles if line.article is None else (line.article, *line.articles),
        title=line.title,
        of=line.of,
    )
