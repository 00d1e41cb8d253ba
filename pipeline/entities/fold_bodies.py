"""When two names of ministries, courts, services and police are one body's."""

from __future__ import annotations

from pipeline.entities.bodies import owner_and_name
from pipeline.entities.gazetteer import shipped
from pipeline.entities.nodes import Folds, Node


def forget_generic(nodes: list[Node]) -> None:
    """Forget what "Supreme Court" is known for in texts that name another country's, and not the United States."""
    if not any(node.key in _GENERIC for node in nodes):
        return
    here: dict[str, set[str]] = {}
    american: set[str] = set()
    for node in nodes:
        if node.known is not None and node.known.canonical in ("United States", "American"):
            american |= node.documents
        if node.kind == "organisation" and node.known is None:
            owner, name = owner_and_name(node.text)
            if owner and name in _GENERIC:
                here.setdefault(name, set()).update(node.documents)
    for node in nodes:
        if node.key in _GENERIC and node.known is not None and node.known == shipped().find(node.key):
            elsewhere = here.get(node.key, set())
            if node.documents <= elsewhere and node.documents.isdisjoint(american):
                node.known = None


_GENERIC = frozenset(["supreme court"])


def fold_bodies(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join the names of one country's body, and its name without the country if the text names that one only."""
    by_name: dict[str, dict[str, list[int]]] = {}
    known_alone: dict[str, int] = {}
    for i in members:
        known = nodes[i].known
        for text in (nodes[i].text,) if known is None else known.forms:
            owner, name = owner_and_name(text)
            if known is not None and not owner:
                known_alone.setdefault(name, i)
            if name and (owner or known is None):
                owned = by_name.setdefault(name, {}).setdefault(owner, [])
                if i not in owned:
                    owned.append(i)
    for name, of_name in by_name.items():
        if name in known_alone and name not in _GENERIC:
            for owner, alike in of_name.items():
                if (body := shipped().find(owner)) is not None and body.label == "ORG":
                    folds.join_unless_known_apart(known_alone[name], alike[0], f"one body of {owner}")
        for owner, alike in of_name.items():
            for i in alike[1:] if owner else ():
                folds.join_unless_known_apart(alike[0], i, f"one body of {owner}")
        bare = of_name.get("", [])
        for i in bare[1:]:
            if not nodes[i].documents.isdisjoint(nodes[bare[0]].documents) or len(of_name) <= 2:
                folds.join_unless_known_apart(bare[0], i, "one body under two forms of its name")
        for i in bare:
            near = {
                folds.find(k)
                for owner, alike in of_name.items()
                for k in alike
                if owner and not nodes[k].documents.isdisjoint(nodes[i].documents)
            }
            if len(near) == 1:
                folds.join_unless_known_apart(min(near), i, "the only such body in its text")
