"""Writes the topics and users of the component strimzi from pipeline/topics.py and pipeline/broker/acls.py.

    python deploy/kubernetes/strimzi.py [--settings FILE.env ...] [--cluster kafka] [--out FOLDER]

Partitions, retention, names and so the rights follow from the settings: give the files of an overlay that changes them,
after those of the base and the component, and keep what is written beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.broker.acls import ROLES, acls, principals
from pipeline.settings import Settings, load
from pipeline.topics import registry

HERE = Path(__file__).parent
COMPONENT = HERE / "components" / "strimzi"
SETTINGS = (HERE / "base" / "settings.env", COMPONENT / "settings.env")

_API = "kafka.strimzi.io/v1"
_CAMEL = {"READ": "Read", "WRITE": "Write", "CREATE": "Create", "DESCRIBE": "Describe", "ALTER_CONFIGS": "AlterConfigs"}


def settings_of(files: Iterable[Path]) -> Settings:
    """What `NAME=VALUE` files say of the topics, the later over the earlier."""
    variables = {name: value for file in files for name, value in _variables(file)}
    return load(env={name: value for name, value in variables.items() if name.startswith("WIREFUSE_TOPICS_")})


def _variables(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def topics(settings: Settings, cluster: str) -> list[dict[str, Any]]:
    """A KafkaTopic for each topic."""
    return [
        _resource(
            "KafkaTopic",
            topic.name,
            cluster,
            {"partitions": topic.partitions, "replicas": settings.topics.replication, "config": _config(topic.config)},
        )
        for topic in registry(settings).values()
    ]


def users(settings: Settings, cluster: str) -> list[dict[str, Any]]:
    """A KafkaUser for each role, with its rights."""
    names = principals()
    return [
        _resource(
            "KafkaUser",
            names[role].removeprefix("User:"),
            cluster,
            {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": list(_rules(settings, role))},
            },
        )
        for role in ROLES
    ]


def _rules(settings: Settings, role: Any) -> Iterator[dict[str, Any]]:
    operations: dict[tuple[str, str], list[str]] = {}
    for acl in acls(settings, role):
        operations.setdefault((acl.resource, acl.name), []).append(_CAMEL[acl.operation])
    for (resource, name), allowed in operations.items():
        which = (
            {"type": resource} if resource == "cluster" else {"type": resource, "name": name, "patternType": "literal"}
        )
        yield {"resource": which, "operations": allowed}


def _config(config: dict[str, str]) -> dict[str, int | str]:
    return {key: int(value) if value.isdecimal() else value for key, value in config.items()}


def _resource(kind: str, name: str, cluster: str, spec: dict[str, Any]) -> dict[str, Any]:
    labels = {"strimzi.io/cluster": cluster, "app.kubernetes.io/part-of": "wirefuse"}
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def text(resources: Iterable[dict[str, Any]]) -> str:
    """As it is committed."""
    head = "# Made by deploy/kubernetes/strimzi.py from the settings; not to be edited.\n"
    return head + yaml.safe_dump_all(resources, sort_keys=False, width=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", nargs="+", type=Path, default=SETTINGS)
    parser.add_argument("--cluster", default="kafka")
    parser.add_argument("--out", type=Path, default=COMPONENT)
    arguments = parser.parse_args()
    settings = settings_of(arguments.settings)
    (arguments.out / "topics.yaml").write_text(text(topics(settings, arguments.cluster)))
    (arguments.out / "users.yaml").write_text(text(users(settings, arguments.cluster)))


if __name__ == "__main__":
    main()
