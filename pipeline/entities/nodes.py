"""The levelled names of a set of mentions, and which of them are joined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from pipeline.entities.gazetteer import Gazetteer, Name
from pipeline.entities.labels import IDENTITY_CLASS
from pipeline.entities.mentions import CALLED, KIN, NAMED, UNNAMED, Mention, key_of
from pipeline.entities.people import PersonName, parse_person

MAX_ALIKE = 100
"""So many names of one surname and like given names, of one office or of one number are compared pair by pair; more are
left apart: the time for a text stays in proportion to its length."""

_NO_ROLES: list[str] = []


@dataclass
class Node:
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
    def kin(self) -> frozenset[str]:
        """Keys of the names that a text says are of this person's relatives."""
        return frozenset(role.removeprefix(KIN) for role in self.roles if role.startswith(KIN))

    @cached_property
    def unnamed(self) -> frozenset[str]:
        """Documents that have this one name alone only before any full name with it."""
        return frozenset(m.document for m in self.mentions if UNNAMED in m.roles)

    @cached_property
    def offices(self) -> frozenset[str]:
        """What the texts say that a person holds."""
        return frozenset(role for role in self.roles if not role.startswith((KIN, CALLED, NAMED, UNNAMED)))

    @cached_property
    def ranks(self) -> frozenset[str]:
        """The military and police ranks that a person's name stands with."""
        return frozenset(rank for m in self.mentions for rank in parse_person(m.text).ranks)

    @cached_property
    def titles(self) -> frozenset[str]:
        """The titles that a person's name stands with."""
        return frozenset(title for m in self.mentions for title in parse_person(m.text).titles)

    @cached_property
    def marks(self) -> frozenset[str]:
        """The ranks and offices that a person's name stands with."""
        return frozenset(mark for m in self.mentions for mark in parse_person(m.text).marks)

    @cached_property
    def holds_office(self) -> bool:
        """Whether every title that a person's name stands with is of a civil office, and there is one."""
        titled = [name for m in self.mentions if (name := parse_person(m.text)).titles]
        return bool(titled) and all(name.holds_office for name in titled)

    @cached_property
    def text(self) -> str:
        """The form that stands for the node: the most frequent, then the longest, then by spelling."""
        text = self.mentions[0].text
        if len(self.mentions) == 1 or all(m.text == text for m in self.mentions):
            return text
        counts = counted((m.text, m.count) for m in self.mentions)
        return min(counts, key=lambda t: (-counts[t], -len(t), t))

    @cached_property
    def count(self) -> int:
        return sum(m.count for m in self.mentions)

    @property
    def name(self) -> PersonName:
        """The parts of a person's name; only of a person."""
        assert self.person is not None
        return self.person


def known_apart(a: Node, b: Node) -> bool:
    """Whether two names are known, each as another thing."""
    return a.known is not None and b.known is not None and a.known != b.known


def in_several_texts(nodes: Sequence[Node], members: Sequence[int]) -> bool:
    """Whether the names are not all of one document."""
    first = nodes[members[0]].documents
    return len(first) > 1 or any(nodes[i].documents != first for i in members)


class Folds:
    """Union-find over nodes that keeps the reason of every union. The smallest member stands for a set."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
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

    def join_unless_known_apart(self, a: int, b: int, reason: str) -> None:
        """Fold b into a, unless they are known to be two things."""
        if not known_apart(self._nodes[a], self._nodes[b]):
            self.join(a, b, reason)

    def groups(self) -> Iterator[list[int]]:
        members: dict[int, list[int]] = {}
        for i in range(len(self._parent)):
            members.setdefault(self.find(i), []).append(i)
        yield from members.values()


def nodes_of(mentions: Iterable[Mention], gazetteer: Gazetteer) -> list[Node]:
    """The mentions by levelled name, in the order of their kinds and keys."""
    nodes: dict[tuple[str, str], Node] = {}
    for m in sorted(mentions, key=_in_order):
        kind = IDENTITY_CLASS[m.label]
        person, key = _person(m.text) if kind == "person" else (None, key_of(m.text, m.label))
        node = nodes.get((kind, key))
        if node is None:
            known = None if kind == "person" else _known(gazetteer, m.text, kind)
            node = nodes[kind, key] = Node(kind, key, known, person)
        node.mentions.append(m)
    return [nodes[k] for k in sorted(nodes)]


@lru_cache(maxsize=16_384)
def _person(text: str) -> tuple[PersonName, str]:
    name = parse_person(text)
    return name, name.node_key


def _in_order(m: Mention) -> tuple[str, str, str, str, str, list[str]]:
    return m.label, m.text, m.document, m.outlet, m.explains, sorted(m.roles) if m.roles else _NO_ROLES


def _known(gazetteer: Gazetteer, text: str, kind: str) -> Name | None:
    for name in gazetteer.find_all(text):
        if IDENTITY_CLASS[name.label] != kind:
            continue
        if kind != "place" or name in gazetteer.own or not _is_a_part(text, name):
            return name
    return None


_DIRECTION = re.compile(r"(?:the )?(north|south|east|west)(?:ern)?[ -]", re.IGNORECASE)


def _is_a_part(text: str, name: Name) -> bool:
    """Whether a form has a direction that the name has not: South Waziristan is not Waziristan, nor the north of it."""
    match = _DIRECTION.match(text)
    return match is not None and match[1].lower() not in name.canonical.lower()


def counted(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The counts of each item, added up."""
    counts: dict[str, int] = {}
    for item, count in items:
        counts[item] = counts.get(item, 0) + count
    return counts
