"""Tolls: how many were killed and wounded, with what the words leave open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.facts import scan
from pipeline.facts.numbers import NUMBER, parse

Kind = Literal["killed", "wounded"]

_KILLED = (
    r"killed|dead|died|slain|fatally\s(?:shot|wounded|injured|stabbed)|murdered|perished|drowned(?!\sout)|"
    r"lost\stheir\slives|bodies(?=\s(?:were|(?:have|had)\sbeen|found|recovered|retrieved|pulled))"
)
_WOUNDED = r"wounded|injured|hurt|hospitali[sz]ed"
_LEAST = r"(?P<least>at\sleast|more\sthan|over|no\sfewer\sthan)"
_MOST = r"(?P<most>up\sto|as\smany\sas|fewer\sthan|nearly|almost)"
_QUALIFIER = rf"{_LEAST}|{_MOST}|about|around|some"
# What may stand between a number and its verb: "two other US soldiers and a contractor were".
_PEOPLE = (
    r"(?:\s(?:other|more|others|additional|of|them|the|people|persons|men|women|children|teens|teenagers|boys|girls|"
    r"soldiers|troops|officers|civilians|passengers|students|workers|victims|militants|fighters|police|members|"
    r"suspects|residents|adults|man|woman|boy|girl|person|policemen|firefighters|tourists|migrants|refugees|miners|"
    r"fishermen|protesters|demonstrators|villagers|guards|marines|sailors|hostages|rebels|gunmen|babies|infants|pupils|"
    r"(?-i:[A-Z][\w’'-]*))){0,4}"
)
_BE = r"(?:\s(?:was|were|are|is|has|had|have|been|being|left|reported|confirmed|seriously|critically|also)){0,3}"
_FORWARD = re.compile(
    rf"(?<![\w.,$-])(?:(?:{_QUALIFIER})\s)?(?P<number>{NUMBER}){_PEOPLE}{_BE}\s(?:(?P<killed>{_KILLED})|(?P<wounded>{_WOUNDED}))\b",
    re.IGNORECASE,
)
# "Death toll from the strike on the flats rises to four", "the toll has risen to at least 26": within its clause.
_TOLL = (
    r"(?:death|the)\stoll\s(?:to|at|of|(?:[\w’'-]+\s){0,8}?"
    r"(?:ris(?:es|en|ing)|rose|climb(?:s|ed)|reach(?:es|ed)|st(?:ands|ood)|jump(?:s|ed)|rais(?:es|ed)|put|revised|now)"
    r"(?:\s(?:up|down))?(?:\s(?:to|at))?)"
)
_BACKWARD = re.compile(
    rf"\b(?:(?P<killed>kill(?:ing|ed|s)|deaths?\sof|{_TOLL})|"
    rf"(?P<wounded>(?:wound|injur)(?:ing|ed|es|s)|hurting))\s(?:(?:{_QUALIFIER})\s)?(?P<number>{NUMBER}|an?)"
    rf"(?!\s?(?:[-%]|year|years|month|week|day|hour|mile|block|percent))\b",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\b(?:no\s(?:casualties|one|deaths)|nobody|no\s\S+\s(?:personnel|casualties))\b(?:\s(?:was|were|has\sbeen|have\sbeen))?"
    r"(?:\s(?:(?P<killed>killed)|(?P<wounded>hurt|injured|wounded|harmed)|(?P<both>reported)))",
    re.IGNORECASE,
)
# Before a number that counts nobody: an age ("a man aged 34", "a woman of 71"), children ("a mother of three"), a name
# of a road, a flight, a unit or a place, a day of a month.
_NO_COUNT = re.compile(
    r"\b(?:(?i:aged?|age\sof|(?:man|woman|boy|girl|child|youth|teenager|toddler|baby|infant|driver|pensioner|"
    r"mother|father|mom|mum|dad|parent|grandmother|grandfather)\sof)\s|"
    r"(?i:men|women|boys|girls|children|youths|teenagers|toddlers)\s(?:aged|of)\s\w{1,12}\s(?:and|or|to)\s|"
    r"(?i:routes?|highways?|interstates?|flight|exit|junction|room|apartment|apt\.?|number|no\.)\s|"
    r"(?:Train|Bus|Unit|Engine|Squad|Precinct|Battalion|Brigade|Building|Block|Gate|Terminal|Platform|District|Ward|Sector|"
    r"Zone|Camp|Pier|Lane|Boeing|Airbus|Article|Section|Chapter)\s)$"
)
_MONTH = re.compile(
    r"\b(?:Jan(?:uary|\.)|Feb(?:ruary|\.)|March|April|May|June|July|Aug(?:ust|\.)|Sept(?:ember|\.)|Oct(?:ober|\.)|Nov(?:ember|\.)|"
    r"Dec(?:ember|\.))\s$"
)
_NO_COUNT_REACH, _LAST_DAY = 40, 31
# Where the patterns can begin or end: the stems of their verbs; "no".
_COMMON = r"ill|ead|ied|eath|lain|atally|urdered|ound|njur|urt|ospitali"
_VERB = re.compile(rf"[kdsfmwihKDSFMWIH](?i:{_COMMON})")
_RARE = ("rowned", "odies", "erished", "lives", "toll")
"""Parts of the other words that the patterns know; a text without any is searched faster."""
_ANY_VERB = re.compile(rf"[bdfhiklmpstwBDFHIKLMPSTW](?i:{_COMMON}|rowned|odies|erished|ost\stheir|he\stoll)")
_NO = re.compile(r"[nN][oO](?i:\s|body)")
# How a qualifier or a number begins.
_COUNT = re.compile(
    r"\b(?:\d|[aA](?i:[ts]\s|bout|round|lmost|n?\s)|[eE](?i:igh|lev)|[fF](?i:our|ive|ift|ort|ewer)|[mM](?i:ore)|"
    r"[nN](?i:o\s|in|early)|[oO](?i:ne|ver)|[sSſ](?i:ome|ix|ev)|[tT](?i:wo|hre|en|we|hir)|[uU](?i:p\s)|[zZ](?i:ero))"
)
_VERB_REACH = 240
"""More characters than people and auxiliaries take between a number and its verb."""


@dataclass(frozen=True, slots=True)
class Toll:
    """A count of victims in a text: `text[start:end]`. `low` to `high`; high is None where the words leave it open."""

    start: int
    end: int
    kind: Kind
    low: int
    high: int | None


def tolls(text: str) -> Iterator[Toll]:
    """Counts of killed and wounded, ordered by position."""
    found = {(t.start, t.kind): t for t in _find(text)}
    yield from sorted(found.values(), key=lambda t: (t.start, t.end, t.kind))


@lru_cache(maxsize=4)
def tolls_of(text: str) -> tuple[Toll, ...]:
    """The same, remembered: an article is read for what it is compared by, and soon after for its event."""
    return tuple(tolls(text))


def _find(text: str) -> Iterator[Toll]:
    folded = text.casefold()
    verbs = scan.starts_of(_ANY_VERB if any(word in folded for word in _RARE) else _VERB, text)
    for pattern, starts in ((_FORWARD, scan.words_before(text, verbs, _VERB_REACH, _COUNT)), (_BACKWARD, verbs)):
        for match in scan.matches(pattern, text, starts):
            number = match["number"]
            value = 1 if number.lower() in ("a", "an") else parse(number)
            if value is None or 1900 <= value <= 2100:  # a year, hardly ever a toll
                continue
            at = match.start("number")
            before = text[max(0, at - _NO_COUNT_REACH) : at]
            if _NO_COUNT.search(before) or (value <= _LAST_DAY and _MONTH.search(before)):
                continue
            kind: Kind = "killed" if match["killed"] else "wounded"
            low = 0 if match["most"] else value
            yield Toll(match.start(), match.end(), kind, low, None if match["least"] else value)
    for match in scan.matches(_NONE, text, scan.starts_of(_NO, text)):
        kinds: tuple[Kind, ...] = (
            ("killed", "wounded") if match["both"] else ("killed",) if match["killed"] else ("wounded",)
        )
        for none in kinds:
            yield Toll(match.start(), match.end(), none, 0, 0)


def summary(text: str) -> dict[str, dict[str, int | None] | None]:
    """The range of a text's counts: {"killed": {"min", "max"} or None, "wounded": the same}."""
    result: dict[str, dict[str, int | None] | None] = {}
    counts = tolls_of(text)
    for kind in ("killed", "wounded"):
        own = [t for t in counts if t.kind == kind]
        if not own:
            result[kind] = None
            continue
        highs = [t.high for t in own if t.high is not None]
        open_ended = any(t.high is None for t in own)
        high = None if open_ended and max(t.low for t in own) >= max(highs, default=0) else max(highs)
        result[kind] = {"min": min(t.low for t in own), "max": high}
    return result
