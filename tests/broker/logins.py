"""Roles that come to a SecureBroker with a login of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.progress import STAGE_INPUTS
from certificates import Authority
from pipeline.broker.acl_admin import grant
from pipeline.broker.acls import ROLES, Acl, Role, acls, principals
from pipeline.broker.local import HOST
from pipeline.settings import CONFIG_ENV, Settings, load
from secure_broker import SecureBroker
from workers import Worker

KEY_PASSWORD = "of the key"
STAGES = tuple(STAGE_INPUTS)


def password_of(role: Role) -> str:
    return f"secret of {role}"


def start(directory: Path) -> SecureBroker:
    """A running broker that knows every role's user, and grants nothing yet."""
    broker = SecureBroker(directory / "broker", Authority(directory / "authority"))
    broker.start()
    broker.add_users({f"wirefuse-{role}": password_of(role) for role in ROLES})
    return broker


@dataclass(frozen=True, slots=True)
class Logins:
    """Settings of each role for topics of one prefix.

    Attributes:
        directory: data directories and password files are made in it.
        more: settings that all of them have.
    """

    broker: SecureBroker
    directory: Path
    prefix: str
    more: dict[str, object] = field(default_factory=dict)

    def of(self, role: Role, protocol: str = "SASL_SSL", **flags: object) -> Settings:
        """Settings of a role: by its user and password, or by its certificate (protocol SSL)."""
        own = self._common() | {
            "broker.security_protocol": protocol,
            "broker.tls_ca_file": str(self.broker.authority.file),
            "data.dir": str(self.directory / role),
        }
        own |= self._certificate(role) if protocol == "SSL" else self._user(role)
        return load(env={CONFIG_ENV: ""}, flags=own | flags)

    def administrator(self) -> Settings:
        """Settings of who may do everything, by the plaintext listener."""
        own = {"broker.bootstrap": f"{HOST}:{self.broker.port}", "data.dir": str(self.directory / "administrator")}
        return load(env={CONFIG_ENV: ""}, flags=self._common() | own)

    def granted(self) -> list[Acl]:
        """Grant every role its rights, as `wirefuse acls apply` does."""
        rows = [acl for role in ROLES for acl in acls(self.administrator(), role)]
        grant(self.administrator(), rows, principals())
        return rows

    def _common(self) -> dict[str, object]:
        return {
            "topics.prefix": self.prefix,
            "topics.unique_partitions": 1,
            "topics.output_partitions": 1,
            "topics.dead_letter_partitions": 1,
            "entities.model": "rules",
            "broker.request_timeout_s": 60.0,
        } | self.more

    def _user(self, role: Role) -> dict[str, object]:
        password = self.directory / f"password-{role}"
        password.write_text(password_of(role) + "\n")
        return {
            "broker.bootstrap": self.broker.sasl,
            "broker.sasl_user": f"wirefuse-{role}",
            "broker.sasl_password_file": str(password),
        }

    def _certificate(self, role: Role) -> dict[str, object]:
        files = self.broker.authority.issue(f"wirefuse-{role}", password=KEY_PASSWORD)
        password = self.directory / "password-key"
        password.write_text(KEY_PASSWORD)
        return {
            "broker.bootstrap": self.broker.mtls,
            "broker.tls_cert_file": str(files.certificate),
            "broker.tls_key_file": str(files.key),
            "broker.tls_key_password_file": str(password),
        }


@contextmanager
def running(settings: dict[str, Settings]) -> Iterator[dict[str, Worker]]:
    """Workers of stages, each with its own settings."""
    workers = {stage: Worker(own, stage).start() for stage, own in settings.items()}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.stop()


_DECISION = re.compile(
    r"Principal = User:wirefuse-(?P<role>\w+) is (?P<how>Allowed|Denied) operation = (?P<operation>\w+) "
    r"from host = \S+ on resource = (?P<resource>\w+):LITERAL:(?P<name>\S+) for request = (?P<request>\w+)"
)

# What describes resources, or tries whether a group may be read, is how a worker looks whether it has its rights.
_ASKING = {"Metadata", "FindCoordinator", "DescribeGroups", "DescribeCluster", "LeaveGroup"}


def decisions(broker: SecureBroker) -> tuple[set[Acl], set[tuple[Acl, str]]]:
    """What roles have done with a right, asking for rights left out; and what was denied, with the request."""
    used: set[Acl] = set()
    denied: set[tuple[Acl, str]] = set()
    for found in _DECISION.finditer(broker.audit()):
        acl = Acl(found["role"], found["resource"].lower(), found["name"], found["operation"])  # type: ignore[arg-type]
        if found["how"] == "Denied":
            denied.add((acl, found["request"]))
        elif found["request"] not in _ASKING:
            used.add(acl)
    return used, denied
