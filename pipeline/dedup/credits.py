"""Credit lines: which agency an article says it comes from.

An outlet that prints a wire's text credits it in one of a few places: in parentheses between dateline and text
("LONDON (Reuters) -"), before a dash ("AP — "), in the byline ("By Ann Lee, Associated Press"), in a line of its own
("Reuters"), or in the copyright line below. Only these places count: an agency named in a sentence or a caption is a
source of a fact or a photograph, and says nothing of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import U64, words

Place = Literal["dateline", "byline", "line", "copyright", "contributed"]


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit.

    Attributes:
        agency: its usual name; as the text says it where we do not know it.
        place: where it stands; "contributed" where the text says only that the agency contributed to it.
    """

    agency: str
    place: Place


# The large agencies and what they are called in credits; in a dateline any name counts. Of the short forms those in
# `_ONLY_ALONE` are also other things (a state, a qualification) and count only where nothing else can stand.
_AGENCIES = {
    "Agence France-Presse": ("AFP", "Agence France-Presse", "Agence France Presse", "AGENCE FRANCE-PRESSE"),
    "Anadolu Agency": ("AA", "Anadolu Agency", "Anadolu"),
    "ANI": ("ANI", "Asian News International"),
    "ANSA": ("ANSA",),
    "Associated Press": ("AP", "Associated Press", "ASSOCIATED PRESS"),
    "Australian Associated Press": ("AAP", "Australian Associated Press"),
    "Bloomberg": ("Bloomberg", "Bloomberg News"),
    "Canadian Press": ("CP", "Canadian Press"),
    "dpa": ("dpa", "DPA", "Deutsche Presse-Agentur"),
    "EFE": ("EFE",),
    "IANS": ("IANS", "Indo-Asian News Service"),
    "Interfax": ("Interfax",),
    "Kyodo": ("Kyodo", "Kyodo News"),
    "Press Association": ("PA", "Press Association", "PA Media", "PRESS ASSOCIATION"),
    "Press Trust of India": ("PTI", "Press Trust of India"),
    "Reuters": ("Reuters", "REUTERS", "Thomson Reuters"),
    "TASS": ("TASS", "ITAR-TASS", "Itar-Tass"),
    "United Press International": ("UPI", "United Press International"),
    "Xinhua": ("Xinhua", "XINHUA", "Xinhua News Agency"),
    "Yonhap": ("Yonhap", "Yonhap News Agency"),
}
_NAME_OF = {form: name for name, forms in _AGENCIES.items() for form in forms}
_ONLY_ALONE = frozenset({"AA", "ANI", "CP", "PA"})

# Credits stand in the first lines and in the last.
_HEAD, _TAIL = 600, 400
_HEAD_LINES, _TAIL_LINES = 4, 4
_SHORT = 120
_FLAG = np.uint64(52)


def _any(forms: list[str]) -> str:
    return "(?:[Tt]he )?(" + "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) + ")"


_KNOWN = _any(list(_NAME_OF))
_PLAIN = _any([form for form in _NAME_OF if form not in _ONLY_ALONE])
_DASH = r"\s*(?:[-–—]|:)"
# A town in capitals or a few words, perhaps a date, then the agency in parentheses and a dash: any agency after a town
# in capitals, a known one after anything that short.
_DATELINE = re.compile(rf"(?:[A-Z][^()\n]{{1,60}}[ ,])?\({_KNOWN}(?:/[A-Z][^()\n]{{1,30}})?\){_DASH}")
_ANY_DATELINE = re.compile(rf"[A-Z][A-Z'’./ -]{{2,40}}(?:, [A-Z][^()\n]{{1,25}})? \(([A-Z][\w.&'’ -]{{1,30}})\){_DASH}")
_IN_DATELINE = re.compile(rf"\){_DASH}")
_DASHED = re.compile(rf"{_PLAIN}\s?[-–—]+\s")
_BYLINE = re.compile(rf"[Bb][Yy] (?:[^\n]{{1,60}}[ ,/|])??{_PLAIN}(?: [A-Z][a-z]+){{0,3}}\s*$")
_LINE = re.compile(rf"\(?(?:[Ss]ource: ?|[Vv]ia )?{_KNOWN}\)?(?:\s*[-|/,]\s*(?:{_KNOWN}|[Uu]pdated\b.*))?\.?\s*$")
_COPYRIGHT = re.compile(rf"(?:[Cc]opyright|COPYRIGHT|©|\([Cc]\))[^\n]{{0,30}}?\b{_PLAIN}\b")
_CONTRIBUTED = re.compile(rf"\b{_PLAIN}\b[^.\n]{{0,30}} contributed to this (?:report|story|article)")


_OPENINGS = sorted({form.split()[0] for form in _NAME_OF})
_OPENS = re.compile(rf"\(?(?:[Ss]ource: ?|[Vv]ia )?(?:[Tt]he )?(?:{'|'.join(map(re.escape, _OPENINGS))})\b")
# What a line must begin with to match, unless it begins with a parenthesis: a look-up that spares most of the matches.
_BEGINNINGS = frozenset(opening[:2] for opening in (*_OPENINGS, "The", "the", "Source", "source", "Via", "via"))
_BY = frozenset(("by", "By", "bY", "BY"))
_IN_HEAD = _BEGINNINGS | _BY


def may_credit(hashes: U64, ends: NDArray[np.intp], texts: Sequence[str]) -> list[bool]:
    """For each of some texts whether `credits` is worth the time: most name no agency.

    Args:
        hashes: of the words of all texts.
        ends: where those of each text end.
    """
    at = _flags()[hashes >> _FLAG].nonzero()[0]
    likely = hashes[at]
    agencies = _agencies()
    at = at[agencies.take(agencies.searchsorted(likely), mode="clip") == likely]
    named = np.diff(at.searchsorted(ends), prepend=0) > 0
    # In a dateline an agency need not be known.
    return [
        is_named or _IN_DATELINE.search(text, 0, _HEAD) is not None
        for is_named, text in zip(named.tolist(), texts, strict=True)
    ]


@cache
def _agencies() -> U64:
    return np.sort(words(" ".join(_OPENINGS)).hashes)


@cache
def _flags() -> NDArray[np.bool_]:
    """Of the high bits of a word's hash: whether it may be of `_agencies`."""
    flags = np.zeros(1 << 64 - int(_FLAG), np.bool_)
    flags[_agencies() >> _FLAG] = True
    return flags


def credits(text: str) -> tuple[Credit, ...]:
    """The credits of a cleaned text, each agency and place once, in the order they stand."""
    found: dict[Credit, None] = {}
    for line in map(str.strip, text[:_HEAD].split("\n", _HEAD_LINES)[:_HEAD_LINES]):
        if line[:2] in _IN_HEAD or "(" in line[:_SHORT]:
            for credit in _in_head(line):
                found[credit] = None
    tail = text[-_TAIL:]
    signed = "opyright" in tail or "©" in tail or "(c)" in tail or "(C)" in tail or "contributed to" in tail
    for line in map(str.strip, tail.rsplit("\n", _TAIL_LINES)[-_TAIL_LINES:]):
        if signed or line[:2] in _BEGINNINGS or line[:1] == "(":
            for credit in _in_tail(line):
                found[credit] = None
    return tuple(found)


# Each pattern is tried only where a cheap look at the line does not rule it out: most lines have no credit.


def _in_head(line: str) -> Sequence[Credit]:
    opens = _OPENS.match(line) is not None
    if opens and (found := _alone(line)):
        return found
    start = line[:_SHORT]
    if "(" in start and (at := _DATELINE.match(start) or _ANY_DATELINE.match(start)):
        return [Credit(_name(at[1]), "dateline")]
    if opens and (at := _DASHED.match(start)):
        return [Credit(_name(at[1]), "dateline")]
    if line[:2] in _BY and len(line) <= _SHORT and line[2:3] == " " and (at := _BYLINE.match(start)):
        return [Credit(_name(at[1]), "byline")]
    return ()


def _in_tail(line: str) -> Sequence[Credit]:
    if ("opyright" in line or "©" in line or "(c)" in line.lower()) and (at := _COPYRIGHT.search(line)):
        return [Credit(_name(at[1]), "copyright")]
    if "contributed to" in line and (at := _CONTRIBUTED.search(line)):
        return [Credit(_name(at[1]), "contributed")]
    return _alone(line)


def _alone(line: str) -> Sequence[Credit]:
    if len(line) > _SHORT or not _OPENS.match(line):
        return ()
    at = _LINE.match(line)
    return () if at is None else [Credit(_name(form), "line") for form in at.groups() if form]


def _name(form: str) -> str:
    return _NAME_OF.get(form, form)
