"""When two names of people are one person's: likeness of full names, one office, a surname that only one bears."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from pipeline.entities.fold_spelt import are_kin, fold_kunyas, fold_spelt, is_spelt, spelt_bearers
from pipeline.entities.given_names import is_arabic_or_persian, is_given_name
from pipeline.entities.mentions import CALLED, NAMED
from pipeline.entities.names import is_title
from pipeline.entities.nodes import MAX_ALIKE, Folds, Node, in_several_texts
from pipeline.entities.people import COURTESY, WITH_GIVEN_NAME, given_keys, parse_person
from pipeline.entities.spelling import MIN_LEVELLED
from pipeline.entities.transliteration import skeleton


def fold_people(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join the names of one person: full names first, then surnames, given names and kunyas alone."""
    by_surname: dict[str, list[int]] = {}
    by_given: dict[str, list[int]] = {}
    for i in members:
        name = nodes[i].name
        by_surname.setdefault(name.surname_heard, []).append(i)
        if name.is_full:
            by_given.setdefault(name.given, []).append(i)
    for namesakes in by_surname.values():
        full = [i for i in namesakes if nodes[i].name.is_full]
        if len(full) < 2:
            continue
        for a, b in _twins(_by_given_name(nodes, full), lambda a, b: _same_person(nodes, a, b)):
            folds.join(a, b, "the same full name")
        _fold_nicknames(nodes, full, folds)
        for a, b in _twins(_by_office(nodes, full), lambda a, b: _may_share_office(nodes, folds, a, b)):
            office = min(_shared_office(nodes, a, b))
            folds.join(a, b, f"one office: {office.replace('|', ', ')}")
            folds.disputed.append((a, b))
    several = in_several_texts(nodes, members)
    spelt: dict[str, list[int]] = {}
    if several:
        fold_spelt(nodes, members, folds)
        fold_kunyas(nodes, members, folds)
        for i in members:
            name = nodes[i].name
            if name.is_full and is_spelt(name):
                spelt.setdefault(skeleton(name.surname), []).append(i)
    _fold_shortened(nodes, members, folds)
    inner = _by_inner_surname(nodes, members)
    for namesakes in by_surname.values():
        short = [i for i in namesakes if not nodes[i].name.is_full]
        if len(short) > MAX_ALIKE:
            continue
        for i in short:
            name = nodes[i].name
            bearers, reason = _bearers(nodes, i, namesakes, by_given, inner)
            if not bearers and spelt and not name.is_regnal:
                bearers, reason = spelt_bearers(nodes, i, spelt), "the surname of one full name, in another spelling"
            bearers = [k for k in bearers if not name.conflicts(nodes[k].name) and not are_kin(nodes, i, k)]
            people = {folds.find(k) for k in bearers}
            several = len(people) > 0 and _others_bear(nodes, i, namesakes, by_given, folds)
            if several and nodes[i].unnamed == nodes[i].documents and not nodes[i].titles:
                continue
            if len(people) > 1:
                people &= _one_in_each_text(nodes, i, bearers, folds)
                reason = "the surname of one full name only, in each of its texts"
            if any(_rival(nodes, i, k) for k in short) and not all(nodes[k].name.sex for k in bearers):
                continue
            if len(people) == 1:
                meant = [k for k in bearers if folds.find(k) in people]
                if several and nodes[i].marks and not any(nodes[i].marks & nodes[k].marks for k in meant):
                    continue  # "President Petro" beside Nicolás Petro, where another report has Gustavo Petro
                folds.join(min(meant), i, reason)
        _fold_office_holders(nodes, namesakes, folds)


def _fold_nicknames(nodes: list[Node], full: list[int], folds: Folds) -> None:
    """Join Robert "Bobby" Danforth with Bobby Danforth."""
    by_words: dict[tuple[str, ...], list[int]] = {}
    for i in full:
        by_words.setdefault(nodes[i].name.words, []).append(i)
    for i in full:
        name = nodes[i].name
        for k in by_words.get((name.nick, name.surname), ()):
            if not (name.conflicts(nodes[k].name) or are_kin(nodes, i, k)):
                folds.join(i, k, "the nickname in quotes")


def _fold_shortened(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "Otto Pérez" of one text with the "Otto Pérez Molina" of another, "Lopez Obrador" with the full name."""
    begins: dict[tuple[str, ...], list[int]] = {}
    ends: dict[tuple[str, ...], list[int]] = {}
    for i in members:
        words = nodes[i].name.words
        if len(words) == 4:
            begins.setdefault(words[::2], []).append(i)
        for n in range(2, len(words)):
            begins.setdefault(words[:n], []).append(i)
            ends.setdefault(words[-n:], []).append(i)
    for i in members:
        name = nodes[i].name
        if not name.is_full:
            continue
        longer = [k for k in begins.get(name.words, ()) if name.is_start_of(nodes[k].name)]
        if any(not nodes[i].documents.isdisjoint(nodes[k].documents) for k in longer):
            continue  # one text names one person in full in one way
        longer += [k for k in ends.get(name.words, ()) if name.is_surnames_of(nodes[k].name)]
        if len({folds.find(k) for k in longer}) == 1 and not any(
            name.conflicts(nodes[k].name, given=False) or are_kin(nodes, i, k) for k in longer
        ):
            folds.join(min(longer), i, "one longer name without a part of it")


def _bearers(
    nodes: list[Node], i: int, namesakes: list[int], by_given: dict[str, list[int]], inner: dict[str, list[int]]
) -> tuple[list[int], str]:
    """The names that a short one may be a part of, and what part."""
    name, near = nodes[i].name, nodes[i].documents
    titles = name.titles & WITH_GIVEN_NAME
    titled = [k for k in by_given.get(name.key, ()) if _share_title(nodes[i], nodes[k], titles)] if titles else []
    if titled:
        return titled, "the title and the given name of one full name only"
    rare = not is_given_name(name.key)
    ends = [k for k in namesakes if nodes[k].name.is_full and nodes[k].name.ends_with(name)]
    begins = [k for k in by_given.get(name.key, ()) if near & nodes[k].documents]
    if ends and not name.is_regnal:
        # "Mr. Bekele" beside Tadesse Bekele and Bekele Girma may be the second: some peoples have no surnames.
        both = rare and not name.ranks and any(k not in ends for k in begins)
        both = both and not any(is_given_name(nodes[k].name.given) for k in ends)
        return ([], "") if both else (ends, "the surname of one full name only")
    # A rank stands before a surname: "Cpl. Burdette" is nobody's given name.
    if begins and (name.is_regnal or not name.titles or (rare and not name.ranks)):
        return begins, "the given name of one full name only"
    if not name.titles:
        kunyas = [k for k in namesakes if not nodes[k].name.is_full and _is_kunya_of(nodes, k, i)]
        if kunyas:
            return kunyas, "the name without Abu"
        relatives = _of_a_family(nodes, i, by_given)
        if relatives:
            return relatives, "the given name of one full name only, of a relative's family"
        fathers = [k for k in by_given.get(name.key, ()) if is_arabic_or_persian(nodes[k].name.surname)]
        if rare and len(name.key) >= MIN_LEVELLED and not nodes[i].unnamed and fathers == by_given.get(name.key):
            return fathers, "the given name of one full name only, whose other is a father's"
    return [k for k in inner.get(name.key, ()) if near & nodes[k].documents], "the first surname of one full name only"


def _share_title(a: Node, b: Node, titles: frozenset[str]) -> bool:
    """Whether both stand with one of the titles, and not as rulers of two countries."""
    for title in titles & b.titles:
        x, y = ({office for office in node.offices if office.endswith(f"|{title}")} for node in (a, b))
        if not (x and y and x.isdisjoint(y)):
            return True
    return False


def _of_a_family(nodes: list[Node], i: int, by_given: dict[str, list[int]]) -> list[int]:
    """The full names that a given name may be of by the surname of a relative whom its text names: "his wife, Ann"."""
    families = {relative.split()[-1] for relative in nodes[i].kin}
    return [k for k in by_given.get(nodes[i].name.key, ()) if families & set(nodes[k].name.words[-1:])]


def _others_bear(nodes: list[Node], i: int, namesakes: list[int], by_given: dict[str, list[int]], folds: Folds) -> bool:
    """Whether several people bear the one name of a node."""
    name = nodes[i].name
    full = [k for k in namesakes if nodes[k].name.is_full and nodes[k].name.ends_with(name)]
    others = [k for k in (*full, *by_given.get(name.key, ())) if not are_kin(nodes, i, k)]
    return len({folds.find(k) for k in others}) > 1


def _by_inner_surname(nodes: list[Node], members: list[int]) -> dict[str, list[int]]:
    """Full names by the words before their last that are no given name: "Restrepo" of Andrés Restrepo Mejía."""
    inner: dict[str, list[int]] = {}
    for i in members:
        for word in nodes[i].name.words[1:-1]:
            if len(word) >= MIN_LEVELLED and not is_given_name(word) and not is_title(word):
                inner.setdefault(word, []).append(i)
    return inner


def _one_in_each_text(nodes: list[Node], i: int, bearers: list[int], folds: Folds) -> frozenset[int]:
    """The person that a short name means in each document that has it; empty where that is not one."""
    if nodes[i].name.sex == "f":  # the wife of one whose given name tells nothing
        bearers = [k for k in bearers if nodes[k].name.sex]
    people: set[int] = set()
    for document in sorted(nodes[i].documents):
        meant = _told(nodes, i, document, bearers, folds) or {
            folds.find(k) for k in bearers if document in nodes[k].documents
        }
        people |= meant
        if not meant or len(people) > 1:
            return frozenset()
    return frozenset(people)


def _told(nodes: list[Node], i: int, document: str, bearers: list[int], folds: Folds) -> frozenset[int]:
    """Whom a document means by a surname that several bear: by a rank that one has, or as the only one named so far."""
    people: set[int] = set()
    for mention in nodes[i].mentions:
        if mention.document != document:
            continue
        marks, ranks = parse_person(mention.text).marks, parse_person(mention.text).ranks
        named = {role.removeprefix(NAMED) for role in mention.roles if role.startswith(NAMED)}
        meant = [k for k in bearers if marks & nodes[k].marks]
        if not meant and not ranks:
            meant = [k for k in bearers if nodes[k].name.key in named]
        if len({folds.find(k) for k in meant}) != 1:
            return frozenset()
        people.add(folds.find(meant[0]))
    return frozenset(people)


def _fold_office_holders(nodes: list[Node], namesakes: list[int], folds: Folds) -> None:
    """Join the "Mr. Bush" and the "President Bush" of one text that has no other Bush."""
    by_key: dict[str, list[int]] = {}
    for i in namesakes:
        if nodes[i].name.is_full:
            continue
        by_key.setdefault(nodes[i].name.key, []).append(i)
    for alike in by_key.values():
        if len(alike) != 2:
            continue
        a, b = alike
        x, y = nodes[a].name, nodes[b].name
        if (
            not nodes[a].documents.isdisjoint(nodes[b].documents)
            and (nodes[a].holds_office or nodes[b].holds_office)
            and not (x.is_married_woman or y.is_married_woman or x.conflicts(y))
            and not any(nodes[k].name.is_full and nodes[k].name.ends_with(x) for k in namesakes)
        ):
            folds.join(a, b, "one surname in one text, with an office")


def fold_other_names(nodes: list[Node], members: list[int], folds: Folds) -> None:
    """Join "El Tuerto" with the name that a text says it is another of: "Jose Prieto, alias El Tuerto"."""
    by_key: dict[str, list[int]] = {}
    for i in members:
        by_key.setdefault(nodes[i].name.key, []).append(i)
    for i in members:
        alias = nodes[i].name
        called = {role.removeprefix(CALLED) for role in nodes[i].roles if role.startswith(CALLED)}
        owners = sorted({k for key in called for k in by_key.get(key, ())} - {i})
        # A common name, "Omar", may be another's in another text.
        common = not alias.is_full and is_given_name(alias.key) and len(nodes[i].documents) > 1
        if common or len({folds.find(k) for k in owners}) != 1:
            continue
        if not any(alias.conflicts(nodes[k].name, given=False) or are_kin(nodes, i, k) for k in owners):
            folds.join(owners[0], i, "called so in the text")


def _by_given_name(nodes: list[Node], members: list[int]) -> Iterable[list[int]]:
    """Lists of full names; given names that are alike share one."""
    lists: dict[str, list[int]] = {}
    for i in members:
        for key in given_keys(nodes[i].name.given):
            lists.setdefault(key, []).append(i)
    return lists.values()


def _by_office(nodes: list[Node], members: list[int]) -> Iterable[list[int]]:
    """Lists of names that the text gives one office."""
    lists: dict[str, list[int]] = {}
    for i in members:
        for role in sorted(nodes[i].offices):
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


def _same_person(nodes: list[Node], a: int, b: int) -> bool:
    x, y = nodes[a].name, nodes[b].name
    near = not nodes[a].documents.isdisjoint(nodes[b].documents)
    if (near and x.surname != y.surname) or x.conflicts(y, given=False) or are_kin(nodes, a, b):
        return False  # one text spells one name one way
    if x.may_be_father_of(y) and not (nodes[a].titles & nodes[b].titles) - COURTESY:
        return False  # Thomas Reed may be the father of Thomas Reed Jr.; of two police chiefs he is not
    if x.is_enlisted != y.is_enlisted and (nodes[a].ranks and nodes[b].ranks):
        return False  # Sgt. Ali Haidar is not Brig. Gen. Ali Haidar
    return x.same_full_name(y) or (not near and x.sounds_like(y))


def _is_kunya_of(nodes: list[Node], a: int, b: int) -> bool:
    """Whether a is "Abu Ghadiya" where b is the "Ghadiya" of the same text; "Omar" may be the son of Abu Omar."""
    x, y = nodes[a].name, nodes[b].name
    near = not nodes[a].documents.isdisjoint(nodes[b].documents)
    return near and x.parts == ("abu", *y.parts) and not is_given_name(y.key)


def _rival(nodes: list[Node], a: int, b: int) -> bool:
    """Whether two short mentions are of one surname and different sex: Mr. and Mrs. Reed."""
    x, y = nodes[a].name, nodes[b].name
    return a != b and not y.is_full and x.key == y.key and x.conflicts(y)


def _may_share_office(nodes: list[Node], folds: Folds, a: int, b: int) -> bool:
    """Whether two full names of one surname and different given names hold an office in different documents."""
    x, y = nodes[a].name, nodes[b].name
    if not x.same_surname(y) or x.given == y.given or x.conflicts(y, given=False) or folds.find(a) == folds.find(b):
        return False
    return nodes[a].documents.isdisjoint(nodes[b].documents) and bool(_shared_office(nodes, a, b))


def _shared_office(nodes: list[Node], a: int, b: int) -> frozenset[str]:
    return nodes[a].offices & nodes[b].offices
