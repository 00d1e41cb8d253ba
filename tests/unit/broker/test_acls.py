"""The table of rights: what it says for each role, and how it is printed."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.progress import STAGE_INPUTS
from pipeline.broker.acls import ROLES, acls, implied_by
from pipeline.cli import root
from pipeline.settings import CONFIG_ENV, Settings, load
from pipeline.topics import group, registry, topic


@pytest.fixture
def settings() -> Settings:
    return load(env={CONFIG_ENV: ""}, flags={"topics.prefix": "desk."})


def test_every_stage_may_read_its_inputs_by_its_own_group_alone(settings: Settings) -> None:
    for stage, inputs in STAGE_INPUTS.items():
        found = {(a.resource, a.name, a.operation) for a in acls(settings, stage)}  # type: ignore[arg-type]
        assert {("topic", topic(settings, name), "READ") for name in inputs} <= found
        assert [name for kind, name, what in found if (kind, what) == ("group", "READ")] == [group(settings, stage)]


def test_only_the_operator_may_create_and_nobody_may_delete(settings: Settings) -> None:
    everything = [a for role in ROLES for a in acls(settings, role)]
    assert {a.role for a in everything if a.operation in ("CREATE", "ALTER_CONFIGS")} == {"operator"}
    assert not {a.operation for a in everything} & {"DELETE", "ALTER", "ALL", "IDEMPOTENT_WRITE", "CLUSTER_ACTION"}


def test_no_right_is_listed_twice_or_beside_one_that_holds_it(settings: Settings) -> None:
    for role in ROLES:
        found = acls(settings, role)
        assert len(set(found)) == len(found)
        for a in found:
            assert not any((b.resource, b.name) == (a.resource, a.name) and b.operation in implied_by(a.operation)
                           for b in found)  # fmt: skip


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(root, ["--set", "topics.prefix=desk.", *arguments], env={CONFIG_ENV: ""})
    assert result.exit_code == 0, result.output
    return result.output


def test_commands_and_json_say_the_same(settings: Settings) -> None:
    rows = json.loads(_run("acls", "show", "--format", "json"))
    said = {(r["principal"], r["resource"], r["name"], r["operation"].replace("_", "").lower()) for r in rows}
    assert len(said) == len(rows)
    found = set()
    for line in _run("acls", "show").splitlines():
        words = shlex.split(line)
        options = list(pairwise(words))
        principal = next(v for o, v in options if o == "--allow-principal")
        where = next(((o[2:], v) for o, v in options if o in ("--topic", "--group")), ("cluster", "kafka-cluster"))
        found |= {(principal, *where, v.lower()) for o, v in options if o == "--operation"}
    assert found == said
    names = {name for _, kind, name, _ in found if kind == "topic"}
    assert names == {t.name for t in registry(settings).values()}


def test_a_principal_may_have_any_name() -> None:
    line = _run("acls", "show", "producer", "--principal", "producer=CN=wire desk,O=Norr").splitlines()[0]
    assert "'User:CN=wire desk,O=Norr'" in line
    assert json.loads(_run("acls", "show", "sink", "--format", "json"))[0]["principal"] == "User:wirefuse-sink"


def test_the_page_of_security_shows_this_table(settings: Settings) -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    shown = dict(re.findall(r"^\| (\w+) \| ((?:READ|WRITE|DESCRIBE) .*) \|$", page, re.MULTILINE))
    for role in ROLES:
        if role == "operator":
            continue  # what it may do with every topic is said in words there
        said = {
            (kind, name, operation)
            for part in shown[role].split("; ")
            for operation, kind, names in [part.split(" ", 2)]
            for name in names.split(", ")
        }
        prefix = settings.topics.prefix
        assert said == {(a.resource, a.name.removeprefix(prefix), a.operation) for a in acls(settings, role)}, role


@pytest.mark.parametrize("wrong", ["sink", "reader=x", "sink="])
def test_a_principal_of_no_role_is_refused(wrong: str) -> None:
    result = CliRunner().invoke(root, ["acls", "show", "--principal", wrong], env={CONFIG_ENV: ""})
    assert result.exit_code == 2
    assert "write ROLE=NAME" in result.output
