"""A producer without a broker waits; with one it does not."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from kafka import KafkaProducer

from pipeline.broker import patience
from pipeline.broker.admin import EnsureReport
from pipeline.broker.client import client_options
from pipeline.broker.patience import PatientClient
from pipeline.settings import Settings
from pipeline.topics import topic
from workers import PATIENCE_S

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []

    class Clock:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def sleep(seconds: float) -> None:
            taken.append(seconds)

    monkeypatch.setattr(patience, "time", Clock)
    return taken


def test_without_a_connection_every_turn_has_a_pause(pauses: list[float]) -> None:
    with closing(PatientClient(bootstrap_servers="127.0.0.1:1")) as client:
        for _ in range(5):
            client.poll(timeout_ms=0)
    assert pauses == [patience._PAUSE_S] * 5


def test_with_a_connection_there_is_none(settings: Settings, topics: EnsureReport, pauses: list[float]) -> None:
    options = client_options(settings) | {"kafka_client": PatientClient}
    with closing(KafkaProducer(**options)) as producer:
        producer.send(topic(settings, "dead-letter"), b"first", partition=0).get(timeout=PATIENCE_S)
        pauses.clear()
        for number in range(20):
            producer.send(topic(settings, "dead-letter"), b"%d" % number, partition=0).get(timeout=PATIENCE_S)
        assert pauses == []
