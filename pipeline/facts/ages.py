"""Ages of persons: "a 20-year-old man", "Bernard Gillis, 20,", "aged 34", "a woman of 71"."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.facts import scan
from pipeline.facts.numbers import NUMBER, parse

OLDEST = 115

_YEAR_OLD = re.compile(
    rf"(?<![\w-])(?:(?P<first>{NUMBER})-?\s(?:and|or|to)\s)?(?P<age>{NUMBER})(?:\s|-){{1,2}}(?P<unit>year|month|week|day)s?"
    rf"(?:\s|-){{1,2}}olds?\b",
    re.IGNORECASE,
)
_OLD = re.compile(r"[oO](?i:lds?)\b")
_REACH = 48
_AGE = re.compile(r"[aA](?i:ge)")
_AGED = re.compile(r"\b(?:aged?|age of)\s(?P<age>\d{1,3})\b(?!\s*(?:to|and|-)\s*\d)", re.IGNORECASE)
# "A woman of 71", but not "a man of 20 years' service".
_OF = re.compile(r"\sof\s(?P<age>\d{1,3})\b(?!\s?[-%]|[.,:]\d|\s(?:years?|to|feet|pounds|stone)\b)")
_PERSON = re.compile(r"\b(?:man|woman|boy|girl|youth|pensioner)$", re.IGNORECASE)
_PERSON_REACH = 12
# A surname, a comma, a number, and then what follows an apposition. A month before it makes it a date. Without a limit
# to the surname, the time for a long run of letters would grow with its square.
_APPOSITION = re.compile(
    r"(?P<name>[A-Z][\w’'.-]{0,40}[^\W\d_.]\.?),\s?(?P<age>\d{1,2})(?=,|;|\)|\.(?:\s|$)|\s(?:and|of|was|is|were|who|died|from)\b)"
)
_COMMA_NUMBER = re.compile(r",\s?\d")
"""In every apposition with an age; found far quicker."""
_MONTHS = frozenset({*calendar.month_name[1:], *calendar.month_abbr[1:], "Sept"})


@dataclass(frozen=True, slots=True)
class Age:
    """An age in whole years, `text[start:end]` being the number; infants are 0."""

    start: int
    end: int
    years: int


def ages(text: str) -> Iterator[Age]:
    """Ages of persons in a text, ordered by position."""
    yield from sorted(_find(text), key=lambda a: (a.start, a.end))


def _find(text: str) -> Iterator[Age]:
    for old in _OLD.finditer(text):
        # The long pattern is slow; it is tried only where its last word stands.
        match = _YEAR_OLD.search(text, max(0, old.start() - _REACH), old.end())
        if match is None or match.end() != old.end():
            continue
        years = match["unit"].lower() == "year"
        for group in ("first", "age"):
            if match[group] is not None:
                value = parse(match[group])
                if value is not None and (not years or value <= OLDEST):
                    yield Age(*match.span(group), value if years else 0)
    for match in scan.matches(_AGED, text, scan.starts_of(_AGE, text)):
        if int(match["age"]) <= OLDEST:
            yield Age(*match.span("age"), int(match["age"]))
    for match in _OF.finditer(text):
        at = match.start()
        if int(match["age"]) <= OLDEST and _PERSON.search(text, max(0, at - _PERSON_REACH), at):
            yield Age(*match.span("age"), int(match["age"]))
    if _COMMA_NUMBER.search(text) is None:
        return
    for match in _APPOSITION.finditer(text):
        if match["name"].rstrip(".") not in _MONTHS and int(match["age"]) > 0:
            yield Age(*match.span("age"), int(match["age"]))
