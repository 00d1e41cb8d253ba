"""A cluster with TLS, logins and ACLs: every role comes in with its own name, and may do what it needs and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import streams
from agents import state_check
from agents.progress import watching
from certificates import Authority
from chain import compare, expected, publish, publishing
from logins import STAGES, Logins, decisions, running, start
from pipeline.broker.acl_admin import grant
from pipeline.broker.acls import Acl, acls, principals
from pipeline.broker.admin import describe_topics, ensure_topics
from pipeline.broker.connection import problem
from pipeline.broker.errors import EXIT_REFUSED, AccessDenied
from pipeline.dead_letters import letters, replay
from pipeline.doctor.cluster import check_clock
from pipeline.settings import with_values
from secure_broker import PLAIN_PASSWORD, PLAIN_USER, SecureBroker
from workers import PATIENCE_S, Worker, send, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    broker = start(tmp_path_factory.mktemp("secure"))
    yield broker
    broker.stop(timeout_s=10.0)


@pytest.fixture
def logins(secure: SecureBroker, tmp_path: Path) -> Logins:
    return Logins(secure, tmp_path, f"{tmp_path.name}.")


def test_a_chain_flows_with_exactly_the_rights_of_the_table(logins: Logins, tmp_path: Path) -> None:
    """Nothing that is needed is denied, so the table has enough; every right is used, so it has nothing more."""
    wanted = logins.granted()
    operator, everybody = logins.of("operator"), logins.administrator()
    ensure_topics(operator)
    # Half of the stages by password, half by certificate. The ledger soon asks whether what it waits for can come.
    by = {"dedup": "SASL_SSL", "entities": "SSL", "incidents": "SASL_SSL", "sink": "SSL"}
    own = {stage: logins.of(stage, by[stage]) for stage in STAGES}  # type: ignore[arg-type]
    own["incidents"] = with_values(own["incidents"], {"runner.watchdog_s": 15.0}, "test")
    ner = {"entities": own.pop("entities")}
    wire = streams.write(tmp_path / "wire.jsonl", streams.mixed(60, seed=11))
    with wire.open("a") as f:
        f.write("no article\n")  # the producer's dead letter
    with running(own) as workers:
        publish(logins.of("producer", "SSL"), wire)
        asked = Acl("incidents", "group", f"{logins.prefix}entities", "DESCRIBE")
        until(lambda: asked in decisions(logins.broker)[0], what="the ledger waits", workers=[*workers.values()])
        with running(ner) as more, watching(operator) as progress:
            every = [*workers.values(), *more.values()]
            until(progress.finished, what="the chain finishes", workers=every)
            compare(own["sink"], expected(everybody, tmp_path / "offline"))
            for name in ("raw", "unique", "annotated", "incident-changes"):
                send(everybody, ["no record"], name)  # type: ignore[arg-type]  # a dead letter of every stage
            until(progress.finished, what="the chain finishes again", workers=every)
    found = letters(operator)
    assert {letter.stage for letter in found} == {"producer", *STAGES}
    assert replay(operator, [letter for letter in found if letter.stage == "dedup"]).replayed
    ensure_topics(with_values(operator, {"topics.max_message_bytes": 1024 * 1024}, "test"), alter=True)
    assert [finding.status for finding in check_clock(operator)] == ["ok"]
    sane = asyncio.run(state_check.verify(with_values(operator, {"sink.url": own["sink"].sink_url}, "test")))
    assert not sane.problems
    used, denied = decisions(logins.broker)
    assert not set(wanted) - used
    # The producer asks for the id of its cluster; the client asks for what it may do with that along with it.
    assert {(a.role, a.operation, request) for a, request in denied} <= {("producer", "DESCRIBE", "DescribeCluster")}


def test_whoever_is_kept_out_is_told_why(logins: Logins, tmp_path: Path) -> None:
    broker = logins.broker
    others = Authority(tmp_path / "others", "another authority")
    stranger = others.issue("wirefuse-sink")
    expired = broker.authority.issue("late", expired=True)
    sasl, mtls = logins.of("sink"), logins.of("sink", "SSL")
    no_certificate = {f"broker.tls_{key}": "" for key in ("cert_file", "key_file", "key_password_file")}
    no_login = {"broker.sasl_user": "", "broker.sasl_password_file": ""}
    host, _, port = broker.sasl.partition(":")
    cases = [
        (sasl, {"broker.sasl_user": "nobody"}, "refuses the user nobody or its password, by SCRAM-SHA-512"),
        (sasl, {"broker.sasl_password_file": "", "broker.sasl_password": "wrong"}, "look at .* broker.sasl_password,"),
        (sasl, {"broker.sasl_mechanism": "SCRAM-SHA-256"}, "has SCRAM-SHA-256 credentials of that user"),
        (sasl, {"broker.tls_ca_file": ""}, "signed by nobody that this system trusts: broker.tls_ca_file"),
        (sasl, {"broker.tls_ca_file": str(others.file)}, "signed by nobody that .*others/ca.pem trusts"),
        (sasl, {"broker.bootstrap": f"localhost:{port}"}, "certificate is not for the host localhost"),
        (sasl, {"broker.security_protocol": "PLAINTEXT"}, "speaks TLS, and broker.security_protocol is PLAINTEXT"),
        (mtls, no_certificate, "asks for a client certificate: broker.tls_cert_file"),
        (
            mtls,
            no_certificate
            | {"broker.tls_cert_file": str(stranger.certificate), "broker.tls_key_file": str(stranger.key)},
            "refuses the client certificate .*others/wirefuse-sink.pem",
        ),
        (
            mtls,
            no_certificate
            | {"broker.tls_cert_file": str(expired.certificate), "broker.tls_key_file": str(expired.key)},
            "refuses the client certificate .*late.pem .*: it has expired",
        ),
    ]
    for settings, change, message in cases:
        changed = with_values(settings, change, "test")
        with pytest.raises(AccessDenied, match=message):
            describe_topics(with_values(changed, {"broker.request_timeout_s": 1.0}, "test"))
    not_tls = problem(with_values(sasl, {"broker.bootstrap": f"{host}:{broker.port}"}, "test"), f"{host}:{broker.port}")
    assert not_tls is not None
    assert "closed the connection before TLS was there" in not_tls.text
    no_sasl = problem(with_values(sasl, {"broker.security_protocol": "SSL"} | no_login, "test"), broker.sasl)
    assert no_sasl is not None
    assert "wants another way to log in; broker.security_protocol is SSL" in no_sasl.text
    assert [no_sasl.final, not_tls.final] == [False, False], "a broker that stops just now looks like that, too"
    assert problem(with_values(sasl, {"broker.tls_check_hostname": False}, "test"), f"localhost:{port}") is None
    plain = {
        "broker.sasl_mechanism": "PLAIN",
        "broker.sasl_user": PLAIN_USER,
        "broker.sasl_password_file": "",
        "broker.sasl_password": PLAIN_PASSWORD,
    }
    assert problem(with_values(sasl, plain, "test"), broker.sasl) is None


def _refusal(worker: Worker) -> int:
    """How it ends; started again, as the supervisor does, where the broker stood still longer than a worker waits."""
    for _ in range(5):
        if (status := worker.wait()) == EXIT_REFUSED or "does not answer" not in worker.log.splitlines()[-1]:
            break
        worker.start()
    return status


def test_who_lacks_a_right_ends_with_its_name_and_77(logins: Logins, tmp_path: Path) -> None:
    """Three processes at once: a stage with a wrong password, one that lacks two rights, a producer that is a sink."""
    logins.granted()
    operator = logins.of("operator")
    ensure_topics(operator)
    with pytest.raises(AccessDenied, match=r"User:wirefuse-producer is not allowed to DESCRIBE .*annotated"):
        ensure_topics(logins.of("producer"))
    with pytest.raises(AccessDenied, match="User:wirefuse-operator is not allowed to ALTER the cluster"):
        grant(operator, acls(operator, "sink"), principals())
    lacking = [a for a in acls(operator, "entities") if a.operation == "WRITE"]
    for acl in lacking:
        logins.broker.forbid(acl, principals()["entities"])
    wrong = {"broker.sasl_password_file": "", "broker.sasl_password": "not this one"}
    mistaken = Worker(with_values(logins.of("dedup"), wrong, "test"), "dedup").start()
    weak = Worker(logins.of("entities"), "entities").start()
    sink = logins.of("sink")
    sink.data_dir.mkdir()
    false_producer = publishing(sink, streams.write(tmp_path / "wire.jsonl", streams.mixed(3, seed=1)))
    assert _refusal(mistaken) == EXIT_REFUSED
    assert "refuses the user wirefuse-dedup or its password" in mistaken.log.splitlines()[-1]
    assert "not this one" not in mistaken.log
    assert _refusal(weak) == EXIT_REFUSED
    assert weak.log.splitlines()[-1] == (
        f"error: User:wirefuse-entities is not allowed to WRITE topic {logins.prefix}annotated, "
        f"WRITE topic {logins.prefix}dead-letter; `wirefuse acls show entities` prints what entities needs"
    )
    assert false_producer.wait(PATIENCE_S) == EXIT_REFUSED
    said = (sink.data_dir / "publish.log").read_text()
    assert f"error: User:wirefuse-sink is not allowed to WRITE topic {logins.prefix}raw; `wirefuse acls show" in said
