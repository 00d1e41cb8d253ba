"""When two names of people are one in two spellings of another script, each in reports of its own.

A text spells one name one way, so two spellings in one text are two names. Across texts it takes a given name and a
surname that are both alike, one of the two as closely as names are compared elsewhere, and something that tells that
the name is of another script.
"""

from __future__ import annotations

import re

from pipeline.entities.given_names import is_arabic_or_persian, is_given_name, is_slavic, variant_of
from pipeline.entities.nodes import MAX_ALIKE, Folds, Node
from pipeline.entities.people import PARTICLES, PersonName, given_alike
from pipeline.entities.spelling import MIN_LEVELLED, heard
from pipeline.entities.transliteration import may_be_spelt, skeleton

_ENDING = re.compile(
    r".{2,}(?:ov|ev|sky|skiy|skyy|enko|enka|chuk|[eo]v[iy]ch|dze|shvili|ullah|uddin|eddine?|zad[ae]h?|zai|khel)"
)
_PLAIN_H = re.compile(r"(?<![cksztp])h")


def fold_spelt(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join full names of different texts that one name in another script is written as."""
    by_skeleton: dict[str, list[int]] = {}
    for i in members:
        name = nodes[i].name
        if name.is_full and len(name.parts) < 6:
            by_skeleton.setdefault(_whole_skeleton(name), []).append(i)
    for alike in by_skeleton.values():
        if not 2 <= len(alike) <= MAX_ALIKE:
            continue
        linked: dict[int, set[int]] = {i: {i} for i in alike}
        for n, a in enumerate(alike):
            for b in alike[n + 1 :]:
                if linked[a] is not linked[b] and _are_one(nodes[a].name, nodes[b].name):
                    both = linked[a] | linked[b]
                    for i in both:
                        linked[i] = both
        for together in {min(some): some for some in linked.values()}.values():
            first, *rest = sorted(together)
            if rest and not _any_conflict(nodes, sorted(together)):
                for i in rest:
                    folds.join(first, i, "one name in two spellings")


def spelt_bearers(nodes: list[Node], i: int, full: dict[str, list[int]]) -> list[int]:
    """The full names of other texts whose surname the one name of a node may be in another spelling.

    Args:
        full: full names of other scripts by the skeleton of their surname.
    """
    name, near = nodes[i].name, nodes[i].documents
    if len(name.surname) < MIN_LEVELLED or is_given_name(name.surname):
        return []
    found = [k for k in full.get(skeleton(name.surname), ()) if may_be_spelt(name.surname, nodes[k].name.surname)]
    in_other_texts = all(near.isdisjoint(nodes[k].documents) or _almost_same(name, nodes[k].name) for k in found)
    return found if in_other_texts else []


def _almost_same(x: PersonName, y: PersonName) -> bool:
    return x.surname_level == y.surname_level


def is_spelt(name: PersonName) -> bool:
    """Whether a full name is one that is written in another script, as far as its words tell."""
    return (
        is_arabic_or_persian(name.given)
        or is_slavic(name.given)
        or not PARTICLES.isdisjoint(name.parts[1:-1])
        or _ENDING.fullmatch(name.surname) is not None
    )


def fold_kunyas(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "Abu Obeida" and "Abu Ubaida", each of its own texts."""
    by_name: dict[str, list[int]] = {}
    for i in members:
        parts = nodes[i].name.parts
        if len(parts) == 2 and parts[0] in ("abu", "umm") and len(parts[1]) >= MIN_LEVELLED:
            by_name.setdefault(f"{parts[0]} {heard(parts[1])}", []).append(i)
    for alike in by_name.values():
        if len(alike) > 1 and not _any_conflict(nodes, alike):
            for i in alike[1:]:
                folds.join(alike[0], i, "one name in two spellings")


def _rest(name: PersonName) -> str:
    return "".join(part for part in name.parts[1:] if part not in PARTICLES)


def _whole_skeleton(name: PersonName) -> str:
    given = variant_of(name.parts[0])
    whole = given + _rest(name)
    return skeleton(_PLAIN_H.sub("g", whole) if is_slavic(given) else whole)


def _are_one(x: PersonName, y: PersonName) -> bool:
    a, b = _rest(x), _rest(y)
    given_x, given_y = x.parts[0], y.parts[0]
    if x.suffix != y.suffix:
        return False
    if given_x == given_y and a == b:
        return True  # Amir-Abdollahian, Amirabdollahian
    if not (is_spelt(x) or is_spelt(y)) or min(len(a), len(b)) < MIN_LEVELLED:
        return False
    if x.surname != y.surname and is_given_name(x.surname) and is_given_name(y.surname):
        return False  # Hassan and Hussein, Saleh and Salah
    if given_alike(given_x, given_y):
        if is_slavic(given_x) and is_slavic(given_y):
            a, b = _PLAIN_H.sub("g", a), _PLAIN_H.sub("g", b)
        return may_be_spelt(a, b)
    # The last vowel of a given name tells the sex: Amin, Amina.
    return given_x[-1] == given_y[-1] and may_be_spelt(given_x, given_y) and heard(a) == heard(b)


def _any_conflict(nodes: list[Node], members: list[int]) -> bool:
    """Whether of names that may be one person's two stand in one text, or something says that they are two people."""
    seen: set[str] = set()
    for n, i in enumerate(members):
        if not seen.isdisjoint(nodes[i].documents):
            return True
        seen |= nodes[i].documents
        for k in members[:n]:
            if nodes[i].name.conflicts(nodes[k].name, given=False) or are_kin(nodes, i, k):
                return True
    return False


def are_kin(nodes: list[Node], a: int, b: int) -> bool:
    """Whether a text says that one is a relative of the other.

    "Holm's wife Anna Holm" is no Holm, but Mrs. Holm: a title that tells the sex tells them apart.
    """
    x, y = nodes[a].name, nodes[b].name
    return y.key in nodes[a].kin or (not x.sex and x.key in nodes[b].kin)
