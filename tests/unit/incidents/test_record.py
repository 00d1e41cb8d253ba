"""The incident record: places, days, names and counts from the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

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


def test_spellings_of_a_place_are_one_and_the_event_s_place_stands_apart() -> None:
    record = two_reports()
    roles = {p["name"]: (p["role"], p["reports"]) for p in record.places}
    assert roles.pop("Tarnow Bay") == ("mentioned", 1)
    ((name, rest),) = roles.items()
    assert name.casefold().replace("-", " ") == "port velasco"
    assert rest == ("event", 2)


def test_names_are_folded_across_reports() -> None:
    record = two_reports()
    (person,) = [e for e in record.entities if e["label"] == "PERSON"]
    assert person["name"] == "Ilse Brandt"
    assert {f["text"] for f in person["forms"]} == {"Ilse Brandt", "Brandt"}


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
