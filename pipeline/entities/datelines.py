"""Where a report was written: "POCATELLO, Idaho (AP) -" before its first sentence, and places with their state."""

from __future__ import annotations

from spacy.tokens import Doc

from pipeline.entities.classes import classes
from pipeline.entities.gazetteer import shipped
from pipeline.entities.given_names import is_given_name
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_DASHES = frozenset(["-", "--", "–", "—", ")-", ")--", ")—"])
# Words in capitals that open a paragraph as a dateline does: "FILE - A police officer".
_NO_PLACE = frozenset(
    [
        "breaking",
        "correction",
        "editor",
        "exclusive",
        "file",
        "latest",
        "live",
        "news",
        "note",
        "now",
        "opinion",
        "photo",
        "photos",
        "poll",
        "update",
        "updated",
        "video",
        "warning",
        "watch",
    ]
)
_LONGEST_PLACE = 4
_LONGEST_LINE = 18
_PLACES = frozenset({"GPE", "LOC", "FAC"})
_NO_TOWN = frozenset({"org_head", "facility", "unit_head", "title", "event_head"})

# The states of the USA as the Associated Press and the post shorten them.
_STATES = frozenset([
    "Ala.", "Ariz.", "Ark.", "Calif.", "Colo.", "Conn.", "Del.", "Fla.", "Ga.", "Ill.", "Ind.", "Kan.", "Ky.", "La.",
    "Md.", "Mass.", "Mich.", "Minn.", "Miss.", "Mo.", "Mont.", "Neb.", "Nev.", "N.H.", "N.J.", "N.M.", "N.Y.", "N.C.",
    "N.D.", "Okla.", "Ore.", "Pa.", "R.I.", "S.C.", "S.D.", "Tenn.", "Tex.", "Vt.", "Va.", "Wash.", "W.Va.", "Wis.",
    "Wyo.", "AL", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "IL", "IN", "KS", "KY", "LA", "MD", "MA", "MI", "MN",
    "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN",
    "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
])  # fmt: skip


def settle_datelines(doc: Doc, spans: Spans) -> None:
    """Name the place, state and agency of every dateline, and towns that stand before their state."""
    opens = True
    for i, token in enumerate(doc):
        if token.is_space:
            opens = opens or "\n" in token.text
            continue
        if opens and token.is_upper and len(token.text) > 1:
            _name_dateline(doc, spans, i)
        opens = False
        if token.text in _STATES and i > 1 and doc[i - 1].text == ",":
            _name_town(doc, spans, i)


def _name_dateline(doc: Doc, spans: Spans, start: int) -> None:
    end = start
    while end < min(len(doc), start + _LONGEST_PLACE) and doc[end].is_upper and doc[end].text[0].isalpha():
        end += 1
    dash = _dash(doc, end)
    if dash is None or any(doc[i].lower_ in _NO_PLACE or "stop" in classes(doc[i].lower_) for i in range(start, end)):
        return
    open_bracket = next((i for i in range(end, dash) if doc[i].text == "("), dash)
    if open_bracket > end and doc[end].text != ",":
        return
    if _NO_TOWN & classes(doc[end - 1].lower_.title()) or _is_shouted(doc, dash + 1):
        return
    place = Match(start, end, "GPE", 0)
    known = shipped().find(doc[start:end].text)
    if (known is None or known.label == "GPE") and all(b.start >= start and b.end <= end for b in spans.below(place)):
        spans.put(place)
    if open_bracket < dash:
        _name_agencies(doc, spans, open_bracket + 1, dash)


def _dash(doc: Doc, i: int) -> int | None:
    """Where the dateline ends that has its place before i: at a dash that follows directly, in brackets, or a comma."""
    if i < len(doc) and doc[i].text in _DASHES:
        return i if i == 0 or doc[i - 1].whitespace_ or doc[i].whitespace_ else None
    if i >= len(doc) or doc[i].text not in (",", "("):
        return None
    depth = 0
    for k in range(i, min(len(doc), i + _LONGEST_LINE)):
        text = doc[k].text
        if text in (".", "!", "?", ";", ":") or "\n" in text:
            return None
        depth += (text == "(") - text.startswith(")")
        if text in _DASHES and depth == 0:
            return k
    return None


def _is_shouted(doc: Doc, i: int) -> bool:
    """Whether what follows is in capitals too, or nothing follows: a headline, "MAN SHOT - POLICE SAY"."""
    words = [token for token in doc[i : i + 5] if token.is_alpha][:3]
    return all(token.is_upper and len(token.text) > 1 for token in words)


def _name_agencies(doc: Doc, spans: Spans, start: int, end: int) -> None:
    close = next((i for i in range(start, end + 1) if doc[i].text.startswith(")")), end)
    first = start
    for i in range(start, close + 1):
        if i < close and doc[i].text != "/":
            continue
        agency = Match(first, i, "ORG", 0)
        first = i + 1
        if 0 < agency.end - agency.start <= 4 and doc[agency.start].text[0].isalnum():
            below = spans.below(agency)
            if all(agency.start <= b.start and b.end <= agency.end and b.label != "DATE" for b in below):
                spans.put(agency)


def _name_town(doc: Doc, spans: Spans, state: int) -> None:
    """ "Slidell, La." is a town and its state, "Jackson, MS" too."""
    before = spans.below(Match(state - 2, state - 1, "GPE", 0))
    if not before or before[0].end != state - 1 or before[0].label in ("DATE", "TIME", "MONEY", "NORP", "FAC"):
        return
    town = before[0]
    words = range(town.start, town.end)
    if town.label == "PERSON" and len(words) > 1 and is_given_name(doc[town.start].lower_):
        return  # "Tom Molomby, SC" is a Senior Counsel
    if len(words) > 3 or any(_NO_TOWN & classes(doc[i].text) or doc[i].is_lower for i in words):
        return
    spans.put(Match(state, state + 1, "GPE", 0))
    if town.label != "GPE":
        spans.put(Match(town.start, town.end, "GPE", 0))
