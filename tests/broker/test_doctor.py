"""`wirefuse doctor` on a real broker: it says that all is well when it is, and else what is wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.broker.admin import EnsureReport, ensure_topics
from pipeline.cli import root
from pipeline.settings import Settings, as_environment
from pipeline.sink.base import open_sink
from workers import send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

Examine = Callable[..., dict[str, list[dict[str, Any]]]]


@pytest.fixture
def examine() -> Examine:
    """`examine(settings, exit_code)`: the findings by check."""

    def run(settings: Settings, exit_code: int, *arguments: str) -> dict[str, list[dict[str, Any]]]:
        environment = as_environment(settings) | {"WIREFUSE_ENTITIES_MODEL": "rules"}
        result = CliRunner().invoke(root, ["doctor", "--json", *arguments], env=environment, standalone_mode=False)
        assert result.exception is None, result.exception
        assert (result.return_value or 0) == exit_code, result.output
        found: dict[str, list[dict[str, Any]]] = {}
        for finding in json.loads(result.output):
            found.setdefault(finding["check"], []).append(finding)
        return found

    return run


def _said(findings: list[dict[str, Any]], status: str) -> str:
    return "\n".join(f["text"] + ". " + f["advice"] for f in findings if f["status"] == status)


def test_all_is_well(settings: Settings, topics: EnsureReport, examine: Examine) -> None:
    open_sink(settings.sink_url).close()
    found = examine(settings, 0)
    assert list(found) == [
        "settings", "disk", "model", "sink", "broker", "topics", "rights", "clock", "groups"
    ]  # fmt: skip
    everything = [finding for findings in found.values() for finding in findings]
    assert {f["status"] for f in everything} <= {"ok", "warn"}, everything
    assert not [f for f in everything if f["status"] == "warn" and f["check"] != "disk"], "but the disk may be small"
    assert "schema version" in _said(found["sink"], "ok")
    assert f"{settings.broker.bootstrap} answers by PLAINTEXT" in _said(found["broker"], "ok")
    assert "agrees with the cluster's" in _said(found["clock"], "ok")
    assert [f["text"] for f in found["groups"]] == [
        f"{stage}: 0 workers, 0 records wait" for stage in ("dedup", "entities", "incidents", "sink")
    ]


def test_topics_that_are_missing_or_otherwise(make_settings: Callable[..., Settings], examine: Examine) -> None:
    settings = make_settings()
    first = _said(examine(settings, 1)["topics"], "fail")
    assert f"{settings.topics.prefix}dedup-log is missing. `wirefuse topics create` makes it" in first
    ensure_topics(make_settings(**{"topics.editions": 1, "topics.output_partitions": 3}))
    wanting = make_settings(
        **{
            "topics.editions": 2,
            "topics.unique_partitions": 5,
            "topics.raw_retention_days": 1.0,
            "topics.max_message_bytes": 16 * 1024 * 1024,
        }
    )
    found = examine(wanting, 1)["topics"]
    failed, warned = _said(found, "fail"), _said(found, "warn")
    assert "raw has 1 partitions, and topics.editions is 2" in failed
    assert "unique has 3 partitions, the settings say 5" in failed
    assert "enriched has 3 partitions, the settings say 2" in warned
    assert "raw: retention.ms is 2592000000, the settings say 86400000. `wirefuse topics create --alter`" in warned
    assert "raw: max.message.bytes is 8388608, the settings say 16777216: a stage would stop at a larger" in failed
    assert "dedup-log: retention.ms" not in failed + warned


def test_no_broker(make_settings: Callable[..., Settings], examine: Examine) -> None:
    found = examine(make_settings(**{"broker.bootstrap": "127.0.0.1:1,nohost.invalid:9092"}), 1)
    said = _said(found["broker"], "fail")
    assert "127.0.0.1:1 cannot be reached: Connection refused" in said
    assert "nohost.invalid:9092: the host name cannot be resolved" in said
    assert {f["status"] for check in ("topics", "rights", "clock", "groups") for f in found[check]} == {"skip"}
    assert {f["status"] for f in found["sink"]} == {"ok"}, "what needs no broker is looked at all the same"


def test_one_broker_of_two_is_away(
    settings: Settings, topics: EnsureReport, make_settings: Callable[..., Settings], examine: Examine
) -> None:
    found = examine(make_settings(**{"broker.bootstrap": f"127.0.0.1:1,{settings.broker.bootstrap}"}), 0)
    assert "take 127.0.0.1:1 out of broker.bootstrap" in _said(found["broker"], "warn")


def test_records_wait_and_nobody_works(settings: Settings, topics: EnsureReport, examine: Examine) -> None:
    send(settings, ["{}"] * 3)
    said = _said(examine(settings, 0)["groups"], "warn")
    assert said == "dedup: 0 workers, 3 records wait. start one: `wirefuse worker dedup`; if one runs, look at its log"


def test_the_machine_is_not_fit(make_settings: Callable[..., Settings], examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "other.db").write_bytes(b"no database " * 100)
    (tmp_path / "feeds.toml").write_text("[[feed]]\nname = 'a'\n")
    nowhere = {"broker.bootstrap": "127.0.0.1:1", "data.dir": str(tmp_path / "file" / "data")}
    found = examine(make_settings(**nowhere), 1, "--feeds", str(tmp_path / "feeds.toml"))
    assert f"{tmp_path}/file is no folder" in _said(found["disk"], "fail")
    assert f"{tmp_path}/file is no folder: the sink stage will not start" in _said(found["sink"], "fail")
    assert "url is missing" in _said(found["feeds"], "fail")
    damaged = make_settings(**{"sink.url": f"sqlite:///{tmp_path}/other.db", "broker.bootstrap": "127.0.0.1:1"})
    assert "is damaged or no SQLite database" in _said(examine(damaged, 1)["sink"], "fail")


def test_rights_are_told_role_by_role(settings: Settings, topics: EnsureReport, examine: Examine) -> None:
    """Without an authorizer everybody may everything."""
    found = examine(settings, 0, "--role", "sink", "--role", "dedup")
    assert [f["text"] for f in found["rights"]] == [
        "User:ANONYMOUS may do all that sink needs",
        "User:ANONYMOUS may do all that dedup needs",
    ]
