"""Entities by rule: known names, and regular expressions over token classes (classes.py).

The whole of the pipeline `rules`, and, around the trained model, what rules do better than 20,000 examples: money,
quantities, clock times, grid references, materiel by kind, facilities and units by their head word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span

from pipeline.entities.classes import as_char, compile_rule, signature
from pipeline.entities.gazetteer import cities, shipped
from pipeline.entities.labels import LABELS

_NAME = "(?:<cap|acronym|mixed_case> | <particle> <hyphen> (?=<cap>))"
_CORE = f"(?:{_NAME} (?: <hyphen>? {_NAME})*)"

# (label, rule). Later rules give way to earlier ones where they overlap, unless they are longer.
_TEMPLATES: tuple[tuple[str, str], ...] = (
    ("MONEY", "(?:<money_sign> <digits|year|mixed_digits|number> <number>*)"),
    ("MONEY", "(?:<digits|year|number> <number>* <currency>)"),
    ("QUANTITY", "(?:<digits|year|number> (?:<hyphen>? <number>)* <hyphen>? <unit> (?:<slash> <duration|unit>)?)"),
    ("TIME", "(?:<digits|clock_digits|number> <clock>+)"),
    ("TIME", "<clock_digits> <clock>?"),
    ("DATE", "(?:<weekday> <comma>?)? <month> <digits|ordinal_digits> (?: <comma>? <year>)?"),
    ("DATE", "(?:<weekday> <comma>?)? <digits|ordinal_digits> <month> (?: <comma>? <year>)?"),
    ("DATE", "<month> <comma>? <year>"),
    ("DATE", "<weekday>"),
    ("DATE", "<relative>"),
    ("DATE", "<decade>"),
    ("LOC", "<grid>"),
    ("FAC", f"{_CORE} <facility_modifier>* <facility>"),
    ("UNIT", f"(?:<ordinal_digits|ordinal> {_NAME}* <unit_head>) | (?:{_CORE} <unit_head>)"),
    ("ORG", f"{_CORE} (?:<particle> <cap>+)? <org_head> (?: <particle> {_NAME}+)?"),
    ("PERSON", "<title>+ (?:<initial|cap|mixed_case|first_name> <hyphen>?)+"),
    ("PERSON", "<first_name> (?:<initial>)* (?:<cap> <hyphen>?)+"),
    ("EVENT", "<cap>+ <event_head> (?:<initial|acronym>)?"),
    ("WEAPON", "(?:(?:<modifier|weapon|platform|weapon_model|acronym> <hyphen>?)* <weapon>) | <weapon_model>"),
    ("PLATFORM", "(?:(?:<modifier|weapon|platform|platform_model> <hyphen>?)* <platform>) | <platform_model> <cap>*"),
)

AROUND_MODEL = frozenset({"MONEY", "QUANTITY", "TIME", "LOC", "FAC", "UNIT", "WEAPON", "PLATFORM", "DATE", "EVENT"})
"""Labels whose rules also run around a trained model."""


@dataclass(frozen=True, slots=True)
class Match:
    """Tokens [start, end) of a document, with the place of its rule in the list (0 goes first)."""

    start: int
    end: int
    label: str
    rank: int


@lru_cache(maxsize=1)
def compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """All rules, compiled."""
    return tuple((label, compile_rule(template)) for label, template in _TEMPLATES)


class ClassString:
    """Turns a document into its string of token classes; remembers the words it has seen."""

    # Bounds memory on a stream with ever new words; refilling costs less than a second.
    MAX_WORDS = 200_000

    def __init__(self) -> None:
        self._chars: dict[int, str] = {}

    def __call__(self, doc: Doc) -> str:
        known = self._chars
        try:
            return "".join([known[orth] for orth in doc.to_array("ORTH").tolist()])
        except KeyError:
            if len(known) > self.MAX_WORDS:
                known.clear()
            for token in doc:
                if token.orth not in known:
                    known[token.orth] = as_char(signature(token.orth_))
            return "".join([known[token.orth] for token in doc])


def matches(classes: str, labels: Iterable[str] | None = None) -> list[Match]:
    """Every match of every rule in a string of token classes."""
    wanted = None if labels is None else frozenset(labels)
    return [
        Match(m.start(), m.end(), label, rank)
        for rank, (label, rule) in enumerate(compiled())
        if wanted is None or label in wanted
        for m in rule.finditer(classes)
    ]


def resolve(found: Iterable[Match]) -> list[Match]:
    """Matches without overlaps: the longest first, then the rule that stands first, then the leftmost."""
    taken: set[int] = set()
    kept = []
    for m in sorted(found, key=lambda m: (m.start - m.end, m.rank, m.start)):
        tokens = range(m.start, m.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(m)
    return sorted(kept, key=lambda m: m.start)


class NameRules:
    """spaCy component `wirefuse_names`: the pipeline `rules`. Known names, then the rules; sets `doc.ents`."""

    labels = LABELS

    def __init__(self, nlp: Language) -> None:
        self._classes = ClassString()
        self._known = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._labels: dict[int, tuple[str, int]] = {}
        groups: dict[str, set[str]] = {}
        gazetteer = shipped()
        for name in gazetteer.names:
            groups.setdefault(name.label, set()).update(name.forms)
        self._add(nlp, groups, "name", -2)
        # One word that is also a given name or an everyday word is no city without more evidence.
        sure = {c for c in cities() if signature(c) == signature("Xyzzyq") or " " in c}
        self._add(nlp, {"GPE": sure}, "city", -1)

    def _add(self, nlp: Language, groups: dict[str, set[str]], kind: str, rank: int) -> None:
        for label, forms in sorted(groups.items()):
            key = f"{kind}:{label}"
            self._known.add(key, [nlp.tokenizer(form) for form in sorted(forms)])
            self._labels[nlp.vocab.strings[key]] = (label, rank)

    def __call__(self, doc: Doc) -> Doc:
        found = matches(self._classes(doc))
        for key, start, end in self._known(doc):
            label, rank = self._labels[key]
            found.append(Match(start, end, label, rank))
        doc.set_ents([Span(doc, m.start, m.end, m.label) for m in resolve(found)])
        return doc


def _make_names(nlp: Language, name: str) -> Callable[[Doc], Doc]:
    return NameRules(nlp)


def register() -> None:
    """Make the component known to spaCy, once."""
    if not Language.has_factory("wirefuse_names"):
        Language.factory("wirefuse_names", assigns=["doc.ents"], func=_make_names)
