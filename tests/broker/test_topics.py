"""Topics on the real broker: created as the registry says, and differences found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.broker.admin import describe_topics, ensure_topics
from pipeline.broker.errors import BrokerError
from pipeline.settings import Settings
from pipeline.topics import registry

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]


def test_creates_every_topic_as_the_registry_says(settings: Settings) -> None:
    report = ensure_topics(settings)
    wanted = registry(settings)
    assert sorted(report.created) == sorted(t.name for t in wanted.values())
    assert report.notes == ()
    for state in describe_topics(settings):
        assert state.partitions == wanted[state.role].partitions
        assert state.replication == 1
        assert state.records == 0
        assert set(state.config["cleanup.policy"].split(",")) == set(
            wanted[state.role].config["cleanup.policy"].split(",")
        )
        assert state.config | wanted[state.role].config == wanted[state.role].config | {
            "cleanup.policy": wanted[state.role].config["cleanup.policy"]
        }


def test_a_second_call_changes_nothing(settings: Settings) -> None:
    ensure_topics(settings)
    again = ensure_topics(settings)
    assert (again.created, again.altered, again.notes) == ((), (), ())


def test_missing_topics_are_described_as_missing(settings: Settings) -> None:
    assert [state.exists for state in describe_topics(settings)] == [False] * 9


def test_many_processes_may_create_at_once(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: ensure_topics(settings), range(4)))
    made = [name for report in reports for name in report.created]
    assert sorted(made) == sorted(t.name for t in registry(settings).values())


def test_another_retention_is_reported_and_altered_on_demand(make_settings: Callable[..., Settings]) -> None:
    ensure_topics(make_settings())
    changed = make_settings(**{"topics.raw_retention_days": 3.0})
    report = ensure_topics(changed)
    assert report.altered == ()
    [note] = report.notes
    assert "raw: retention.ms is 2592000000; the settings say 259200000" in note
    assert ensure_topics(changed, alter=True).altered == (changed.topics.prefix + "raw",)
    assert ensure_topics(changed).notes == ()


def test_another_number_of_editions_is_an_error(make_settings: Callable[..., Settings]) -> None:
    ensure_topics(make_settings(**{"topics.editions": 2}))
    with pytest.raises(BrokerError, match=r"raw has 2 partitions, but topics.editions is 1"):
        ensure_topics(make_settings())


def test_another_width_of_unique_is_only_noted(make_settings: Callable[..., Settings]) -> None:
    ensure_topics(make_settings(**{"topics.unique_partitions": 3}))
    [note] = ensure_topics(make_settings(**{"topics.unique_partitions": 5})).notes
    assert "unique has 3 partitions; the settings say 5" in note


def test_a_cluster_that_does_not_answer_is_named(make_settings: Callable[..., Settings]) -> None:
    nobody = make_settings(**{"broker.bootstrap": "127.0.0.1:1", "broker.request_timeout_s": 1.0})
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1 does not answer"):
        ensure_topics(nobody)


@pytest.mark.parametrize("address", ["localhost", "host:", ":9092", "host:port", "a:1,b", "a:70000"])
def test_an_address_without_a_port_is_refused(make_settings: Callable[..., Settings], address: str) -> None:
    with pytest.raises(BrokerError, match="is no host:port"):
        ensure_topics(make_settings(**{"broker.bootstrap": address}))
