"""A report of many events holds none of them together and proves none of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pipeline.incidents.explain import explain
from pipeline.incidents.ledger import Ledger
from pipeline.records import Annotated
from pipeline.settings import Incidents

from .wire import START, Wire, aid, article

MORGAN = (
    "Man, 21, shot on Morgan Street",
    "A 21-year-old man was shot at 1:15 a.m. Friday in the 6300 block of South Morgan Street, Sgt. Dana Holm said. He "
    "had left a birthday party when a black sedan drew up.",
)
LINDEN = (
    "Cyclist wounded by gunfire on Linden Street",
    "A cyclist, Omar Field, 50, was hit in the thigh at 9:40 p.m. Thursday in the 1200 block of Linden Street while he "
    "rode home from a bakery shift. A neighbour heard a quarrel over a parking space.",
)
ROUND_UP = (
    "Three wounded in a night of shootings in Tarnow Bay",
    "Three men were shot overnight. The first, a man aged 21, was hit at 1:15 a.m. Friday in the 6300 block of South "
    "Morgan Street when a black sedan drew up at a birthday party, Sgt. Dana Holm said. Omar Field, 50, a cyclist who "
    "rode home from his shift in a bakery, was hit at 9:40 p.m. Thursday in the 1200 block of Linden Street. A "
    "34-year-old was wounded at 3 a.m. on Cerise Avenue.",
)


def report(wire: Wire, native_id: str, told: tuple[str, str], hours: float) -> Annotated:
    body = replace(article(native_id, 0, 1, START + timedelta(hours=hours)), title=told[0], text=told[1])
    return wire.item(native_id, "new", replace(body, source=f"outlet {native_id}"))


def test_a_round_up_holds_no_two_events_together() -> None:
    wire, led = Wire(), Ledger(0, Incidents())
    morgan = led.decide(report(wire, "morgan", MORGAN, 0))
    linden = led.decide(report(wire, "linden", LINDEN, 1))
    assert morgan.incident_id != linden.incident_id
    round_up = led.decide(report(wire, "all", ROUND_UP, 2))
    assert led.incident_of(aid("morgan")) != led.incident_of(aid("linden"))
    assert round_up.incident_id in (morgan.incident_id, linden.incident_id)
    assert [c.change for c in led.changes(round_up)] == ["joined"]
    late = led.decide(report(wire, "late", LINDEN, 3))
    assert late.incident_id == linden.incident_id
    assert late.why["closest"] == aid("linden")


def test_a_round_up_is_marked_and_proves_nothing() -> None:
    wire, led = Wire(), Ledger(0, Incidents())
    led.decide(report(wire, "morgan", MORGAN, 0))
    round_up = led.decide(report(wire, "all", ROUND_UP, 2))
    assert round_up.why["round_up"] == 3
    assert "a round-up of 3 events" in explain(round_up.why)
    assert round_up.incident_id is not None
    record = led.record(round_up.incident_id)
    assert record is not None
    assert [r.why.get("round_up") for r in record.reports] == [None, 3]
    assert record.counts == {"reports": 2, "copies": 0, "independent_origins": 1}
    assert record.title == MORGAN[0]
    assert record.event_time is not None
    assert record.event_time["start"] == "2023-03-24"


def test_an_incident_known_from_a_round_up_alone_has_an_origin() -> None:
    wire, led = Wire(), Ledger(0, Incidents())
    found = led.decide(report(wire, "all", ROUND_UP, 0)).incident_id
    assert found is not None
    record = led.record(found)
    assert record is not None
    assert record.counts["independent_origins"] == 1
    assert record.title == ROUND_UP[0]
