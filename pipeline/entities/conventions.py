"""What the labels of other corpora mean in ours, and what of them we do not count as entities.

Our conventions: names and materiel, not pronouns or roles ("the Foreign Secretary", "rebels", "the city"); titles that
stand directly before a name belong to it; leading articles do not; a country is a GPE also where it acts; an air strike
is no weapon; an adjective of nationality is a NORP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.entities.gazetteer import shipped
from pipeline.entities.labels import LABELS
from pipeline.entities.names import is_title
from pipeline.entities.spelling import is_city

Labels = tuple[str, ...]
"""The labels that a gold span may have in ours, the likeliest first; empty: the span is not compared or learnt from."""

Reader = Callable[[str, str], Labels | None]
"""From a gold span's text and label to our labels; None: for us there is no entity."""

Names = Callable[[str, str], list[tuple[int, int]]]
"""From a gold span's text and label to the parts of it that are names, as offsets into the text."""

_PLACES: Labels = ("GPE", "LOC", "FAC")

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
    if known in _PLACES:
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
    if known in _PLACES:
        return ("ORG", known)
    return () if known == "NORP" else ("ORG",)


def person(text: str) -> Labels:
    """A person's name; titles alone and names that the gazetteer knows as other things teach nothing."""
    words = text.split()
    if not any(w[:1].isupper() for w in words) or all(is_title(w) for w in words):
        return ()
    return () if known_label(text) else ("PERSON",)


def _gmb(text: str, label: str) -> Labels | None:
    match label:
        case "per":
            return person(text)
        case "org":
            return organisation(text)
        case "geo":
            return ("ORG", *_PLACES) if known_label(text) == "ORG" else place(text)
        case "gpe":
            known = known_label(text)
            return (known,) if known in ("NORP", *_PLACES) else ("NORP", "GPE")
        case "tim":
            return when(text) if _TIME_WORD.search(text) else ()  # here and there "two" or "several" is a time
        case "eve":
            return ("EVENT",) if " " in text else ()
    return ()


_CUT = re.compile(r"(?:[a-z]+ )*(?!(?:1[5-9]|20)\d\d$)[\d.,]+")


def _gmb_clear(text: str, label: str) -> Labels | None:
    """As `_gmb`, less what the corpus marks by slip: known names of another type, numbers as dates."""
    known = known_label(text)
    match label:
        case "tim" if known in ("NORP", "ORG", *_PLACES) or is_city(text):
            return ()
        case "tim" if _CUT.fullmatch(text):
            return ()  # the "38" of "at least 38", the "past 24" of "past 24 hours"
        case "geo" if known == "NORP" or text in ("North", "South", "East", "West"):
            return ()  # "Muslim"; the "North" of "North Korean"
        case "org" if known is None and is_city(text):
            return ("ORG", "GPE")  # a capital that acts, a city that plays
    return _gmb(text, label)


_JOINED = re.compile(r",? and |, |['’]s? ")
_BEFORE_A_DAY = re.compile(r"(?=(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day$)")


def _gmb_names(text: str, label: str) -> list[tuple[int, int]]:
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
    return known_label(text) in _PLACES or is_city(text)


def _re3d(text: str, label: str) -> Labels | None:
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


def _re3d_clear(text: str, label: str) -> Labels | None:
    """As `_re3d`, less places named after a people or a group: the "Iraqi" of "Iraqi territory" is no place."""
    return () if label == "Location" and known_label(text) in ("NORP", "ORG") else _re3d(text, label)


def _re3d_names(text: str, label: str) -> list[tuple[int, int]]:
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


def _gum(text: str, label: str) -> Labels | None:
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


def _wikievents(text: str, label: str) -> Labels | None:
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


def _coarse(text: str, label: str) -> Labels | None:
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


def _own(text: str, label: str) -> Labels | None:
    return (label,)


_MERGED = {"ORG": "ORG", "UNIT": "ORG"} | dict.fromkeys(_PLACES, "GPE+LOC+FAC") | {"DATE": "DATE", "TIME": "DATE"}
_MATERIEL = {"WEAPON": "WEAPON+PLATFORM", "PLATFORM": "WEAPON+PLATFORM"}
_NAMES = frozenset({"PERSON", "ORG", "UNIT", "GPE", "LOC", "FAC"})


@dataclass(frozen=True, slots=True)
class Convention:
    """How one family of corpora marks entities.

    Attributes:
        labels: every label that it uses.
        read: what a span of it means for us. The shipped weights depend on it, on `clear` and on `names`.
        marks: our labels that it marks wherever they occur; others may be found in its texts without being wrong.
        groups: our labels that it does not keep apart, under the name of their group.
        clear: as `read`, less what the corpus marks by slip, which is neither learnt nor compared. Default: `read`.
        names: the names within a marked span, where it marks more than names. Default: the whole of it.
        own: for each of its labels that ours tell apart too, the group of ours that it is scored as when nothing is
            read into it (`wirefuse evaluate entities --own-spans`).
        whole_words: it marks words from blank to blank, so it cannot mark the name in "U.S.-led".
    """

    name: str
    labels: frozenset[str]
    read: Reader
    marks: frozenset[str]
    groups: Mapping[str, str]
    clear: Reader | None = None
    names: Names | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    whole_words: bool = False

    def meaning(self, text: str, start: int, end: int, label: str) -> list[tuple[int, int, Labels | None]]:
        """What a marked span is learnt and scored as: its names, each with the labels that it may have in ours."""
        marked = text[start:end]
        read = self.clear or self.read
        parts = [(0, len(marked))] if self.names is None else self.names(marked, label)
        return [(start + a, start + b, read(marked[a:b], label)) for a, b in parts]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONVENTIONS: tuple[Convention, ...] = (
    Convention("wirefuse", frozenset(LABELS), _own, frozenset(LABELS), {}),
    Convention(
        "gmb",
        _words("geo gpe per org tim eve nat art"),
        _gmb,
        _NAMES | {"NORP", "DATE", "TIME"},
        _MERGED,
        clear=_gmb_clear,
        names=_gmb_names,
        own={"per": "PERSON", "org": "ORG", "geo": "GPE+LOC+FAC", "gpe": "NORP", "tim": "DATE", "eve": "EVENT"},
        whole_words=True,
    ),
    Convention(
        "re3d",
        _words(
            "Organisation Person Location Temporal Quantity Weapon MilitaryPlatform DocumentReference Nationality "
            "Money Vehicle CommsIdentifier Frequency"
        ),
        _re3d,
        _NAMES | {"DATE", "TIME", "MONEY", "QUANTITY", "WEAPON", "PLATFORM"},
        _MERGED | _MATERIEL,
        clear=_re3d_clear,
        names=_re3d_names,
        own={
            "Person": "PERSON",
            "Organisation": "ORG",
            "Location": "GPE+LOC+FAC",
            "Temporal": "DATE",
            "Nationality": "NORP",
            "Money": "MONEY",
            "Quantity": "QUANTITY",
            "Weapon": "WEAPON+PLATFORM",
            "MilitaryPlatform": "WEAPON+PLATFORM",
            "Vehicle": "WEAPON+PLATFORM",
        },
    ),
    Convention(
        "gum",
        _words("person place organization abstract time event object substance animal plant"),
        _gum,
        _NAMES,
        _MERGED,
    ),
    Convention(
        "coarse",
        _words("PER ORG LOC MISC person politician organisation politicalparty country location election event misc"),
        _coarse,
        _NAMES,
        _MERGED,
    ),
    Convention(
        "wikievents",
        _words("PER ORG GPE LOC FAC WEA VEH VAL TTL ABS"),
        _wikievents,
        _NAMES | {"WEAPON", "PLATFORM"},
        {"ORG": "ORG", "UNIT": "ORG"},
        own={
            "PER": "PERSON",
            "ORG": "ORG",
            "GPE": "GPE",
            "LOC": "LOC",
            "FAC": "FAC",
            "WEA": "WEAPON",
            "VEH": "PLATFORM",
        },
    ),
)


def mapped(table: Mapping[str, str | None]) -> Convention:
    """The convention of a corpus that we do not know, from a table of what its labels are in ours (None: not compared).

    A label mapped to GPE, LOC or FAC may be any of them, and ORG may be a UNIT, unless the table tells them apart.
    """
    ours = frozenset(label for label in table.values() if label is not None)
    groups: dict[str, str] = {}
    if len(ours & set(_PLACES)) == 1:
        groups |= dict.fromkeys(_PLACES, "GPE+LOC+FAC")
    if "ORG" in ours and "UNIT" not in ours:
        groups |= {"ORG": "ORG", "UNIT": "ORG"}

    def read(text: str, label: str) -> Labels | None:
        mine = table[label]
        if mine is None:
            return ()
        group = groups.get(mine, mine)
        return (mine, *(k for k, g in groups.items() if g == group and k != mine))

    marks = ours | {k for k, g in groups.items() if g in {groups.get(label, label) for label in ours}}
    own = {theirs: groups.get(mine, mine) for theirs, mine in table.items() if mine is not None}
    return Convention("mapped", frozenset(table), read, marks, groups, own=own)


def convention_of(labels: Iterable[str]) -> Convention:
    """The first convention that has all the given labels.

    Raises:
        ValueError: none has.
    """
    wanted = set(labels)
    for convention in CONVENTIONS:
        if wanted <= convention.labels:
            return convention
    known = "; ".join(f"{c.name}: {' '.join(sorted(c.labels))}" for c in CONVENTIONS)
    example = ",".join(f"{label}=" for label in sorted(wanted))
    raise ValueError(
        f"no known convention has the labels {' '.join(sorted(wanted))}. Say what each is in ours, or nothing "
        f'where it is not to be compared: --labels "{example}". Known: {known}'
    )


def convention(name: str) -> Convention:
    """A convention by name."""
    return next(c for c in CONVENTIONS if c.name == name)
