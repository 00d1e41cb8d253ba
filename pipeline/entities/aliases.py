"""One name for one thing: which mentions name the same entity, and why.

A fold needs positive evidence: the same name after spelling is levelled, a known alias, a bracket that explains an
abbreviation, initials, a surname that only one full name bears. A conflict blocks it: two full names of one surname,
titles of different sex, Jr. beside Sr. What is neither shown nor excluded stays apart: two people under one name do
more harm than one under two.

The result depends on the set of mentions alone, not on their order: within an article, and across the reports of an
incident.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.entities.fold_also_known import fold_also_known
from pipeline.entities.fold_bodies import fold_bodies, forget_generic
from pipeline.entities.fold_kinds import fold_events, fold_materiel, fold_units
from pipeline.entities.fold_names import (
    believe_brackets,
    fold_abbreviations,
    fold_called,
    fold_facilities,
    fold_kinds_of_places,
    fold_known,
    fold_place_initials,
    fold_short_organisations,
    fold_slips,
    fold_spellings,
    fold_spelt_towns,
    fold_towns,
    settle_shared,
)
from pipeline.entities.fold_people import fold_other_names, fold_people
from pipeline.entities.gazetteer import Gazetteer, shipped
from pipeline.entities.groups import Group, group
from pipeline.entities.mentions import CALLED, Mention
from pipeline.entities.nodes import Folds, nodes_of


def fold(mentions: Sequence[Mention], gazetteer: Gazetteer | None = None) -> list[Group]:
    """Group mentions by the thing that they name; groups in the order of their ids.

    Args:
        mentions: of one article, or of all reports of an incident.
        gazetteer: known names; default: those that ship.
    """
    nodes = nodes_of(mentions, gazetteer or shipped())
    believe_brackets(nodes)
    forget_generic(nodes)
    settle_shared(nodes)
    folds = Folds(nodes)
    renamed = any(role.startswith(CALLED) for m in mentions if m.roles for role in m.roles)
    by_kind: dict[str, list[int]] = {}
    for i, node in enumerate(nodes):
        by_kind.setdefault(node.kind, []).append(i)
    for kind, members in by_kind.items():
        fold_known(nodes, members, folds)
        if kind == "person":
            fold_people(nodes, members, folds)
        elif kind not in ("value", "nationality"):
            fold_spellings(nodes, members, folds)
        if kind == "materiel":
            fold_materiel(nodes, members, folds)
        elif kind == "event":
            fold_events(nodes, members, folds)
        if kind in ("organisation", "materiel"):
            fold_abbreviations(nodes, members, folds)
            fold_slips(nodes, members, folds)
        if kind == "organisation":
            fold_bodies(nodes, members, folds)
            fold_units(nodes, members, folds)
            fold_short_organisations(nodes, members, folds)
        if kind == "place":
            fold_kinds_of_places(nodes, members, folds)
            fold_facilities(nodes, members, folds)
            fold_towns(nodes, members, folds)
            fold_spelt_towns(nodes, members, folds)
            fold_place_initials(nodes, members, folds)
        if kind in ("person", "organisation", "place") and len(members) > 1:
            fold_also_known(nodes, members, folds)
        if renamed and kind == "person":
            fold_other_names(nodes, members, folds)
        elif renamed and kind != "value":
            fold_called(nodes, members, folds)
    return sorted((group(nodes, members, folds) for members in folds.groups()), key=lambda g: (g.entity_id, g.name))
