"""`wirefuse state`: what a whole chain looks like, what damage is found, and that a rebuild decides the same again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

import streams
from chain import articles, incidents, publish, running, sink
from pipeline.broker.admin import ensure_topics
from pipeline.broker.client import client_options
from pipeline.cli import root
from pipeline.settings import Settings, as_environment, with_values
from pipeline.topics import topic

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]


def wirefuse(settings: Settings, *arguments: str) -> Result:
    # Members leave after their own session; the command waits longer, for a broker that stands still lets them go late.
    patient = with_values(settings, {"broker.session_timeout_s": 60.0}, "test")
    return CliRunner().invoke(
        root, arguments, env=as_environment(patient), catch_exceptions=False, standalone_mode=False
    )


def problems(settings: Settings) -> list[str]:
    result = wirefuse(settings, "state", "verify", "--json")
    report = orjson.loads(result.stdout)
    assert (result.return_value or 0) == (1 if report["problems"] else 0)
    assert not report["notes"]
    return [str(p) for p in report["problems"]]


def test_state_is_verified_and_made_anew(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings = make_settings(**{"broker.session_timeout_s": 6.0})  # a stopped member stays in its group for so long
    ensure_topics(settings)
    archive = [
        {"id": f"old-{n}", "provider": "archive", "text": row["text"], "published": f"199{n}-05-0{n + 1}"}
        for n, row in enumerate(streams.shipped()[300:306])
    ]
    wire = streams.write(tmp_path / "wire.jsonl", [*streams.mixed(80, seed=5), *archive])
    with running(settings) as chain:
        publish(settings, wire)
        chain.finish()
        assert problems(settings) == []
        refused = CliRunner().invoke(root, ["state", "rebuild", "--yes"], env=as_environment(settings))
        assert "still running: dedup" in str(refused.exception)
    before = articles(sink(settings)), incidents(sink(settings))
    assert len(before[1]) > 5
    # Also those of the archive, which the ledger forgets as soon as it has decided them.
    assert {article["incident_id"] for article in before[0].values()} - {None} <= before[1].keys()

    lost = next(id for id, record in before[1].items() if record["status"] == "open")
    with closing(sqlite3.connect(settings.sink_url.removeprefix("sqlite:///"))) as db, db:
        db.execute("DELETE FROM incidents WHERE incident_id = ?", [lost])
    assert any(f"the sink has no incident {lost}" in p for p in problems(settings))
    assert wirefuse(settings, "state", "replay-sink", "--yes").exit_code == 0
    with running(settings) as chain:
        chain.finish()
    assert problems(settings) == []

    with closing(KafkaProducer(**client_options(settings))) as producer:
        producer.send(topic(settings, "incident-log"), value=b'{"seq": 1e999}', key=b"x", partition=0)
    assert any("incident-log[0]@" in p and "cannot be read" in p for p in problems(settings))
    assert wirefuse(settings, "state", "rebuild", "--clear-store", "--yes").exit_code == 0
    assert not articles(sink(settings))
    with running(settings) as chain:
        chain.finish()
    assert problems(settings) == []
    assert (articles(sink(settings)), incidents(sink(settings))) == before
