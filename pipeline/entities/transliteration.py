"""When two spellings may be one name that is written in another script: Qaddafi and Gaddafi, Dagalo and Daglo.

Spellings of one name keep its consonants, but for classes that romanisations mix (q, g, k, kh, gh; dh, th, d; w, v).
They leave out or change single vowels, but not any into any: e goes with a and i, o with u. Karimi is not Karami.
That two names are alike so is no reason to fold them. It takes a like given name beside it (fold_spelt.py).
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.entities.spelling import level

_CLASSES = (
    (re.compile(r"tsch|tch"), "ch"),
    (re.compile(r"zh|dj"), "j"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"(?<=[aeiou])w(?=u)|(?<=[aeiou])w(?![aeiou])|(?<=[aeiou])h"), ""),
    (re.compile(r"w"), "v"),
    (re.compile(r"[gqc](?!h)"), "k"),
    (re.compile(r"y"), "i"),
    (re.compile(r"([a-z])\1+"), r"\1"),
)
_CONSONANTS = re.compile(r"[^aeiou]+")
_EXCHANGED = frozenset([*map(frozenset, ("ae", "ei", "ou"))])
_LAST_EXCHANGED = _EXCHANGED | {frozenset("ao")}
_MIN_CONSONANTS = 3


@lru_cache(maxsize=65_536)
def _parts(name: str) -> tuple[str, tuple[str, ...]]:
    """The classes of a name's consonants, and the vowels before, between and after them."""
    text = level(name)
    for pattern, into in _CLASSES:
        text = pattern.sub(into, text)
    consonants = "".join(_CONSONANTS.findall(text))
    slots = [""]
    for c in text:
        if c in "aeiou":
            slots[-1] += c
        else:
            slots.append("")
    return consonants, tuple(slots)


def skeleton(name: str) -> str:
    """What all spellings of a normalised name share: "kdf" of Qaddafi, Gadhafi; a beginning vowel counts."""
    consonants, slots = _parts(name)
    return f"*{consonants}" if slots[0] else consonants


@lru_cache(maxsize=65_536)
def may_be_spelt(a: str, b: str) -> bool:
    """Whether two normalised names of one script may be one of another: like consonants, nearly the same vowels.

    One vowel may differ, of longer names two.
    """
    if skeleton(a) != skeleton(b):
        return False
    (consonants, x), (_, y) = _parts(a), _parts(b)
    if len(consonants) + bool(x[0]) < _MIN_CONSONANTS:
        return x == y
    changed = [n for n, (v, w) in enumerate(zip(x, y, strict=True)) if v != w]
    last = len(x) - 1
    return len(changed) <= (1 if len(consonants) < _MIN_CONSONANTS + 1 else 2) and all(
        _may_change(x[n], y[n], _LAST_EXCHANGED if n == last else _EXCHANGED) for n in changed
    )


def _may_change(v: str, w: str, exchanged: frozenset[frozenset[str]]) -> bool:
    if not v or not w:
        return len(v + w) <= 1  # left out: Dagalo, Daglo
    return bool(set(v) & set(w)) or any(frozenset(p + q) in exchanged for p in v for q in w)
