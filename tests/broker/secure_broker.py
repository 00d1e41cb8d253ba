"""A local Kafka with TLS, SCRAM, client certificates and ACLs, beside the plaintext listener of its administrator."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)

from certificates import Authority
from pipeline.broker.acls import Acl
from pipeline.broker.local import HOST, LocalBroker
from pipeline.broker.server_config import log4j2_properties

PLAIN_USER, PLAIN_PASSWORD = "plain-user", "plain-secret"


class SecureBroker(LocalBroker):
    """Who comes by its plaintext listener may do everything; who comes by TLS only what ACLs allow.

    Attributes:
        sasl: address of the SASL_SSL listener.
        mtls: address of the SSL listener, which asks for a client certificate; its principal is the certificate's CN.
    """

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self.authority = authority
        self._identity = authority.issue("broker")
        self.sasl = f"{HOST}:{_free_port()}"
        self.mtls = f"{HOST}:{_free_port()}"

    def _configure(self, data: Path) -> Path:
        properties = super()._configure(data)
        text = properties.read_text()
        for key in ("listeners", "advertised.listeners"):
            text = re.sub(
                rf"^{key}=(.*)$", rf"{key}=SASL_SSL://{self.sasl},SSL://{self.mtls},\1", text, flags=re.MULTILINE
            )
        login = "org.apache.kafka.common.security"
        own = {
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": self._identity.certificate.read_text(),
            "ssl.keystore.key": self._identity.key.read_text(),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": self.authority.pem,
            "listener.name.ssl.ssl.client.auth": "required",
            "listener.name.ssl.ssl.principal.mapping.rules": r"RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
            **{
                f"listener.name.sasl_ssl.{m}.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;"
                for m in ("scram-sha-512", "scram-sha-256")
            },
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f'{login}.plain.PlainLoginModule required user_{PLAIN_USER}="{PLAIN_PASSWORD}";'
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "broker.session.timeout.ms": "12000",  # as that of conftest.py
        }
        for key, value in own.items():
            escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
            text += f"{key}={escaped}\n"
        properties.write_text(text)
        (self.directory / "log4j2.properties").write_text(log4j2_properties() + _AUDIT)
        return properties

    # -- what its administrator does ---

    def admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=f"{HOST}:{self.port}")

    def add_users(self, passwords: Mapping[str, str], mechanism: str = "SCRAM-SHA-512") -> None:
        with self.admin() as admin:
            admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(user, mechanism, password, 4096) for user, password in passwords.items()]
            )

    def allow(self, acls: Iterable[Acl], principals: Mapping[str, str]) -> None:
        with self.admin() as admin:
            answer = admin.create_acls([_as_kafka(acl, principals[acl.role]) for acl in acls])
        assert not answer["failed"], answer

    def forbid(self, acl: Acl, principal: str) -> None:
        pattern = ResourcePatternFilter(ResourceType[acl.resource.upper()], acl.name, ACLResourcePatternType.LITERAL)
        allow = ACLPermissionType.ALLOW
        with self.admin() as admin:
            (_, gone, _), *_ = admin.delete_acls(
                [ACLFilter(principal, "*", ACLOperation[acl.operation], allow, pattern)]
            )
        assert gone, f"{principal} had no {acl}"

    def audit(self) -> str:
        """What its authorizer has decided, a line each."""
        return (self.directory / "logs" / "authorizer.log").read_text()


_AUDIT = """\
appender.audit.type = File
appender.audit.name = audit
appender.audit.fileName = ${sys:wirefuse.log.dir}/authorizer.log
appender.audit.layout.type = PatternLayout
appender.audit.layout.pattern = %m%n
logger.audit.name = kafka.authorizer.logger
logger.audit.level = debug
logger.audit.additivity = false
logger.audit.appenderRef.audit.ref = audit
"""


def _as_kafka(acl: Acl, principal: str) -> ACL:
    pattern = ResourcePattern(ResourceType[acl.resource.upper()], acl.name, ACLResourcePatternType.LITERAL)
    return ACL(principal, "*", ACLOperation[acl.operation], ACLPermissionType.ALLOW, pattern)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind((HOST, 0))
        return int(s.getsockname()[1])
