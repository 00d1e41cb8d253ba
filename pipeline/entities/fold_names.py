"""When two names of organisations, places or materiel are one: known aliases, spellings, abbreviations, short forms."""

from __future__ import annotations

import re
from collections import Counter

from pipeline.entities import spelling
from pipeline.entities.gazetteer import Name, shipped
from pipeline.entities.mentions import CALLED
from pipeline.entities.names import normalise, without_legal_form
from pipeline.entities.nodes import MAX_ALIKE, Folds, Node, in_several_texts, known_apart
from pipeline.entities.transliteration import may_be_spelt, skeleton


def believe_brackets(nodes: list[Node]) -> None:
    """Forget what an acronym is known for where its texts explain it otherwise: "Reporters Without Borders (RSF)"."""
    for node in nodes:
        known = node.known
        if known is None or not spelling.is_acronym(node.text):
            continue
        explained = {normalise(m.explains) for m in node.mentions if m.explains}
        if explained and all(_is_other_than(known, name) for name in explained):
            node.known = None


def settle_shared(nodes: list[Node]) -> None:
    """Let a form that two things share be the one that its texts name otherwise, and none where they do not tell."""
    for node in nodes:
        owners = _SHARED.get(node.key)
        if owners is None or node.known is None or node.known != shipped().find(node.key):
            continue  # a user's own names are believed
        near = {
            other.known.canonical: other.known
            for other in nodes
            if other.known is not None and other is not node and not other.documents.isdisjoint(node.documents)
        }
        named = [near[owner] for owner in owners if owner in near]
        node.known = named[0] if len(named) == 1 else None


_SHARED = {"congo": ("Democratic Republic of the Congo", "Republic of the Congo")}


def fold_called(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join names of which a text says that they are one thing's: "formerly known as", "now called"."""
    by_key = {nodes[i].key: i for i in members}
    for i in members:
        for role in sorted(nodes[i].roles):
            other = by_key.get(role.removeprefix(CALLED)) if role.startswith(CALLED) else None
            if other is not None and other != i and not known_apart(nodes[i], nodes[other]):
                folds.join(other, i, "called so in the text")


def fold_known(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join the forms of one thing that the gazetteer knows."""
    first: dict[tuple[str, str], int] = {}
    for i in members:
        known = nodes[i].known
        if known is not None:
            folds.join(first.setdefault((known.label, known.canonical), i), i, f"known alias of {known.canonical}")


def fold_spellings(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join names that differ in transliteration, hyphens or article alone: "al-Hasakah", "Hasaka"."""
    by_level: dict[str, list[int]] = {}
    for i in members:
        node = nodes[i]
        level = spelling.organisation_level(node.key) if node.kind == "organisation" else spelling.level(node.key)
        if len(level) >= spelling.MIN_LEVELLED:
            by_level.setdefault(level, []).append(i)
    for alike in by_level.values():
        # Two known things spelt alike: what else is spelt so may be either.
        if len({nodes[i].known for i in alike} - {None}) < 2:
            for i in alike[1:]:
                folds.join(alike[0], i, "another spelling of the same name")


def _is_another(a: Node, b: Node) -> bool:
    """Whether b is not what a is known as: the "World Tourism Organization", where "WTO" is known for trade."""
    if a.known is None or b.known is not None:
        return known_apart(a, b)
    return _is_other_than(a.known, b.key)


def _is_other_than(known: Name, name: str) -> bool:
    if any(_translates(form, name) for form in known.forms):
        return False
    forms = [form for form in map(normalise, known.forms) if len(form.split()) == len(name.split()) > 1]
    return bool(forms) and all(_differ(form, name) for form in forms)


def _differ(a: str, b: str) -> bool:
    """Whether two normalised names have equally many words, one of them another altogether: trade, tourism."""
    x, y = a.split(), b.split()
    return len(x) == len(y) and any(v[:3] != w[:3] for v, w in zip(x, y, strict=True))


def _translates(name: str, foreign: str) -> bool:
    """Whether one of two names may be the other in another language: half of their long words are cognates, not all.

    "Fuerzas Armadas Revolucionarias de Colombia": Rev-, Colombia. The World Tourism Organization is none of trade.
    """
    x, y = ({w[:5] for w in normalise(n).split() if len(w) > 4} for n in (name, foreign))
    shared = len(x & y)
    return shared >= 2 and len(x) > shared < len(y) and _is_foreign(name) != _is_foreign(foreign)


_FOREIGN = frozenset(
    ["de", "del", "des", "du", "da", "do", "di", "della", "la", "las", "los", "le", "les", "el", "y", "et", "e"]
)


def _is_foreign(name: str) -> bool:
    """Whether a name has the small words of a Romance language and none of English."""
    words = set(normalise(name).split())
    return bool(words & _FOREIGN) and words.isdisjoint(["of", "the", "and", "for"])


def _contradict(names: list[str]) -> bool:
    """Whether two of the names differ; likeness carries over, so one of each length stands for all."""
    of_length: dict[int, str] = {}
    return any(
        _differ(first := of_length.setdefault(len(name.split()), name), name) and not _translates(first, name)
        for name in names
    )


def fold_abbreviations(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join an abbreviation with the name that it stands beside in brackets, or whose initials alone it is."""
    by_key = {nodes[i].key: i for i in members}
    shared: set[int] = set()
    for i in members:
        explained = {by_key.get(without_legal_form(normalise(m.explains))) for m in nodes[i].mentions if m.explains}
        if not explained:
            continue
        others = sorted(k for k in explained if k is not None and k != i and not _is_another(nodes[i], nodes[k]))
        # "WTO" beside the World Trade and the World Tourism Organization is the acronym of both, and neither of them.
        if _contradict([nodes[k].key for k in others]):
            shared.add(i)
            continue
        for other in others:
            folds.join(other, i, "stands beside it in brackets")
    # Without brackets: the initials of one long name, and of no other.
    by_initials: dict[str, list[int]] = {}
    for i in members:
        for initials in spelling.initials(nodes[i].text):
            by_initials.setdefault(initials, []).append(i)
    for i in members:
        if nodes[i].known is None and i not in shared and spelling.is_acronym(nodes[i].text):
            found = by_initials.get(spelling.letters(nodes[i].text), [])
            if len({folds.find(k) for k in found}) == 1:
                folds.join(found[0], i, "its initials")


def fold_slips(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join a mistyped acronym, "IRCG", with the one that it was meant to be."""
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


def fold_short_organisations(nodes: list[Node], members: list[int], folds: Folds) -> None:
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
        if not near:
            # In other texts only a name without its last words: "Hanbit" of the Hanbit Group, no "Police Department".
            near = [k for k in long.get(node.key, ()) if k != i and _begins(nodes[k], node)]
            rivals = [k for k in members if k != i and nodes[k].key.startswith(f"{node.key} ")] if near else []
        if near and len({folds.find(k) for k in [*near, *rivals]}) == 1:
            folds.join(near[0], i, "the short form of one name only")


def _begins(long: Node, short: Node) -> bool:
    return long.key.startswith(f"{short.key} ") and " of " not in long.key


def fold_place_initials(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """ "ZNPP" in brackets after the "Zaporizhzhia Nuclear Power Plant", "HCMC" in the text of "Ho Chi Minh City"."""
    short = [i for i in members if nodes[i].known is None and spelling.is_acronym(nodes[i].text)]
    by_initials: dict[str, list[int]] = {}
    for i in members if short else ():
        for initials in spelling.initials(nodes[i].text):
            by_initials.setdefault(initials, []).append(i)
    for i in short:
        letters = spelling.letters(nodes[i].text)
        explained = {normalise(m.explains) for m in nodes[i].mentions if m.explains}
        long = [
            k
            for k in by_initials.get(letters, ())
            if nodes[k].key in explained or (len(letters) > 3 and nodes[k].documents & nodes[i].documents)
        ]
        if len(letters) > 2 and len({folds.find(k) for k in long}) == 1:
            folds.join(long[0], i, "its initials")


def fold_towns(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "Portland, Ore." and "Portland, Oregon"; and "Slidell" with the one "Slidell, La." that the texts name.

    A city may be another of its name: "London" is not sure beside "London, Ontario".
    """
    of_state: dict[str, dict[str, list[int]]] = {}
    for i in members:
        if ", " not in nodes[i].text:
            continue
        town, _, state = nodes[i].text.rpartition(", ")
        known = shipped().find(state)
        if known is not None and nodes[i].known is None:
            of_state.setdefault(normalise(town), {}).setdefault(known.canonical, []).append(i)
    by_key = {nodes[i].key: i for i in members} if of_state else {}
    for town, states in of_state.items():
        for alike in states.values():
            for i in alike[1:]:
                folds.join(alike[0], i, "one town and its state")
        alone = by_key.get(town)
        if alone is None or len(states) > 1 or nodes[alone].known is not None or spelling.is_city(town):
            continue
        (whole,) = states.values()
        folds.join(whole[0], alone, "the only town of the name")


def fold_spelt_towns(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "Lysychansk" and "Lisichansk", each of its own texts, unless both are known."""
    by_skeleton: dict[str, list[int]] = {}
    for i in members if in_several_texts(nodes, members) else ():
        key = nodes[i].key
        if " " not in key and len(consonants := skeleton(key)) > _SHORT_TOWN:
            by_skeleton.setdefault(consonants, []).append(i)
    for alike in by_skeleton.values():
        for n, a in enumerate(alike if len(alike) <= MAX_ALIKE else ()):
            for b in alike[n + 1 :]:
                x, y = nodes[a], nodes[b]
                if (
                    x.documents.isdisjoint(y.documents)
                    and not (spelling.is_city(x.text) and spelling.is_city(y.text))
                    and may_be_spelt(x.key, y.key)
                ):
                    folds.join_unless_known_apart(a, b, "one name in two spellings")


_SHORT_TOWN = 4
"""Of so few consonants a town may be another: Riviera, Rivera."""
_REGIONS = re.compile(r"(.+) (?:(oblast|region)|(province|governorate))")
_PLANT = re.compile(r"(.+?) (nuclear (?:power )?)?(?:power )?(?:plant|station)")
_SCHOOL = re.compile(r".+ (?:high|middle|elementary|primary|secondary)")


def fold_kinds_of_places(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join what translators call a region or an oblast, a province or a governorate, a nuclear plant or power station,
    and a school with and without the word."""
    first: dict[str, int] = {}
    for i in members:
        key = nodes[i].key
        if (region := _REGIONS.fullmatch(key)) is not None:
            key = f"{spelling.level(region[1])} {'oblast' if region[2] else 'province'}"
            folds.join(first.setdefault(key, i), i, "one region under two words for its kind")
        elif _SCHOOL.fullmatch(key) is not None or key.endswith(" school"):
            folds.join(first.setdefault(f"{key.removesuffix(' school')} school", i), i, "one school")
    plants: dict[str, dict[bool, list[int]]] = {}
    for i in members:
        if (plant := _PLANT.fullmatch(nodes[i].key)) is not None:
            plants.setdefault(spelling.level(plant[1]), {}).setdefault(plant[2] is not None, []).append(i)
    for of_name in plants.values():
        nuclear = of_name.get(True, [])
        for i in [*nuclear[1:], *of_name.get(False, ())] if nuclear else ():
            if i in nuclear or any(nodes[i].documents & nodes[k].documents for k in nuclear):
                folds.join(nuclear[0], i, "one nuclear plant")


def fold_facilities(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """ "Al-Omar oil field" and "Al Omar": a facility by its name alone, unless that names a known place."""
    bases: dict[str, set[int]] = {}
    for i in members:
        base = spelling.without_facility(nodes[i].key)
        if base is not None and not nodes[i].key.endswith((" oblast", " county", " prefecture")):  # bear a town's name
            bases.setdefault(spelling.level(base), set()).add(i)
    for owners in bases.values():
        fields = sorted(i for i in owners if spelling.is_airfield(nodes[i].key))
        for i in fields[1:]:
            a, b = nodes[fields[0]], nodes[i]
            if not known_apart(a, b) and not spelling.is_city(spelling.without_facility(a.key) or ""):
                folds.join(fields[0], i, "the same name of an airfield")
    for i in members:
        level = spelling.level(nodes[i].key)
        owning = {folds.find(k) for k in bases.get(level, ())}
        if len(owning) == 1 and nodes[i].known is None and not spelling.is_city(nodes[i].text):
            folds.join(min(bases[level]), i, "the facility's name alone")
