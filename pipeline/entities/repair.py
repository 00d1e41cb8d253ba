"""spaCy component `wirefuse_repair`: what rules and known names tell better than the tagger before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span

from pipeline.entities.classes import lexicon
from pipeline.entities.gazetteer import Gazetteer, gazetteer, shipped
from pipeline.entities.labels import LABELS
from pipeline.entities.names import is_title, without_title
from pipeline.entities.rules import ClassString, Match, matches, resolve

RULES = frozenset({"MONEY", "QUANTITY", "TIME", "DATE", "LOC", "FAC", "UNIT", "WEAPON", "PLATFORM", "EVENT"})
"""Labels whose rules (rules.py) add to what the tagger found."""

_GIVES_WAY: dict[str, frozenset[str]] = {
    "FAC": frozenset({"GPE", "LOC", "FAC"}),
    "MONEY": frozenset({"MONEY", "QUANTITY", "DATE"}),
    "QUANTITY": frozenset({"QUANTITY", "DATE"}),
    "TIME": frozenset({"TIME", "DATE"}),
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
    ]
)


class _Spans:
    """The entities of a document while they are being changed."""

    def __init__(self, spans: Iterable[Match]) -> None:
        self.all: set[Match] = set()
        self._owner: dict[int, Match] = {}
        for m in spans:
            self.put(m)

    def below(self, m: Match) -> list[Match]:
        """The spans that share a token with a match."""
        return list(dict.fromkeys(self._owner[i] for i in range(m.start, m.end) if i in self._owner))

    def put(self, m: Match) -> None:
        """Add a span in place of all that it overlaps."""
        for other in self.below(m):
            self.all.discard(other)
            for i in range(other.start, other.end):
                del self._owner[i]
        self.all.add(m)
        self._owner.update(dict.fromkeys(range(m.start, m.end), m))

    def drop(self, m: Match) -> None:
        self.all.discard(m)
        for i in range(m.start, m.end):
            del self._owner[i]


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
        spans = _Spans(given)
        self._add_matches(doc, spans)
        self._add_known(doc, spans)
        _name_places(doc, spans)
        _take_in_titles(doc, spans)
        _complete_dates(doc, spans)
        _drop_words(doc, spans)
        _spread_surnames(doc, spans)
        if spans.all != given:
            doc.set_ents([Span(doc, m.start, m.end, m.label) for m in sorted(spans.all, key=lambda m: m.start)])
        return doc

    def _add_matches(self, doc: Doc, spans: _Spans) -> None:
        for m in resolve(matches(self._classes(doc), RULES)):
            below = spans.below(m)
            if not below or all(
                m.start <= b.start and b.end <= m.end and b.label in _GIVES_WAY.get(m.label, ()) for b in below
            ):
                spans.put(m)

    def _add_known(self, doc: Doc, spans: _Spans) -> None:
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


_AFTER_PLACE = frozenset(["region", "province", "governorate", "district", "county", "municipality", "village", "area"])
_BEFORE_PLACE = frozenset(
    ["city", "town", "village", "province", "district", "region", "governorate", "port", "island"]
)


def _name_places(doc: Doc, spans: _Spans) -> None:
    """What stands before "region" or after "town of" is a place, whoever else bears the name."""
    for m in list(spans.all):
        if m.label != "PERSON":
            continue
        after = doc[m.end].text if m.end < len(doc) else ""
        of = m.start > 1 and doc[m.start - 1].text == "of" and doc[m.start - 2].text in _BEFORE_PLACE
        if of or after in _AFTER_PLACE:
            spans.put(Match(m.start, m.end, "GPE" if of else "LOC", 0))


def _take_in_titles(doc: Doc, spans: _Spans) -> None:
    """A title that stands directly before a name belongs to it: "Defense Secretary Lloyd Austin"."""
    _, cased = lexicon()
    for m in list(spans.all):
        if m.label != "PERSON":
            continue
        start = m.start
        while start > 0 and "title" in cased.get(doc[start - 1].text, ()):
            start -= 1
        if start < m.start and all(
            start <= b.start and b.end <= m.end for b in spans.below(Match(start, m.end, "PERSON", 0))
        ):
            spans.put(Match(start, m.end, "PERSON", 0))


_HYPHENS = ("-", "–")
_DURATIONS = frozenset(["minutes", "hours", "days", "weeks", "months", "years", "decades", "centuries"])


def _complete_dates(doc: Doc, spans: _Spans) -> None:
    """ "five years ago" is one date, and so is "three-day"."""
    for m in list(spans.all):
        if m.label != "DATE":
            continue
        if m.start and doc[m.start].text in _HYPHENS and doc[m.start - 1].like_num:
            whole = Match(m.start - 1, m.end, "DATE", 0)
            if spans.below(whole) == [m]:
                spans.put(whole)
                m = whole
        end = m.end
        if end + 1 < len(doc) and doc[end].lower_ in _DURATIONS and doc[end + 1].lower_ == "ago":
            end += 2
        elif end < len(doc) and doc[end - 1].lower_ in _DURATIONS and doc[end].lower_ == "ago":
            end += 1
        wider = Match(m.start, end, "DATE", 0)
        if end > m.end and spans.below(wider) == [m]:
            spans.put(wider)


def _drop_words(doc: Doc, spans: _Spans) -> None:
    """No name is one everyday word with a capital: "Nobody", "Below"."""
    lower, _ = lexicon()
    for m in list(spans.all):
        if m.end - m.start == 1 and m.label in _NAMES:
            word = doc[m.start].text
            if ("stop" in lower.get(word.lower(), ()) or word.lower() in _WORDS) and not word.isupper():
                spans.drop(m)


def _spread_surnames(doc: Doc, spans: _Spans) -> None:
    """Once a text has "Lloyd Austin" or "Secretary Austin", "Austin" is the man wherever it stands alone.

    Unless that is a known name of something else.
    """
    surnames = set()
    for m in spans.all:
        if m.label == "PERSON" and m.end - m.start > 1:
            _, name = without_title(doc[m.start : m.end].text)
            last = name.rpartition(" ")[2]
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
