"""docker/compose.yaml: valid for Docker Compose, and true to Wirefuse's settings, commands and ports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from agents import app
from compose import FILLED_IN, PLAIN, ROOT, SECURE, config, resolved, seconds
from compose_kafka import properties
from pipeline.broker.acls import ROLES, acls
from pipeline.broker.jars import KAFKA_VERSION
from pipeline.cli import root
from pipeline.settings import ENV_PREFIX, Settings, load
from pipeline.sources.feed_config import load_sources

KINDS = (PLAIN, SECURE)
IMAGE = "wirefuse:"
PORT = re.compile(r"\b([a-z]+):(\d+)")


def services(files: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = resolved(*files)["services"]
    return found


def ours(files: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """The services that run Wirefuse's own image."""
    return {name: s for name, s in services(files).items() if s["image"].startswith(IMAGE)}


def settings_of(service: dict[str, Any]) -> Settings:
    """What a container of the service would run with; an unknown variable or a contradiction raises."""
    return load(env={k: v for k, v in service["environment"].items() if k.startswith(ENV_PREFIX)})


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_compose_takes_it(files: tuple[Path, ...]) -> None:
    assert set(services(files)) >= {"kafka", "topics", "dedup", "entities", "incidents", "sink", "feeds", "postgres"}


@pytest.mark.parametrize("missing", FILLED_IN)
def test_nothing_starts_without_its_passwords(missing: str) -> None:
    done = config(*PLAIN, environment={k: v for k, v in FILLED_IN.items() if k != missing})
    assert done.returncode != 0
    assert missing in done.stderr
    assert "env.example" in done.stderr


def test_the_example_of_the_environment_names_every_variable_and_no_password() -> None:
    text = "".join(f.read_text() for f in PLAIN)
    used = set(re.findall(r"\$\{(\w+)", text)) - {"WIREFUSE_VERSION"}
    lines = (ROOT / "docker" / "env.example").read_text().splitlines()
    named = {line.lstrip("#").partition("=")[0]: line for line in lines if re.match(r"#?[A-Z_]+=", line)}
    assert named.keys() == used
    for name in FILLED_IN:
        assert named[name] == f"{name}="


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_variables_are_settings(files: tuple[Path, ...]) -> None:
    for name, service in ours(files).items():
        found = settings_of(service)
        assert found.broker.bootstrap == "kafka:9092", name
        assert found.broker.security_protocol == ("PLAINTEXT" if files is PLAIN else "SSL"), name
    assert settings_of(services(files)["sink"]).sink.url.startswith("postgresql://")


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_commands_are_commands(files: tuple[Path, ...], tmp_path: Path) -> None:
    for name, service in ours(files).items():
        arguments = service["command"]
        # Click looks for the files that are mounted in the container; here others stand for them.
        there = [str(tmp_path) if a == "/wire" else __file__ if a.startswith("/") else a for a in arguments]
        context = click.Context(root)
        command: click.Command = root
        while isinstance(command, click.Group):
            _, found, there = command.resolve_command(context, there)
            assert found is not None, name
            context = click.Context(found, parent=context)
            command = found
        assert command.make_context(name, there, parent=context).params is not None


def test_what_listens_is_what_is_asked() -> None:
    found = services(PLAIN)
    listening = {(name, settings_of(s).http.port) for name, s in ours(PLAIN).items()}
    listening |= {("kafka", 9092), ("postgres", 5432), ("alertmanager", 9093), ("localhost", 9090)}
    scraped = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in scraped["scrape_configs"]}
    targets = [t for job in jobs.values() for s in job["static_configs"] for t in s["targets"]]
    targets += [f"{name}:{d['port']}" for d in jobs["wirefuse"]["dns_sd_configs"] for name in d["names"]]
    targets += [t for a in scraped["alerting"]["alertmanagers"] for s in a["static_configs"] for t in s["targets"]]
    for target in targets:
        host, port = PORT.fullmatch(target).groups()  # type: ignore[union-attr]
        assert (host, int(port)) in listening
    running = {
        name for name, s in ours(PLAIN).items() if "profiles" not in s and "disable" not in s.get("healthcheck", {})
    }
    assert running <= {t.partition(":")[0] for t in targets}, "somebody is not scraped"
    for name in running:
        assert settings_of(found[name]).http.host == "0.0.0.0", "not reachable from Prometheus"


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_a_worker_has_time_to_drain(files: tuple[Path, ...]) -> None:
    for name, service in ours(files).items():
        if service["command"][0] == "worker":
            assert seconds(service["stop_grace_period"]) > app._DRAIN_S + app._LAST_WORDS_S, name


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_processes_are_confined(files: tuple[Path, ...]) -> None:
    for name, service in services(files).items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        # Kafka's own start scripts write into the image's folders.
        assert service.get("read_only") or name == "kafka", name
        assert not service.get("privileged"), name
        assert "docker.sock" not in str(service.get("volumes")), name


def test_nothing_is_published_beyond_loopback() -> None:
    published = [p for s in services(SECURE).values() for p in s.get("ports", [])]
    assert published
    assert {p["host_ip"] for p in published} == {"127.0.0.1"}
    assert not [name for name, s in ours(SECURE).items() if s.get("ports")]


def test_memory_is_enough_for_all_that_may_be_remembered() -> None:
    # docs/quality/copies.md and incidents.md; 100 MiB are the process without any.
    dedup, incidents = (services(PLAIN)[name] for name in ("dedup", "incidents"))
    assert int(dedup["mem_limit"]) > settings_of(dedup).dedup.max_entries * 1_500 + 100 * 2**20
    assert int(incidents["mem_limit"]) > settings_of(incidents).incidents.max_articles * 5_000 + 100 * 2**20


def test_images_are_pinned() -> None:
    for name, service in services(SECURE).items():
        tag = service["image"].rpartition(":")[2]
        assert re.search(r"\d+\.\d+", tag), name
    assert services(PLAIN)["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_mounted_files_are_there() -> None:
    made_by_hand = {"incoming"}
    for name, service in services(PLAIN).items():
        for volume in service.get("volumes", []):
            source = Path(volume["source"])
            if volume["type"] == "bind" and source.name not in made_by_hand:
                assert source.exists(), f"{name}: {source}"
    sources = load_sources(ROOT / "docker" / "feeds.toml", Settings().producer)
    mounted = {v["target"] for v in services(PLAIN)["feeds"]["volumes"]}
    assert {str(folder.path) for folder in sources.folders} <= mounted


def test_grafana_finds_its_dashboards_and_their_data() -> None:
    grafana = services(PLAIN)["grafana"]
    mounted = {v["target"]: Path(v["source"]) for v in grafana["volumes"] if v["type"] == "bind"}
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    assert mounted["/etc/grafana/provisioning"] == folder
    (provider,) = yaml.safe_load((folder / "dashboards" / "wirefuse.yaml").read_text())["providers"]
    assert list(mounted[provider["options"]["path"]].glob("*.json"))
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (mounted[str(home.parent)] / home.name).exists()
    (source,) = yaml.safe_load((folder / "datasources" / "wirefuse.yaml").read_text())["datasources"]
    (variable,) = re.findall(r"\$\{(\w+)\}", source["url"])
    assert grafana["environment"][variable] == "http://prometheus:9090"


def test_prometheus_finds_the_alerts() -> None:
    mounted = {v["target"]: Path(v["source"]) for v in services(PLAIN)["prometheus"]["volumes"] if v["type"] == "bind"}
    file = "/etc/prometheus/prometheus.yml"
    assert f"--config.file={file}" in services(PLAIN)["prometheus"]["command"]
    for name in yaml.safe_load(mounted[file].read_text())["rule_files"]:
        path = Path(file).parent / name
        assert (mounted[str(path.parent)] / path.name).exists()


@pytest.mark.parametrize("files", KINDS, ids=["plain", "secure"])
def test_stages_wait_for_their_topics_and_state_stays(files: tuple[Path, ...]) -> None:
    found = services(files)
    for name in ("dedup", "entities", "incidents", "sink", "feeds"):
        assert found[name]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
    for name in ("dedup", "incidents", "sink", "feeds"):
        assert "/var/lib/wirefuse" in {v["target"] for v in found[name]["volumes"]}
        assert found[name]["hostname"] == name, "another host name is another member of the group"
    assert "hostname" not in found["entities"], "of which there may be many"


def test_the_broker_takes_our_largest_records_and_makes_no_topics() -> None:
    broker = properties(services(PLAIN)["kafka"])
    assert broker["auto.create.topics.enable"] == "false"
    assert int(broker["message.max.bytes"]) > Settings().topics.max_message_bytes
    listeners = dict(re.findall(r"(\w+)://[^:,]*:(\d+)", broker["listeners"]))
    (published,) = services(PLAIN)["kafka"]["ports"]
    assert str(published["target"]) == listeners["HOST"]
    assert listeners["INTERNAL"] == "9092"


def test_with_tls_every_process_has_the_certificate_of_its_role() -> None:
    broker = properties(services(SECURE)["kafka"])
    assert set(re.findall(r":(\w+)", broker["listener.security.protocol.map"])) == {"SSL"}
    assert broker["ssl.client.auth"] == "required"
    script = (ROOT / "docker" / "make-certificates.sh").read_text()
    roles = re.search(r"for role in (.+); do", script)
    assert roles is not None
    assert set(ROLES) | {"administrator"} == set(roles[1].split())
    of_service = {"feeds": "producer", "publish": "producer", "topics": "operator", "acls": "administrator"}
    for name, service in ours(SECURE).items():
        role = of_service.get(name, name)
        given = {s["target"]: s["source"] for s in service["secrets"]}
        assert given == {"/run/secrets/ca": "ca", "certificate": f"{role}-certificate", "key": f"{role}-key"}
        assert role == "administrator" or acls(settings_of(service), role)  # type: ignore[arg-type]
        found = settings_of(service).broker
        for path in (found.tls_ca_file, found.tls_cert_file, found.tls_key_file):
            assert Path("/run/secrets", Path(path).name) == Path(path)
            assert Path(path).name in {Path(target).name for target in given}
