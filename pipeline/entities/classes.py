"""Token classes: what a single word tells about the entities around it.

Every word is in a set of classes ("month", "title", "facility", ...). A document becomes a string with one character
per token, each character standing for one set of classes, so that rules are regular expressions over tokens and run
at the speed of `re` (rules.py). The same sets are features of the trained network (features.py).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

_DATA = resources.files("pipeline.entities") / "data"

# Model designations: aircraft, vehicles and ships by the prefix their makers use, weapons likewise.
_PLATFORM = re.compile(
    r"(?:F|FA|MiG|Mig|MIG|Su|SU|Tu|Il|An|Mi|Ka|KC|KC-|C|B|A|E|P|U|SR|EA|AV|V|MQ|RQ|AH|UH|CH|MH|HH|OH|EC|T|TB|BMP|BTR|MH|WC|RC)-\d{1,3}[A-Za-z]{0,3}s?"
    r"|M1A[12]s?|UAVs?|UASs?|APCs?"
)
_WEAPON = re.compile(
    r"(?:AK|RPG|AR|PKM|SA|AGM|AIM|BM|BGM|GBU|S|TOW|SS|SM|KN)-\d{1,3}[A-Za-z]{0,2}s?|M16s?|M4s?|C-?4|I[EC]{1}DS?s?|V?BIEDs?"
)

_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_DIGITS = re.compile(r"\d[\d.,:/]*|\d+[\d,.]*-?(?:plus|odd)")
_DECADE = re.compile(r"(?:1[5-9]|20)?\d0['’]?s")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_CLOCK = re.compile(r"\d{1,2}[:.]\d\d(?:[ap]m)?|\d{1,2}[ap]m|\d{4}Z|\d{6}Z[A-Z]{3}\d{0,4}")
_INITIAL = re.compile(r"[A-Z]\.(?:[A-Z]\.)*|[A-Z]")
_GRID = re.compile(r"\d{1,2}[C-X][A-HJ-NP-Z]{2}\d{4,10}")

_MARKS = {
    "hyphen": "- –",
    "dash": "—",
    "comma": ",",
    "open": "(",
    "close": ")",
    "possessive": "'s ’s ' ’",
    "ampersand": "&",
    "stop_mark": ". ! ? : ;",
    "slash": "/",
}
_PUNCTUATION = {mark: name for name, marks in _MARKS.items() for mark in marks.split()}


def lines(name: str) -> list[str]:
    """The lines of a data file that are not empty and no comment."""
    text = (_DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def lexicon() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """The word lists: classes by lower-case word, and classes by word as written."""
    tables: tuple[dict[str, set[str]], dict[str, set[str]]] = ({}, {})
    with (_DATA / "lexicon.toml").open("rb") as f:
        sections = tomllib.load(f)
    for name, section in sections.items():
        for key, words in section.items():
            table = tables[key == "cased"]
            for word in words.split():
                table.setdefault(word, set()).add(name)
    for word in lines("first_names.txt"):
        tables[True].setdefault(word.partition("\t")[0], set()).add("first_name")
    for line in lines("gazetteer.txt"):
        label, canonical, others, *people = line.split("|")
        if label in ("GPE", "NORP"):
            for word in ",".join([canonical, others, *people]).split(","):
                if word and " " not in word:
                    tables[True].setdefault(word, set()).add("nation")
    lower, cased = ({w: frozenset(c) for w, c in t.items()} for t in tables)
    return lower, cased


def shape_class(text: str) -> str:
    """The one class that the letters and digits of a word give it."""
    if (mark := _PUNCTUATION.get(text)) is not None:
        return mark
    if text[:1].isdigit():
        if _ORDINAL.fullmatch(text):
            return "ordinal_digits"
        if _CLOCK.fullmatch(text):
            return "clock_digits"
        if _YEAR.fullmatch(text):
            return "year"
        if _DECADE.fullmatch(text):
            return "decade"
        if _GRID.fullmatch(text):
            return "grid"
        return "digits" if _DIGITS.fullmatch(text) else "mixed_digits"
    if text in ("$", "£", "€", "¥", "US$", "C$", "A$", "U$", "₹", "₽"):
        return "money_sign"
    if _PLATFORM.fullmatch(text):
        return "platform_model"
    if _WEAPON.fullmatch(text):
        return "weapon_model"
    if text[:1].isupper():
        if _INITIAL.fullmatch(text):
            return "initial"
        if len(text) > 1 and text.isupper():
            return "acronym"
        return "cap"
    if text.isspace():
        return "break" if "\n" in text else "space"
    if text[:1].islower():
        return "lower" if text.islower() else "mixed_case"
    return "mark"


def classes(text: str) -> frozenset[str]:
    """All classes of a word: that of its shape, and those of the word lists."""
    lower, cased = lexicon()
    found = lower.get(text.lower(), frozenset()) | cased.get(text, frozenset())
    shape = shape_class(text)
    if "facility" in found and shape in ("cap", "acronym"):
        return found | {shape, "facility_name"}
    return found | {shape}


SHAPES: tuple[str, ...] = (
    *_MARKS,
    *("ordinal_digits", "clock_digits", "year", "decade", "grid", "digits", "mixed_digits", "money_sign"),
    *("platform_model", "weapon_model", "initial", "acronym", "cap", "break", "space", "lower", "mixed_case", "mark"),
)
"""What `shape_class` may return."""


@lru_cache(maxsize=1)
def signatures() -> dict[frozenset[str], int]:
    """Every set of classes that a word can have, numbered from 0 in a fixed order."""
    lower, cased = lexicon()
    words = {form for w in [*lower, *cased] for form in (w, w.lower(), w.upper(), w.title(), w.capitalize())}
    sets = {classes(w) for w in words} | {frozenset({shape}) for shape in SHAPES}
    # A listed word may also come in a shape that none of these has ("mAy").
    listed = {lower.get(w.lower(), frozenset()) | cased.get(w, frozenset()) for w in words}
    sets |= {s | {shape} for s in listed for shape in ("cap", "acronym", "mixed_case", "lower", "initial", "mark")}
    return {s: i for i, s in enumerate(sorted(sets, key=sorted))}


# Signature i is written as this character plus i: outside ASCII, so no signature is special in a regular expression.
_BASE = 0x4E00


def signature(text: str) -> int:
    """Number of a word's set of classes."""
    table = signatures()
    found = classes(text)
    number = table.get(found)
    return table[frozenset({shape_class(text)})] if number is None else number


def as_char(number: int) -> str:
    """The character that stands for a signature in a rule's string."""
    return chr(_BASE + number)


def compile_rule(template: str) -> re.Pattern[str]:
    """A regular expression over tokens: `<a|b>` is a token of class a or b, `<!a|b>` one of neither.

    Raises:
        ValueError: a class that no word has.
    """

    def chars(names: Iterable[str]) -> str:
        names = list(names)
        known = {name for s in signatures() for name in s}
        if unknown := sorted(set(names) - known):
            raise ValueError(f"no word has the class {unknown[0]} of rule {template}")
        return "".join(as_char(i) for s, i in signatures().items() if not s.isdisjoint(names))

    def expand(match: re.Match[str]) -> str:
        negated, names = match[1], match[2].split("|")
        return f"[{'^' if negated else ''}{chars(names)}]"

    # (?P<...>) is a group; a class set may well stand after the ? of what may be missing before it.
    return re.compile(re.sub(r"(?<!\(\?P)<(!?)([a-z_|]+)>", expand, template.replace(" ", "")))
