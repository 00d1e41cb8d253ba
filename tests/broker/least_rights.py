"""Long proofs of the table of rights and of logins that change; `make rights` runs them, `make test` does not.

The short ones are in test_security.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import streams
from agents.progress import watching
from chain import compare, expected, publish
from logins import STAGES, Logins, running, start
from pipeline.broker.acls import Acl, Role, acls, principals
from pipeline.broker.admin import ensure_topics
from pipeline.broker.errors import EXIT_REFUSED
from pipeline.broker.rights import missing
from pipeline.settings import CONFIG_ENV, load
from secure_broker import SecureBroker
from workers import Worker, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

# Names of topics begin differently in every test; what a right is about is the rest.
_RIGHTS = [
    (role, acl.operation, acl.resource, acl.name)
    for role in STAGES
    for acl in acls(load(env={CONFIG_ENV: ""}, flags={"topics.prefix": ""}), role)  # type: ignore[arg-type]
]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    broker = start(tmp_path_factory.mktemp("secure"))
    yield broker
    broker.stop(timeout_s=10.0)


@pytest.fixture(scope="module")
def shared(secure: SecureBroker, tmp_path_factory: pytest.TempPathFactory) -> Logins:
    """Logins for the tests that leave nothing behind."""
    found = Logins(secure, tmp_path_factory.mktemp("shared"), "shared.")
    found.granted()
    ensure_topics(found.of("operator"))
    return found


@pytest.fixture
def logins(secure: SecureBroker, tmp_path: Path) -> Logins:
    found = Logins(secure, tmp_path, f"{tmp_path.name}.")
    found.granted()
    ensure_topics(found.of("operator"))
    return found


@pytest.mark.parametrize(("role", "operation", "resource", "name"), _RIGHTS, ids=[" ".join(row) for row in _RIGHTS])
def test_without_any_one_right_a_stage_does_not_start_and_names_it(
    role: Role, operation: str, resource: str, name: str, shared: Logins
) -> None:
    acl = Acl(role, resource, f"{shared.prefix}{name}", operation)  # type: ignore[arg-type]
    settings = shared.of(role)
    shared.broker.forbid(acl, principals()[role])
    try:
        assert missing(settings, role) == [acl]
        worker = Worker(settings, role).start()
        assert worker.wait(90.0) == EXIT_REFUSED
        assert f"User:wirefuse-{role} is not allowed to {acl};" in worker.log.splitlines()[-1]
    finally:
        shared.broker.allow([acl], principals())
    assert missing(settings, role) == []


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL"])
def test_a_chain_flows_by_one_kind_of_login(protocol: str, logins: Logins, tmp_path: Path) -> None:
    wire = streams.write(tmp_path / "wire.jsonl", streams.mixed(200, seed=5))
    with running({stage: logins.of(stage, protocol) for stage in STAGES}) as workers:  # type: ignore[arg-type]
        publish(logins.of("producer", protocol), wire)
        with watching(logins.of("operator", protocol)) as progress:
            until(progress.finished, 120.0, what="the chain finishes", workers=[*workers.values()])
    compare(logins.of("sink", protocol), expected(logins.administrator(), tmp_path / "offline"))


@pytest.mark.parametrize(
    ("role", "operation", "name"),
    [("entities", "WRITE", "annotated"), ("dedup", "READ", "raw"), ("incidents", "WRITE", "incident-log")],
)
def test_a_right_taken_from_a_running_stage_ends_it_and_loses_nothing(
    role: Role, operation: str, name: str, logins: Logins, tmp_path: Path
) -> None:
    rows = streams.mixed(120, seed=9)
    producer = logins.of("producer")
    acl = Acl(role, "topic", f"{logins.prefix}{name}", operation)  # type: ignore[arg-type]
    own = {stage: logins.of(stage) for stage in STAGES}  # type: ignore[arg-type]
    with running(own) as workers, watching(logins.of("operator")) as progress:
        publish(producer, streams.write(tmp_path / "first.jsonl", rows[:60]))
        until(progress.finished, 120.0, what="the first half", workers=[*workers.values()])
        logins.broker.forbid(acl, principals()[role])
        publish(producer, streams.write(tmp_path / "second.jsonl", rows[60:]))
        stage = workers[role]
        assert stage.wait(120.0) != 0
        assert stage.start().wait(90.0) == EXIT_REFUSED, "and started again it says what is missing"
        assert f"User:wirefuse-{role} is not allowed to {acl};" in stage.log.splitlines()[-1]
        logins.broker.allow([acl], principals())
        stage.start()
        until(progress.finished, 120.0, what="the second half", workers=[*workers.values()])
    compare(own["sink"], expected(logins.administrator(), tmp_path / "offline"))


def test_a_password_that_is_changed_ends_a_worker_when_it_must_log_in_again(logins: Logins) -> None:
    """Connections that are there go on; after a restart of the broker the old password is refused."""
    dedup = Worker(logins.of("dedup"), "dedup").start()
    until(lambda: "ready:" in dedup.log, 60.0, what="dedup is ready", workers=[dedup])
    broker = logins.broker
    broker.add_users({"wirefuse-dedup": "another secret"})
    broker.stop()
    broker.start()
    assert dedup.wait(120.0) == EXIT_REFUSED
    assert "refuses the user wirefuse-dedup or its password" in dedup.log.splitlines()[-1]
    broker.add_users({"wirefuse-dedup": "secret of dedup"})
