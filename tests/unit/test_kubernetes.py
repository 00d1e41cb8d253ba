"""deploy/kubernetes: valid for Kubernetes, and true to Wirefuse's settings, commands, ports, rights and figures."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from types import ModuleType

import click
import kubernetes_validate.utils
import pytest
import yaml

from agents import app
from manifests import FOLDER, OVERLAYS, ROOT, Workload, built, named, of_kind, workloads
from pipeline.broker.acls import ROLES, acls, principals
from pipeline.cli import root
from pipeline.settings import Settings
from pipeline.sources.feed_config import load_sources
from pipeline.topics import group, registry, topic

VERSIONS = ("1.30", "1.37")
"""The oldest and the newest Kubernetes whose schemas the resources are held to."""
EXTENSIONS = {
    ("kafka.strimzi.io/v1", "KafkaTopic"),
    ("kafka.strimzi.io/v1", "KafkaUser"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
}
MIB = 1024 * 1024
# Bytes of a remembered article, from docs/quality/copies.md and incidents.md, and MiB of the process without any.
ARTICLE_BYTES = {"wirefuse-dedup": 1_500, "wirefuse-incidents": 5_000}
EMPTY_MIB = 100
# It reads all definitions again for every resource.
_SCHEMA_CONTENTS = functools.cache(kubernetes_validate.utils.schema_contents)

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
versions = pytest.mark.parametrize("version", VERSIONS)


def strimzi() -> ModuleType:
    spec = importlib.util.spec_from_file_location("strimzi", FOLDER / "strimzi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["strimzi"] = module
    spec.loader.exec_module(module)
    return module


def serving(overlay: str) -> list[Workload]:
    return list(workloads(overlay, "StatefulSet", "Deployment"))


def amount(text: str) -> int:
    """Bytes of a quantity such as 512Mi."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return int(number) * MIB * (1024 if unit == "Gi" else 1)


@overlays
@versions
def test_resources_are_valid(overlay: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", _SCHEMA_CONTENTS)
    for resource in built(overlay):
        if (resource["apiVersion"], resource["kind"]) not in EXTENSIONS:
            kubernetes_validate.validate(resource, version, strict=True)


@overlays
def test_all_stages_are_there_and_all_in_one_namespace(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    stages = {w.container["args"][1] for w in workloads(overlay) if w.container["args"][0] == "worker"}
    assert stages == {"dedup", "entities", "incidents", "sink"}
    for resource in built(overlay):
        if resource is not namespace:
            assert resource["metadata"]["namespace"] == namespace["metadata"]["name"]


@overlays
def test_variables_are_settings(overlay: str) -> None:
    for workload in workloads(overlay):
        settings = workload.settings
        assert settings.broker.bootstrap, workload.name
        assert (workload.name == "wirefuse-sink") == bool(settings.sink.url)
        # A Service called wirefuse-... would give its neighbours variables that are no settings.
        assert workload.pod["enableServiceLinks"] is False, workload.name


@overlays
def test_commands_are_commands(overlay: str) -> None:
    for workload in workloads(overlay):
        # Click looks for the file that is mounted in the container; here another stands for it.
        arguments = [__file__ if a.startswith("/") else a for a in workload.container["args"]]
        context, command = click.Context(root), root
        while isinstance(command, click.Group):
            _, found, arguments = command.resolve_command(context, arguments)
            assert found is not None, workload.name
            context, command = click.Context(found, parent=context), found
        command.make_context(workload.name, arguments, parent=context)


@overlays
def test_what_listens_is_what_is_asked(overlay: str) -> None:
    source = (ROOT / "pipeline" / "health.py").read_text()
    for workload in serving(overlay):
        (port,) = workload.container["ports"]
        http = workload.settings.http
        assert port["containerPort"] == http.port, workload.name
        assert http.host == "0.0.0.0", "the kubelet asks from outside of the pod"
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = workload.container[probe]["httpGet"]
            assert get["port"] == port["name"]
            assert f'"{get["path"]}"' in source
        assert workload.container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert workload.container["livenessProbe"]["httpGet"]["path"] == "/livez", "which Kafka has no say in"
        for service in of_kind(overlay, "Service"):
            assert [p["targetPort"] for p in service["spec"]["ports"]] == [port["name"]]
        for monitor in of_kind(overlay, "PodMonitor"):
            assert [e["port"] for e in monitor["spec"]["podMetricsEndpoints"]] == [port["name"]]
        metrics = named(overlay, "NetworkPolicy", "wirefuse-metrics")
        assert [p["port"] for i in metrics["spec"]["ingress"] for p in i["ports"]] == [http.port]


@overlays
def test_a_worker_has_time_to_drain_and_to_start(overlay: str) -> None:
    for workload in serving(overlay):
        assert workload.pod["terminationGracePeriodSeconds"] > app._DRAIN_S + app._LAST_WORDS_S, workload.name
        startup = workload.container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
        live = workload.container["livenessProbe"]
        # The watchdog ends a worker that stands still, with a dump of its stacks; the kubelet must not come first.
        assert "initialDelaySeconds" not in live
        assert live["periodSeconds"] * live["failureThreshold"] >= 60


@overlays
def test_selectors_find_what_they_are_for(overlay: str) -> None:
    pods = list(workloads(overlay))
    for workload in serving(overlay):
        selector = workload.resource["spec"]["selector"]
        assert [w.name for w in pods if w.selected_by(selector)] == [workload.name]
        (budget,) = (b for b in of_kind(overlay, "PodDisruptionBudget") if workload.selected_by(b["spec"]["selector"]))
        # A budget that lets nobody go stops the drain of a node for ever.
        assert budget["spec"]["maxUnavailable"] == 1
        if workload.resource["kind"] == "StatefulSet":
            service = named(overlay, "Service", workload.resource["spec"]["serviceName"])
            assert service["spec"]["clusterIP"] == "None"
            assert workload.selected_by({"matchLabels": service["spec"]["selector"]})
    for kind, field in (
        ("NetworkPolicy", "podSelector"),
        ("PodMonitor", "selector"),
        ("PodDisruptionBudget", "selector"),
    ):
        for resource in of_kind(overlay, kind):
            assert any(w.selected_by(resource["spec"][field]) for w in pods), resource["metadata"]["name"]


@overlays
def test_nothing_is_reachable_that_is_not_needed(overlay: str) -> None:
    policies = [p["spec"] for p in of_kind(overlay, "NetworkPolicy")]
    for workload in workloads(overlay):
        mine = [p for p in policies if workload.selected_by(p["podSelector"])]
        assert any(p.keys() == {"podSelector", "policyTypes"} and len(p["policyTypes"]) == 2 for p in mine), (
            "all denied"
        )
        outward = {port["port"] for p in mine for rule in p.get("egress", []) for port in rule["ports"]}
        broker = int(workload.settings.broker.bootstrap.rpartition(":")[2])
        own = {"wirefuse-sink": {5432}, "wirefuse-feeds": {80, 443}}.get(workload.name, set())
        assert outward == {53, 9092, 9093} | own, workload.name
        assert broker in outward
        assert all(rule["to"] for p in mine for rule in p.get("egress", []))
        inward = {port["port"] for p in mine for rule in p.get("ingress", []) for port in rule["ports"]}
        assert inward == {8080}


@overlays
def test_pods_keep_to_the_restricted_profile(overlay: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in workloads(overlay):
        context = workload.pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in (ROOT / "docker" / "Dockerfile").read_text()
        assert workload.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
        assert {kind for v in workload.pod["volumes"] for kind in v if kind != "name"} <= allowed
        assert not {"hostNetwork", "hostPID", "hostIPC"} & workload.pod.keys()
        assert workload.pod["automountServiceAccountToken"] is False
        assert named(overlay, "ServiceAccount", workload.pod["serviceAccountName"])


@overlays
def test_no_secret_is_in_it(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    for workload in workloads(overlay):
        for variable in workload.container.get("env", []):
            assert not re.search(r"PASSWORD$|_URL$", variable["name"]) or "secretKeyRef" in variable["valueFrom"]
    for resource in of_kind(overlay, "ConfigMap"):
        assert not [name for name in resource["data"] if name.endswith(("PASSWORD", "_URL"))]


@overlays
def test_memory_is_enough_for_all_that_may_be_remembered(overlay: str) -> None:
    for name, each in ARTICLE_BYTES.items():
        workload = Workload(overlay, named(overlay, "StatefulSet", name))
        settings = workload.settings
        bound = settings.dedup.max_entries if name.endswith("dedup") else settings.incidents.max_articles
        assert amount(workload.container["resources"]["limits"]["memory"]) > EMPTY_MIB * MIB + bound * each, name
    for workload in workloads(overlay):
        limits, requests = (workload.container["resources"][kind] for kind in ("limits", "requests"))
        assert amount(limits["memory"]) >= amount(requests["memory"])
        assert "cpu" not in limits, "a throttled worker misses its heartbeats"


@overlays
def test_each_edition_has_one_dedup_and_one_ledger(overlay: str) -> None:
    for name in ARTICLE_BYTES:
        workload = Workload(overlay, named(overlay, "StatefulSet", name))
        assert workload.resource["spec"]["replicas"] == workload.settings.topics.editions
    feeds = named(overlay, "Deployment", "wirefuse-feeds")["spec"]
    assert feeds["replicas"] == 1
    assert feeds["strategy"] == {"type": "Recreate"}, "two producers would publish everything twice"


@overlays
def test_volumes_are_there_and_state_is_kept(overlay: str) -> None:
    for workload in workloads(overlay):
        claimed = [c["metadata"]["name"] for c in workload.resource["spec"].get("volumeClaimTemplates", [])]
        names = [v["name"] for v in workload.pod["volumes"]] + claimed
        mounts = {m["mountPath"]: m["name"] for m in workload.container["volumeMounts"]}
        assert sorted(names) == sorted(mounts.values())
        assert "/tmp" in mounts
        for volume in workload.pod["volumes"]:
            if "configMap" in volume:
                assert named(overlay, "ConfigMap", volume["configMap"]["name"])
            if "persistentVolumeClaim" in volume:
                assert named(overlay, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
        if workload in serving(overlay):
            assert (
                f"VOLUME {next(m for m, n in mounts.items() if n == 'data')}\n"
                in (ROOT / "docker" / "Dockerfile").read_text()
            )
    kept = {w.name for w in workloads(overlay, "StatefulSet")} | {"wirefuse-feeds"}
    assert kept == {"wirefuse-dedup", "wirefuse-incidents", "wirefuse-feeds"}


@overlays
def test_the_list_of_feeds_can_be_read(overlay: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    feeds = Workload(overlay, named(overlay, "Deployment", "wirefuse-feeds"))
    (volume,) = (v["configMap"]["name"] for v in feeds.pod["volumes"] if "configMap" in v)
    ((name, text),) = named(overlay, "ConfigMap", volume)["data"].items()
    file = tmp_path_factory.mktemp("feeds") / name
    file.write_text(text)
    assert load_sources(file, feeds.settings.producer).feeds
    (mount,) = (m["mountPath"] for m in feeds.container["volumeMounts"] if m["name"] == "feeds")
    assert feeds.container["args"][1] == f"{mount}/{name}"


@overlays
def test_images_are_pinned(overlay: str) -> None:
    images = {workload.container["image"] for workload in workloads(overlay)}
    assert len(images) == 1
    assert re.search(r":\d+\.\d+|@sha256:", images.pop())


def test_topics_and_users_of_strimzi_are_those_of_the_code() -> None:
    module = strimzi()
    settings = module.settings_of(module.SETTINGS)
    for file, resources in (("topics.yaml", module.topics), ("users.yaml", module.users)):
        committed = (module.COMPONENT / file).read_text()
        assert committed == module.text(resources(settings, "kafka")), "run python deploy/kubernetes/strimzi.py"


def test_topics_are_as_wirefuse_creates_them() -> None:
    settings = next(workloads("production")).settings
    found = {t["metadata"]["name"]: t["spec"] for t in of_kind("production", "KafkaTopic")}
    assert found.keys() == {t.name for t in registry(settings).values()}
    for wanted in registry(settings).values():
        spec = found[wanted.name]
        assert (spec["partitions"], spec["replicas"]) == (wanted.partitions, settings.topics.replication)
        assert {key: str(value) for key, value in spec["config"].items()} == wanted.config


def test_every_process_is_its_own_user_with_its_own_rights() -> None:
    users = {u["metadata"]["name"]: u["spec"] for u in of_kind("production", "KafkaUser")}
    assert {f"User:{name}" for name in users} == set(principals().values())
    for workload in workloads("production"):
        stage = workload.container["args"][1] if workload.container["args"][0] == "worker" else "producer"
        broker = workload.settings.broker
        assert f"User:{broker.sasl_user}" == principals()[stage]  # type: ignore[index]
        (volume,) = (v["projected"]["sources"] for v in workload.pod["volumes"] if "projected" in v)
        (mount,) = (m["mountPath"] for m in workload.container["volumeMounts"] if m["name"] == "kafka")
        files = {f"{mount}/{i['path']}": s["secret"]["name"] for s in volume for i in s["secret"]["items"]}
        assert files == {broker.tls_ca_file: "kafka-cluster-ca-cert", broker.sasl_password_file: broker.sasl_user}
    settings = next(workloads("production")).settings
    for role in ROLES:
        spec = users[principals()[role].removeprefix("User:")]
        assert spec["authentication"] == {"type": "scram-sha-512"}
        granted = {
            (rule["resource"]["type"], rule["resource"].get("name", "kafka-cluster"), operation.lower())
            for rule in spec["authorization"]["acls"]
            for operation in rule["operations"]
        }
        assert granted == {(a.resource, a.name, a.operation.lower().replace("_", "")) for a in acls(settings, role)}


def test_entities_are_scaled_by_their_own_lag() -> None:
    scaled = named("production", "ScaledObject", "wirefuse-entities")["spec"]
    workload = Workload("production", named("production", "Deployment", scaled["scaleTargetRef"]["name"]))
    settings: Settings = workload.settings
    assert "replicas" not in workload.resource["spec"], "applying again would undo what KEDA did"
    assert scaled["minReplicaCount"] >= 1
    assert scaled["maxReplicaCount"] == registry(settings)["unique"].partitions
    (trigger,) = scaled["triggers"]
    asked = trigger["metadata"]
    assert asked["consumerGroup"] == group(settings, "entities")
    assert asked["topic"] == topic(settings, "unique")
    assert asked["bootstrapServers"] == settings.broker.bootstrap
    credentials = named("production", "TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"]
    variables = {v["name"] for v in workload.container["env"]}
    assert {v["name"] for v in credentials["env"]} <= variables
    assert {s["name"] for s in credentials["secretTargetRef"]} == {"kafka-cluster-ca-cert", settings.broker.sasl_user}


def test_every_file_is_part_of_a_build() -> None:
    used = {FOLDER / "strimzi.py"}
    for file in FOLDER.rglob("kustomization.yaml"):
        content = yaml.safe_load(file.read_text())
        used.add(file)
        names = content.get("resources", []) + [p["path"] for p in content.get("patches", []) if "path" in p]
        for generator in content.get("configMapGenerator", []):
            names += generator.get("envs", []) + generator.get("files", [])
        used |= {(file.parent / name).resolve() for name in names}
    there = {f for f in FOLDER.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
    assert there == {f for f in used if f.is_file()}
