"""The chain with PostgreSQL as its sink, while the server goes away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import postgres
import streams
from chain import compare, expected, inputs, publish, publishing, running, sink
from pipeline.broker.admin import ensure_topics
from pipeline.settings import Settings

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

ARTICLES = 400
AWAY_S = 8.0


def test_an_outage_of_the_database_loses_and_doubles_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    server = postgres.server()
    settings = make_settings(
        **{"sink.url": server.url(), "entities.model": "rules", "topics.output_partitions": 2, "sink.batch_size": 20},
        **{"broker.session_timeout_s": 30.0},  # that a stage died must not be the doing of a machine that stood still
    )
    ensure_topics(settings)
    rows = streams.mixed(ARTICLES, seed=11)
    with running(settings) as chain:
        publish(settings, streams.write(tmp_path / "first.jsonl", rows[:50]))
        chain.finish()
        producer = publishing(settings, streams.write(tmp_path / "rest.jsonl", rows[50:]))
        reader = sink(settings)
        chain.until(lambda: len(inputs(reader)) > 60, "the second file in the sink")
        reader.close()
        server.kill()
        try:
            chain.tend(AWAY_S)
        finally:
            server.start()
        assert producer.wait() == 0
        chain.finish()
        for stage in ("dedup-0", "entities-0", "incidents-0"):
            assert chain.deaths[stage] == 0, "an outage of the sink is no matter of the others"
    reader = sink(settings)
    assert [seq for _, seq, _, _ in inputs(reader)] == list(range(ARTICLES))
    reader.close()
    compare(settings, expected(settings, tmp_path / "offline"))
