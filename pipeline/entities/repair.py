"""spaCy component `wirefuse_repair`: what rules and known names tell better than the tagger before it."""

from __future__ import annotations

import re
from collections.abc import Callable

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span

from pipeline.entities.classes import classes, lexicon
from pipeline.entities.datelines import settle_datelines
from pipeline.entities.gazetteer import Gazetteer, gazetteer, shipped
from pipeline.entities.heads import join_units, name_by_head, split_places
from pipeline.entities.labels import LABELS
from pipeline.entities.materiel import settle_materiel
from pipeline.entities.names import is_title, without_title
from pipeline.entities.one_label import settle_labels
from pipeline.entities.rules import ClassString, Match, matches, resolve
from pipeline.entities.spans import Spans
from pipeline.entities.tidy import tidy
from pipeline.entities.titles import settle_titles

RULES = frozenset({"MONEY", "QUANTITY", "TIME", "DATE", "LOC", "FAC", "UNIT", "WEAPON", "PLATFORM", "EVENT"})
"""Labels whose rules (rules.py) add to what the tagger found."""

_GIVES_WAY: dict[str, frozenset[str]] = {
    "FAC": frozenset({"GPE", "LOC", "FAC"}),
    "MONEY": frozenset({"MONEY", "QUANTITY", "DATE"}),
    "QUANTITY": frozenset({"QUANTITY", "DATE"}),
    "TIME": frozenset({"TIME", "DATE"}),
    "DATE": frozenset({"DATE"}),
    "PLATFORM": frozenset({"PLATFORM", "WEAPON"}),
    "WEAPON": frozenset({"WEAPON", "PLATFORM"}),
}
"""What a rule's match may take in: "Al-Omar" and "oil field" are one facility, "5" and "km" one quantity."""

_NAMES = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "UNIT"})
_KNOWN = frozenset({"ORG", "GPE", "LOC", "FAC", "NORP"})
# Known forms that are words or initials of other things as often.
_UNSURE = frozenset(
    [
        "WHO",
        "IS",
        "AU",
        "AP",
        "DEA",
        "ICC",
        "ISI",
        "ETA",
        "IRA",
        "LeT",
        "Wagner",
        "Orthodox",
        "Congo",
        "Jordan",
        "Georgia",
        "Chad",
        "Israeli army",
        "Israeli military",
    ]
)

# Words that open a sentence and are no name, beside the class `stop`.
_WORDS = frozenset(
    [
        "nobody",
        "somebody",
        "anybody",
        "everybody",
        "anyone",
        "everyone",
        "someone",
        "none",
        "below",
        "above",
        "inside",
        "outside",
        "behind",
        "beyond",
        "within",
        "without",
        "yes",
        "please",
        "thanks",
        "based",
        "boy",
        "city",
        "girl",
        "man",
        "men",
        "parent",
        "suspect",
        "suspects",
        "teen",
        "teens",
        "toddler",
        "victim",
        "victims",
        "woman",
        "women",
    ]
)


class Repair:
    """The component. Changes `doc.ents`."""

    labels = LABELS

    def __init__(self, nlp: Language, names: Gazetteer | None = None) -> None:
        self._nlp = nlp
        self._classes = ClassString()
        self.use(names or shipped())

    def use(self, names: Gazetteer) -> None:
        """Know other names from the next document on. Not to be called within a memory zone."""
        nlp = self._nlp
        self._names = names
        self._known = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._label_of: dict[int, str] = {}
        forms: dict[str, set[str]] = {}
        own = frozenset(names.own)
        for name in names.names:
            if name in own:
                forms.setdefault(name.label, set()).update(name.forms)
            elif name.label in _KNOWN:
                forms.setdefault(name.label, set()).update(f for f in name.forms if f not in _UNSURE and f != f.lower())
        for label, texts in sorted(forms.items()):
            self._known.add(label, [nlp.tokenizer(text) for text in sorted(texts)])
            self._label_of[nlp.vocab.strings[label]] = label

    def __call__(self, doc: Doc) -> Doc:
        given = {Match(e.start, e.end, e.label_, 0) for e in doc.ents}
        spans = Spans(given)
        self._add_matches(doc, spans)
        _add_written_dates(doc, spans)
        self._add_known(doc, spans)
        _name_places(doc, spans)
        name_by_head(doc, spans)
        split_places(doc, spans)
        join_units(doc, spans)
        settle_titles(doc, spans)
        settle_materiel(doc, spans)
        _complete_dates(doc, spans)
        settle_datelines(doc, spans)
        _trim_marks(doc, spans)
        tidy(doc, spans)
        _drop_words(doc, spans)
        settle_labels(doc, spans, self._names)
        _spread_surnames(doc, spans)
        if spans.all != given:
            doc.set_ents([Span(doc, m.start, m.end, m.label) for m in sorted(spans.all, key=lambda m: m.start)])
        return doc

    def _add_matches(self, doc: Doc, spans: Spans) -> None:
        for m in resolve(matches(self._classes(doc), RULES)):
            below = spans.below(m)
            if m.label == "FAC" and _any_of_a_town(doc, m, below):
                continue
            if not below or all(
                m.start <= b.start and b.end <= m.end and b.label in _GIVES_WAY.get(m.label, ()) for b in below
            ):
                spans.put(m)

    def _add_known(self, doc: Doc, spans: Spans) -> None:
        found = [Match(start, end, self._label_of[key], 0) for key, start, end in self._known(doc)]
        for m in resolve(found):
            below = spans.below(m)
            inside = all(m.start <= b.start and b.end <= m.end for b in below)
            same = len(below) == 1 and (below[0].start, below[0].end) == (m.start, m.end)
            # A person may be called Austin or Paris; a known name of several words is what it is.
            if not below or (inside and m.end - m.start > 1) or (same and below[0].label != "PERSON"):
                spans.put(m)
            elif len(below) == 1 and below[0].label == "PERSON" and below[0].start == m.start and m.end - m.start > 1:
                # "US Central Command General Michael Kurilla": the command, then its general.
                rest = Match(m.end, below[0].end, "PERSON", 0)
                spans.put(m)
                spans.put(rest)


def _any_of_a_town(doc: Doc, m: Match, below: list[Match]) -> bool:
    """Whether a facility is one that a town has, not one that bears its name: "a Jakarta hospital"."""
    return (
        m.start > 0
        and doc[m.start - 1].lower_ in ("a", "an")
        and doc[m.end - 1].is_lower
        and any(b.label == "GPE" and b.start == m.start for b in below)
    )


_AFTER_PLACE = frozenset(["region", "province", "governorate", "district", "county", "municipality", "village", "area"])
_BEFORE_PLACE = frozenset(
    ["city", "town", "village", "province", "district", "region", "governorate", "port", "island"]
)


def _name_places(doc: Doc, spans: Spans) -> None:
    """What stands before "region" or after "town of" is a place, whoever else bears the name."""
    for m in list(spans.all):
        if m.label != "PERSON":
            continue
        after = doc[m.end].text if m.end < len(doc) else ""
        of = m.start > 1 and doc[m.start - 1].text == "of" and doc[m.start - 2].text in _BEFORE_PLACE
        if of or after in _AFTER_PLACE:
            spans.put(Match(m.start, m.end, "GPE" if of else "LOC", 0))


_HYPHENS = ("-", "–")
_MARKS = frozenset(["-", "–", "—", "--", ",", ";", ":", '"', "“", "”", "«", "»", "/"])
_DAY = re.compile(r"[12]?[1-9]|[123]0|31")
_BARE_NUMBER = re.compile(r"[\d.,]+")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
# As ISO 8601 writes a day. The tokenizer makes five tokens of it, which no rule tells from a sum.
_WRITTEN_DATE = re.compile(r"(?<![\w/.-])(?:1[5-9]|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\w/-])")
_DURATIONS = frozenset(["minutes", "hours", "days", "weeks", "months", "years", "decades", "centuries"])


_HOURS = frozenset(["second", "seconds", "minute", "minutes", "hour", "hours"])


def _add_written_dates(doc: Doc, spans: Spans) -> None:
    """ "2023-03-24" is one date."""
    for found in _WRITTEN_DATE.finditer(doc.text):
        span = doc.char_span(*found.span())
        if span is not None:
            spans.put(Match(span.start, span.end, "DATE", 0))


def _complete_dates(doc: Doc, spans: Spans) -> None:
    """ "five years ago" is one date, and so are "three-day", "5-6 April", "past 24 hours"; a number alone is none."""
    for m in list(spans.all):
        if m.label != "DATE":
            continue
        start, end = m.start, m.end
        if start and doc[start].text in _HYPHENS and doc[start - 1].like_num:
            start -= 1
        elif start > 1 and doc[start - 1].text in _HYPHENS and _is_range(doc, start - 2, start) and end - start > 1:
            start -= 2
        if end < len(doc) and doc[end - 1].like_num and doc[end].lower_ in _DURATIONS:
            end += 1
        if end < len(doc) and doc[end - 1].lower_ in _DURATIONS and doc[end].lower_ == "ago":
            end += 1
        if end > m.end or start < m.start:
            whole = Match(start, end, "TIME" if doc[end - 1].lower_ in _HOURS else "DATE", 0)
            if spans.below(whole) == [m]:
                spans.put(whole)
        elif end - start == 1 and _BARE_NUMBER.fullmatch(doc[start].text) and not _is_year(doc, start):
            spans.drop(m)


def _is_range(doc: Doc, i: int, k: int) -> bool:
    """Whether two tokens are days of one month, the first before the second."""
    first, last = doc[i].text, doc[k].text
    return _DAY.fullmatch(first) is not None and _DAY.fullmatch(last) is not None and int(first) < int(last)


def _is_year(doc: Doc, i: int) -> bool:
    text = doc[i].text
    early = i > 0 and doc[i - 1].lower_ == "in" and text.isdigit() and 3 <= len(text) <= 4
    return early or _YEAR.fullmatch(text) is not None


def _trim_marks(doc: Doc, spans: Spans) -> None:
    """No name begins or ends with a dash, a comma or a quotation mark; what is left of "once-a-day" is none."""
    for m in list(spans.all):
        start, end = m.start, m.end
        while start < end and doc[start].text in _MARKS:
            start += 1
        while end > start and doc[end - 1].text in _MARKS:
            end -= 1
        if (start, end) != (m.start, m.end):
            spans.drop(m)
            tied = start > m.start and doc[start - 1].text in _HYPHENS and not doc[start - 1].whitespace_
            if start < end and not tied:
                spans.put(Match(start, end, m.label, 0))


def _drop_words(doc: Doc, spans: Spans) -> None:
    """No name is one everyday word with a capital: "Nobody", "Below"."""
    lower, _ = lexicon()
    for m in list(spans.all):
        if m.end - m.start == 1 and m.label in _NAMES:
            word = doc[m.start].text
            if ("stop" in lower.get(word.lower(), ()) or word.lower() in _WORDS) and not word.isupper():
                spans.drop(m)


# Before a surname, part of it; before a place, what it is of: "Penon de Coron".
_OF = frozenset(["de", "del", "da", "di", "do", "dos", "du", "von", "van", "der", "den", "of"])


def _spread_surnames(doc: Doc, spans: Spans) -> None:
    """Once a text has "Lloyd Austin" or "Secretary Austin", "Austin" is the man wherever it stands alone.

    Unless that is a known name of something else.
    """
    surnames = set()
    for m in spans.all:
        if m.label == "PERSON" and m.end - m.start > 1:
            _, name = without_title(doc[m.start : m.end].text)
            before, _, last = name.rpartition(" ")
            if before.rpartition(" ")[2] in _OF or "month" in classes(last):
                continue  # "Piet de Boer" is "De Boer" alone; "May" is a month unless the tagger says more
            if last[:1].isupper() and len(last) > 2 and not is_title(last) and shipped().find(last) is None:
                surnames.add(doc[m.end - 1].orth)
    if not surnames:
        return
    for i, orth in enumerate(doc.to_array("ORTH").tolist()):
        if orth in surnames:
            alone = Match(i, i + 1, "PERSON", 0)
            below = spans.below(alone)
            if not below or (below[0].end - below[0].start == 1 and below[0].label in ("GPE", "LOC", "ORG", "FAC")):
                spans.put(alone)


def _make(nlp: Language, name: str, aliases: str) -> Callable[[Doc], Doc]:
    return Repair(nlp, gazetteer(aliases))


def register() -> None:
    """Make the component known to spaCy, once. Its setting `aliases` is a file of a user's own names."""
    if not Language.has_factory("wirefuse_repair"):
        Language.factory("wirefuse_repair", assigns=["doc.ents"], default_config={"aliases": ""}, func=_make)
