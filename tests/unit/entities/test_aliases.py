"""Folding names: the gold pairs, no order dependence, and evidence for every fold."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.entities.aliases import fold
from pipeline.entities.gazetteer import Gazetteer, Name
from pipeline.entities.groups import Group
from pipeline.entities.labels import IDENTITY_CLASS, LABELS
from pipeline.entities.mentions import KIN, NAMED, Mention, mentions_of
from pipeline.entities.people import parse_person
from pipeline.entities.spelling import transpositions
from pipeline.entities.transliteration import may_be_spelt

_MARK = re.compile(r"\[([A-Z]+) (\w+) ([^\]]+)\]")


def scenario(line: str) -> list[tuple[str, Mention]]:
    """The mentions of a gold line, each with the id of the thing that it names."""
    found = []
    for n, marked in enumerate(line.split("||")):
        text, spans, ids, last = "", [], [], 0
        for m in _MARK.finditer(marked):
            text += marked[last : m.start()]
            spans.append((len(text), len(text) + len(m[3]), m[1]))
            ids.append(m[2])
            text += m[3]
            last = m.end()
        text += marked[last:]
        found += list(zip(ids, mentions_of(text, spans, document=str(n), outlet=f"outlet {n}"), strict=True))
    return found


def lines(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


GOLD = lines("aliases.txt")
NEWS = lines("aliases_news.txt")
REPORTS = lines("aliases_reports.txt")
DESKS = lines("aliases_desks.txt")
DISPATCHES = lines("aliases_dispatches.txt")
BUREAUS = lines("aliases_bureaus.txt")


def pairs(gold: list[str]) -> list[tuple[bool, bool, str]]:
    """For every pair of different forms of a scenario that might be one thing: folded, should be, what it is."""
    found = []
    for line in gold:
        marked = scenario(line)
        groups = fold([m for _, m in marked])
        forms = {(id, m.text, m.label): m for id, m in marked}
        for (a, x, p), (b, y, q) in itertools.combinations(sorted(forms), 2):
            if IDENTITY_CLASS[p] == IDENTITY_CLASS[q] and x != y:
                together = any({(x, p), (y, q)} <= g.members for g in groups)
                found.append((together, a == b, f"{p} {x!r} / {q} {y!r} in: {line[:60]}"))
    return found


def test_the_gold_is_large_enough() -> None:
    should = [s for _, s, _ in pairs(GOLD)]
    assert should.count(True) >= 150
    assert should.count(False) >= 150
    assert len(pairs(NEWS)) >= 100
    assert len(pairs(REPORTS)) >= 1_000
    assert len(pairs(DESKS)) >= 800
    assert len(pairs(DISPATCHES)) >= 1_300
    assert len(pairs(BUREAUS)) >= 400


@pytest.mark.parametrize(
    ("gold", "may_miss"),
    [(GOLD, 0.02), (NEWS, 0.05), (REPORTS, 0.09), (DESKS, 0.09), (DISPATCHES, 0.08), (BUREAUS, 0.30)],
    ids=["written", "news", "reports", "desks", "dispatches", "bureaus"],
)
def test_gold_pairs(gold: list[str], may_miss: float) -> None:
    found = pairs(gold)
    missed = [what for folded, should, what in found if should and not folded]
    wrong = [what for folded, should, what in found if folded and not should]
    assert wrong == []
    assert len(missed) <= may_miss * sum(should for _, should, _ in found), missed


@pytest.mark.parametrize("line", [*GOLD, *NEWS, *REPORTS, *DESKS, *DISPATCHES, *BUREAUS], ids=lambda line: line[:30])
def test_groups_do_not_depend_on_order(line: str) -> None:
    mentions = [m for _, m in scenario(line)]
    expected = fold(mentions)
    for seed in range(4):
        shuffled = mentions.copy()
        random.Random(seed).shuffle(shuffled)
        assert fold(shuffled) == expected


@given(
    st.lists(
        st.builds(
            Mention,
            text=st.one_of(
                st.sampled_from(["Kurilla", "Gen. Erik Kurilla", "IRGC", "IRCG", "al-Omar", "Mr. X"]),
                st.text(min_size=1, max_size=12),
            ),
            label=st.sampled_from(LABELS),
            document=st.sampled_from(["", "a"]),
        ),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_every_mention_is_in_exactly_one_group(mentions: list[Mention]) -> None:
    groups = fold(mentions)
    assert sum(f.count for g in groups for f in g.forms) == len(mentions)
    assert fold(mentions[::-1]) == groups


def group_of(groups: list[Group], text: str) -> Group:
    (found,) = [g for g in groups if any(f.text == text for f in g.forms)]
    return found


def test_two_given_names_for_one_role_holder_are_a_recorded_disagreement() -> None:
    groups = fold([m for _, m in scenario(GOLD[1])])
    kurilla = group_of(groups, "Kurilla")
    (disagreement,) = kurilla.disagreements
    assert disagreement.kind == "given name"
    assert {(f.text, f.outlets) for f in disagreement.forms} == {
        ("General Michael Kurilla", ("outlet 0",)),
        ("Commander Gen. Erik Kurilla", ("outlet 1",)),
    }
    assert any("united states central command" in f.reason for f in kurilla.folds)


def test_every_fold_has_its_reason() -> None:
    groups = fold([m for _, m in scenario(GOLD[0])])
    irgc = group_of(groups, "IRCG")
    assert irgc.name == "Islamic Revolutionary Guard Corps"
    assert {f.form: f.reason for f in irgc.folds}["IRCG"] == "slip of IRGC"


def test_the_id_is_that_of_the_canonical_name() -> None:
    (a,) = fold([Mention(text="US", label="GPE")])
    (b,) = fold([Mention(text="U.S.", label="GPE"), Mention(text="the United States", label="GPE")])
    (c,) = fold([Mention(text="American", label="NORP")])
    assert a.entity_id == b.entity_id != c.entity_id


def test_thousands_of_namesakes_stay_apart_and_take_no_time_to_speak_of() -> None:
    # Compared each with each these are 48 million pairs: half an hour.
    syllables = ["".join(pair) for pair in itertools.product("bdfgklmnprstvz", "aeiou")]
    names = [f"{a.title()}{b} {c} Tarnow" for a in syllables for b in syllables for c in ("Leo", "Max")]
    mentions = [Mention(text=name, label="PERSON", document="1") for name in names]
    groups = fold([*mentions, Mention(text="Gen. Tarnow", label="PERSON", document="1")])
    assert len(mentions) == 9_800
    assert group_of(groups, "Gen. Tarnow").members == {("Gen. Tarnow", "PERSON")}
    assert len(groups) > 1_000


def test_a_slip_is_two_neighbouring_letters() -> None:
    assert transpositions("IRGC") == {"RIGC", "IGRC", "IRCG"}
    assert transpositions("AABC") == {"ABAC", "AACB"}
    assert transpositions("NTA") == set()


@pytest.mark.parametrize(
    "name", ["Roh Moo-hyun", "Kim Jong Nam", "Kim Jong-un", "Hu Jintao", "Wong Kwok-kin", "Park Joo-Ho", "Xi Jinping"]
)
def test_the_surname_comes_first(name: str) -> None:
    assert parse_person(name).surname == name.split()[0].lower()


@pytest.mark.parametrize(
    "name",
    ["Kim Davis", "Lee Dixon", "Lee Harvey Oswald", "Raymond Wong", "Lee Ann Womack", "Mary-Jane Lee", "Song Park"],
)
def test_the_surname_comes_last(name: str) -> None:
    assert parse_person(name).surname == name.split()[-1].lower()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("South Korean President Roh Moo-hyun", "Roh Moo-hyun"),
        ("Croatian prime minister Zoran Milanović", "Zoran Milanović"),
        ("Taliban chief Hakimullah Mehsud", "Hakimullah Mehsud"),
        ("presidential candidate Abdullah Abdullah", "Abdullah Abdullah"),
        ("Jordan Pickford", "Jordan Pickford"),
        ("Austin Reed", "Austin Reed"),
    ],
)
def test_what_a_person_is_called_is_no_part_of_the_name(text: str, name: str) -> None:
    assert parse_person(text).written == name


@pytest.mark.parametrize(
    "text",
    ["Gen Anna Holm", "Lt Col Anna Holm", "Maj-Gen Anna Holm", "Ch Insp Anna Holm", "Acting Det Supt Anna Holm",
     "US Army Gen Anna Holm", "Rear Adm Anna Holm", "DCI Anna Holm", "PC Anna Holm", "Sen Anna Holm",
     "Flt Lt Anna Holm"],
)  # fmt: skip
def test_a_title_needs_no_dot(text: str) -> None:
    assert parse_person(text).written == "Anna Holm"


@pytest.mark.parametrize("text", ["Ch Holm", "Dc Holm", "Gen", "Sen", "Amartya Sen", "Anna Gen Holm", "gen Holm"])
def test_what_is_a_name_is_no_title(text: str) -> None:
    assert parse_person(text).written == text


@pytest.mark.parametrize(
    ("text", "kin"),
    [
        ("[Ann Lee] and her brother, [Tom Lee], fled.", True),
        ("[Tom Lee], son of the late [Ann Lee], fled.", True),
        ("The widow of [Mr. Lee], [Ann Lee], fled.", True),
        ("[Ann Lee]’s husband [Tom Lee] fled.", True),
        ("[Ann Lee] told [Tom Lee].", False),
        ("[Ann Lee] saw her brother. [Tom Lee] fled.", False),
    ],
)
def test_a_text_says_who_is_a_relative(text: str, kin: bool) -> None:
    marked = re.sub(r"\[", "[PERSON x ", text)
    (a, b) = [m for _, m in scenario(marked)]
    assert any(role.startswith(KIN) for role in a.roles) is kin
    assert any(role.startswith(KIN) for role in b.roles) is kin


def test_relatives_are_no_holders_of_one_office() -> None:
    said = [
        "[PERSON a Ann Lee], sister of [PERSON c Kim Storm].",
        "[PERSON b Anthea Lee], sister of [PERSON c Kim Storm].",
    ]
    assert len(fold([m for _, m in scenario(" || ".join(said))])) == 3


@pytest.mark.parametrize(
    ("said", "form", "reason"),
    [
        ("[PERSON a Juan Prado], alias [PERSON a El Zurdo], fled.", "El Zurdo", "called so in the text"),
        ("[ORG a Zed], formerly known as [ORG a Chirper], fell.", "Zed", "called so in the text"),
        ('[PERSON a Robert "Bobby" Marsh] left. [PERSON a Bobby Marsh] sang.', "Bobby Marsh", "the nickname in quotes"),
        (
            "[PERSON a Omar Diallo] left; [PERSON a Diallo] was tired. [PERSON b Amadou Diallo] was not.",
            "Diallo",
            "the surname of one full name only, in each of its texts",
        ),
        ("[PLATFORM a F-16s] flew; one [PLATFORM a F-16 jet] fell.", "F-16s", "the same name and its kind"),
        ("[UNIT a 9th Tank Brigade] left; the [UNIT a 9th Brigade] won.", "9th Brigade", "the number of one unit only"),
        (
            "[ORG a Iraq's Oil Ministry] and the [ORG a Iraqi Ministry of Oil].",
            "Iraqi Ministry of Oil",
            "one body of Iraq",
        ),
    ],
)
def test_the_reason_says_what_the_evidence_was(said: str, form: str, reason: str) -> None:
    folds = [fold for g in fold([m for _, m in scenario(said)]) for fold in g.folds]
    assert any(form in (f.form, f.into) and f.reason == reason for f in folds)


def test_a_users_own_form_of_a_place_is_taken_as_it_stands() -> None:
    own = Gazetteer((Name("Waziristan", "GPE", ("Waziristan", "South Waziristan")), Name("Kongo", "GPE", ("Congo",))))
    mentions = [Mention(text=text, label="GPE") for text in ("Waziristan", "South Waziristan", "Congo", "DR Congo")]
    assert {g.name for g in fold(mentions, own)} == {"Waziristan", "Kongo", "Democratic Republic of the Congo"}


def test_a_text_that_named_two_of_a_surname_does_not_tell_which_is_meant() -> None:
    said = "[PERSON a Rosa Keel] and [PERSON b Ted Keel] met. [PERSON c Keel] left."
    assert all(not role.startswith(NAMED) for _, m in scenario(said) for role in m.roles)


def test_brackets_tell_what_an_acronym_is_here() -> None:
    groups = fold([m for _, m in scenario("[ORG a Reporters Without Borders] ([ORG a RSF]) agreed. [ORG a RSF] left.")])
    assert [g.name for g in groups] == ["Reporters Without Borders"]


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("qaddafi", "gadhafi", True),
        ("dagalo", "daglo", True),
        ("meshaal", "mashaal", True),
        ("severodonetsk", "sievierodonetsk", True),
        ("karimi", "karami", False),
        ("hassan", "hussein", False),
        ("saleh", "sahli", False),
    ],
)
def test_spellings_of_another_script(a: str, b: str, alike: bool) -> None:
    assert may_be_spelt(a, b) is may_be_spelt(b, a) is alike


@pytest.mark.parametrize(
    ("said", "folded"),
    [
        # Two spellings in one text are two people.
        ("[PERSON a Khaled Meshaal] met [PERSON b Khaled Mashaal].", []),
        ("[PERSON a Khaled Meshaal] left. || [PERSON a Khalid Mashaal] left.", ["one name in two spellings"]),
        # Nothing says that these are names of another script.
        ("[PERSON a Walter Allen] left. || [PERSON b Walter Allan] left.", []),
        ("[PERSON a Ali Hassan] left. || [PERSON b Ali Hussein] left.", []),
        ("[PERSON a Amin Khalidi] left. || [PERSON b Amina Khalidi] left.", []),
        ("[PERSON a Roy Teal] left. || [PERSON b Roy Teal Jr.] left.", []),
        ("[PERSON a Sheriff Roy Teal] left. || [PERSON a Sheriff Roy Teal Jr.] left.", ["the same full name"]),
        ("[PERSON a Musa Bah] left. || [PERSON a Bah] left. [PERSON b Isa Bah] left.", []),
        (
            "[PERSON a Roy Teal] left. || [PERSON b Ann Holm] and her husband, [PERSON c Roy Holm], left.",
            [],
        ),
        (
            "[PERSON a Roy Teal] left. || [PERSON b Ann Teal] and her husband, [PERSON a Roy], left.",
            ["the given name of one full name only, of a relative's family"],
        ),
        ("[PERSON a Rosa Keel] left. || [PERSON a President Keel] met [PERSON b Ted Keel].", []),
        (
            "[PERSON a Sheriff Dan Holt] met [PERSON b Deputy Tom Holt]. [PERSON a Sheriff Holt] left.",
            ["the surname of one full name only, in each of its texts"],
        ),
        ("[PERSON a King Omar] left. || [PERSON a King Omar bin Said] left.", None),
        ("[ORG a Federal Reserve] met. [ORG a Fed] cut. || [GPE b Bombay] and [GPE c Delhi].", ["known by both names"]),
        ("[ORG a Fed] cut. || [ORG b Federal Reserve] met.", []),
        ("[GPE a Ripley, Ore.] is far. || [GPE b Ripley, Tenn.] is near.", []),
    ],
)
def test_names_of_several_texts(said: str, folded: list[str] | None) -> None:
    reasons = [fold.reason for g in fold([m for _, m in scenario(said)]) for fold in g.folds]
    assert reasons == (["the title and the given name of one full name only"] if folded is None else folded)
