"""Streets, blocks, crossings and highways: where in a town something happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.facts import scan

_SUFFIXES = {
    "avenue": "ave", "ave": "ave", "av": "ave", "street": "st", "st": "st", "road": "rd", "rd": "rd", "drive": "dr",
    "dr": "dr", "lane": "ln", "ln": "ln", "boulevard": "blvd", "blvd": "blvd", "court": "ct", "ct": "ct",
    "place": "pl", "pl": "pl", "circle": "cir", "cir": "cir", "terrace": "ter", "way": "way", "parkway": "pkwy",
    "pkwy": "pkwy", "highway": "hwy", "hwy": "hwy", "trail": "trl", "pike": "pike", "turnpike": "tpke",
    "square": "sq", "alley": "aly", "crescent": "cres", "expressway": "expy", "freeway": "fwy",
}  # fmt: skip
_PLURALS = "streets|avenues|roads|drives|lanes|boulevards"
_DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw",
}  # fmt: skip

_SUFFIX = "|".join(sorted((s.capitalize() for s in _SUFFIXES), key=len, reverse=True))
_DIRECTION = r"(?:North|South|East|West)(?:east|west)?|[NSEW]\.?[EW]?\.?|[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est"
# A full stop only after an initial or a short form: a longer word with one ends its sentence.
_PART = r"(?:[A-Z][\w’'-]*|(?:[A-Z]|St|Dr|Mt|Ft)\.|\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH))"
_NAME = rf"(?:(?:{_DIRECTION})\s)?{_PART}(?:\s{_PART}){{0,2}}?"
_STREET = (
    rf"(?P<street>{_NAME}\s(?:{_SUFFIX}|{_SUFFIX.upper()})(?![\w’'])(?!\s(?:Patrol|PATROL))"
    r"(?:\s(?:N|S|E|W|NE|NW|SE|SW)\b)?)"
)
_FOUND = re.compile(
    rf"(?<![\w-])(?:(?P<number>\d{{1,5}}(?:-\d{{1,5}})?)(?P<block>\s[Bb]lock)?(?:\s(?:of|on|along))?\s)?{_STREET}"
)
_CROSSING = re.compile(
    rf"(?<![\w-])(?P<one>{_NAME})\s(?:and|&|at)\s(?P<two>{_NAME})\s(?P<plural>{_PLURALS}|{_PLURALS.title()})\b"
)
_HIGHWAY = re.compile(
    r"\b(?P<kind>Interstate|I|U\.?S\.?(?:\s(?:Highway|Route))?|(?:State\s)?(?:Highway|Route|Road)|SR)[\s-](?P<number>\d{1,3})\b"
)
# Where the patterns end, or begin: the capitals of suffixes, plurals, highways.
_ENDING = re.compile(
    "[{}](?:{})(?![\\w’'])".format(
        "".join(sorted({s[0].upper() for s in _SUFFIXES})),
        "|".join(sorted({r for s in _SUFFIXES for r in (s[1:], s[1:].upper())}, key=len, reverse=True)),
    )
)
_PLURAL = re.compile(
    "[{}](?:{})".format(
        "".join(sorted({s[0] for s in _PLURALS.split("|")} | {s[0].upper() for s in _PLURALS.split("|")})),
        "|".join(s[1:] for s in _PLURALS.split("|")),
    )
)
_ROAD = re.compile("[IUSHR]")
_REACH = 160
"""More characters than number, block, direction and three words of a name take."""

_NOT_A_STREET = frozenset(
    {"the", "a", "an", "on", "in", "at", "near", "along", "from", "to", "of", "and", "by", "this"}
)
_OFTEN_OTHER = frozenset({"ct", "pl", "way", "cir", "sq", "ter", "trl", "pike", "aly", "cres", "fwy", "expy"})
"""Suffixes that mean a court of law, a place, a way of doing: streets only with a number before them."""


@dataclass(frozen=True, slots=True)
class Address:
    """A street in a text: `text[start:end]`.

    Attributes:
        street: normalised name: "cerise ave", "w 79th st", "hwy 95".
        number: house number or first number of the block; None where only the street is named.
    """

    start: int
    end: int
    street: str
    number: int | None


def addresses(text: str) -> Iterator[Address]:
    """Streets of a text, ordered by position."""
    yield from sorted(_find(text), key=lambda a: (a.start, a.end))


def _find(text: str) -> Iterator[Address]:
    endings = scan.starts_of(_ENDING, text)
    for match in scan.matches(_FOUND, text, scan.words_before(text, endings, _REACH)):
        street = normalise(match["street"])
        if street is not None:
            number = None if match["number"] is None else int(match["number"].partition("-")[0])
            if number is None and street.rpartition(" ")[2] in _OFTEN_OTHER:
                continue
            yield Address(match.start(), match.end(), street, number)
    plurals = scan.starts_of(_PLURAL, text)
    for match in scan.matches(_CROSSING, text, scan.words_before(text, plurals, _REACH)):
        plural = match["plural"].lower().removesuffix("s")
        for group in ("one", "two"):
            street = normalise(f"{match[group]} {plural}")
            if street is not None:
                yield Address(*match.span(group), street, None)
    for match in scan.matches(_HIGHWAY, text, scan.starts_of(_ROAD, text)):
        yield Address(match.start(), match.end(), f"hwy {match['number']}", None)


def normalise(street: str) -> str | None:
    """One form for one street: lower case, short suffix, no direction ("South Morgan Street" is "morgan st").

    Nor the town that it is said to be of: "Wellington's High Street" is "high st". None for what is no street ("the
    Court", "St. Louis Drive-In").
    """
    parts = [p.strip(".").replace("’", "'").lower() for p in street.split()]
    parts = [p.replace(".", "") for p in parts]
    if parts and parts[-1] in _DIRECTIONS.values() and len(parts) > 2:
        parts.pop()
    suffix = _SUFFIXES.get(parts[-1])
    name = parts[:-1]
    owners = [n for n, part in enumerate(name) if part.endswith("'s")]
    if owners and owners[-1] < len(name) - 1:
        name = name[owners[-1] + 1 :]
    while len(name) > 1 and (name[0] in _NOT_A_STREET or name[0] in _DIRECTIONS or name[0] in _DIRECTIONS.values()):
        name = name[1:]
    if suffix is None or not name or name[0] in _NOT_A_STREET:
        return None
    return f"{' '.join(name)} {suffix}"
