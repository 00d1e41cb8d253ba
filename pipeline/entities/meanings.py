"""What a single marked span of a corpus means for us: its labels in ours, and the names within it.

One reader per family of corpora; conventions.py says which corpus is read by which.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.entities.gazetteer import shipped
from pipeline.entities.names import is_title
from pipeline.entities.spelling import is_city

Labels = tuple[str, ...]
"""The labels that a gold span may have in ours, the likeliest first; empty: the span is not compared or learnt from."""

Reader = Callable[[str, str], Labels | None]
"""From a gold span's text and label to our labels; None: for us there is no entity."""

Names = Callable[[str, str], list[tuple[int, int]]]
"""From a gold span's text and label to the parts of it that are names, as offsets into the text."""

PLACES: Labels = ("GPE", "LOC", "FAC")

_FACILITY = re.compile(
    r"\b(?:airport|airfield|airbase|base|prison|jail|hospital|bridge|dam|camp|port|refinery|field|school|university|mosque"
    r"|church|cathedral|hotel|stadium|square|palace|station|tower|buildings?|museum|embassy|road|street|avenue|highway"
    r"|canal|barracks|checkpoint|factory|plant|facility|gate|restaurant|house|market|compound|caches?|routes?)\b",
    re.I,
)
_NATURE = re.compile(
    r"\b(?:river|sea|ocean|gulf|bay|strait|mountains?|mount|hills?|valley|desert|peninsula|islands?|lake|region|strip"
    r"|heights|coast|northern|southern|eastern|western|central|middle|north|south|east|west|basin|delta|border|area)\b",
    re.I,
)
_CLOCK = re.compile(
    r"\d ?(?:a\.?m\b|p\.?m\b|gmt|utc)|\d:\d\d|\b(?:hours?|minutes?|seconds?|noon|midnight|morning|evening)\b", re.I
)
_UNIT = re.compile(
    r"\b(?:brigades?|battalion|regiment|squadron|platoon|\d+(?:st|nd|rd|th) (?:division|wing|fleet|corps|army))\b", re.I
)
_PRONOUN = re.compile(
    r"(?:i|me|my|we|us|our|you|your|he|him|his|she|her|it|its|they|them|their|who|whom|which|that|those|these|this|here"
    r"|there|one)"
)
_STRIKE = re.compile(r"\b(?:air)?(?:strikes?|attacks?|bombardment|shelling)\b", re.I)
_TIME_WORD = re.compile(r"\d|[A-Z]|day|week|month|year|decade|century|yester|tomor|night|hour|minute")


def known_label(text: str) -> str | None:
    """The label of a name that the gazetteer knows."""
    known = shipped().find(text)
    return None if known is None else known.label


def place(text: str) -> Labels:
    """A place's label by its words: known name, head of a facility, head of a natural place; else GPE or LOC."""
    known = known_label(text)
    if known in PLACES:
        return (known,)
    if _FACILITY.search(text):
        return ("FAC",)
    if _NATURE.search(text):
        return ("LOC",)
    return ("GPE", "LOC")


def when(text: str) -> Labels:
    return ("TIME",) if _CLOCK.search(text) else ("DATE",)


def organisation(text: str) -> Labels:
    if _UNIT.search(text):
        return ("UNIT",)
    known = known_label(text)
    if known in PLACES:
        return ("ORG", known)
    return () if known == "NORP" else ("ORG",)


def person(text: str) -> Labels:
    """A person's name; titles alone and names that the gazetteer knows as other things teach nothing."""
    words = text.split()
    if not any(w[:1].isupper() for w in words) or all(is_title(w) for w in words):
        return ()
    return () if known_label(text) else ("PERSON",)


def gmb(text: str, label: str) -> Labels | None:
    match label:
        case "per":
            return person(text)
        case "org":
            return organisation(text)
        case "geo":
            return ("ORG", *PLACES) if known_label(text) == "ORG" else place(text)
        case "gpe":
            known = known_label(text)
            return (known,) if known in ("NORP", *PLACES) else ("NORP", "GPE")
        case "tim":
            return when(text) if _TIME_WORD.search(text) else ()  # here and there "two" or "several" is a time
        case "eve":
            return ("EVENT",) if " " in text else ()
    return ()


_CUT = re.compile(r"(?:[a-z]+ )*(?!(?:1[5-9]|20)\d\d$)[\d.,]+")


def gmb_clear(text: str, label: str) -> Labels | None:
    """As `gmb`, less what the corpus marks by slip: known names of another type, numbers as dates."""
    known = known_label(text)
    match label:
        case "tim" if known in ("NORP", "ORG", *PLACES) or is_city(text):
            return ()
        case "tim" if _CUT.fullmatch(text):
            return ()  # the "38" of "at least 38", the "past 24" of "past 24 hours"
        case "geo" if known == "NORP" or text in ("North", "South", "East", "West"):
            return ()  # "Muslim"; the "North" of "North Korean"
        case "org" if known is None and is_city(text):
            return ("ORG", "GPE")  # a capital that acts, a city that plays
    return gmb(text, label)


_JOINED = re.compile(r",? and |, |['’]s? ")
_BEFORE_A_DAY = re.compile(r"(?=(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day$)")


def gmb_names(text: str, label: str) -> list[tuple[int, int]]:
    """The names in "Ethiopia and Eritrea", "Kuwait's Interior Ministry" and "Beirut Thursday", if places come first."""
    if _is_place(text):
        return [(0, len(text))]
    joints = _JOINED if label in ("geo", "org") else _BEFORE_A_DAY
    parts = []
    start = 0
    for joint in joints.finditer(text):
        if not _is_place(text[start : joint.start()].strip()):
            return [(0, len(text))]
        parts.append((start, start + len(text[start : joint.start()].rstrip())))
        start = joint.end()
    return [*parts, (start, len(text))]


def _is_place(text: str) -> bool:
    return known_label(text) in PLACES or is_city(text)


def re3d(text: str, label: str) -> Labels | None:
    if _PRONOUN.fullmatch(text.lower()):
        return None
    core = re.sub(r"^(?:the|a|an) ", "", text, flags=re.I)
    named = any(w[:1].isupper() for w in core.split()) and "\n" not in text
    match label:
        case "Person":
            # "Iraqi President Fuad Masum" is a NORP and a person; "U.S. Central Command commander" is no name.
            role = core.split()[-1][:1].islower() or is_title(core.split()[-1]) or core != text
            return person(core) if named and not role else ()
        case "Organisation":
            return organisation(core) if named else ()
        case "Location":
            return place(core) if named else ()
        case "Nationality":
            return ("NORP",)
        case "Temporal":
            return when(text)
        case "Money":
            return ("MONEY",) if re.search(r"\d", text) else ()
        case "Quantity":
            return ("QUANTITY",) if re.search(r"\d.*[a-z%]", text) else None  # a bare count has no unit
        case "Weapon":
            return () if _STRIKE.search(text) else ("WEAPON",)
        case "MilitaryPlatform" | "Vehicle":
            return ("PLATFORM",)
    return ()


_DESCRIPTION = re.compile(r"(?:[A-Z][\w’'-]* )?(?:[a-z-]+ )+(?:of|around|near) (?:the )?(?=[A-Z])")
_KIND_OF_PLACE = re.compile(r"(?<=\w) (?:region|area|province|district|governorate|suburbs|territory|border)$")


def re3d_clear(text: str, label: str) -> Labels | None:
    """As `re3d`, less places named after a people or a group: the "Iraqi" of "Iraqi territory" is no place."""
    return () if label == "Location" and known_label(text) in ("NORP", "ORG") else re3d(text, label)


def re3d_names(text: str, label: str) -> list[tuple[int, int]]:
    """re3d marks whole noun phrases as places; the names in "Rome, Italy", "port city of Tartus", "Calais region"."""
    if label != "Location":
        return [(0, len(text))]
    found = []
    start = 0
    for part in text.split(", "):
        before = _DESCRIPTION.match(part)
        first = before.end() if before else 0
        kind = _KIND_OF_PLACE.search(part)
        found.append((start + first, start + (kind.start() if kind else len(part))))
        start += len(part) + len(", ")
    return found


def gum(text: str, label: str) -> Labels | None:
    match label:
        case "person":
            return person(text)
        case "organization":
            return organisation(text)
        case "place":
            return place(text)
        case "time":
            return when(text)
        case "event":
            return ("EVENT",)
    return ()


def wikievents(text: str, label: str) -> Labels | None:
    match label:
        case "PER":
            return person(text)
        case "ORG":
            return ("ORG", "UNIT")
        case "GPE":
            return ("GPE", "NORP", "LOC")
        case "LOC":
            return ("LOC", "GPE", "NORP", "FAC")
        case "FAC":
            return ("FAC",)
        case "WEA":
            return ("WEAPON",)
        case "VEH":
            return ("PLATFORM",)
    return ()


def coarse(text: str, label: str) -> Labels | None:
    match label.upper():
        case "PER" | "PERSON" | "POLITICIAN":
            return person(text)
        case "ORG" | "ORGANISATION" | "POLITICALPARTY":
            return organisation(text)
        case "LOC" | "LOCATION" | "COUNTRY":
            return place(text)
        case "ELECTION" | "EVENT":
            return ("EVENT",)
        case "MISC":
            return ("NORP",) if known_label(text) == "NORP" else ()
    return ()


def wirefuse(text: str, label: str) -> Labels | None:
    return (label,)
