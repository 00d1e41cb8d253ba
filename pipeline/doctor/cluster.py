"""What a chain needs of the Kafka cluster: a connection, topics, rights, a clock that agrees, and workers."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline import topics
from pipeline.broker.acls import ROLES, Acl, Role
from pipeline.broker.admin import EDITION_TOPICS, ConfigDifference, TopicState, describe_topics
from pipeline.broker.client import bootstrap, client_options, explained, servers
from pipeline.broker.connection import problem
from pipeline.broker.errors import AccessDenied, BrokerError
from pipeline.broker.rights import missing
from pipeline.broker.security import identity
from pipeline.doctor.finding import Finding, fail, ok, skip, warn
from pipeline.errors import SettingsError
from pipeline.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

_SKEW_WARN_S = 2.0
# Kafka refuses a record whose time is further ahead of its own clock (message.timestamp.after.max.ms).
_SKEW_FAIL_S = 3600.0


def check_broker(settings: Settings) -> Iterator[Finding]:
    """That every broker named can be reached and lets us in. Ends with an `ok` if one does."""
    try:
        address = bootstrap(settings)
        problems = {server: problem(settings, server) for server in servers(address)}
    except SettingsError as e:
        yield fail("broker", str(e), "mend the settings of the section broker; docs/security.md explains them")
        return
    except BrokerError as e:
        yield Finding("broker", "fail", str(e))
        return
    reached = not all(problems.values())
    for server, found in problems.items():
        if found is None:
            continue
        if found.final:
            yield fail("broker", found.text, "docs/security.md shows how TLS, logins and certificates are set up")
        elif reached:
            yield warn("broker", found.text, f"start it, or take {server} out of broker.bootstrap")
        else:
            yield fail("broker", found.text, "start the cluster, or mend broker.bootstrap and what lies between")
    there = [server for server, found in problems.items() if found is None]
    if there:
        yield ok("broker", f"{', '.join(there)} answers by {_way(settings)}")


def _way(settings: Settings) -> str:
    broker = settings.broker
    if broker.security_protocol == "PLAINTEXT":
        return "PLAINTEXT"
    how = broker.sasl_mechanism if broker.security_protocol == "SASL_SSL" else "certificate"
    return f"TLS to {identity(settings)} ({how if broker.tls_cert_file or how != 'certificate' else 'no login'})"


def check_topics(settings: Settings) -> Iterator[Finding]:
    """That the topics are as the settings want them."""
    try:
        states = describe_topics(settings)
    except AccessDenied as e:
        yield skip("topics", str(e), "let the operator run this")
        return
    found = [finding for state in states for finding in _about_topic(settings, state)]
    yield from found
    if not found:
        yield ok("topics", f"all {len(states)} are as the settings want them")


def _about_topic(settings: Settings, state: TopicState) -> Iterator[Finding]:
    if not state.exists:
        yield fail("topics", f"{state.name} is missing", "`wirefuse topics create` makes it")
        return
    assert state.partitions is not None
    assert state.replication is not None
    wanted = state.wanted_partitions
    if state.role in EDITION_TOPICS and state.partitions != wanted:
        yield fail(
            "topics",
            f"{state.name} has {state.partitions} partitions, and topics.editions is {wanted}: an edition is one "
            "partition, whose number cannot be changed",
            "set topics.editions to what is there, or use another topics.prefix",
        )
    elif state.partitions < wanted:
        yield fail(
            "topics",
            f"{state.name} has {state.partitions} partitions, the settings say {wanted}: the stages would look for "
            "those that are missing",
            "set topics.*_partitions to what is there",
        )
    elif state.partitions > wanted:
        yield warn(
            "topics",
            f"{state.name} has {state.partitions} partitions, the settings say {wanted}: lag is not counted in the "
            "others",
            "set topics.*_partitions to what is there",
        )
    if state.replication < settings.topics.replication:
        yield warn(
            "topics",
            f"{state.name} has {state.replication} replicas, topics.replication is {settings.topics.replication}: a "
            "broker that is lost may take records along",
            "let the cluster's administrator reassign its partitions",
        )
    for difference in state.differences:
        yield _about_config(state, difference)


def _about_config(state: TopicState, difference: ConfigDifference) -> Finding:
    text = f"{state.name}: {difference.key} is {difference.found}, the settings say {difference.wanted}"
    advice = "`wirefuse topics create --alter` sets it"
    if difference.key == "cleanup.policy":
        harm = "records would be lost" if "compact" in difference.wanted else "old records are not as promised"
        return fail("topics", f"{text}: {harm}", advice)
    if difference.key == "max.message.bytes" and int(difference.found or 0) < int(difference.wanted):
        return fail("topics", f"{text}: a stage would stop at a larger record", advice)
    return warn("topics", text, advice)


def check_rights(settings: Settings, roles: Collection[Role]) -> Iterator[Finding]:
    """That this login has the rights of some roles; with none named, of which it has them."""
    lacking: dict[Role, list[Acl]] = {role: missing(settings, role) for role in roles or ROLES}
    who = identity(settings)
    if roles:
        for role, gone in lacking.items():
            if gone:
                what = ", ".join(map(str, gone))
                yield fail("rights", f"{who} may not {what}", f"`wirefuse acls show {role}` prints what {role} needs")
            else:
                yield ok("rights", f"{who} may do all that {role} needs")
        return
    able = [role for role, gone in lacking.items() if not gone]
    if len(able) == len(ROLES):
        yield ok("rights", f"{who} may do all that any stage needs")
    elif able:
        yield ok("rights", f"{who} may do all that {', '.join(able)} needs; --role asks for another")
    else:
        yield fail("rights", f"{who} may do what no role needs", "name its role with --role, and see what is missing")


def check_clock(settings: Settings) -> Iterator[Finding]:
    """That this machine's clock agrees with the cluster's.

    The leader of the controllers says when it last heard of every controller, and of itself that is now (KIP-836).
    """
    from kafka import KafkaAdminClient
    from kafka.errors import ClusterAuthorizationFailedError, KafkaError

    address = bootstrap(settings)
    try:
        with explained(settings, address), KafkaAdminClient(**client_options(settings, address)) as admin:
            try:
                skew = _skew(admin)
            except ClusterAuthorizationFailedError:
                yield skip("clock", "only who may DESCRIBE the cluster is told its time", "let the operator run this")
                return
            except KafkaError as e:
                yield skip("clock", f"the cluster does not tell its time: {e}")
                return
    except BrokerError as e:
        yield skip("clock", str(e))
        return
    if skew is None:
        yield skip("clock", "the cluster does not tell its time; it is older than Kafka 3.3")
    elif abs(skew) < _SKEW_WARN_S:
        yield ok("clock", f"agrees with the cluster's ({abs(skew):.1f} s apart)")
    else:
        text = f"this clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the cluster's"
        advice = "let both keep time by NTP"
        if skew > _SKEW_FAIL_S:
            yield fail("clock", f"{text}: Kafka refuses records from so far in the future", advice)
        else:
            yield warn("clock", f"{text}: ages and lag in seconds are wrong by that; decisions are not", advice)


def _skew(admin: KafkaAdminClient) -> float | None:
    """Seconds that our clock is ahead at least; None: the cluster does not say.

    It looked at its clock at some time between the question and the answer, which may take long.
    """
    before = time.time()
    answer = admin.describe_metadata_quorum()
    after = time.time()
    for topic in answer["topics"]:
        for partition in topic["partitions"]:
            for voter in partition["current_voters"]:
                stamp = voter.get("last_fetch_timestamp") or -1
                if voter["replica_id"] == partition["leader_id"] and stamp > 0:
                    theirs = stamp / 1000
                    return max(before - theirs, 0.0) or min(after - theirs, 0.0)
    return None


def check_groups(settings: Settings, waiting: dict[str, int]) -> Iterator[Finding]:
    """That where there is work there are workers.

    Args:
        waiting: records that each stage has not yet acknowledged.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import GroupAuthorizationFailedError

    address = bootstrap(settings)
    with explained(settings, address), KafkaAdminClient(**client_options(settings, address)) as admin:
        for stage, records in waiting.items():
            name = topics.group(settings, stage)
            try:
                members = _members(admin, name)
            except GroupAuthorizationFailedError:
                yield skip("groups", f"{stage}: this login may not describe the group {name}")
                continue
            text = f"{stage}: {_count(members, 'worker')}, {records:,} records wait"
            if records and not members:
                yield warn("groups", text, f"start one: `wirefuse worker {stage}`; if one runs, look at its log")
            else:
                yield ok("groups", text)


def _members(admin: KafkaAdminClient, name: str) -> int:
    from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

    try:
        members: Sequence[object] = admin.describe_groups([name])[name]["members"] or ()
        return len(members)
    except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
        return 0  # a cluster that never had a group


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
