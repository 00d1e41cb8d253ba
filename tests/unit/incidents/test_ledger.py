"""What the ledger does with each kind of input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline import codec, ids
from pipeline.incidents.decision import NOTHING_KEY, Decision
from pipeline.incidents.explain import explain
from pipeline.incidents.ledger import Ledger
from pipeline.records import Annotated, IncidentRecord
from pipeline.settings import Incidents

from .wire import START, Wire, aid, article


def ledger(**settings: float) -> Ledger:
    return Ledger(0, Incidents(**settings))  # type: ignore[arg-type]


def kinds(ledger: Ledger, decision: Decision) -> list[str]:
    return [c.change for c in ledger.changes(decision)]


def record(ledger: Ledger, incident_id: str | None) -> IncidentRecord:
    assert incident_id is not None
    found = ledger.record(incident_id)
    assert found is not None
    return found


def test_reports_of_one_event_share_an_incident_and_others_do_not() -> None:
    wire, led = Wire(), ledger()
    first = led.decide(wire.new("a", event=0, angle=1))
    second = led.decide(wire.new("b", event=0, angle=2, hours=1))
    other = led.decide(wire.new("c", event=1, angle=1, hours=2))
    assert first.incident_id == second.incident_id == ids.incident_id(0, aid("a"))
    assert other.incident_id not in (None, first.incident_id)
    assert kinds(led, first) == ["created"]
    assert kinds(led, second) == ["joined"]
    assert [r.article_id for r in record(led, first.incident_id).reports] == [aid("a"), aid("b")]


def undated(wire: Wire, native_id: str, event: int, **more: object) -> Annotated:
    return wire.item(native_id, "new", article(native_id, event, 1, None), **more)


def test_undated_articles_at_the_start_do_not_let_dated_ones_be_forgotten() -> None:
    wire, led = Wire(), ledger()
    for n in range(3):
        led.decide(undated(wire, f"undated {n}", event=n))
    first = led.decide(wire.new("a", event=3))
    for n in range(20):
        last = led.decide(wire.new(f"b{n}", event=3, angle=2, hours=n / 10))
    assert last.incident_id == first.incident_id
    assert record(led, first.incident_id).counts["reports"] == 21


def test_articles_that_say_no_time_do_not_hold_up_event_time_after_a_silence() -> None:
    wire, led = Wire(), ledger(close_after_days=7)
    before = [led.decide(wire.new(str(n), event=n)) for n in range(2)]
    for n in range(12):
        led.decide(wire.new(f"dated {n}", event=2, angle=n % 3 + 1, hours=24 * 10 + n))
        # Dedup gives them the edition's own event time, which a wire's first articles after a silence do not move yet.
        led.decide(undated(wire, f"undated {n}", event=3, event_time=START))
        led.decide(wire.kill(f"undated {n}", event_time=START))
    assert [record(led, d.incident_id).status for d in before] == ["closed", "closed"]


def test_a_copy_goes_where_its_source_is_without_being_compared() -> None:
    wire, led = Wire(), ledger()
    source = led.decide(wire.new("a", event=0))
    copy = led.decide(wire.copy("b", of="a", event=3, hours=1))
    assert copy.incident_id == source.incident_id
    assert not copy.scored
    assert copy.why["kind"] == "copy"
    assert record(led, copy.incident_id).counts == {"reports": 2, "copies": 1, "independent_origins": 1}


def test_a_copy_of_something_unknown_is_compared() -> None:
    wire, led = Wire(), ledger()
    report = led.decide(wire.new("a", event=0))
    copy = led.decide(wire.copy("b", of="never seen", event=0, hours=1))
    assert copy.scored
    assert copy.incident_id == report.incident_id


def test_copies_of_a_killed_article_stand_for_themselves() -> None:
    wire, led = Wire(), ledger()
    source = led.decide(wire.new("a", event=0))
    led.decide(wire.copy("b", of="a", event=0, hours=1))
    killed = led.decide(wire.kill("a", event_time=START, regrouped={aid("a"): aid("b")}))
    assert killed.incident_id is None
    assert kinds(led, killed) == ["retracted", "regrouped"]
    (left,) = record(led, source.incident_id).reports
    assert (left.article_id, left.copy_of) == (aid("b"), None)
    follow_up = led.decide(wire.new("c", event=0, angle=2, hours=2))
    assert follow_up.incident_id == source.incident_id


def test_an_update_keeps_its_incident_and_its_text_counts() -> None:
    wire, led = Wire(), ledger()
    first = led.decide(wire.new("a", event=0, angle=0))
    assert record(led, first.incident_id).title != "Ferry sinks off Port Velasco"
    updated = led.decide(wire.update("a", event=0, angle=1, hours=3))
    assert updated.incident_id == first.incident_id
    assert updated.why["kind"] == "kept"
    after = record(led, first.incident_id)
    assert after.title == "Ferry sinks off Port Velasco"
    assert (after.version, len(after.reports)) == (updated.seq, 1)


def test_a_killed_article_leaves_nothing_of_itself_behind() -> None:
    wire, led = Wire(), ledger()
    first = led.decide(wire.new("a", event=0))
    killed = led.decide(wire.kill("a", event_time=START))
    assert kinds(led, killed) == ["withdrawn"]
    assert b"ferry" not in codec.encode(killed).lower()
    gone = record(led, first.incident_id)
    assert (gone.status, gone.reports, gone.title) == ("withdrawn", (), None)
    later = led.decide(wire.new("b", event=0, angle=2, hours=1))
    assert later.incident_id != first.incident_id


def test_a_founder_that_comes_back_reopens_its_incident() -> None:
    wire, led = Wire(), ledger()
    first = led.decide(wire.new("a", event=0))
    led.decide(wire.kill("a", event_time=START))
    back = led.decide(wire.new("a", event=0, hours=2))
    assert back.incident_id == first.incident_id
    assert kinds(led, back) == ["reopened"]
    assert record(led, back.incident_id).status == "open"


def test_a_founder_that_comes_back_elsewhere_does_not_take_the_id_of_a_living_incident() -> None:
    wire, led = Wire(), ledger()
    first = led.decide(wire.new("a", event=0))
    led.decide(wire.new("b", event=0, angle=2))
    led.decide(wire.kill("a", event_time=START))
    back = led.decide(wire.new("a", event=1, hours=2))
    assert back.incident_id not in (None, first.incident_id)
    assert [r.article_id for r in record(led, first.incident_id).reports] == [aid("b")]


@pytest.mark.parametrize("verdict", ["stale", "void"])
def test_what_changes_nothing_still_gives_a_decision_and_an_event(verdict: str) -> None:
    wire, led = Wire(), ledger()
    led.decide(wire.new("a", event=0))
    item = wire.item("a" if verdict == "stale" else None, verdict)  # type: ignore[arg-type]
    decision = led.decide(item)
    assert (decision.key, led.changes(decision), led.touched(decision)) == (NOTHING_KEY, [], [])
    assert led.event(decision, item).verdict == verdict


def test_quiet_incidents_close_and_a_late_follow_up_reopens_them() -> None:
    wire, led = Wire(), ledger(close_after_days=5.0)
    first = led.decide(wire.new("a", event=0))
    led.decide(wire.new("x", event=1, hours=1))
    closing = None
    for day in range(1, 8):
        closing = led.decide(wire.new(f"d{day}", event=2, angle=day % 4, hours=24 * day))
        if "closed" in kinds(led, closing):
            break
    assert closing is not None
    assert record(led, first.incident_id).status == "closed"
    assert record(led, first.incident_id).version == closing.seq
    follow_up = led.decide(wire.new("b", event=0, angle=1, hours=24 * 8))
    assert follow_up.incident_id == first.incident_id
    assert kinds(led, follow_up) == ["joined", "reopened"]


def test_a_long_silence_closes_incidents_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.incidents.horizon.MOST_CLOSED", 2)
    wire, led = Wire(), ledger(close_after_days=5.0)
    for n in range(4):
        led.decide(wire.new(f"a{n}", event=n, hours=n))
    closed = []
    for n in range(16):
        decision = led.decide(wire.new(f"b{n}", event=0, angle=n % 4, hours=24 * 90 + n))
        closed.append(kinds(led, decision).count("closed"))
    assert max(closed) == 2
    assert sum(closed) >= 3
    assert led._state.watermark.time == START + timedelta(hours=24 * 90 + 15)


def test_a_ledger_that_gets_less_room_forgets_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.incidents.horizon.MOST_FORGOTTEN", 2)
    wire, roomy, led = Wire(), ledger(), ledger(max_articles=2)
    old = [roomy.decide(wire.new(f"a{n}", event=n % 4, angle=n % 3, hours=n)) for n in range(8)]
    led.apply_all(old)
    closed, entries = [], []
    for n in range(6):
        decision = led.decide(wire.new(f"b{n}", event=0, angle=n % 4, hours=9 + n))
        closed.append(kinds(led, decision).count("closed"))
        entries.append(led.entries)
    assert entries == [7, 6, 5, 4, 3, 3]
    left_behind = {d.incident_id for d in old} - {led.incident_of(aid("b5"))}
    assert sum(closed) == len(left_behind) > 1
    assert led.decide(wire.new("c", event=2, angle=1, hours=20)).changes[0].change == "created", "not found again"


def test_the_oldest_are_forgotten_when_there_is_no_room() -> None:
    wire, led = Wire(), ledger(max_articles=3)
    for n in range(6):
        led.decide(wire.new(f"a{n}", event=n % 4, angle=n % 3, hours=n))
    assert led.entries == 4  # the newest does not count
    assert led.evicted == {"size": 2}
    assert led.drain_tombstones() == [aid("a0"), aid("a1")]
    assert led.drain_tombstones() == []
    assert led.incident_of(aid("a0")) is None


def test_one_absurd_date_forgets_nothing() -> None:
    wire, led = Wire(), ledger(ttl_days=30.0)
    for n in range(3):
        led.decide(wire.new(f"a{n}", event=n, hours=n))
    led.decide(wire.new("future", event=3, hours=24 * 365 * 900))
    led.decide(wire.new("b", event=3, angle=2, hours=4))
    assert led.entries == 5
    assert not led.evicted


def test_a_record_out_of_order_is_refused() -> None:
    wire, led = Wire(), ledger()
    led.decide(wire.new("a", event=0))
    wire.new("lost", event=0)
    with pytest.raises(ValueError, match="last decided"):
        led.decide(wire.new("b", event=0))
    with pytest.raises(ValueError, match="edition"):
        Ledger(1, Incidents()).decide(Wire().new("a", event=0))


def test_why_names_the_evidence_in_words() -> None:
    wire, led = Wire(), ledger()
    led.decide(wire.new("a", event=0, angle=1))
    joined = led.decide(wire.new("b", event=0, angle=2, hours=1))
    said = explain(joined.why, {aid("a"): "Ferry sinks"}.get)
    assert "“Ferry sinks”" in said
    assert "Velasco" in said
    assert said.startswith("It tells of the same event")
    for decision in (led.decide(wire.copy("c", of="a", event=0)), led.decide(wire.new("d", event=1))):
        assert explain(decision.why).endswith(".")
    assert sum(joined.why["parts"].values()) > 0


_SCRIPT = """
import hashlib, sys
from pipeline import codec
from pipeline.incidents.ledger import Ledger
from pipeline.settings import Incidents
from incidents.wire import Wire, aid

wire, ledger, digest = Wire(), Ledger(0, Incidents(max_articles=12, close_after_days=1.0)), hashlib.sha256()
for n in range(40):
    kind = n % 5
    item = (
        wire.copy(f"n{n}", of=f"n{n - 1}", event=n % 4, hours=n)
        if kind == 3
        else wire.kill(f"n{n - 2}", regrouped={aid(f"n{n - 2}"): aid(f"n{n - 1}")})
        if kind == 4
        else wire.new(f"n{n}", event=n * 7 % 4, angle=n % 3, hours=n)
    )
    digest.update(codec.encode(ledger.decide(item)))
print(digest.hexdigest())
"""


def test_decisions_do_not_depend_on_the_hash_seed() -> None:
    tests = Path(__file__).parents[1]
    root = tests.parents[1]
    found = set()
    for seed in ("0", "1", "4711"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{tests}{os.pathsep}{root}"}
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True, cwd=root
        )
        found.add(done.stdout.strip())
    assert len(found) == 1
    assert len(found.pop()) == hashlib.sha256().digest_size * 2


def test_the_event_repeats_the_article() -> None:
    wire, led = Wire(), ledger()
    item = wire.new("a", event=0, hours=5)
    event = led.event(led.decide(item), item)
    assert (event.id, event.article_id, event.published) == ("a", aid("a"), START + timedelta(hours=5))
    assert event.tolls == {"killed": None, "wounded": None}
    assert event.incident_id == ids.incident_id(0, aid("a"))
