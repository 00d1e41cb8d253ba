"""A real Kafka broker for the tests that need one: started once, ended with the test run, however that ends."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.broker import connection
from pipeline.broker.admin import EnsureReport, ensure_topics
from pipeline.broker.local import LocalBroker
from pipeline.settings import CONFIG_ENV, Settings, load
from workers import end_commands

_prefixes = itertools.count()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that stands still for a while, as anything may on a busy machine, is not one that does not answer."""
    monkeypatch.setattr(connection, "_TIMEOUT_S", 120.0)


@pytest.fixture
def none_left() -> Iterator[None]:
    """No command that a test started outlives it, however it ends."""
    yield
    end_commands()


class PatientBroker(LocalBroker):
    """One that keeps its partitions when it stands still for some seconds; after a kill it takes longer to start."""

    def _configure(self, data: Path) -> Path:
        properties = super()._configure(data)
        with properties.open("a") as f:
            f.write("broker.session.timeout.ms=12000\n")  # the last one counts
        return properties


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """The test run's broker: its address, and the LocalBroker that may be stopped, killed and started again."""

    bootstrap: str
    local: LocalBroker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    local = PatientBroker(tmp_path_factory.mktemp("broker"))
    address = local.start()
    yield RunningBroker(address, local)
    local.stop(timeout_s=10.0)


@pytest.fixture
def make_settings(broker: RunningBroker, tmp_path: Path) -> Callable[..., Settings]:
    """`make_settings(**{"runner.batch_size": 8})`: settings for this test's own topics and data directory."""
    prefix = f"test-{os.getpid()}-{next(_prefixes)}."

    def make(**flags: object) -> Settings:
        own = {
            "broker.bootstrap": broker.bootstrap,
            "data.dir": str(tmp_path / "data"),
            "topics.prefix": prefix,
            # Few partitions: creating them is most of what a short test waits for.
            "topics.unique_partitions": 3,
            "topics.output_partitions": 2,
            "topics.dead_letter_partitions": 2,
        }
        # The tests do not depend on the settings of whoever runs them.
        return load(env={CONFIG_ENV: ""}, flags=own | flags)

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """Settings with a topic prefix of their own, few partitions and a temporary data directory."""
    return make_settings()


@pytest.fixture
def topics(settings: Settings) -> EnsureReport:
    """The topics of `settings`, created."""
    return ensure_topics(settings)
