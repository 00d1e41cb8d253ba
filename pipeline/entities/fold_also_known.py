"""When two names are known to be one thing's: Bombay and Mumbai, Abu Mazen and Mahmoud Abbas (data/also_known.txt).

Unlike the gazetteer, the list neither marks anything nor names it: it joins what its texts have.
"""

from __future__ import annotations

from functools import lru_cache

from pipeline.entities.classes import lines
from pipeline.entities.names import normalise
from pipeline.entities.nodes import Folds, Node
from pipeline.entities.people import parse_person
from pipeline.entities.spelling import heard, level, organisation_level

_ONLY_NEAR = "*"


def _key(kind: str, key: str) -> str:
    return organisation_level(key) if kind == "organisation" else heard(key) if kind == "person" else level(key)


@lru_cache(maxsize=1)
def _things() -> dict[tuple[str, str], tuple[int, bool]]:
    """By class and levelled name: the line that has it, and whether it has other meanings too."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for n, line in enumerate(lines("also_known.txt")):
        kind, *names = line.split("|")
        for name in names:
            text = name.rstrip(_ONLY_NEAR)
            key = parse_person(text).key if kind == "person" else normalise(text)
            found.setdefault((kind, _key(kind, key)), (n, name.endswith(_ONLY_NEAR)))
            if kind == "person":
                found.setdefault((_SURNAME, parse_person(text).surname_heard), (n, False))
    return found


@lru_cache(maxsize=65_536)
def _thing(kind: str, key: str, surname: str) -> tuple[int, bool] | None:
    if surname and (_SURNAME, surname) not in _things():
        return None
    return _things().get((kind, _key(kind, key)))


_SURNAME = "surname"


def fold_also_known(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join the names of one line of the list; one that has other meanings, with another of its text."""
    alike: dict[int, list[tuple[int, bool]]] = {}
    for i in members:
        node, person = nodes[i], nodes[i].person
        if person is None:
            found = _thing(node.kind, node.key, "")
        else:
            found = _thing(node.kind, person.key, person.surname_heard)
        if found is not None:
            alike.setdefault(found[0], []).append((i, found[1]))
    for names in alike.values():
        sure = [i for i, only_near in names if not only_near]
        for i, only_near in names:
            near = [k for k in sure if not only_near or not nodes[k].documents.isdisjoint(nodes[i].documents)]
            if near and near[0] != i and not _may_be_another(nodes[near[0]], nodes[i]):
                folds.join_unless_known_apart(near[0], i, "known by both names")


def _may_be_another(a: Node, b: Node) -> bool:
    """Whether a person's names have titles of different sex, or of different suffix."""
    return a.person is not None and a.person.conflicts(b.name, given=False)
