"""What rules and known names do to the tagger's entities."""

from __future__ import annotations

import pytest
from spacy.tokens import Span

from pipeline.entities import repair, tokenizer
from pipeline.entities.repair import Repair

NLP = tokenizer.blank()
REPAIR = Repair(NLP)


def repaired(text: str, *given: tuple[str, str]) -> list[tuple[str, str]]:
    """The entities after repair of a text in which the tagger found the given names."""
    doc = NLP(text)
    ents = []
    for name, label in given:
        at = text.index(name)
        span = doc.char_span(at, at + len(name), label=label)
        assert isinstance(span, Span)
        ents.append(span)
    doc.set_ents(ents)
    return [(e.text, e.label_) for e in REPAIR(doc).ents]


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("near Al-Omar oil field", [("Al-Omar", "LOC")], [("Al-Omar oil field", "FAC")]),
        ("an Iran-backed group", [], [("Iran", "GPE")]),
        ("dated 2023-03-24, it says", [("2023-03", "DATE")], [("2023-03-24", "DATE")]),
        ("case 1999-77-24 and file 2023-03-24-A", [], []),
        ("US Central spoke: US Central Command", [], [("US", "GPE"), ("US Central Command", "ORG")]),
        (
            "US Central Command General Michael Kurilla said",
            [("US Central Command General Michael Kurilla", "PERSON")],
            [("US Central Command", "ORG"), ("General Michael Kurilla", "PERSON")],
        ),
        (
            "Defense Secretary Lloyd Austin spoke. Austin left.",
            [("Secretary Lloyd Austin", "PERSON"), ("Austin left"[:6], "GPE")][:1],
            [("Defense Secretary Lloyd Austin", "PERSON"), ("Austin", "PERSON")],
        ),
        (
            "President Halloran spoke hours after Halloran left.",
            [("President Halloran", "PERSON")],
            [("President Halloran", "PERSON"), ("Halloran", "PERSON")],
        ),
        (
            "Penon de Coron is near Coron.",
            [("Penon de Coron", "PERSON")],
            [("Penon de Coron", "PERSON")],
        ),
        ("Theresa May left in May.", [("Theresa May", "PERSON")], [("Theresa May", "PERSON")]),
        ("Prime Minister Sir spoke to a Minister.", [("Prime Minister", "PERSON")], [("Prime Minister", "PERSON")]),
        ("Michael Jordan left Jordan.", [("Michael Jordan", "PERSON")], [("Michael Jordan", "PERSON")]),
        ("Nobody came.", [("Nobody", "PERSON")], []),
        ("in the Al Omar region", [("Al Omar", "PERSON")], [("Al Omar", "LOC")]),
        ("in the town of Sarah", [("Sarah", "PERSON")], [("Sarah", "GPE")]),
        ("it was five years ago", [("five", "DATE")], [("five years ago", "DATE")]),
        ("a three-day visit", [("-day", "DATE")], [("three-day", "DATE")]),
        ("a once-a-day pill", [("-day", "DATE")], []),
        ("in the past 24 hours", [("past 24", "DATE")], [("past 24 hours", "TIME")]),
        ("jailed for 11 years in prison", [("11", "DATE")], [("11 years", "DATE")]),
        ("at least 38 died in 1014", [("38", "DATE"), ("1014", "DATE")], [("1014", "DATE")]),
        ("from 5-6 April 2016", [], [("5-6 April 2016", "DATE")]),
        ("a 2-1 April win", [("April", "DATE")], [("1 April", "DATE")]),
        ("on 3 March he left", [("March", "DATE")], [("3 March", "DATE")]),
        ("on October 26, 2008, he left", [("October 26", "DATE")], [("October 26, 2008", "DATE")]),
        ("a record $70.85 a barrel", [], [("$70.85", "MONEY")]),
        ("it was 7.5 km long", [], [("7.5 km", "QUANTITY")]),
        ("he left at 11.40 p.m.", [], [("11.40 p.m.", "TIME")]),
        ("a grade of 70.85 there", [], []),
        ("King Jr. - has come", [("King Jr. -", "PERSON")], [("King Jr.", "PERSON")]),
        ("at a Jakarta hospital", [("Jakarta", "GPE")], [("Jakarta", "GPE")]),
        ("at the Jakarta hospital", [("Jakarta", "GPE")], [("Jakarta hospital", "FAC")]),
        (
            "Incirlik Air Base, Turkey",
            [("Incirlik Air Base, Turkey", "FAC")],
            [("Incirlik Air Base", "FAC"), ("Turkey", "GPE")],
        ),
        ("at Camp Varosh", [("Camp Varosh", "ORG")], [("Camp Varosh", "FAC")]),
        ("the Lakeside Motel", [("Lakeside Motel", "ORG")], [("Lakeside Motel", "FAC")]),
        ("the Temple of Bel", [("Temple of Bel", "ORG")], [("Temple of Bel", "FAC")]),
        ("the 407th AEG", [("407th AEG", "ORG")], [("407th AEG", "UNIT")]),
        ("the 9th Circuit Court", [("9th Circuit Court", "ORG")], [("9th Circuit Court", "ORG")]),
        (
            "3rd Battalion, 321st Field Artillery Regiment",
            [("3rd Battalion", "UNIT"), ("321st Field Artillery Regiment", "UNIT")],
            [("3rd Battalion, 321st Field Artillery Regiment", "UNIT")],
        ),
        (
            "Jordanian 71st Counter Terrorism Battalion",
            [("Jordanian 71st Counter Terrorism Battalion", "UNIT")],
            [("Jordanian", "NORP"), ("71st Counter Terrorism Battalion", "UNIT")],
        ),
        ("in Operation Inherent Resolve today", [], [("Operation Inherent Resolve", "EVENT"), ("today", "DATE")]),
        ("after Tropical Storm Fred hit", [("Fred", "PERSON")], [("Tropical Storm Fred", "EVENT")]),
        ("the Hurricane Center said", [("Hurricane Center", "ORG")], [("Hurricane Center", "ORG")]),
        ("the Rugby World Cup", [("Rugby World Cup", "ORG")], [("Rugby World Cup", "EVENT")]),
        ("oil and gas, and tear gas", [], [("tear gas", "WEAPON")]),
        ("paid $5 million", [], [("$5 million", "MONEY")]),
        ("a suicide drone and an AK-47", [], [("suicide drone", "PLATFORM"), ("AK-47", "WEAPON")]),
        ("Grad rockets and an MQ-9 Reaper drone", [], [("Grad rockets", "WEAPON"), ("MQ-9 Reaper drone", "PLATFORM")]),
        ("a Black Hawk helicopter", [], [("Black Hawk helicopter", "PLATFORM")]),
        ("an improvised explosive device", [], [("improvised explosive device", "WEAPON")]),
        ("a suicide bomber; the bomber died", [], []),
        ("a bomber took off", [], [("bomber", "PLATFORM")]),
        ("the Bosnian Serbs left", [("Bosnian Serbs", "GPE")], [("Bosnian Serbs", "NORP")]),
        ("the World Cup", [("World Cup", "ORG")], [("World Cup", "EVENT")]),
        (
            "U.S. Army General Joseph Votel",
            [("U.S. Army General", "ORG"), ("Joseph Votel", "PERSON")],
            [("U.S. Army", "ORG"), ("General Joseph Votel", "PERSON")],
        ),
        (
            "Technical Sergeant Joseph Lemm",
            [("Technical Sergeant", "ORG"), ("Joseph Lemm", "PERSON")],
            [("Sergeant Joseph Lemm", "PERSON")],
        ),
        (
            "UN Special Envoy de Mistura",
            [("UN Special Envoy de Mistura", "ORG")],
            [("UN", "ORG"), ("Special Envoy de Mistura", "PERSON")],
        ),
        ("King Gyanendra left", [("King Gyanendra", "ORG")], [("King Gyanendra", "PERSON")]),
        ("the King of Athens left", [("King of Athens", "ORG")], [("King of Athens", "ORG")]),
        ("at Queen Mary University", [("Queen Mary University", "ORG")], [("Queen Mary University", "ORG")]),
        ("al-Hasakah fell", [("al-Hasakah", "ORG")], [("al-Hasakah", "GPE")]),
        ("a US military base", [("US", "GPE")], [("US", "GPE")]),
        ("", [], []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_repair(text: str, given: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert repaired(text, *given) == expected


def test_every_rule_label_is_one_of_ours() -> None:
    assert set(Repair.labels) >= repair.RULES
