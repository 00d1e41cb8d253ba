"""The figures that an operator sees, against the records that a reader gets."""

from __future__ import annotations

import random

from pipeline.incidents.ledger import Ledger
from pipeline.settings import Incidents

from .wire import Wire

AT_LEAST = (2, 3, 5)
RANKS = 3


def test_figures_say_what_the_records_say() -> None:
    rng = random.Random(5)
    wire, led = Wire(), Ledger(0, Incidents(close_after_days=3.0, max_articles=30))
    hours, closed = 0, False
    for n in range(80):
        hours += 200 if rng.random() < 0.05 else 3
        article = f"a{n}"
        if n and rng.random() < 0.2:
            led.decide(
                wire.copy(article, of=f"a{rng.randrange(max(0, n - 10), n)}", event=rng.randrange(4), hours=hours)
            )
        else:
            led.decide(wire.new(article, event=rng.randrange(4), angle=n % 4, hours=hours))
        found = led.figures(AT_LEAST, RANKS)
        records = [r for i in led.incident_ids() if (r := led.record(i)) is not None and r.counts["reports"]]
        still = [r for r in records if r.status == "open"]
        sizes = [r.counts["reports"] for r in records]
        assert found.open == len(still)
        assert found.closed == len(records) - len(still)
        assert found.reports == sum(sizes)
        assert found.at_least == {least: sum(size >= least for size in sizes) for least in AT_LEAST}
        largest = sorted((r.counts["reports"] for r in still), reverse=True)[:RANKS]
        assert [reports for reports, _ in found.largest] == largest
        origins = {(r.counts["reports"], r.counts["independent_origins"]) for r in still}
        assert origins.issuperset(found.largest)
        closed = closed or found.closed > 0
    assert closed
    assert led.evicted["size"] > 10


def test_an_empty_ledger_has_figures() -> None:
    found = Ledger(0, Incidents()).figures(AT_LEAST, RANKS)
    assert (found.open, found.closed, found.reports, found.largest) == (0, 0, 0, ())
