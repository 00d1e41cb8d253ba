"""What no name is, and names by their last word: links, ages, boilerplate, streets, counties, times of the day."""

from __future__ import annotations

import re

from spacy.tokens import Doc

from pipeline.entities.classes import classes
from pipeline.entities.gazetteer import shipped
from pipeline.entities.given_names import is_given_name
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_STREETS = frozenset(
    ["Street", "St.", "Avenue", "Ave.", "Ave", "Boulevard", "Blvd.", "Blvd", "Road", "Rd.", "Lane", "Drive", "Highway"]
)
_NUMBERED = frozenset(["Highway", "Hwy", "Hwy.", "Route", "Interstate", "Motorway", "Autoroute"])
_ROAD = re.compile(r"[AM]\d{1,4}|I-\d{1,3}|US-\d{1,3}")
_ON = frozenset(["along", "at", "down", "near", "off", "on"])
# Before a ship's name; those that mean much else ("SS", "MS", "MY") are left out.
_SHIPS = frozenset(
    ["USS", "USNS", "USCGC", "HMS", "HMCS", "HMAS", "HMNZS", "HNLMS", "RMS", "MV", "M/V", "MT", "M/T", "FV", "F/V"]
)
_DAYTIMES = frozenset(["morning", "afternoon", "evening", "night", "noon", "midnight", "midday", "dawn", "dusk"])
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_AGE = re.compile(r"\d0s")
_NUMBER = re.compile(r"[\d.,]+|and")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_GENERATION = re.compile(r"\dG")
_BEFORE_AGE = frozenset(["his", "her", "their", "early", "mid", "late"])
_HEADLINE = frozenset(["In", "At", "Outside", "After", "Over", "Near", "By", "From", "As", "During", "Inside"])
_RIGHTS = ("All", "Rights", "Reserved")
# Heads of units that are more often heads of other things, unless a number or a capital tells.
_COMMON_UNITS = frozenset(["company", "companies", "division", "divisions", "battery", "batteries", "section", "troop"])
_LINK = ("http", "www.", "pic.twitter.com")
# What a page asks its reader to do, in capitals as a name has them.
_PAGE_WORDS = frozenset([
    "Click", "Comments", "E-mail", "Email", "Newsletter", "Photos", "Subscribe", "Video", "Videos", "Watch", "CLICK",
    "EMAIL", "PHOTOS", "SUBSCRIBE", "VIDEO", "VIDEOS", "WATCH",
])  # fmt: skip
# Words of a picture's credit or a link that run into the name after them: "GETTY Max Verstappen".
_CREDITS = frozenset(["GETTY", "REUTERS", "AFP", "EPA", "WATCH", "WATCHED", "READ", "PHOTO", "PHOTOS", "VIDEO", "FILE"])
# Words that begin a sentence and run into the name after them: "No Kestrian was hurt".
_QUANTIFIERS = frozenset(["Every", "Many", "Most", "Neither", "No", "Several", "Some"])
_NETWORKS = frozenset(["Facebook", "Instagram", "Snapchat", "TikTok", "Twitter", "WhatsApp", "YouTube", "Youtube"])
_LONGEST_SHOUT = 6
_IN_NAMES = frozenset(["a", "an", "and", "for", "from", "in", "of", "on", "the", "to"])
_NAMES = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC"})


def tidy(doc: Doc, spans: Spans) -> None:
    """Drop, cut and rename what is no name, or is another's kind of name by its last word."""
    for m in sorted(spans.all, key=lambda m: m.start):
        if any(t.startswith(_LINK) or "@" in t for t in (doc[i].text for i in range(m.start, m.end))):
            spans.drop(m)
        elif _is_road(doc, m):
            spans.put(Match(m.start, m.end, "FAC", 0))
        elif m.label in ("DATE", "TIME"):
            _tidy_date(doc, spans, m)
        elif m.label in ("QUANTITY", "UNIT"):
            if _GENERATION.fullmatch(doc[m.start : m.end].text) or (m.label == "UNIT" and _is_common(doc, m)):
                spans.drop(m)
        elif m.label in _NAMES:
            _tidy_name(doc, spans, m)


def _is_road(doc: Doc, m: Match) -> bool:
    """Whether a name is a numbered road's: "Highway 61"; "the A1" where it was taken for a place."""
    first = doc[m.start].text
    if m.end - m.start == 2:
        return first in _NUMBERED and doc[m.start + 1].text.isdigit()
    return m.end - m.start == 1 and m.label in ("GPE", "LOC") and _ROAD.fullmatch(first) is not None


def _tidy_date(doc: Doc, spans: Spans, m: Match) -> None:
    words = [doc[i].text for i in range(m.start, m.end)]
    if words[-1] in _STREETS and _ORDINAL.fullmatch(words[0]):
        spans.put(Match(m.start, m.end, "FAC", 0))
    elif len(words) == 1 and _ORDINAL.fullmatch(words[0]) and int(words[0][:-2]) > 31:
        spans.drop(m)
    elif _AGE.fullmatch(words[-1]) and {*words[:-1], doc[max(0, m.start - 1)].text} & _BEFORE_AGE:
        spans.drop(m)  # "in their 20s"
    elif len(words) > 1 and all(map(_NUMBER.fullmatch, words)) and not any(map(_YEAR.fullmatch, words)):
        spans.drop(m)  # "ages 22, 26, 29"
    elif m.label == "DATE" and words[-1] in _DAYTIMES:
        spans.put(Match(m.start, m.end, "TIME", 0))


def _is_common(doc: Doc, m: Match) -> bool:
    return doc[m.end - 1].text in _COMMON_UNITS and not any(
        doc[i].text[0].isdigit() or doc[i].like_num for i in range(m.start, m.end)
    )


def _tidy_name(doc: Doc, spans: Spans, m: Match) -> None:
    start, end = m.start, m.end
    if end - start == 1 and _is_of_page(doc, spans, m):
        return
    if end - start > _LONGEST_SHOUT and _is_sentence(doc, m):
        spans.drop(m)
        return
    while start < end - 1 and m.label != "ORG" and doc[start].text in _CREDITS | _QUANTIFIERS:
        start += 1
    if tuple(doc[i].text for i in range(max(start, end - 3), end)) == _RIGHTS:
        end -= 3
    cut = [i for i in range(start + 1, end - 1) if doc[i].text in _HEADLINE]
    if cut and m.label != "ORG":
        start = cut[-1] + 1  # "Wounded In Shooting Outside Lancaster Nightclub"
    if (start, end) != (m.start, m.end):
        spans.drop(m)
        if start >= end:
            return
        m = Match(start, end, m.label, 0)
        spans.put(m)
    label = _label_by_last(doc, m)
    while label == "FAC" and start > 0 and _ORDINAL.fullmatch(doc[start - 1].text):
        start -= 1
    if label is not None and (label != m.label or start < m.start):
        spans.put(Match(start, m.end, label, 0))


def _is_of_page(doc: Doc, spans: Spans, m: Match) -> bool:
    """Drop a word of the page around the text; a network is an organisation, not a person or a place."""
    word = doc[m.start].text
    if word in _PAGE_WORDS:
        spans.drop(m)
        return True
    if word in _NETWORKS and m.label != "ORG":
        spans.put(Match(m.start, m.end, "ORG", 0))
        return True
    return False


def _is_sentence(doc: Doc, m: Match) -> bool:
    """Whether words in capitals say something: "DEPUTIES SAY THEY WERE HOME BECAUSE SO"."""
    words = [token for token in doc[m.start : m.end] if token.is_alpha]
    small = sum("stop" in classes(word.lower_) and word.lower_ not in _IN_NAMES for word in words)
    return small > 1 and all(word.is_upper for word in words)


def _label_by_last(doc: Doc, m: Match) -> str | None:
    last = doc[m.end - 1].text
    known = shipped().find(doc[m.start : m.end].text)
    if known is not None:
        return None
    if m.end - m.start == 1:
        return "FAC" if last == "St." and m.start and _ORDINAL.fullmatch(doc[m.start - 1].text) else None
    if doc[m.start].text in _SHIPS and m.label != "PLATFORM":
        return "PLATFORM"
    if last == "County" and m.label == "PERSON":
        return "GPE"
    if last in _STREETS and m.label == "ORG" and m.start and doc[m.start - 1].lower_ in _ON:
        return "FAC"  # "on Riverside Drive"
    if last in _STREETS and (m.label in ("GPE", "LOC") or (m.label == "PERSON" and not _is_person(doc, m))):
        return "FAC"
    return None


def _is_person(doc: Doc, m: Match) -> bool:
    return is_given_name(doc[m.start].lower_)
