"""What the ledger holds stays bounded, also where every article is older than all that it remembers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pipeline.incidents.ledger import Ledger
from pipeline.records import Annotated
from pipeline.settings import Incidents

from .wire import START, Wire, article


def test_an_archive_behind_a_full_memory_does_not_fill_the_queues() -> None:
    wire, led = Wire(), Ledger(0, Incidents(max_articles=40))
    for n in range(800):
        # Each is forgotten at once, and what it holds for the others is carried on by the next.
        when = START + timedelta(hours=n) if n < 40 else START - timedelta(days=400 - n // 2)
        body = article(f"a{n}", 0, 1, when)
        told = f"Fire {n % 40} at the mill of Tarn{n % 40} in Port Vale{n % 40}: report {n}."
        led.decide(wire.item(f"a{n}", "new", replace(body, title=None, text=told)))
    queues = led._state._closing, led._state._marks_by_time
    assert led.entries <= 41
    assert all(len(queue) < 2_048 for queue in queues)


def test_an_archive_behind_a_full_memory_is_not_carried_from_record_to_record() -> None:
    """Else each record repeats what all before it did to incidents that live on."""
    wire, led = Wire(), Ledger(0, Incidents(max_articles=100))

    def told(n: int, when: datetime) -> Annotated:
        own = [f"{chr(97 + n // 10)}{syllable}{chr(97 + n % 10)}o" for syllable in ("kor", "mil", "tev", "sun", "bard")]
        text = (
            f"Blaze at {own[0].title()} near {own[1].title()}: the {own[2]} burned, the {own[3]} fell, {own[4]} lost."
        )
        name = f"{n} {when}"
        return wire.item(name, "new", replace(article(name, 0, 1, when), title=None, text=text))

    for n in range(100):
        led.decide(told(n, START + timedelta(hours=n)))
    led.drain_tombstones()
    joined = 0
    log: dict[str, None] = {}
    for n in range(100):
        decision = led.decide(told(n, START - timedelta(days=300 - n)))
        log[decision.key] = None
        for key in led.drain_tombstones():
            log.pop(key, None)
        joined += decision.why["kind"] == "joined"
        assert len(decision.marks) <= 3
    assert joined > 90, "the archive's articles belong to what is remembered"
    assert len(log) <= len(led._state.members) + 1, "and its records leave the log when nothing of theirs holds"
