"""When two spellings are one name: transliteration, abbreviations, slips."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.entities.classes import lexicon
from pipeline.entities.gazetteer import cities, shipped
from pipeline.entities.names import normalise, plain

MIN_LEVELLED = 4
"""Shorter names are alike by chance too often: only their plain form counts."""

# The Arabic article before sun and moon letters, written apart or joined: "ar Raqqah", "el-Obeid".
_ARTICLE = re.compile(r"\b(?:al|el|ul|ar|ad|an|as|ash|at|az|ez|es|er|et|ed|en) ")
_SAINT = re.compile(r"\bst (?=\w)")
_LEVELS = (
    (re.compile(r"ou|oo"), "u"),
    (re.compile(r"ay"), "ai"),
    (re.compile(r"c(?=[aoukt])"), "k"),
    (re.compile(r"ee|iy+|yy|ii|y\b"), "i"),
    (re.compile(r"ck|kh|q"), "k"),
    (re.compile(r"dh|th"), "d"),
    (re.compile(r"gh"), "g"),
    (re.compile(r"zhzh"), "zh"),
    (re.compile(r"(?<=[aeiou])h\b"), ""),
    (re.compile(r"([a-z])\1"), r"\1"),
)
_SMALL = frozenset(["of", "the", "and", "for", "in", "on", "de", "la", "al", "el", "to", "a"])


@lru_cache(maxsize=65536)
def level(name: str) -> str:
    """A normalised name with what transliterations differ in taken out; vowels stay: Hassan is not Hussein."""
    text = _SAINT.sub("saint ", _ARTICLE.sub("", name + " "))
    for pattern, into in _LEVELS:
        text = pattern.sub(into, text)
    return text.replace(" ", "")


_LONG_I = re.compile("i+")
_DIPHTHONG = re.compile("ai(?=[^aiu])")
_HEARD = str.maketrans({"e": "i", "o": "u", "y": "i"})


@lru_cache(maxsize=65536)
def heard(name: str) -> str:
    """The level of a person's name without what is left open by ear: e and i, o and u. Hassan is not Hussein here
    either. "Haniyeh" and "Haniya", "Moqtada" and "Muqtada", "Hamid" and "Hamed", "Tymoshenko" and "Timoshenko"."""
    text = level(name.removesuffix("eh") + "a" if name.endswith("eh") else name).translate(_HEARD)
    return _DIPHTHONG.sub("i", _LONG_I.sub("i", text)).replace("iu", "u")


def owner_words(words: Sequence[str]) -> int:
    """How many words at the beginning are a known country, people or organisation; those of the longest; 0: none."""
    known = (n for n in range(min(3, len(words)), 0, -1) if words[0][:1].isupper() and _owns(" ".join(words[:n])))
    return next(known, 0)


@lru_cache(maxsize=65536)
def _owns(text: str) -> bool:
    known = shipped().find(text)
    return known is not None and known.label in ("NORP", "GPE", "ORG")


@lru_cache(maxsize=65536)
def is_acronym(text: str) -> bool:
    """Capitals, digits and dots, at least two capitals: "IRGC", "U.N.", "CJTF-OIR"."""
    letters = [c for c in text if c.isalpha()]
    return 2 <= len(letters) <= 12 and all(c.isupper() for c in letters) and " " not in text.strip()


@lru_cache(maxsize=65536)
def initials(name: str) -> frozenset[str]:
    """Initials of a name of at least two words, with and without its small words; none of an acronym."""
    words = re.findall(r"[^\W\d_][\w'’]*", name)
    if len(words) < 2 or is_acronym(name):
        return frozenset()
    big = [w for w in words if w.lower() not in _SMALL]
    found = ("".join(w[0] for w in some).upper() for some in (words, big))
    return frozenset(letters for letters in found if len(letters) > 1)


@lru_cache(maxsize=65536)
def organisation_level(key: str) -> str:
    """The level of a normalised organisation; "New People's Party" and "New People Party" share it."""
    words = (_SPELT.get(word, word) for word in _UMLAUT.sub(r"\1", _PLURAL.sub("", key)).split())
    return level(_POLICE.sub("police", " ".join(words)))


_SPELT = {
    "defence": "defense", "labour": "labor", "centre": "center", "organisation": "organization", "programme": "program",
    "mobilisation": "mobilization", "&": "and",
}  # fmt: skip
_UMLAUT = re.compile(r"([aou])e(?=[lnrht])")  # "Mueller" and "Müller"
_POLICE = re.compile(r"(?<=\w )(?<!metropolitan )police (?:department|dept|bureau|force)$")
_PLURAL = re.compile(r"(?<=\w{4})(?<!s)s\b(?! *$)")


def letters(acronym: str) -> str:
    """The initials that an acronym stands for: its letters."""
    return "".join(c for c in plain(acronym).upper() if c.isalpha())


def transpositions(acronym: str) -> set[str]:
    """What an acronym of at least four letters is when two neighbouring letters change places; not itself."""
    n = len(acronym)
    swapped = (acronym[:i] + acronym[i + 1] + acronym[i] + acronym[i + 2 :] for i in range(n - 1)) if n >= 4 else ()
    return set(swapped) - {acronym}


@lru_cache(maxsize=1)
def _facility_words() -> frozenset[str]:
    lower, _ = lexicon()
    return frozenset(
        w for w, found in lower.items() if found & {"facility", "facility_modifier", "location", "gpe_head"}
    )


def without_facility(name: str) -> str | None:
    """The name that a normalised facility bears: "al omar oil field" gives "al omar"; None where none is left."""
    words = name.split()
    n = len(words)
    while n and words[n - 1] in _facility_words():
        n -= 1
    return " ".join(words[:n]) if 0 < n < len(words) else None


@lru_cache(maxsize=1)
def _cities() -> frozenset[str]:
    return frozenset(normalise(c) for c in cities())


def is_city(text: str) -> bool:
    return normalise(text) in _cities()


_TAIL = re.compile(r" (?:group|party|cartel|news agency|airlines|airways|magazine|gang|brigade|movement|network)$")
"""What a short form leaves out: "Yonhap" of the Yonhap News Agency."""
_LOCAL = re.compile(r"\b(?:police department|fire department|sheriffs? (?:office|department))$")
"""What is left of a local body's name where its text has no other: "the Sheriff's Office"."""
_COMPANY = frozenset(["company", "corporation", "group", "holdings", "co", "corp", "inc"])


@lru_cache(maxsize=65536)
def short_forms(name: str) -> tuple[str, ...]:
    """The normalised forms that an organisation's name is cut to: "Ford Motor Company" to "ford" and "ford motor",
    "United States Air Force" to "air force", "Port Authority of New York" to "port authority"."""
    words = normalise(name).split()
    found = []
    if len(words) > 2 and words[-1] in _COMPANY:
        found += [" ".join(words[:n]) for n in range(1, len(words) - 1)]
    elif len(words) > 1 and (tail := _TAIL.search(" ".join(words))) is not None:
        rest = " ".join(words)[: tail.start()]
        if shipped().find(rest) is None and rest.split()[-1] not in _SMALL:
            found.append(rest)
    if (local := _LOCAL.search(" ".join(words))) is not None:
        found.append(local[0])
    for n in range(1, len(words) - 1):
        if n > 1 and words[n] == "of":
            found.append(" ".join(words[:n]))
        nation = shipped().find(" ".join(words[:n]))
        if nation is not None and nation.label in ("GPE", "NORP"):
            found.append(" ".join(words[n:]))
    return tuple(found)


_AIRFIELD = re.compile(r"\b(?:air ?(?:base|port|field|strip)|aerodrome)$")


def is_airfield(name: str) -> bool:
    """Whether a normalised facility is an airport or air base: one place has one, called by either."""
    return _AIRFIELD.search(name) is not None
