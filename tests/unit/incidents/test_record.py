"""The incident record: places, days, names and counts from the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import codec
from pipeline.entities.gazetteer import Gazetteer, Name
from pipeline.incidents import record as record_module
from pipeline.incidents.ledger import Ledger
from pipeline.records import Annotated, Annotation, Article, Entity, IncidentRecord
from pipeline.settings import Incidents

from .wire import START, Wire, aid

FIRST = (
    "A ferry carrying ninety passengers sank near Port Velasco on Thursday, the Marena coast guard said. "
    "Commander Ilse Brandt said the Marena Coast Guard had saved eighty."
)
SECOND = (
    "PORT-VELASCO, Marena — A ferry carrying ninety passengers sank off the coast on Thursday night. "
    "Brandt said eighty were saved. A similar ferry sank on March 2 in Tarnow Bay."
)


def entities(text: str, *names: tuple[str, str]) -> tuple[Entity, ...]:
    return tuple(
        Entity(start=text.index(name), end=text.index(name) + len(name), label=label, text=name)
        for name, label in names
    )


def item(wire: Wire, name: str, text: str, found: tuple[Entity, ...], source: str, title: str | None) -> Annotated:
    made = wire.new(name, event=0, angle=1)
    assert isinstance(made.article, Article)
    article = replace(made.article, text=text, title=title, source=source, published=START)
    return replace(made, article=article, annotation=Annotation(entities=found))


def two_reports() -> IncidentRecord:
    wire, ledger = Wire(), Ledger(0, Incidents())
    first = entities(FIRST, ("Port Velasco", "GPE"), ("Ilse Brandt", "PERSON"), ("Marena Coast Guard", "ORG"))
    second = entities(SECOND, ("PORT-VELASCO", "GPE"), ("Brandt", "PERSON"), ("Tarnow Bay", "LOC"))
    ledger.decide(item(wire, "a", FIRST, first, "Osk Gazette", "Ferry sinks near Port Velasco | Osk Gazette"))
    decision = ledger.decide(item(wire, "b", SECOND, second, "Marena Post", None))
    assert decision.incident_id is not None
    record = ledger.record(decision.incident_id)
    assert record is not None
    return record


def test_the_day_is_that_of_the_event_not_of_publication_or_recollection() -> None:
    assert START.date() - timedelta(days=1) == START.date().replace(day=23)
    record = two_reports()
    assert record.event_time == {"start": "2023-03-23", "end": "2023-03-23", "precision": "day", "reports": 2}


def test_the_day_of_a_page_s_time_stamp_is_none_of_the_event() -> None:
    wire, ledger = Wire(), Ledger(0, Incidents())
    text = f"Posted: Friday, March 24, 2023 5:16 AM EDT Updated: March 24, 2023 at 5:40 AM EDT\n{FIRST}"
    decision = ledger.decide(item(wire, "a", text, entities(text, ("Port Velasco", "GPE")), "Osk Gazette", None))
    assert decision.incident_id is not None
    record = ledger.record(decision.incident_id)
    assert record is not None
    assert record.event_time == {"start": "2023-03-23", "end": "2023-03-23", "precision": "day", "reports": 1}


def test_spellings_of_a_place_are_one_and_the_event_s_place_stands_apart() -> None:
    record = two_reports()
    roles = {p["name"]: (p["role"], p["reports"]) for p in record.places}
    assert roles.pop("Tarnow Bay") == ("mentioned", 1)
    ((name, rest),) = roles.items()
    assert name.casefold().replace("-", " ") == "port velasco"
    assert rest == ("event", 2)


def test_who_is_credited_with_a_picture_is_no_name_of_the_incident() -> None:
    wire, ledger = Wire(), Ledger(0, Incidents())
    text = f"The ferry in May. (Ana Ruiz/AFP/Getty Images)\n{FIRST} Getty Images sent Ana Lund."
    named = ("Ana Ruiz", "PERSON"), ("AFP", "ORG"), ("Ilse Brandt", "PERSON"), ("Ana Lund", "PERSON")
    decision = ledger.decide(item(wire, "a", text, entities(text, *named), "Osk Gazette", None))
    assert decision.incident_id is not None
    record = ledger.record(decision.incident_id)
    assert record is not None
    assert {e["name"] for e in record.entities} == {"Ilse Brandt", "Ana Lund"}


def test_names_are_folded_across_reports() -> None:
    record = two_reports()
    (person,) = [e for e in record.entities if e["label"] == "PERSON"]
    assert person["name"] == "Ilse Brandt"
    assert {f["text"] for f in person["forms"]} == {"Ilse Brandt", "Brandt"}


def test_reports_that_come_and_go_between_two_records_change_the_names_as_in_one_made_anew() -> None:
    """Whether they name something, as first and second do, or nothing, as a copy."""
    wire, asked, anew = Wire(), Ledger(0, Incidents()), Ledger(0, Incidents())
    first = entities(FIRST, ("Port Velasco", "GPE"), ("Ilse Brandt", "PERSON"), ("Marena Coast Guard", "ORG"))
    second = entities(SECOND, ("PORT-VELASCO", "GPE"), ("Brandt", "PERSON"), ("Tarnow Bay", "LOC"))
    wires = [
        item(wire, "a", FIRST, first, "Osk Gazette", "Ferry sinks near Port Velasco"),
        wire.copy("b", "a", event=0),
        item(wire, "c", SECOND, second, "Marena Post", None),
        wire.copy("d", "c", event=0),
        wire.kill("b"),
        wire.kill("c"),
    ]
    home, forms = None, []
    for one in wires:
        home = asked.decide(one).incident_id or home
        anew.decide(one)
        assert home is not None
        written = asked.written(home)
        assert written is not None
        fresh = Ledger(0, Incidents())
        fresh.resume(anew.snapshot())
        assert written.data == codec.encode(fresh.record(home))
        people = [e for e in codec.decode_json(written.data)["entities"] if e["label"] == "PERSON"]
        forms.append([form["text"] for person in people for form in person["forms"]])
    alone, both = ["Ilse Brandt"], ["Brandt", "Ilse Brandt"]
    assert forms == [alone, alone, both, both, both, alone]


def test_title_counts_and_timeline() -> None:
    record = two_reports()
    assert record.title == "Ferry sinks near Port Velasco"
    assert record.counts == {"reports": 2, "copies": 0, "independent_origins": 2}
    assert [t["source"] for t in record.timeline] == ["Osk Gazette", "Marena Post"]


def test_one_outlet_s_reports_are_one_origin() -> None:
    wire, ledger = Wire(), Ledger(0, Incidents())
    for name, source in (("a", "Osk Gazette"), ("b", "OSK GAZETTE"), ("c", "Marena Post")):
        decision = ledger.decide(item(wire, name, FIRST, (), source, "Ferry sinks near Port Velasco"))
    assert decision.incident_id is not None
    record = ledger.record(decision.incident_id)
    assert record is not None
    assert record.counts == {"reports": 3, "copies": 0, "independent_origins": 2}


def test_a_very_large_incident_lists_its_first_and_its_last_reports_and_counts_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_module, "LISTED", 8)
    monkeypatch.setattr(record_module, "FOLDED", 3)
    wire, ledger = Wire(), Ledger(0, Incidents())
    for n in range(20):
        decision = ledger.decide(item(wire, f"{n:02}", FIRST, (), f"outlet {n}", "Ferry sinks near Port Velasco"))
        assert decision.incident_id is not None
        record = ledger.record(decision.incident_id)
        assert record is not None
        names = [r.article_id for r in record.reports]
        assert decision.article_id in names  # a sink learns from the record where a report is
        assert record.counts == {"reports": n + 1, "copies": 0, "independent_origins": n + 1}
    assert record is not None
    assert names == [aid(f"{n:02}") for n in (0, 1, 2, 15, 16, 17, 18, 19)]
    assert [t["article_id"] for t in record.timeline] == names
    assert record.first_seen == START


def test_weapons_and_vehicles_of_all_reports_are_listed_by_how_many_name_them() -> None:
    texts = (
        "A Shahed-136 drone hit the port; a Grad rocket fell into the sea. The drone came from the north.",
        "Fragments of a Shahed 136 drone were found. The ferry Marena was hit by Grads.",
    )
    wire, ledger = Wire(), Ledger(0, Incidents())
    first = entities(texts[0], ("Shahed-136", "WEAPON"), ("Grad", "WEAPON"))
    second = entities(texts[1], ("Shahed 136", "WEAPON"), ("Marena", "PLATFORM"), ("Grads", "WEAPON"))
    found = ledger.decide(item(wire, "a", texts[0], first, "Gazette", "Drone hits Port Velasco")).incident_id
    assert ledger.decide(item(wire, "b", texts[1], second, "Post", "Drone hits Port Velasco")).incident_id == found
    assert found is not None
    record = ledger.record(found)
    assert record is not None
    rows = [(w["label"], w["name"], len(w["forms"]), w["reports"]) for w in record.weapons]
    assert rows == [("PLATFORM", "Shahed drone", 2, 2), ("WEAPON", "Grad", 2, 2), ("PLATFORM", "Marena", 1, 1)]
    assert {w["entity_id"] for w in record.weapons} <= {e["entity_id"] for e in record.entities}


def test_a_user_s_names_join_forms_across_reports_and_decide_nothing() -> None:
    own = Gazetteer((Name("Wolves of the Tarn", "ORG", ("Wolves of the Tarn", "WOT")),))
    texts = ("The Wolves of the Tarn sank the ferry off Port Velasco.", "The WOT sank the ferry off Port Velasco.")
    names, decided = [], []
    for known in (None, own):
        wire, ledger = Wire(), Ledger(0, Incidents(), names=known)
        first = entities(texts[0], ("Wolves of the Tarn", "ORG"))
        second = entities(texts[1], ("WOT", "ORG"))
        decisions = [
            ledger.decide(item(wire, "a", texts[0], first, "Gazette", "Ferry sunk off Port Velasco")),
            ledger.decide(item(wire, "b", texts[1], second, "Post", "Ferry sunk off Port Velasco")),
        ]
        found = decisions[0].incident_id
        assert found is not None
        assert decisions[1].incident_id == found
        record = ledger.record(found)
        assert record is not None
        names.append(sorted(e["name"] for e in record.entities))
        decided.append([codec.encode(d) for d in decisions])
    assert names == [["WOT", "Wolves of the Tarn"], ["Wolves of the Tarn"]]
    assert decided[0] == decided[1]
