"""Who may do what on the cluster: one principal per role, and exactly the rights that its code uses.

Kafka implies some rights by others, and only what is not implied stands here: READ or WRITE of a topic lets it be
described, READ of a group too, and ALTER_CONFIGS lets configurations be read. An idempotent producer has needed no
right on the cluster since Kafka 3.0 (KIP-679); nothing here is transactional.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.settings import Settings
from pipeline.topics import TopicName, group, registry, topic

Role = Literal["producer", "dedup", "entities", "incidents", "sink", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""The producer (`publish`, `feeds`), the stages, and who creates topics, looks after dead letters and runs `doctor`."""

Resource = Literal["topic", "group", "cluster"]
Operation = Literal["READ", "WRITE", "CREATE", "DESCRIBE", "ALTER_CONFIGS"]

CLUSTER = "kafka-cluster"
"""Kafka's name of the one cluster resource."""

# role -> topic -> operations. `*` is every topic.
_TOPICS: dict[Role, dict[TopicName | Literal["*"], tuple[Operation, ...]]] = {
    "producer": {"raw": ("WRITE",), "dead-letter": ("WRITE",)},
    "dedup": {
        "raw": ("READ",),
        "dedup-log": ("READ", "WRITE"),
        "unique": ("WRITE",),
        "annotated": ("WRITE",),
        "dead-letter": ("WRITE",),
    },
    "entities": {"unique": ("READ",), "annotated": ("WRITE",), "dead-letter": ("WRITE",)},
    "incidents": {
        "annotated": ("READ",),
        "incident-log": ("READ", "WRITE"),
        "enriched": ("WRITE",),
        "incidents": ("WRITE",),
        "incident-changes": ("WRITE",),
        "dead-letter": ("WRITE",),
        # Whether what it waits for can still come: how far the stages before it are in their inputs.
        "raw": ("DESCRIBE",),
        "unique": ("DESCRIBE",),
    },
    "sink": {
        "enriched": ("READ",),
        "incidents": ("READ",),
        "incident-changes": ("READ",),
        "dead-letter": ("WRITE",),
    },
    "operator": {
        "*": ("CREATE", "DESCRIBE", "ALTER_CONFIGS"),
        "dead-letter": ("READ", "WRITE"),
        "raw": ("WRITE",),  # editors' words, and dead letters that are replayed
        # `wirefuse state verify` folds them. `state rebuild` deletes topics and groups: that is for an administrator.
        "dedup-log": ("READ",),
        "incident-log": ("READ",),
    },
}

_GROUPS: dict[Role, dict[str, tuple[Operation, ...]]] = {
    "producer": {},
    "dedup": {"dedup": ("READ",), "entities": ("DESCRIBE",)},  # it waits while NER is far behind
    "entities": {"entities": ("READ",)},
    "incidents": {"incidents": ("READ",), "dedup": ("DESCRIBE",), "entities": ("DESCRIBE",)},
    "sink": {"sink": ("READ",)},
    "operator": dict.fromkeys(("dedup", "entities", "incidents", "sink"), ("DESCRIBE",)),
}

_CLUSTER: dict[Role, tuple[Operation, ...]] = {"operator": ("DESCRIBE",)}  # the controller's clock, for `doctor`

_IMPLIED_BY: dict[Operation, frozenset[Operation]] = {"DESCRIBE": frozenset({"READ", "WRITE"})}


def implied_by(operation: Operation) -> frozenset[Operation]:
    """The operations whose right holds this one's too."""
    return _IMPLIED_BY.get(operation, frozenset())


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """The right of a role to do one operation on one resource, by its literal name, from any host."""

    role: Role
    resource: Resource
    name: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.operation} {self.resource} {self.name}"


def acls(settings: Settings, role: Role) -> list[Acl]:
    """All rights that a role needs, and no other: topics in the order of the chain, then groups, then the cluster."""
    rows = _TOPICS[role]
    found = []
    for name in registry(settings):
        operations = dict.fromkeys((*rows.get("*", ()), *rows.get(name, ())))
        found += [Acl(role, "topic", topic(settings, name), o) for o in _without_implied(operations)]
    for stage, of_group in _GROUPS[role].items():
        found += [Acl(role, "group", group(settings, stage), o) for o in of_group]
    found += [Acl(role, "cluster", CLUSTER, o) for o in _CLUSTER.get(role, ())]
    return found


def principals(given: Mapping[Role, str] | None = None) -> dict[Role, str]:
    """The principal of each role as Kafka names it; `User:wirefuse-ROLE` unless another is given.

    With SASL the name is the user's. With mTLS it is the subject of the certificate (`CN=...,O=...`), unless the
    brokers map it (`ssl.principal.mapping.rules`).
    """
    named = given or {}
    return {role: _principal(named.get(role, f"wirefuse-{role}")) for role in ROLES}


def kafka_acls_commands(wanted: Iterable[Acl], names: Mapping[Role, str], bootstrap: str) -> Iterator[str]:
    """Command lines of Kafka's own `kafka-acls`, one per role and resource.

    Args:
        names: as `principals` gives them.
        bootstrap: address of the cluster, as it shall stand there.
    """
    resources: dict[tuple[Role, Resource, str], list[Operation]] = {}
    for acl in wanted:
        resources.setdefault((acl.role, acl.resource, acl.name), []).append(acl.operation)
    for (role, resource, name), operations in resources.items():
        which = "--cluster" if resource == "cluster" else f"--{resource} {name}"
        what = " ".join(f"--operation {_CAMEL[o]}" for o in operations)
        yield (
            f"kafka-acls --bootstrap-server {bootstrap} --command-config admin.properties --add "
            f"--allow-principal {shlex.quote(names[role])} {what} {which}"
        )


_CAMEL: dict[Operation, str] = {
    "READ": "Read",
    "WRITE": "Write",
    "CREATE": "Create",
    "DESCRIBE": "Describe",
    "ALTER_CONFIGS": "AlterConfigs",
}


def _without_implied(operations: Iterable[Operation]) -> list[Operation]:
    given = set(operations)
    return [o for o in operations if not implied_by(o) & given]


def _principal(name: str) -> str:
    return name if name.startswith("User:") else f"User:{name}"
