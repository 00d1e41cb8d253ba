"""The registry of metrics: names, bounds of labels, and that nothing in it is only promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipeline import metrics_docs
from pipeline.dedup.embargoes import Embargoes
from pipeline.metrics import DEFINITIONS, MOST_PROVIDERS, OTHER, PREFIX, PROCESS, MetricDef, Metrics

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_names_follow_the_conventions(definition: MetricDef) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", definition.name)
    assert definition.name.endswith("_total") == (definition.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|minutes|kb|percent|count|sum|bucket)$", definition.name)
    assert (definition.buckets is not None) == (definition.kind == "histogram")
    assert list(definition.buckets or ()) == sorted(set(definition.buckets or ()))
    assert definition.help[0].isupper() or definition.help[0].isdigit()
    assert not definition.help.endswith(".")


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_every_metric_is_set_somewhere(definition: MetricDef) -> None:
    code = [p for folder in ("pipeline", "agents") for p in (ROOT / folder).rglob("*.py") if p.name != "metrics.py"]
    assert any(f'"{definition.name}"' in path.read_text() for path in code)


def test_a_wire_cannot_make_series_without_end() -> None:
    metrics = Metrics()
    hostile = ["Reuters", "\ud800 broken", 'a "quoted"\nname\\', "x" * 100_000, "", None, *map(str, range(10_000))]
    for name in hostile:
        metrics.counter("kills_received_total").labels(metrics.provider(name)).inc()
    shown = generate_latest(metrics.registry).decode()
    family = next(f for f in text_string_to_metric_families(shown) if f.name == PREFIX + "kills_received")
    counts = {s.labels["provider"]: s.value for s in family.samples}
    assert len(counts) == MOST_PROVIDERS + 1
    assert max(map(len, counts)) == 64
    assert sum(counts.values()) == len(hostile)
    assert counts["Reuters"] == 1
    assert counts["unknown"] == 2
    assert counts[OTHER] == len(hostile) - MOST_PROVIDERS - 1


def test_the_process_says_how_it_is() -> None:
    shown = {f.name: f.type for f in Metrics().registry.collect() if not f.name.startswith(PREFIX)}
    assert shown == {d.name.removesuffix("_total"): d.kind for d in PROCESS}


def test_the_page_is_what_the_definitions_make() -> None:
    made = metrics_docs.FILE.read_text(encoding="utf-8")
    assert made == metrics_docs.page(), "run python -m pipeline.metrics_docs"


def test_an_embargo_is_held_until_it_ends_or_the_article_is_taken_back() -> None:
    embargoes = Embargoes()
    embargoes.note("a", 100.0)
    embargoes.note("b", 200.0)
    embargoes.note("c", 300.0)
    embargoes.note("d", None)
    assert embargoes.held(50.0) == 3
    embargoes.note("b", 250.0)  # a newer version: held for longer
    assert embargoes.held(200.0) == 2
    embargoes.note("c", None)  # killed
    assert embargoes.held(200.0) == 1
    embargoes.note("b", 240.0)  # and one for a shorter time
    assert embargoes.held(245.0) == 0


def test_embargoes_of_a_hostile_wire_take_bounded_memory() -> None:
    embargoes = Embargoes()
    for n in range(250_000):
        embargoes.note(str(n), 1e9 + n)
    assert 0 < embargoes.held(0.0) <= 100_000
    assert embargoes.held(2e9) == 0
