"""Datelines, streets, ages, boilerplate, and one label for one name: what is mended on text unlike the training's."""

from __future__ import annotations

import pytest
from spacy.tokens import Span

from pipeline.entities import tokenizer
from pipeline.entities.repair import Repair

NLP = tokenizer.blank()
REPAIR = Repair(NLP)


def repaired(text: str, *given: tuple[str, str]) -> list[tuple[str, str]]:
    """The entities after repair; a given name that stands several times is taken in order."""
    doc = NLP(text)
    ents: list[Span] = []
    at = 0
    for name, label in given:
        at = text.index(name, at)
        span = doc.char_span(at, at + len(name), label=label)
        assert isinstance(span, Span)
        ents.append(span)
        at += len(name)
    doc.set_ents(ents)
    return [(e.text, e.label_) for e in REPAIR(doc).ents]


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("TARNVILLE (AP) - A man fell.", [("TARNVILLE", "ORG")], [("TARNVILLE", "GPE"), ("AP", "ORG")]),
        ("TARNVILLE — A man fell.", [], [("TARNVILLE", "GPE")]),
        (
            "Man falls\n\nPORT TARN, Idaho (WXYZ/KTAR) – A man fell.",
            [("PORT TARN", "PERSON"), ("Idaho", "GPE")],
            [("PORT TARN", "GPE"), ("Idaho", "GPE"), ("WXYZ", "ORG"), ("KTAR", "ORG")],
        ),
        ("TARN, S.D. -- A man fell.", [("TARN", "ORG")], [("TARN", "GPE"), ("S.D.", "GPE")]),
        ("FILE - A man fell.", [], []),
        ("MAN SHOT - POLICE SAY SO", [], []),
        ("TARNVILLE - FBI agents came.", [], [("TARNVILLE", "GPE"), ("FBI", "ORG")]),
        ("TARN CITY HOSPITAL - A man fell.", [], [("TARN CITY HOSPITAL", "FAC")]),
        ("NOW, THEREFORE, it is so - and so.", [], []),
        ("A man fell. TARNVILLE - he said.", [], []),
        (
            "He is of Tarnville, La., and 67.",
            [("Tarnville", "ORG"), ("La.", "PERSON")],
            [("Tarnville", "GPE"), ("La.", "GPE")],
        ),
        ("Tom Holm, SC, spoke.", [("Tom Holm", "PERSON"), ("SC", "ORG")], [("Tom Holm", "PERSON"), ("SC", "ORG")]),
    ],
)
def test_datelines(text: str, given: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert repaired(text, *given) == expected


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("near 23rd Street", [("23rd Street", "DATE")], [("23rd Street", "FAC")]),
        ("at 27 W. 33rd St. in it", [("St.", "GPE")], [("33rd St.", "FAC")]),
        ("in St. Brenna", [("St.", "GPE")], [("St.", "GPE")]),
        ("off Tarn Drive", [("Tarn Drive", "LOC")], [("Tarn Drive", "FAC")]),
        ("Diane Lane left.", [("Diane Lane", "PERSON")], [("Diane Lane", "PERSON")]),
        ("in Tarn County", [("Tarn County", "PERSON")], [("Tarn County", "GPE")]),
        ("a man in his 20s", [("20s", "DATE")], []),
        ("in the 20s", [("20s", "DATE")], [("20s", "DATE")]),
        ("ages 22, 26, 29 and 37", [("22, 26, 29", "DATE")], []),
        ("in 1922, 1926", [("1922, 1926", "DATE")], [("1922, 1926", "DATE")]),
        ("near 108th and Tarn", [("108th", "DATE")], []),
        ("on the 31st", [("31st", "DATE")], [("31st", "DATE")]),
        ("on Friday night", [("Friday night", "DATE")], [("Friday night", "TIME")]),
        ("see http://tarn.example/Storm-Lee.html now", [("http://tarn.example/Storm-Lee.html", "LOC")], []),
        (
            "of Tarn Radio Inc. All Rights Reserved",
            [("Tarn Radio Inc. All Rights Reserved", "ORG")],
            [("Tarn Radio Inc.", "ORG")],
        ),
        ("4 Shot Outside Tarn Club", [("Shot Outside Tarn Club", "FAC")], [("Tarn Club", "FAC")]),
        ("its 5G net weighs 5g", [("5G", "QUANTITY"), ("5g", "QUANTITY")], [("5g", "QUANTITY")]),
        (
            "Parent company Tarn and 3rd company",
            [("Parent company", "UNIT"), ("3rd company", "UNIT")],
            [("3rd company", "UNIT")],
        ),
        ("Toddler shot", [("Toddler", "PERSON")], []),
        ("Write to ann.lee@tarn.org.", [("ann.lee@tarn.org", "ORG")], []),
        ("Email or Click here.", [("Email", "ORG"), ("Click", "ORG")], []),
        ("Click Holm fell.", [("Click Holm", "PERSON")], [("Click Holm", "PERSON")]),
        ("A post on Instagram said so.", [("Instagram", "PERSON")], [("Instagram", "ORG")]),
        ("GETTY Ann Holm fell.", [("GETTY Ann Holm", "PERSON")], [("Ann Holm", "PERSON")]),
        ("No Tarnian was hurt.", [("No Tarnian", "PERSON")], [("Tarnian", "PERSON")]),
        ("No Doubt sang.", [("No Doubt", "ORG")], [("No Doubt", "ORG")]),
        (
            "TARN DEPUTIES SAY THEY WERE HOME BECAUSE SO",
            [("TARN DEPUTIES SAY THEY WERE HOME BECAUSE SO", "FAC")],
            [],
        ),
        (
            "THE FREE FRONT FOR THE LIBERATION OF TARN FELL.",
            [("FREE FRONT FOR THE LIBERATION OF TARN", "ORG")],
            [("FREE FRONT FOR THE LIBERATION OF TARN", "ORG")],
        ),
    ],
)
def test_what_is_no_name_and_names_by_their_last_word(
    text: str, given: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    assert repaired(text, *given) == expected


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (["ORG", "PERSON", "ORG"], ["ORG", "ORG", "ORG"]),
        (["ORG", "LOC"], ["ORG", "LOC"]),
        (["FAC", "ORG", "ORG"], ["FAC", "ORG", "ORG"]),
    ],
)
def test_a_name_has_the_label_of_most_of_its_mentions(given: list[str], labels: list[str]) -> None:
    text = "; ".join(["so Tarn Holmby did"] * len(given))
    assert [label for _, label in repaired(text, *[("Tarn Holmby", label) for label in given])] == labels


def test_a_given_name_makes_it_a_person_and_is_the_persons_alone() -> None:
    text = "we saw Nicole Holmby and Nicole Holmby, and Nicole left"
    given = [("Nicole Holmby", "ORG"), ("Nicole Holmby", "PERSON"), ("Nicole", "GPE")]
    assert [label for _, label in repaired(text, *given)] == ["PERSON"] * 3


def test_known_names_keep_their_label() -> None:
    given = [("New York", "GPE"), ("New York", "ORG"), ("New York", "ORG")]
    assert {label for _, label in repaired("in New York and New York and New York", *given)} == {"GPE"}


@pytest.mark.parametrize(
    ("text", "name", "given", "label"),
    [
        ("A crash on Highway 61 hurt two.", "Highway 61", "DATE", "FAC"),
        ("The A1 was closed.", "A1", "GPE", "FAC"),
        ("The M23 took the town.", "M23", "ORG", "ORG"),
        ("He was shot on Mill Drive.", "Mill Drive", "ORG", "FAC"),
        ("The USS Harlan helped.", "USS Harlan", "ORG", "PLATFORM"),
        ("The MV Coral Star sank.", "MV Coral Star", "ORG", "PLATFORM"),
    ],
)
def test_numbered_roads_streets_and_ships(text: str, name: str, given: str, label: str) -> None:
    assert repaired(text, (name, given)) == [(name, label)]
