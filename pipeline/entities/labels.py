"""The entity types of Wirefuse, and which of them may name the same thing."""

from __future__ import annotations

DESCRIPTIONS: dict[str, str] = {
    "PERSON": "a person by name, with the title that stands directly before it",
    "ORG": "organisation, agency, company, party, armed group, armed force",
    "NORP": "nationality, religious or political group, as noun or adjective",
    "GPE": "country, state, province, city, town",
    "LOC": "place without a government: region, sea, river, mountain",
    "FAC": "building, base, airport, oil field, prison, bridge, hospital, road",
    "DATE": "day or longer, absolute or relative",
    "TIME": "shorter than a day",
    "MONEY": "amount of money with its currency",
    "QUANTITY": "measured amount with its unit",
    "WEAPON": "weapon, ammunition or explosive, by name or by kind",
    "PLATFORM": "vehicle, aircraft, ship, drone or satellite, by name or by kind",
    "UNIT": "military unit or an armed group's unit: brigade, battalion, squadron",
    "EVENT": "named event: war, battle, operation, summit, election",
}

LABELS: tuple[str, ...] = tuple(DESCRIPTIONS)

IDENTITY_CLASS: dict[str, str] = {
    "PERSON": "person",
    "ORG": "organisation",
    "UNIT": "organisation",
    "NORP": "nationality",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "WEAPON": "materiel",
    "PLATFORM": "materiel",
    "EVENT": "event",
    "DATE": "value",
    "TIME": "value",
    "MONEY": "value",
    "QUANTITY": "value",
}
"""Two mentions can be one entity only within a class: a model wavers between GPE and LOC, not place and person."""
