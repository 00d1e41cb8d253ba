"""A young incident that turns out to hold two events is split."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from pipeline import ids
from pipeline.incidents.explain import explain
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.score import SIGNALS, Weights, weights
from pipeline.records import Annotated
from pipeline.settings import Incidents

from .wire import START, Wire, aid, article

# Two shootings of two days in one town; the first word of either could be of both.
FIRST_WORD = (
    "Officers respond to shooting in Tarnow Bay",
    "TARNOW BAY - Officers responded to a shooting in Tarnow Bay. Nothing more was known at first. This is a "
    "developing story.",
)
CASHIER = (
    "Tarnow Bay officers look for gunman",
    "Officers in Tarnow Bay were looking for a gunman who wounded a cashier, 34, at 9:15 p.m. on Thursday during a "
    "robbery on Cerise Avenue. Sgt. Dana Holm said that a masked man demanded the takings of a filling station, fired "
    "twice and fled on a motorcycle. The cashier was in stable condition.",
)
PUPIL = (
    "Teenager dies after dispute at bus stop",
    "A 17-year-old pupil died after he was shot in the 1200 block of Linden Street at 4:40 p.m. on Friday. Two boys "
    "had argued at a bus stop, Lt. Omar Field of the Tarnow Bay police said, when one drew a pistol from his rucksack. "
    "Classmates laid flowers; the school offered counselling.",
)
NAMED = (
    "Boy, 17, named as victim of Linden Street shooting",
    "The boy of 17 who was shot on Linden Street on Friday was named as Jonah Pell. Classmates had seen him argue with "
    "another pupil at the bus stop shortly after 4:40 p.m., Lt. Omar Field said.",
)
BOTH = (
    "Cashier wounded, pupil dies in Tarnow Bay",
    "Two shootings shook Tarnow Bay: officers were looking for a masked man who wounded a cashier, 34, at 9:15 p.m. "
    "on Thursday in a robbery on Cerise Avenue and fled on a motorcycle, Sgt. Dana Holm said; and a pupil of 17 died "
    "after a dispute at a bus stop on Linden Street at 4:40 p.m. on Friday, Lt. Omar Field said.",
)

EAGER = replace(weights(), join=-1.0)
"""Joins what may be one event, so that a split has something to part."""


def report(wire: Wire, native_id: str, told: tuple[str, str], hours: float) -> Annotated:
    body = replace(article(native_id, 0, 1, START + timedelta(hours=hours)), title=told[0], text=told[1])
    return wire.item(native_id, "new", body)


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_two_events_are_told_apart_whatever_comes_first(order: tuple[int, ...]) -> None:
    wire, led = Wire(), Ledger(0, Incidents())
    stories = (FIRST_WORD, CASHIER, PUPIL, NAMED)
    for hour, n in enumerate(order):
        led.decide(report(wire, str(n), stories[n], hour))
    first, cashier, pupil, named = (led.incident_of(aid(str(n))) for n in range(4))
    assert pupil == named
    assert cashier != pupil
    assert first in (cashier, pupil)


def test_a_split_is_told_with_its_evidence_and_leaves_the_id_with_the_founder() -> None:
    wire, led = Wire(), Ledger(0, Incidents(), fitted=EAGER)
    led.decide(report(wire, "first", FIRST_WORD, 0))
    one = led.decide(report(wire, "pupil", PUPIL, 1)).incident_id
    assert one == ids.incident_id(0, aid("first"))
    decision = led.decide(report(wire, "cashier", CASHIER, 2))
    other = ids.incident_id(0, aid("pupil"))
    assert led.incident_of(aid("first")) == led.incident_of(aid("cashier")) == one
    assert led.incident_of(aid("pupil")) == other
    told = {c.change: c for c in led.changes(decision)}
    assert set(told) == {"split", "joined", "created", "moved"}
    assert (told["split"].incident_id, told["split"].article_id) == (one, aid("cashier"))
    assert told["split"].evidence["into"] == other
    assert told["split"].evidence["reports"] == 1
    assert ["linden st"] in told["split"].evidence["conflicts"]["streets"]
    assert told["created"].article_id == aid("pupil")
    record = led.record(other)
    assert record is not None
    assert (record.counts["reports"], record.version) == (1, decision.seq)
    said = explain(record.reports[0].why)
    assert said.startswith(f"It was parted from incident {one[:8]}")
    assert "another street" in said
    assert led.decide(report(wire, "named", NAMED, 3)).incident_id == other


@pytest.mark.parametrize("room", [1, 2])
def test_a_part_that_would_be_forgotten_at_once_is_not_made(room: int) -> None:
    wire, led = Wire(), Ledger(0, Incidents(max_articles=room), fitted=EAGER)
    one = led.decide(report(wire, "first", FIRST_WORD, 1)).incident_id
    assert led.decide(report(wire, "pupil", PUPIL, 0)).incident_id == one
    decision = led.decide(report(wire, "cashier", CASHIER, 2))  # with room for one beside it the oldest has to go
    assert decision.incident_id == one
    assert {c.change for c in led.changes(decision)} == (
        {"joined"} if room == 1 else {"split", "joined", "created", "moved"}
    )
    for change in led.changes(decision):
        assert led.record(change.incident_id) is not None


FORGE = "tarnow smelter furnace ladle crucible ingot foundry slag casting"
ORCHARD = "tarnow orchard blossom grafting cider pruning rootstock beekeeper harvest"
WORDS = dict.fromkeys((*SIGNALS, "bias"), 0.0) | {"bias": 4.0, "text": 10.0}
WORDS_ALONE = Weights(
    pair=WORDS,
    brief=WORDS,
    incident={"best": 0.5, "top": 0.5, "gap": 0.0, "brief_gap": 0.0, "prior": 0.0},
    join=-9.0,  # everything joins, so that only a split parts anything
    margin=0.3,
    fitted={},
)


@pytest.mark.parametrize("reports", [2, 3])
def test_reports_that_are_knit_on_either_side_are_parted_once_there_are_three_of_each(reports: int) -> None:
    wire, led = Wire(), Ledger(0, Incidents(), fitted=WORDS_ALONE)
    sides = {"forge": FORGE, "orchard": ORCHARD}
    for n in range(reports):
        for hour, (side, text) in enumerate(sides.items()):
            led.decide(report(wire, f"{side}{n}", ("", text), 2 * n + hour))
    homes = [{led.incident_of(aid(f"{side}{n}")) for n in range(reports)} for side in sides]
    assert len(homes[0]) == len(homes[1]) == 1
    assert (homes[0] == homes[1]) == (reports < 3)


def test_copies_leave_with_what_they_copy() -> None:
    wire, led = Wire(), Ledger(0, Incidents(), fitted=EAGER)
    led.decide(report(wire, "first", FIRST_WORD, 0))
    led.decide(report(wire, "pupil", PUPIL, 1))
    led.decide(wire.copy("copied", of="pupil", event=0, hours=1.5))
    led.decide(report(wire, "cashier", CASHIER, 3))
    assert led.incident_of(aid("copied")) == led.incident_of(aid("pupil")) != led.incident_of(aid("cashier"))


def test_what_held_two_events_together_is_taken_back() -> None:
    wire, led = Wire(), Ledger(0, Incidents())
    for hour, (name, told) in enumerate({"both": BOTH, "cashier": CASHIER, "pupil": PUPIL, "named": NAMED}.items()):
        led.decide(report(wire, name, told, hour))
    assert led.incident_of(aid("cashier")) == led.incident_of(aid("pupil"))
    killed = led.decide(wire.kill("both", event_time=START + timedelta(hours=5)))
    assert led.incident_of(aid("both")) is None
    assert led.incident_of(aid("cashier")) != led.incident_of(aid("pupil")) == led.incident_of(aid("named"))
    assert "split" in [c.change for c in led.changes(killed)]


def test_an_incident_that_is_no_longer_young_stays_one() -> None:
    wire, led = Wire(), Ledger(0, Incidents(young_hours=2.0), fitted=EAGER)
    led.decide(report(wire, "first", FIRST_WORD, 0))
    led.decide(report(wire, "pupil", PUPIL, 1))
    decision = led.decide(report(wire, "cashier", CASHIER, 3))
    assert led.incident_of(aid("cashier")) == led.incident_of(aid("pupil"))
    assert [c.change for c in led.changes(decision)] == ["joined"]


def test_any_number_of_hours_may_mean_for_ever() -> None:
    wire, led = Wire(), Ledger(0, Incidents(young_hours=1e12), fitted=EAGER)
    led.decide(report(wire, "first", FIRST_WORD, 0))
    led.decide(report(wire, "pupil", PUPIL, 1))
    led.decide(report(wire, "cashier", CASHIER, 300))
    assert led.incident_of(aid("cashier")) != led.incident_of(aid("pupil"))


def test_what_an_editor_has_put_together_stays_together() -> None:
    wire, led = Wire(), Ledger(0, Incidents(), fitted=EAGER)
    home = led.decide(report(wire, "first", FIRST_WORD, 0)).incident_id
    led.decide(report(wire, "pupil", PUPIL, 1))
    led.decide(wire.word("pin", incident=home, articles=(aid("pupil"),)))
    led.decide(report(wire, "cashier", CASHIER, 3))
    assert led.incident_of(aid("pupil")) == home
