"""The configuration of the local broker: `server.properties` and its log4j2 configuration."""

from __future__ import annotations

from pathlib import Path

_MIB = 1024 * 1024


def server_properties(data: Path, port: int, controller_port: int, max_message_bytes: int) -> str:
    """Properties of a one-node KRaft broker on the loopback address.

    Args:
        data: directory of the log segments.
        port: port of the clients' listener.
        controller_port: port of the controller's listener.
        max_message_bytes: largest record that a topic may be configured to take.
    """
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        # A mistyped topic name is an error, never a new topic with one partition.
        "auto.create.topics.enable": "false",
        # One node: every internal topic has one replica, and few partitions make start and restart quick.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # A lone worker should not wait for company, and tests want dead members noticed in a second.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A batch carries a little more than its one largest record.
        "message.max.bytes": str(max_message_bytes + _MIB),
        "replica.fetch.max.bytes": str(max_message_bytes + _MIB),
        # Topics say their own retention; this holds for those that do not.
        "log.retention.hours": "168",
        "log.retention.check.interval.ms": "60000",
        "log.segment.bytes": str(128 * _MIB),
        # The default (128 MiB) would take a quarter of the heap; 16 MiB hold the keys of 700,000 records a pass.
        "log.cleaner.dedupe.buffer.size": str(16 * _MIB),
        # After a SIGKILL the restarted broker may register only when the old session is over.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    return "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    """A value of a Java properties file: backslashes are escapes there, and bytes are Latin-1."""
    return "".join(c if " " <= c <= "~" and c != "\\" else _unicode_escape(c) for c in value)


def _unicode_escape(c: str) -> str:
    utf16 = c.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(utf16[i : i + 2], 'big'):04x}" for i in range(0, len(utf16), 2))


def log4j2_properties() -> str:
    """Warnings and the broker's own life events, in a file that rolls at 10 MiB; two old ones are kept."""
    return """\
status = error
monitorInterval = 0
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:wirefuse.log.dir}/broker.log
appender.file.filePattern = ${sys:wirefuse.log.dir}/broker.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %p %c{1}: %m%n
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.broker.name = org.apache.kafka.server
logger.broker.level = warn
logger.parser.name = org.apache.kafka.common.utils.AppInfoParser
logger.parser.level = info
"""
