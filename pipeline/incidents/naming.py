"""The names of an incident, folded across its first reports: entities, and among them weapons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.entities.aliases import fold
from pipeline.entities.gazetteer import Gazetteer
from pipeline.entities.groups import Form
from pipeline.entities.mentions import Mention
from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry

_NO_ROLES: frozenset[str] = frozenset()
WEAPON_LABELS = frozenset({"WEAPON", "PLATFORM"})


def entities(
    entries: Sequence[Entry], cards: Sequence[Card], names: Gazetteer | None = None
) -> tuple[dict[str, Any], ...]:
    """The names of all reports, folded: {"entity_id", "name", "label", "forms", "disagreements"}, the most mentioned
    first. A form is {"text", "count", "reports"}: how often it stands, and in how many reports.

    Args:
        names: known names; default: those that ship.
    """
    mentions = [
        Mention(
            text=m.text,
            label=m.label,
            document=article_id,
            outlet=outlet,
            explains=m.explains,
            roles=frozenset(m.roles) if m.roles else _NO_ROLES,
            count=m.count,
        )
        for article_id, outlet, said in (
            (e.article_id, c.source or c.provider, c.mentions) for e, c in zip(entries, cards, strict=True)
        )
        for m in said
    ]
    writing = Counter(text for card in cards for text in {m.text for m in card.mentions})
    rows: list[dict[str, Any]] = [
        {
            "entity_id": group.entity_id,
            "name": group.name,
            "label": group.label,
            "forms": _forms(group.forms, writing),
            "disagreements": [{"kind": d.kind, "forms": _forms(d.forms, writing)} for d in group.disagreements],
        }
        for group in fold(mentions, names)
    ]
    rows.sort(key=lambda r: (-sum(f["count"] for f in r["forms"]), r["label"], r["name"]))
    return tuple(rows)


def weapons(cards: Sequence[Card], folded: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Weapons, vehicles, ships and aircraft by the number of reports that name them: {"entity_id", "name", "label",
    "forms", "reports"}. One and many of a kind ("rocket", "rockets") are one row, under the more frequent.

    Args:
        folded: the incident's entities, the most mentioned first.
    """
    kinds: dict[str, list[dict[str, Any]]] = {}
    for entity in folded:
        if entity["label"] in WEAPON_LABELS:
            kinds.setdefault(entity["name"].casefold().removesuffix("s"), []).append(entity)
    rows = []
    carried = [{m.text for m in c.mentions if m.label in WEAPON_LABELS} for c in cards] if kinds else []
    for alike in kinds.values():
        forms = sorted((f for entity in alike for f in entity["forms"]), key=lambda f: (-f["count"], f["text"]))
        written = {f["text"] for f in forms}
        naming = sum(not written.isdisjoint(texts) for texts in carried)
        head = {key: alike[0][key] for key in ("entity_id", "name", "label")}
        rows.append(head | {"forms": forms, "reports": naming})
    rows.sort(key=lambda r: (-r["reports"], r["label"], r["name"]))
    return tuple(rows)


def _forms(forms: Sequence[Form], writing: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"text": f.text, "count": f.count, "reports": writing[f.text]} for f in forms]
