"""When two names of materiel, units, storms or operations are one: by designation, number, kind and name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.entities import designations
from pipeline.entities.nodes import MAX_ALIKE, Folds, Node

_UNIT = re.compile(
    r"(.*\b\d+(?:st|nd|rd|th)) (.*?) ?(brigade|battalion|regiment|division|squadron|company|corps|fleet|wing|army)s?"
)
_BRANCH = re.compile(r"(\d+(?:st|nd|rd|th)) (airborne|armou?red|infantry|mechani[sz]ed|mountain|marines?|assault|tank)")
_ORDINAL = re.compile(r"^(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)\b")
_ORDINALS = {
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
    "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th",
}  # fmt: skip
_NO_BRANCH = frozenset(["separate", "independent"])
_STORM = re.compile(r"(?:hurricane|typhoon|cyclone|tropical (?:storm|cyclone|depression)|super typhoon|storm) (\w+)")
_OPERATION = re.compile(r"operation [\"“”'‘’«]*(.+?)[\"“”'‘’»]*")


def fold_materiel(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join one and many, a model with and without its kind or its name, a ship with and without its prefix."""
    keys = {i: designations.materiel_key(nodes[i].text) for i in members}
    _join_alike(nodes, members, keys, folds, "one and many of a kind, or one designation")
    _fold_ships(nodes, members, folds)
    named: dict[str, list[int]] = {}
    of_kind: dict[str, dict[str, list[int]]] = {}
    for i, key in keys.items():
        named.setdefault(key, []).append(i)
        name, kind = designations.without_kind(key)
        if kind:
            of_kind.setdefault(name, {}).setdefault(kind, []).append(i)
    for name, kinds in of_kind.items():
        models = named.get(name, [])
        # "Scud missile" and "Scud launcher" are two things, and "Scud" is either.
        if len(kinds) > 1 and any(map(designations.is_ammunition, kinds)):
            continue
        if models or designations.has_designation(name):
            alike = [*models, *(i for members in kinds.values() for i in members)]
            for i in alike[1:]:
                folds.join_unless_known_apart(alike[0], i, "the same name and its kind")
    _fold_models(nodes, named, of_kind, folds)


def _fold_models(
    nodes: list[Node], named: dict[str, list[int]], of_kind: dict[str, dict[str, list[int]]], folds: Folds
) -> None:
    """ "MQ-9 Reaper" with "MQ-9" and with "Reaper", each if it can be of that model only."""
    whole: dict[str, list[int]] = {}
    for key, owners in named.items():
        for part in designations.designation(designations.without_kind(key)[0]):
            if len(part) > 1:
                whole.setdefault(part, []).extend(owners)
    for part, owners in whole.items():
        short = [*named.get(part, ()), *(i for found in of_kind.get(part, {}).values() for i in found)]
        if len({folds.find(k) for k in owners}) == 1:
            for i in short:
                folds.join_unless_known_apart(owners[0], i, "the designation or the name of one model only")


def _fold_ships(nodes: list[Node], members: list[int], folds: Folds) -> None:
    by_name: dict[str, list[int]] = {}
    for i in members:
        if name := designations.ship_name(nodes[i].text):
            by_name.setdefault(name, []).append(i)
    by_key = {nodes[i].key: i for i in members}
    for name, ships in by_name.items():
        prefixed = {designations.ship_prefix(nodes[i].text) for i in ships}
        if len(prefixed) == 1:
            for i in ships[1:]:
                folds.join(ships[0], i, "one ship's name")
        alone = by_key.get(name)
        if alone is not None and len({folds.find(i) for i in ships}) == 1:
            folds.join_unless_known_apart(ships[0], alone, "a ship's name alone")


def fold_units(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "47th Mechanized Brigade", "47th Brigade" and "47th Mechanized", where no other 47th is named; and "Third"
    with "3rd"."""
    by_number: dict[tuple[str, str], list[tuple[frozenset[str], int]]] = {}
    of_branch: dict[str, list[int]] = {}
    short: list[tuple[str, int]] = []
    for i in members:
        key = nodes[i].key
        if not key[:1].isdigit():
            if " " not in key or _ORDINAL.match(key) is None:
                continue
            key = _ORDINAL.sub(lambda word: _ORDINALS[word[0]], key)
        if _BRANCH.fullmatch(key) is not None:
            short.append((key, i))
        elif (unit := _UNIT.fullmatch(key)) is not None:
            of_branch.setdefault(f"{unit[1]} {unit[2]}", []).append(i)
            branch = frozenset(unit[2].split()) - _NO_BRANCH
            by_number.setdefault((unit[1], unit[3]), []).append((branch, i))
    for units in by_number.values():
        if len(units) > MAX_ALIKE:
            continue
        units.sort(key=lambda unit: (-len(unit[0]), unit[1]))
        for branch, i in units[1:]:
            wider = [(other, k) for other, k in units if k != i and branch <= other]
            near = [(o, k) for o, k in wider if not nodes[k].documents.isdisjoint(nodes[i].documents)] or wider
            if near and all(a <= b or b <= a for a, _ in near for b, _ in near):
                folds.join(near[0][1], i, "the number of one unit only")
    for key, i in short:
        if len({folds.find(k) for k in of_branch.get(key, ())}) == 1:
            folds.join_unless_known_apart(of_branch[key][0], i, "the number and branch of one unit only")


def fold_events(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "Hurricane Ida", "Tropical Storm Ida" and "Ida"; "Operation Iron Dawn" and "Iron Dawn"."""
    by_name: dict[str, list[int]] = {}
    for i in members:
        key = nodes[i].key
        match = _STORM.fullmatch(key) or _OPERATION.fullmatch(key)
        if match is not None:
            by_name.setdefault(match[1], []).append(i)
    by_key = {nodes[i].key.strip("\"“”'‘’"): i for i in members}
    for name, alike in by_name.items():
        storms = [i for i in alike if not nodes[i].key.startswith("operation")]
        for of_kind in (storms, [i for i in alike if i not in storms]):
            for i in of_kind[1:]:
                folds.join_unless_known_apart(of_kind[0], i, "one name of a storm or an operation")
        alone = by_key.get(name)
        if alone is not None and alone not in alike and len({folds.find(i) for i in alike}) == 1:
            folds.join_unless_known_apart(alike[0], alone, "the name of a storm or an operation alone")


def _join_alike(nodes: list[Node], members: Iterable[int], keys: dict[int, str], folds: Folds, reason: str) -> None:
    by_key: dict[str, list[int]] = {}
    for i in members:
        by_key.setdefault(keys[i], []).append(i)
    for alike in by_key.values():
        for i in alike[1:]:
            folds.join_unless_known_apart(alike[0], i, reason)
