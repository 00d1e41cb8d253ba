"""What joined names come to: one entity with its forms, the reason of every fold, and what sources dispute."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from pipeline.entities import spelling
from pipeline.entities.labels import IDENTITY_CLASS
from pipeline.entities.mentions import Mention
from pipeline.entities.names import normalise
from pipeline.entities.nodes import Folds, Node, counted
from pipeline.ids import entity_id

_NO_OUTLET = frozenset([""])
_entity_id = lru_cache(maxsize=16_384)(entity_id)


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


def group(nodes: list[Node], members: list[int], folds: Folds) -> Group:
    """The entity that these nodes, all that are joined with each other, are the names of."""
    if len(members) == 1:
        return _alone(nodes[members[0]])
    mentions = [m for i in members for m in nodes[i].mentions]
    known = sorted({(n.canonical, n.label) for i in members if (n := nodes[i].known) is not None})
    label = _label(mentions)
    if known:
        name, label = known[0]
    elif nodes[members[0]].kind == "person":
        # The fullest form that stands most often; titles are no part of a name.
        best = min(members, key=lambda i: (-len(nodes[i].name.parts), -nodes[i].count, nodes[i].key))
        name = nodes[best].name.written
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
        disagreements=(Disagreement("given name", _forms([m for i in disputed for m in nodes[i].mentions])),)
        if disputed
        else (),
        members=frozenset([(m.text, m.label) for m in mentions]),
    )


def _alone(node: Node) -> Group:
    """The entity of a node that is joined with no other, as most are."""
    mentions = node.mentions
    if node.known is not None:
        name, label = node.known.canonical, node.known.label
    else:
        name, label = node.text if node.person is None else node.person.written, _label(mentions)
    return Group(
        entity_id=_entity_id(IDENTITY_CLASS[label], normalise(name)),
        name=name,
        label=label,
        forms=_forms(mentions),
        members=frozenset([(m.text, m.label) for m in mentions]),
    )


def _label(mentions: Sequence[Mention]) -> str:
    """The one that most mentions have; of several the first by name."""
    label = mentions[0].label
    if len(mentions) == 1 or all(m.label == label for m in mentions):
        return label
    labels = counted((m.label, m.count) for m in mentions)
    return min(labels, key=lambda t: (-labels[t], t))


def _forms(mentions: Sequence[Mention]) -> tuple[Form, ...]:
    if len(mentions) == 1:
        one = mentions[0]
        return (Form(one.text, one.count, (one.outlet,) if one.outlet else ()),)
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
