"""One name for one thing: which mentions name the same entity, and why.

A fold needs positive evidence: the same name after spelling is levelled, a known alias, a bracket that explains an
abbreviation, initials, a surname that only one full name bears. A conflict blocks it: two full names of one surname,
titles of different sex, Jr. beside Sr. What is neither shown nor excluded stays apart: two people under one name do
more harm than one under two.

The result depends on the set of mentions alone, not on their order: within an article, and across the reports of an
incident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations

import msgspec

from pipeline.entities import spelling
from pipeline.entities.gazetteer import Gazetteer, Name, shipped
from pipeline.entities.labels import IDENTITY_CLASS
from pipeline.entities.names import normalise, without_legal_form
from pipeline.entities.people import PersonName, given_keys, is_given_name, parse_person
from pipeline.ids import entity_id


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A mention of a name, with what its text says about it (mentions.py finds that).

    Attributes:
        text: as written.
        label: its type.
        document: where it stands; two given names in one document are two people.
        outlet: who wrote it.
        explains: the name that it stands in brackets after, or whose brackets follow it: "IRGC" in "... Corps (IRGC)".
        roles: offices that the text gives the person: "united states central command|commander".
        count: how often the document has this very mention.
    """

    text: str
    label: str
    document: str = ""
    outlet: str = ""
    explains: str = ""
    roles: frozenset[str] = frozenset()
    count: int = 1


class Form(msgspec.Struct, frozen=True):
    """One spelling of an entity, how often it stands, and in which outlets."""

    text: str
    count: int
    outlets: tuple[str, ...]


class Fold(msgspec.Struct, frozen=True):
    """Why a form is another's."""

    form: str
    into: str
    reason: str


class Disagreement(msgspec.Struct, frozen=True):
    """Sources give one thing different names that cannot all be right; each with its forms."""

    kind: str
    forms: tuple[Form, ...]


class Group(msgspec.Struct, frozen=True):
    """One entity: its canonical name and everything that was folded into it."""

    entity_id: str
    name: str
    label: str
    forms: tuple[Form, ...]
    folds: tuple[Fold, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    members: frozenset[tuple[str, str]] = frozenset()
    """(text, label) of every mention in it."""


@dataclass
class _Node:
    """All mentions of one levelled name within one identity class."""

    kind: str
    key: str
    known: Name | None
    person: PersonName | None
    mentions: list[Mention] = field(default_factory=list)

    # Read only once all mentions are in.

    @cached_property
    def documents(self) -> frozenset[str]:
        return frozenset(m.document for m in self.mentions)

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(role for m in self.mentions for role in m.roles)

    @cached_property
    def text(self) -> str:
        """The form that stands for the node: the most frequent, then the longest, then by spelling."""
        text = self.mentions[0].text
        if all(m.text == text for m in self.mentions):
            return text
        counts = _counted((m.text, m.count) for m in self.mentions)
        return min(counts, key=lambda t: (-counts[t], -len(t), t))

    @cached_property
    def count(self) -> int:
        return sum(m.count for m in self.mentions)


_NO_OUTLET = frozenset([""])
_NO_ROLES: list[str] = []
_entity_id = lru_cache(maxsize=16_384)(entity_id)

MAX_ALIKE = 100
"""So many names of one surname and like given names, or of one office, are compared pair by pair; more are left apart:
the time for a text stays in proportion to its length."""


def fold(mentions: Sequence[Mention], gazetteer: Gazetteer | None = None) -> list[Group]:
    """Group mentions by the thing that they name; groups in the order of their ids.

    Args:
        mentions: of one article, or of all reports of an incident.
        gazetteer: known names; default: those that ship.
    """
    nodes = _nodes(mentions, gazetteer or shipped())
    folds = _Folds(nodes)
    by_kind: dict[str, list[int]] = {}
    for i, node in enumerate(nodes):
        by_kind.setdefault(node.kind, []).append(i)
    for kind, members in by_kind.items():
        _fold_known(nodes, members, folds)
        if kind == "person":
            _fold_people(nodes, members, folds)
        elif kind not in ("value", "nationality"):
            _fold_spellings(nodes, members, folds)
        if kind in ("organisation", "materiel"):
            _fold_abbreviations(nodes, members, folds)
            _fold_slips(nodes, members, folds)
        if kind == "organisation":
            _fold_short_organisations(nodes, members, folds)
        if kind == "place":
            _fold_facilities(nodes, members, folds)
    return sorted((_group(nodes, members, folds) for members in folds.groups()), key=lambda g: (g.entity_id, g.name))


class _Folds:
    """Union-find over nodes that keeps the reason of every union. The smallest member stands for a set."""

    def __init__(self, nodes: Sequence[_Node]) -> None:
        self._parent = list(range(len(nodes)))
        self.reasons: dict[int, list[tuple[int, int, str]]] = {}
        self.disputed: list[tuple[int, int]] = []

    def find(self, i: int) -> int:
        while self._parent[i] != i:
            i = self._parent[i]
        return i

    def join(self, a: int, b: int, reason: str) -> None:
        """Fold b into a."""
        x, y = self.find(a), self.find(b)
        if x == y:
            return
        low, high = min(x, y), max(x, y)
        self._parent[high] = low
        self.reasons[low] = self.reasons.get(low, []) + self.reasons.pop(high, []) + [(b, a, reason)]

    def groups(self) -> Iterator[list[int]]:
        members: dict[int, list[int]] = {}
        for i in range(len(self._parent)):
            members.setdefault(self.find(i), []).append(i)
        yield from members.values()


def _nodes(mentions: Iterable[Mention], gazetteer: Gazetteer) -> list[_Node]:
    nodes: dict[tuple[str, str], _Node] = {}
    for m in sorted(mentions, key=_in_order):
        kind = IDENTITY_CLASS[m.label]
        person = parse_person(m.text) if kind == "person" else None
        key = (
            person.node_key
            if person
            else without_legal_form(normalise(m.text))
            if kind == "organisation"
            else normalise(m.text)
        )
        node = nodes.get((kind, key))
        if node is None:
            known = None if kind == "person" else _known(gazetteer, m.text, kind)
            node = nodes[kind, key] = _Node(kind, key, known, person)
        node.mentions.append(m)
    return [nodes[k] for k in sorted(nodes)]


def _in_order(m: Mention) -> tuple[str, str, str, str, str, list[str]]:
    return m.label, m.text, m.document, m.outlet, m.explains, sorted(m.roles) if m.roles else _NO_ROLES


def _known(gazetteer: Gazetteer, text: str, kind: str) -> Name | None:
    for name in gazetteer.find_all(text):
        if IDENTITY_CLASS[name.label] == kind:
            return name
    return None


def _fold_known(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    first: dict[tuple[str, str], int] = {}
    for i in members:
        known = nodes[i].known
        if known is not None:
            folds.join(first.setdefault((known.label, known.canonical), i), i, f"known alias of {known.canonical}")


def _fold_spellings(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    by_level: dict[str, list[int]] = {}
    for i in members:
        level = spelling.level(nodes[i].key)
        if len(level) >= spelling.MIN_LEVELLED:
            by_level.setdefault(level, []).append(i)
    for alike in by_level.values():
        # Two known things spelt alike: what else is spelt so may be either.
        if len({nodes[i].known for i in alike} - {None}) < 2:
            for i in alike[1:]:
                folds.join(alike[0], i, "another spelling of the same name")


def _different_known(a: _Node, b: _Node) -> bool:
    return a.known is not None and b.known is not None and a.known != b.known


def _fold_abbreviations(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    by_key = {nodes[i].key: i for i in members}
    for i in members:
        for m in nodes[i].mentions:
            other = by_key.get(without_legal_form(normalise(m.explains))) if m.explains else None
            if other is not None and other != i and not _different_known(nodes[i], nodes[other]):
                folds.join(other, i, "stands beside it in brackets")
    # Without brackets: the initials of one long name, and of no other.
    by_initials: dict[str, list[int]] = {}
    for i in members:
        for initials in spelling.initials(nodes[i].text):
            by_initials.setdefault(initials, []).append(i)
    for i in members:
        if nodes[i].known is None and spelling.is_acronym(nodes[i].text):
            found = by_initials.get(spelling.letters(nodes[i].text), [])
            if len({folds.find(k) for k in found}) == 1:
                folds.join(found[0], i, "its initials")


def _fold_slips(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    acronyms = [i for i in members if spelling.is_acronym(nodes[i].text)]
    groups = Counter(folds.find(i) for i in members)
    by_text: dict[str, list[int]] = {}
    for i in acronyms:
        by_text.setdefault(nodes[i].text, []).append(i)
    for i in acronyms:
        node = nodes[i]
        # A slip is nobody's name: unknown, explained by nothing, folded with nothing.
        if node.known is not None or groups[folds.find(i)] > 1 or any(m.explains for m in node.mentions):
            continue
        right = sorted(
            k
            for text in spelling.transpositions(node.text)
            for k in by_text.get(text, ())
            if nodes[k].known is not None or groups[folds.find(k)] > 1
        )
        if len({folds.find(k) for k in right}) == 1:
            folds.join(right[0], i, f"slip of {nodes[right[0]].text}")


def _fold_short_organisations(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    """ "Ford" beside "Ford Motor Company", "Air Force" beside "United States Air Force", if it can be of one only."""
    long: dict[str, list[int]] = {}
    for i in members:
        for short in spelling.short_forms(nodes[i].text):
            long.setdefault(short, []).append(i)
    for i in members:
        node = nodes[i]
        if node.known is not None or spelling.is_city(node.text):
            continue
        near = [k for k in long.get(node.key, ()) if k != i and not nodes[k].documents.isdisjoint(node.documents)]
        # Another name that begins with it: "Apple" is not sure beside "Apple Corps" and "Apple Company".
        rivals = [k for k in members if k != i and nodes[k].key.startswith(f"{node.key} ")] if near else []
        if near and len({folds.find(k) for k in [*near, *rivals]}) == 1:
            folds.join(near[0], i, "the short form of one name only")


def _fold_facilities(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    """ "Al-Omar oil field" and "Al Omar": a facility by its name alone, unless that names a known place."""
    bases: dict[str, set[int]] = {}
    for i in members:
        base = spelling.without_facility(nodes[i].key)
        if base is not None:
            bases.setdefault(spelling.level(base), set()).add(i)
    for owners in bases.values():
        fields = sorted(i for i in owners if spelling.is_airfield(nodes[i].key))
        for i in fields[1:]:
            a, b = nodes[fields[0]], nodes[i]
            if not _different_known(a, b) and not spelling.is_city(spelling.without_facility(a.key) or ""):
                folds.join(fields[0], i, "the same name of an airfield")
    for i in members:
        level = spelling.level(nodes[i].key)
        owning = {folds.find(k) for k in bases.get(level, ())}
        if len(owning) == 1 and nodes[i].known is None and not spelling.is_city(nodes[i].text):
            folds.join(min(bases[level]), i, "the facility's name alone")


def _fold_people(nodes: list[_Node], members: list[int], folds: _Folds) -> None:
    by_surname: dict[str, list[int]] = {}
    by_given: dict[str, list[int]] = {}
    for i in members:
        name = _person(nodes[i])
        by_surname.setdefault(name.surname_level, []).append(i)
        if name.is_full:
            by_given.setdefault(name.given, []).append(i)
    for namesakes in by_surname.values():
        full = [i for i in namesakes if _person(nodes[i]).is_full]
        for a, b in _twins(_by_given_name(nodes, full), lambda a, b: _same_person(nodes, a, b)):
            folds.join(a, b, "the same full name")
        for a, b in _twins(_by_office(nodes, full), lambda a, b: bool(_shared_office(nodes, folds, a, b))):
            office = min(nodes[a].roles & nodes[b].roles)
            folds.join(a, b, f"one office: {office.replace('|', ', ')}")
            folds.disputed.append((a, b))
    for namesakes in by_surname.values():
        short = [i for i in namesakes if not _person(nodes[i]).is_full]
        if len(short) > MAX_ALIKE:
            continue
        for i in short:
            name = _person(nodes[i])
            bearers = [k for k in namesakes if _person(nodes[k]).is_full and _person(nodes[k]).ends_with(name)]
            reason = "the surname of one full name only"
            if not bearers and not name.titles:
                near = nodes[i].documents
                bearers = [k for k in by_given.get(name.key, ()) if near & nodes[k].documents]
                reason = "the given name of one full name only"
            if not bearers and not name.titles:
                bearers = [k for k in short if _is_kunya_of(nodes, k, i)]
                reason = "the name without Abu"
            bearers = [k for k in bearers if not name.conflicts(_person(nodes[k]))]
            people = {folds.find(k) for k in bearers}
            if any(_rival(nodes, i, k) for k in short) and not all(_person(nodes[k]).sex for k in bearers):
                continue
            if len(people) == 1:
                folds.join(min(bearers), i, reason)


def _by_given_name(nodes: list[_Node], members: list[int]) -> Iterable[list[int]]:
    """Lists of full names; given names that are alike share one."""
    lists: dict[str, list[int]] = {}
    for i in members:
        for key in given_keys(_person(nodes[i]).given):
            lists.setdefault(key, []).append(i)
    return lists.values()


def _by_office(nodes: list[_Node], members: list[int]) -> Iterable[list[int]]:
    """Lists of names that the text gives one office."""
    lists: dict[str, list[int]] = {}
    for i in members:
        for role in sorted(nodes[i].roles):
            lists.setdefault(role, []).append(i)
    return lists.values()


def _twins(lists: Iterable[list[int]], alike: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Pairs within one list that are alike and alike to exactly the same others.

    Likeness does not carry over: "Thomas Reed" may be Reed Sr. or Reed Jr., who are two. A name between two people is
    left alone, and so never joins them. A list that is longer than any news has is left alone as a whole.
    """
    near: dict[int, set[int]] = {}
    for members in lists:
        if len(members) <= MAX_ALIKE:
            for a, b in combinations(members, 2):
                if alike(a, b):
                    near.setdefault(a, {a}).add(b)
                    near.setdefault(b, {b}).add(a)
    return sorted((a, b) for a, others in near.items() for b in others if a < b and others == near[b])


def _same_person(nodes: list[_Node], a: int, b: int) -> bool:
    x, y = _person(nodes[a]), _person(nodes[b])
    if x.surname != y.surname and not nodes[a].documents.isdisjoint(nodes[b].documents):
        return False  # one text spells one name one way
    return not x.conflicts(y) and x.same_full_name(y)


def _is_kunya_of(nodes: list[_Node], a: int, b: int) -> bool:
    """Whether a is "Abu Ghadiya" where b is the "Ghadiya" of the same text; "Omar" may be the son of Abu Omar."""
    x, y = _person(nodes[a]), _person(nodes[b])
    near = not nodes[a].documents.isdisjoint(nodes[b].documents)
    return near and x.parts == ("abu", *y.parts) and not is_given_name(y.key)


def _rival(nodes: list[_Node], a: int, b: int) -> bool:
    """Whether two short mentions are of one surname and different sex: Mr. and Mrs. Reed."""
    x, y = _person(nodes[a]), _person(nodes[b])
    return a != b and not y.is_full and x.key == y.key and x.conflicts(y)


def _shared_office(nodes: list[_Node], folds: _Folds, a: int, b: int) -> frozenset[str]:
    """Offices that two full names of one surname and different given names hold in different documents."""
    x, y = _person(nodes[a]), _person(nodes[b])
    if x.given == y.given or x.conflicts(y, given=False) or folds.find(a) == folds.find(b):
        return frozenset()
    return nodes[a].roles & nodes[b].roles if nodes[a].documents.isdisjoint(nodes[b].documents) else frozenset()


def _person(node: _Node) -> PersonName:
    assert node.person is not None
    return node.person


def _forms(mentions: Iterable[Mention]) -> tuple[Form, ...]:
    outlets: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for m in mentions:
        text = m.text
        known = outlets.get(text)
        if known is None:
            counts[text] = m.count
            outlets[text] = {m.outlet}
        else:
            counts[text] += m.count
            known.add(m.outlet)
    ordered = sorted(counts, key=lambda text: (-counts[text], text)) if len(counts) > 1 else counts
    return tuple([Form(text, counts[text], tuple(sorted(outlets[text] - _NO_OUTLET))) for text in ordered])


def _counted(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item, count in items:
        counts[item] = counts.get(item, 0) + count
    return counts


def _group(nodes: list[_Node], members: list[int], folds: _Folds) -> Group:
    alone = len(members) == 1
    mentions = nodes[members[0]].mentions if alone else [m for i in members for m in nodes[i].mentions]
    known = sorted({(n.canonical, n.label) for i in members if (n := nodes[i].known) is not None})
    label = mentions[0].label
    if any(m.label != label for m in mentions):
        labels = _counted((m.label, m.count) for m in mentions)
        label = min(labels, key=lambda t: (-labels[t], t))
    if known:
        name, label = known[0]
    elif alone:
        node = nodes[members[0]]
        name = node.text if node.person is None else node.person.written
    elif nodes[members[0]].kind == "person":
        # The fullest form that stands most often; titles are no part of a name.
        best = min(members, key=lambda i: (-len(_person(nodes[i]).parts), -nodes[i].count, nodes[i].key))
        name = _person(nodes[best]).written
    else:
        best = min(
            members,
            key=lambda i: (
                spelling.is_acronym(nodes[i].text),
                -nodes[i].count,
                -len(nodes[i].key),
                nodes[i].key,
            ),
        )
        name = nodes[best].text
    root = folds.find(members[0])
    inside = set(members)
    disputed = sorted({i for pair in folds.disputed if inside.issuperset(pair) for i in pair})
    return Group(
        entity_id=_entity_id(IDENTITY_CLASS[label], normalise(name)),
        name=name,
        label=label,
        forms=_forms(mentions),
        folds=tuple(
            sorted(
                [Fold(nodes[b].text, nodes[a].text, reason) for b, a, reason in folds.reasons.get(root, ())],
                key=lambda f: (f.form, f.into),
            )
        ),
        disagreements=(Disagreement("given name", _forms(m for i in disputed for m in nodes[i].mentions)),)
        if disputed
        else (),
        members=frozenset([(m.text, m.label) for m in mentions]),
    )
