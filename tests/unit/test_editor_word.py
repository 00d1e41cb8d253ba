"""An editor's word from a line or from the bytes of a record: all that it needs and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.editor_word import NEEDS, make, parse_word
from pipeline.errors import InvalidEvent
from pipeline.intake import raw_record
from pipeline.records import EditorWord, RawArticle

A, B = "a" * 32, "b" * 32
SAID: dict[str, dict[str, Any]] = {
    "join": {"incident": A, "other": B},
    "split": {"incident": A, "articles": ["1", "2"]},
    "never-join": {"incident": A, "other": B},
    "pin": {"incident": A, "articles": ["1"]},
    "retitle": {"incident": A, "title": "T"},
    "undo": {"of": "0123456789abcdef"},
}


@pytest.mark.parametrize("word", NEEDS)
def test_a_word_travels_as_it_was_said(word: str) -> None:
    said = parse_word({"word": word, "by": "anna", "at": "2024-05-01T12:00:00+02:00", **SAID[word]})
    read = raw_record(codec.encode(said))
    assert isinstance(read, EditorWord)
    assert (read.word, read.by, read.word_id) == (word, "anna", said.word_id)
    assert codec.encode(read.at) == b'"2024-05-01T10:00:00Z"'
    assert raw_record(codec.encode(read)) == read


@pytest.mark.parametrize("word", NEEDS)
def test_what_a_word_lacks_or_has_too_much_is_named(word: str) -> None:
    for name in SAID[word]:
        with pytest.raises(InvalidEvent, match=f"{word} needs {name}"):
            parse_word({"word": word} | {k: v for k, v in SAID[word].items() if k != name})
    extra = "of" if word != "undo" else "title"
    with pytest.raises(InvalidEvent, match=f"{word} takes no {extra}"):
        parse_word({"word": word, extra: "x", **SAID[word]})


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"word": "bless"}, "not an editor's word: .*bless"),
        ({"word": "join", "incident": A, "other": A}, "two incidents"),
        ({"word": "pin", "incident": A, "articles": ["1", "2"]}, "at most 1 article"),
        ({"word": "retitle", "incident": A, "title": " "}, "title must have"),
        ({"word": "retitle", "incident": A, "title": "T", "by": ""}, "by must have"),
        ({"word": "retitle", "incident": A, "title": "T" * 2000}, "title must have 1 to 1000"),
        ({"word": "retitle", "incident": 7, "title": "T"}, "incident"),
    ],
)
def test_nonsense_is_refused_in_words(said: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidEvent, match=detail):
        parse_word(said)


def test_the_id_depends_on_all_that_is_said() -> None:
    ids = {
        make("retitle", by="anna", incident=A, title="T").word_id,
        make("retitle", by="bert", incident=A, title="T").word_id,
        make("retitle", by="anna", incident=A, title="U").word_id,
        make("retitle", by="anna", incident=A, title="T", note="N").word_id,
    }
    assert len(ids) == 4


def test_an_article_may_have_any_other_field() -> None:
    data = {"provider": "p", "native_id": "n", "text": "Words.", "word": "join"}
    assert isinstance(raw_record(orjson.dumps(data)), RawArticle)


@given(st.dictionaries(st.sampled_from(list(EditorWord.__slots__)), st.none() | st.text() | st.integers()))
def test_any_object_with_a_word_is_one_or_an_invalid_event(data: dict[str, object]) -> None:
    try:
        found = raw_record(orjson.dumps({"word": "undo", **data}, option=orjson.OPT_PASSTHROUGH_SUBCLASS))
    except (InvalidEvent, TypeError, orjson.JSONEncodeError):
        return
    assert isinstance(found, EditorWord)
