"""Titles before names: which of two neighbouring entities a title belongs to."""

from __future__ import annotations

from spacy.tokens import Doc

from pipeline.entities.classes import classes, lexicon
from pipeline.entities.gazetteer import shipped
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_ACTORS = frozenset({"ORG", "UNIT", "GPE", "NORP"})

# Stand before a person's name and hardly ever begin that of an organisation, as "General" and "Foreign" do.
_PERSONAL = frozenset(
    [
        "Mr.",
        "Mrs.",
        "Ms.",
        "Mr",
        "Mrs",
        "Ms",
        "Sen.",
        "Senator",
        "Gen.",
        "Capt.",
        "Captain",
        "Col.",
        "Colonel",
        "Lt.",
        "Maj.",
        "Sgt.",
        "Sergeant",
        "Admiral",
        "Ayatollah",
        "Mullah",
        "Sheikh",
        "King",
        "Queen",
        "Prince",
        "Princess",
        "Pope",
        "Judge",
        "Ambassador",
        "Envoy",
        "Representative",
        "President",
        "Chancellor",
    ]
)
_QUALIFIERS = frozenset(["Special", "High", "Grand", "Vice", "Deputy"])
_NO_PERSON = frozenset({"org_head", "facility", "event_head", "unit_head", "location", "gpe_head", "title"})
_JOINS = frozenset({"of", "for", "and", "the"})


def settle_titles(doc: Doc, spans: Spans) -> None:
    """Give titles to the persons that they stand before, whoever had them."""
    for m in sorted(spans.all, key=lambda m: m.start):
        if m.label in ("ORG", "GPE", "LOC"):
            _name_person(doc, spans, m)
    for m in sorted(spans.all, key=lambda m: m.start):
        if m.label == "PERSON":
            _take_from(doc, spans, m)
    take_in_titles(doc, spans)


def _is_title(doc: Doc, i: int) -> bool:
    _, cased = lexicon()
    return "title" in cased.get(doc[i].text, ())


def _name_person(doc: Doc, spans: Spans, m: Match) -> None:
    """ "High Representative Federica Mogherini" is a person, and so is "UN Special Envoy de Mistura" after "UN"."""
    title = next((i for i in range(m.start, m.end - 1) if doc[i].text in _PERSONAL), None)
    if title is None or not 1 <= m.end - title - 1 <= 3 or shipped().find(doc[m.start : m.end].text) is not None:
        return
    name = range(title + 1, m.end)
    if not doc[m.end - 1].text[:1].isupper() or any(_NO_PERSON & classes(doc[i].text) for i in name):
        return
    if any(doc[i].lower_ in _JOINS for i in name):
        return
    while title > m.start and doc[title - 1].text in _QUALIFIERS:
        title -= 1
    spans.put(Match(title, m.end, "PERSON", 0))
    for end in range(title, m.start, -1):
        known = shipped().find(doc[m.start : end].text)
        if known is not None:
            spans.put(Match(m.start, end, known.label, 0))
            return


def _take_from(doc: Doc, spans: Spans, m: Match) -> None:
    """ "U.S. Army General" and "Joseph Votel" are the U.S. Army and its general."""
    before = spans.below(Match(m.start - 1, m.start, "PERSON", 0)) if m.start else []
    if not before or before[0].label not in _ACTORS:
        return
    other = before[0]
    start = m.start
    while start > other.start and _is_title(doc, start - 1):
        start -= 1
    hyphen = start > other.start and doc[start - 1].text == "-"
    if start == m.start or hyphen:  # "Secretary-General" goes with what it is of: corpora mark it so
        return
    spans.drop(other)
    spans.put(Match(start, m.end, "PERSON", 0))
    rest = Match(other.start, start, other.label, 0)
    known = shipped().find(doc[rest.start : rest.end].text) if start > other.start else None
    if known is not None:
        spans.put(Match(rest.start, rest.end, known.label, 0))
    elif rest.end - rest.start > 1:
        spans.put(rest)  # one word that is no known name was part of the title: "Technical Sergeant"


def take_in_titles(doc: Doc, spans: Spans) -> None:
    """A title that stands directly before a name belongs to it: "Defense Secretary Lloyd Austin"."""
    for m in sorted(spans.all, key=lambda m: m.start):
        if m.label != "PERSON":
            continue
        start = m.start
        while start > 0 and _is_title(doc, start - 1):
            start -= 1
        if start < m.start and all(
            start <= b.start and b.end <= m.end for b in spans.below(Match(start, m.end, "PERSON", 0))
        ):
            spans.put(Match(start, m.end, "PERSON", 0))
