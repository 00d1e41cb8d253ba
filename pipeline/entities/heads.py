"""What the first or last word of a name tells about its type: "Camp", "Hospital", "Cup", "507th"."""

from __future__ import annotations

import itertools
import re

from spacy.strings import get_string_id
from spacy.tokens import Doc

from pipeline.entities.classes import classes
from pipeline.entities.gazetteer import shipped
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_NAMES = frozenset({"ORG", "PERSON", "GPE", "LOC", "NORP"})

# Last words that say what a name is. Churches, universities, embassies act as organisations, so they are not here.
_FACILITY = frozenset(
    [
        "Base",
        "Airfield",
        "Airbase",
        "Airport",
        "Hospital",
        "Hotel",
        "Motel",
        "Mosque",
        "Bridge",
        "Prison",
        "Jail",
        "Street",
        "Avenue",
        "Square",
        "Palace",
        "Tower",
        "Towers",
        "Stadium",
        "Building",
        "Headquarters",
        "Camp",
        "Cathedral",
        "Highway",
        "Road",
        "Cafe",
        "Café",
        "Temple",
        "Barracks",
        "Airstrip",
    ]
)
_EVENT = frozenset(
    [
        "Cup",
        "Games",
        "Olympics",
        "Championship",
        "Championships",
        "War",
        "Wars",
        "Awards",
        "Summit",
        "Massacre",
        "Intifada",
        "Revolution",
    ]
)
_BEFORE_FACILITY = frozenset(["Camp", "Fort"])
_OPENS_EVENT = frozenset(get_string_id(word) for word in ("Operation", "Hurricane", "Typhoon", "Cyclone", "Storm"))
_UNIT = frozenset(
    [
        "brigade",
        "battalion",
        "regiment",
        "division",
        "squadron",
        "platoon",
        "company",
        "battery",
        "fleet",
        "flotilla",
        "wing",
        "detachment",
        "corps",
        "group",
        "command",
    ]
)
_NUMBERED = re.compile(r"\d+(?:st|nd|rd|th)")


def name_by_head(doc: Doc, spans: Spans) -> None:
    """Names whose first or last word says what they are, whatever they were taken for."""
    for m in list(spans.all):
        if m.label in _NAMES:
            label = _label(doc, m)
            known = None if label is None else shipped().find(doc[m.start : m.end].text)
            if label is not None and (known is None or known.label == label):
                spans.put(Match(m.start, m.end, label, 0))
                continue
            words = range(m.start, m.end)
            if m.label == "GPE" and len(words) > 1 and all(_is_people(doc[i].text) for i in words):
                spans.put(Match(m.start, m.end, "NORP", 0))  # "Bosnian Serbs"
        elif m.label == "WEAPON" and m.end - m.start == 1 and doc[m.start].lower_ == "gas":
            spans.drop(m)  # "tear gas" is one, oil and gas are none
    for i, orth in enumerate(doc.to_array("ORTH").tolist()):
        if orth in _OPENS_EVENT:
            _add_event(doc, spans, i)


def _is_people(word: str) -> bool:
    known = shipped().find(word)
    return known is not None and known.label == "NORP"


def _label(doc: Doc, m: Match) -> str | None:
    first, last = doc[m.start].text, doc[m.end - 1].text
    if m.end - m.start < 2:
        return None
    if _NUMBERED.fullmatch(first) and (last.lower() in _UNIT or (last.isupper() and last.isalpha())):
        return "UNIT"
    if last in _FACILITY or first in _BEFORE_FACILITY or (first in _FACILITY and doc[m.start + 1].text == "of"):
        return "FAC"
    return "EVENT" if last in _EVENT else None


def _add_event(doc: Doc, spans: Spans, start: int) -> None:
    """ "Operation Inherent Resolve", "Tropical Storm Fred"."""
    end = start + 1
    longest = end + (4 if doc[start].text == "Operation" else 1)
    while end < min(len(doc), longest) and "cap" in classes(doc[end].text) and not _ends_name(doc, end):
        end += 1
    if end == start + 1:
        return
    if doc[start].text == "Storm":
        if start == 0 or doc[start - 1].text != "Tropical":
            return
        start -= 1
    event = Match(start, end, "EVENT", 0)
    if all(event.start <= b.start and b.end <= event.end for b in spans.below(event)):
        spans.put(event)


def _ends_name(doc: Doc, i: int) -> bool:
    return bool(classes(doc[i].text) & {"org_head", "facility", "stop", "weekday", "month", "title"})


def split_places(doc: Doc, spans: Spans) -> None:
    """ "Incirlik Air Base, Turkey" is two names."""
    for m in list(spans.all):
        if m.label not in ("GPE", "LOC", "FAC"):
            continue
        comma = next((i for i in range(m.start + 1, m.end - 1) if doc[i].text == ","), None)
        known = None if comma is None else shipped().find(doc[comma + 1 : m.end].text)
        if comma is not None and known is not None and known.label in ("GPE", "LOC"):
            spans.put(Match(m.start, comma, m.label, 0))
            spans.put(Match(comma + 1, m.end, known.label, 0))


def join_units(doc: Doc, spans: Spans) -> None:
    """ "3rd Battalion, 321st Field Artillery Regiment" is one unit; a nationality before the number is no part."""
    units = sorted((m for m in spans.all if m.label == "UNIT"), key=lambda m: m.start)
    for i, m in enumerate(units):
        number = next((k for k in range(m.start, m.end) if _NUMBERED.fullmatch(doc[k].text)), m.start)
        if m.start < number and all("nation" in classes(doc[k].text) for k in range(m.start, number)):
            spans.drop(m)
            spans.put(Match(m.start, number, "NORP", 0))
            units[i] = Match(number, m.end, "UNIT", 0)
            spans.put(units[i])
    for a, b in itertools.pairwise(units):
        if doc[a.end].text == "," and a.end + 1 == b.start and _NUMBERED.fullmatch(doc[b.start].text):
            start = next((m.start for m in spans.below(Match(a.start, a.end, "UNIT", 0))), a.start)
            spans.put(Match(start, b.end, "UNIT", 0))
