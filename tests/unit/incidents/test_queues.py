"""What the ledger holds stays bounded, also where every article is older than all that it remembers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pipeline.incidents.ledger import Ledger
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
    assert sum(map(len, queues)) < 2_048
