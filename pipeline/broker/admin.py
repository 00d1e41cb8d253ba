"""Creates the topics of `pipeline.topics` and compares them with what a cluster has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import topics
from pipeline.broker.client import bootstrap, client_options, explained
from pipeline.broker.errors import AccessDenied, BrokerError
from pipeline.broker.security import identity
from pipeline.settings import Settings
from pipeline.topics import Topic, TopicName

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

# One partition of these is one edition: an article's partition is its place in the order. Adding partitions later
# would leave the new editions without logs, taking some away is impossible.
EDITION_TOPICS: tuple[TopicName, ...] = ("raw", "annotated", "dedup-log", "incident-log")

_OK = 0
_TOPIC_AUTHORIZATION_FAILED = 29
_TOPIC_ALREADY_EXISTS = 36


@dataclass(frozen=True, slots=True)
class ConfigDifference:
    """A topic configuration that is not as the settings want it."""

    key: str
    wanted: str
    found: str | None


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the settings want it and as the cluster has it.

    Attributes:
        name: full name.
        record: what a value is, for people.
        wanted_partitions: as the settings say.
        partitions: as the cluster has; None: the topic does not exist.
        replication: replicas of its partitions; None: the topic does not exist.
        records: offsets that its partitions hold, compacted ones counted too; None: the topic does not exist.
        config: the configurations of `pipeline.topics` as they are in the cluster.
        differences: those that are not as wanted.
    """

    role: TopicName
    name: str
    key: str
    record: str
    wanted_partitions: int
    partitions: int | None
    replication: int | None
    records: int | None
    config: dict[str, str]
    differences: tuple[ConfigDifference, ...]

    @property
    def exists(self) -> bool:
        return self.partitions is not None


@dataclass(frozen=True, slots=True)
class EnsureReport:
    """What `ensure_topics` did.

    Attributes:
        created: full names of the topics that it made.
        altered: full names of the topics whose configuration it changed.
        notes: for a person: what is not as the settings want it and was left so.
        topics: all of them as they are now.
    """

    created: tuple[str, ...]
    altered: tuple[str, ...]
    notes: tuple[str, ...]
    topics: tuple[TopicState, ...]


def ensure_topics(settings: Settings, address: str | None = None, *, alter: bool = False) -> EnsureReport:
    """Create the topics that are missing.

    Two processes may do so at once.

    Args:
        address: of the cluster; default `bootstrap(settings)`.
        alter: set configurations that differ (retention, size limit, clean-up) to what the settings want.

    Raises:
        BrokerError: the cluster cannot be reached or refuses, or a topic of the editions (raw, annotated, the decision
            logs) has another number of partitions than `topics.editions`.
    """
    address = address or bootstrap(settings)
    wanted = topics.registry(settings)
    with _admin(settings, address) as admin:
        before = _states(settings, admin, wanted)
        _check_editions(before)
        created = _create(admin, [wanted[state.role] for state in before if not state.exists], settings)
        altered = []
        if alter:
            altered = [state.name for state in before if state.exists and state.differences]
            _alter(admin, [state for state in before if state.name in altered])
        after = _states(settings, admin, wanted)
    _check_editions(after)
    return EnsureReport(tuple(created), tuple(altered), tuple(_notes(after)), tuple(after))


def describe_topics(settings: Settings, address: str | None = None) -> tuple[TopicState, ...]:
    """All topics, in the order of the chain, as wanted and as they are.

    Raises:
        BrokerError: the cluster cannot be reached.
    """
    with _admin(settings, address or bootstrap(settings)) as admin:
        return tuple(_states(settings, admin, topics.registry(settings)))


@contextmanager
def _admin(settings: Settings, address: str) -> Iterator[KafkaAdminClient]:
    from kafka import KafkaAdminClient

    with explained(settings, address), KafkaAdminClient(**client_options(settings, address)) as admin:
        yield admin


def _states(settings: Settings, admin: KafkaAdminClient, wanted: dict[TopicName, Topic]) -> list[TopicState]:
    answers = admin.describe_topics([t.name for t in wanted.values()])
    denied = sorted(t["name"] for t in answers if t["error_code"] == _TOPIC_AUTHORIZATION_FAILED)
    if denied:
        raise AccessDenied(
            f"{identity(settings)} is not allowed to DESCRIBE {', '.join(denied)}; `wirefuse acls show operator` "
            "prints what is needed to look after the topics"
        )
    found = {t["name"]: t for t in answers if t["error_code"] == _OK}
    configs = _configs(admin, [t for t in wanted.values() if t.name in found])
    sizes = _sizes(admin, {name: len(t["partitions"]) for name, t in found.items()})
    states = []
    for role, topic in wanted.items():
        there = found.get(topic.name)
        config = configs.get(topic.name, {})
        differences = [
            ConfigDifference(key, value, config.get(key))
            for key, value in topic.config.items()
            if there and not _same(value, config.get(key))
        ]
        states.append(
            TopicState(
                role=role,
                name=topic.name,
                key=topic.key,
                record=topic.record,
                wanted_partitions=topic.partitions,
                partitions=len(there["partitions"]) if there else None,
                replication=min(len(p["replica_nodes"]) for p in there["partitions"]) if there else None,
                records=sizes.get(topic.name) if there else None,
                config=config,
                differences=tuple(differences),
            )
        )
    return states


def _same(wanted: str, found: str | None) -> bool:
    """Configuration values are lists or single words: `compact,delete` is `delete,compact`."""
    return found is not None and sorted(wanted.split(",")) == sorted(found.split(","))


def _configs(admin: KafkaAdminClient, there: Sequence[Topic]) -> dict[str, dict[str, str]]:
    from kafka.admin import ConfigResource, ConfigResourceType

    if not there:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, t.name, list(t.config)) for t in there]
    answer: dict[str, dict[str, dict[str, Any]]] = admin.describe_configs(resources, config_filter="all")["topic"]
    return {name: {key: str(entry["value"]) for key, entry in entries.items()} for name, entries in answer.items()}


def _sizes(admin: KafkaAdminClient, partitions: dict[str, int]) -> dict[str, int]:
    """Offsets between the first and the last of each topic, summed over its partitions."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    if not partitions:
        return {}
    all_partitions = [TopicPartition(name, p) for name, count in partitions.items() for p in range(count)]
    first = admin.list_partition_offsets(dict.fromkeys(all_partitions, OffsetSpec.EARLIEST))
    last = admin.list_partition_offsets(dict.fromkeys(all_partitions, OffsetSpec.LATEST))
    sizes = dict.fromkeys(partitions, 0)
    for tp in all_partitions:
        sizes[tp.topic] += last[tp].offset - first[tp].offset
    return sizes


def _create(admin: KafkaAdminClient, missing: Sequence[Topic], settings: Settings) -> list[str]:
    if not missing:
        return []
    answer = admin.create_topics(
        {
            t.name: {
                "num_partitions": t.partitions,
                "replication_factor": settings.topics.replication,
                "configs": t.config,
            }
            for t in missing
        },
        raise_errors=False,
    )
    created = []
    for topic in answer["topics"]:
        if topic["error_code"] == _OK:
            created.append(topic["name"])
        elif topic["error_code"] != _TOPIC_ALREADY_EXISTS:
            raise BrokerError(f"topic {topic['name']} could not be created: {topic['error_message']}")
    # The answer only says that the request was accepted; leaders are elected after it.
    admin.wait_for_topics([t.name for t in missing], timeout_ms=int(settings.broker.request_timeout_s * 1000))
    return created


def _alter(admin: KafkaAdminClient, states: Sequence[TopicState]) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    if states:
        admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, s.name, {d.key: d.wanted for d in s.differences})
                for s in states
            ],
            incremental=True,
        )


def _check_editions(states: Sequence[TopicState]) -> None:
    for state in states:
        if state.role in EDITION_TOPICS and state.exists and state.partitions != state.wanted_partitions:
            raise BrokerError(
                f"topic {state.name} has {state.partitions} partitions, but topics.editions is "
                f"{state.wanted_partitions}. One partition is one edition, and its number is fixed when the topics are "
                "created: set topics.editions to what is there, or use another topics.prefix"
            )


def _notes(states: Sequence[TopicState]) -> Iterator[str]:
    for state in states:
        if state.partitions != state.wanted_partitions:
            yield f"{state.name} has {state.partitions} partitions; the settings say {state.wanted_partitions}"
        for d in state.differences:
            yield f"{state.name}: {d.key} is {d.found}; the settings say {d.wanted}"
