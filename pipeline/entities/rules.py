"""Entities by rule: known names, and regular expressions over token classes (classes.py).

The whole of the pipeline `rules`, and, around the trained model, what rules do better than 20,000 examples: money,
quantities, clock times, grid references, materiel by kind, facilities and units by their head word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span

from pipeline.entities.classes import as_char, compile_rule, signature
from pipeline.entities.gazetteer import cities, shipped
from pipeline.entities.labels import LABELS

_NAME = "(?:<cap|acronym|mixed_case> | <particle> <hyphen> (?=<cap>))"
# A name does not begin with "The", a title or a day. It has a limit that no name reaches, and so has whatever stands
# before the word that a rule is about: the time for a long run of such words would grow with its square or its cube.
_CORE = f"(?:(?!<stop|title|weekday|month>){_NAME} (?: <hyphen>? {_NAME}){{0,40}})"

# (label, rule). Later rules give way to earlier ones where they overlap, unless they are longer.
_TEMPLATES: tuple[tuple[str, str], ...] = (
    ("MONEY", "(?:<money_sign> <digits|year|mixed_digits|number> <number>*)"),
    ("MONEY", "(?:<digits|year|number> <number>{0,40} <currency>)"),
    (
        "QUANTITY",
        "(?:<digits|year|number> (?:<hyphen>? <number>){0,40} <hyphen>? <unit> (?:<slash> <duration|unit>)?)",
    ),
    ("TIME", "(?:<digits|clock_digits|number> <clock>+)"),
    ("TIME", "<clock_digits> <clock>?"),
    ("DATE", "(?:<weekday> <comma>?)? <month> <digits|ordinal_digits> (?: <comma>? <year>)?"),
    ("DATE", "(?:<weekday> <comma>?)? <digits|ordinal_digits> <month> (?: <comma>? <year>)?"),
    ("DATE", "<month> <comma>? <year>"),
    ("DATE", "<weekday>"),
    ("DATE", "<relative>"),
    ("DATE", "<decade>"),
    ("LOC", "<grid>"),
    ("FAC", f"{_CORE} <facility_modifier>{{0,8}} <facility_name>"),
    # "Al-Omar oil field" is the name of one; "US military base" may be any.
    ("FAC", f"(?!<nation> <facility_modifier>{{0,8}} <facility>){_CORE} <facility_modifier>{{0,8}} <facility>"),
    ("UNIT", f"(?:<ordinal_digits|ordinal> {_NAME}* <unit_head>) | (?:{_CORE} <unit_head>)"),
    ("ORG", f"{_CORE} (?:<particle> <cap>{{1,40}})? <org_head> (?: <particle> {_NAME}+)?"),
    ("PERSON", "<title>+ (?:<initial|cap|mixed_case|first_name> <hyphen>?)+"),
    ("PERSON", "<first_name> (?:<initial>)* (?:<cap> <hyphen>?)+"),
    ("EVENT", "<cap>{1,40} <event_head> (?:<initial|acronym>)?"),
    (
        "WEAPON",
        "(?:(?:<modifier|weapon|platform|weapon_model|acronym> <hyphen>?){0,40} <weapon>) | <weapon_model>",
    ),
    (
        "PLATFORM",
        "(?:(?:<modifier|weapon|platform|platform_model> <hyphen>?){0,40} <platform>) | <platform_model> <cap>*",
    ),
)


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


_DECIMAL = re.compile(r"\d{1,2}\.\d\d")


def _as_number(text: str) -> str:
    # "11.40" may be a clock time to the network, which sees its neighbours; to a rule it is the 11.40 of "$11.40".
    return "1.0" if _DECIMAL.fullmatch(text) else text


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
                    known[token.orth] = as_char(signature(_as_number(token.orth_)))
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


def _known_names() -> Iterator[tuple[str, str, int]]:
    """Label, form and rank of every known name; cities only where the word is nothing else."""
    for name in shipped().names:
        for form in name.forms:
            yield name.label, form, -2
    plain = signature("Xyzzyq")
    for city in cities():
        if signature(city) == plain or " " in city:
            yield "GPE", city, -1


class NameRules:
    """spaCy component `wirefuse_names`: the pipeline `rules`. Known names, then the rules; sets `doc.ents`."""

    labels = LABELS

    def __init__(self, nlp: Language) -> None:
        self._classes = ClassString()
        self._words: dict[int, tuple[str, int]] = {}
        self._phrases = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._kinds: dict[int, tuple[str, int]] = {}
        groups: dict[tuple[str, int], list[Doc]] = {}
        for label, form, rank in _known_names():
            if form.isalpha():  # one token: no need to ask the tokenizer
                self._words.setdefault(nlp.vocab.strings.add(form), (label, rank))
            else:
                groups.setdefault((label, rank), []).append(nlp.tokenizer(form))
        for (label, rank), docs in groups.items():
            key = f"{label}{rank}"
            self._phrases.add(key, docs)
            self._kinds[nlp.vocab.strings[key]] = (label, rank)

    def __call__(self, doc: Doc) -> Doc:
        found = matches(self._classes(doc))
        for key, start, end in self._phrases(doc):
            found.append(Match(start, end, *self._kinds[key]))
        for i, orth in enumerate(doc.to_array("ORTH").tolist()):
            if orth in self._words:
                found.append(Match(i, i + 1, *self._words[orth]))
        doc.set_ents([Span(doc, m.start, m.end, m.label) for m in resolve(found)])
        return doc


def _make_names(nlp: Language, name: str) -> Callable[[Doc], Doc]:
    return NameRules(nlp)


def register() -> None:
    """Make the component known to spaCy, once."""
    if not Language.has_factory("wirefuse_names"):
        Language.factory("wirefuse_names", assigns=["doc.ents"], func=_make_names)
