"""Names in running text by their capitals, and what kind of thing they are likely to name.

Cheap and without a model, so that titles, copies and texts that no model has seen are compared alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.facts.spellings import spelt
from pipeline.facts.stopwords import CALENDAR, STOPWORDS

Kind = Literal["person", "place", "other"]

_TOKEN = re.compile(r"[^\W_][\w’'-]*\.?|[^\w\s]")
# What holds no name is taken in one piece, which is faster.
_STRETCH = re.compile(rf"(?P<small>(?:(?:[a-z0-9][\w’'-]*\.?|[^\w\s])\s*)+)|{_TOKEN.pattern}")
_LOWER = re.compile(r"(?<![A-Za-z])[a-z][a-z’'-]+")
_POSSESSIVE = re.compile(r"['’]s?$")
_POSSESSIVES = ("'s", "’s", "'", "’")
_PLACE_AFTER = re.compile(
    r"\s?(?:County|Street|Avenue|Ave|Road|Police|Hospital|Province|District|(?:oil|gas|air)\s?fields?|region|province|"
    r"district|county|airport|airbase|(?:air|military|army|naval)\sbase|refugee\scamp|valley|island|neighbo)"
)
_AGE_AFTER = re.compile(r",\s?\d{1,3}\b")
_PLACE_BEFORE = frozenset({"in", "at", "near", "nearby", "from", "outside", "around", "across"})
_SENTENCE_END = frozenset('.!?“”"')
# Titles and common nouns that are capitalised beside a name and tell nothing about whose it is.
_EMPTY = (
    STOPWORDS
    | CALENDAR
    | frozenset(
        {"mr", "mrs", "ms", "dr", "sgt", "lt", "capt", "gen", "officer", "police", "sheriff", "detective", "chief"}
        | {"judge", "president", "county", "state", "city", "department", "street", "avenue", "news"}
    )
)
_LONGEST = 4
_REMEMBERED = 16_384
"""Words whose folded form is kept at hand; a wire has the same ones all day."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a text, `text[start:end]`: its words, folded, without titles, and what it seems to name."""

    start: int
    end: int
    words: tuple[str, ...]
    kind: Kind


def names(text: str) -> list[Name]:
    """Names of a text in order; a single word that also occurs in small letters is none."""
    lower = set(_LOWER.findall(text))
    found = []
    for run in _runs(text):
        words = list(map(_fold, run.words))
        if len(words) == 1 and words[0] in lower:
            continue
        words = [w for w in words if len(w) > 1 and w not in _EMPTY]
        if not words or len(words) > _LONGEST:
            continue
        found.append(Name(run.start, run.end, tuple(words), _guess(run, words, text)))
    return found


@lru_cache(maxsize=4)
def names_of(text: str) -> tuple[Name, ...]:
    """The same, remembered: an article is read for what records show, and soon after for what it is compared by."""
    return tuple(names(text))


@dataclass(slots=True)
class _Run:
    start: int
    end: int
    words: list[str]
    before: str
    """What stands before it, to the end of the word or the name before."""


def _runs(text: str) -> Iterable[_Run]:
    """Runs of capitalised words."""
    run: _Run | None = None
    before = ""
    for match in _STRETCH.finditer(text):
        word = match[0]
        if match.lastgroup == "small":
            if run is not None:
                yield run
                run = None
            before = word
            continue
        start, end = match.span()
        if word[0].isupper() and (run is not None or len(word.rstrip(".")) > 1):
            if run is None:
                run = _Run(start, end, [], before)
            run.words.append(word)
            run.end = end
            if word[-1] == "." and "." not in word[:-1] and len(word) > 4:
                # No initial and no short form: the sentence ends.
                run.end -= 1
                yield run
                run, before = None, ""
                continue
            if word.endswith(_POSSESSIVES):  # "Syria's Al Omar" are two names
                yield run
                run, before = None, "'s"
                continue
        elif run is not None:
            yield run
            run = None
        before = word
        if run is not None and text[end : end + 1] == "\n":
            yield run
            run = None
    if run is not None:
        yield run


def _last(stretch: str) -> str:
    """The last token of a stretch, in small letters."""
    if not stretch:
        return ""
    last: str = _TOKEN.findall(stretch.rsplit(None, 1)[-1])[-1]
    return last.lower()


def _guess(run: _Run, words: list[str], text: str) -> Kind:
    after = text[run.end : run.end + 16]
    if _last(run.before) in _PLACE_BEFORE or _PLACE_AFTER.match(after):
        return "place"
    if _AGE_AFTER.match(after) or 2 <= len(words) <= 3:
        return "person"
    return "other"


@lru_cache(_REMEMBERED)
def _fold(word: str) -> str:
    return spelt(_POSSESSIVE.sub("", word.rstrip(".")).lower())
