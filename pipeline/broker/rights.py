"""Whether the cluster lets us do what a role must do: asked before work begins, so that all that is missing is told at
once, and not one right after another by failures in the middle of it.

Kafka tells what a client may do with a resource when it describes that (KIP-430).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.broker.acls import Acl, Operation, Role, acls, implied_by
from pipeline.broker.client import bootstrap, client_options, explained
from pipeline.broker.errors import AccessDenied
from pipeline.broker.security import identity
from pipeline.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

_COORDINATOR_S = 10.0


def require(settings: Settings, role: Role) -> None:
    """Do nothing if the cluster grants all rights of a role.

    A cluster that is talked to by PLAINTEXT knows nobody's name and is not asked.

    Raises:
        AccessDenied: with all rights that are missing.
        BrokerError: the cluster cannot be reached.
    """
    if settings.broker.security_protocol == "PLAINTEXT":
        return
    if gone := missing(settings, role):
        raise AccessDenied(denied(settings, role, gone))


def denied(settings: Settings, role: Role, gone: Sequence[Acl]) -> str:
    """What is missing and what to do, in one sentence."""
    what = ", ".join(map(str, gone))
    return f"{identity(settings)} is not allowed to {what}; `wirefuse acls show {role}` prints what {role} needs"


def missing(settings: Settings, role: Role) -> list[Acl]:
    """The rights of a role that the cluster does not grant to us.

    Raises:
        BrokerError: the cluster cannot be reached.
    """
    from kafka import KafkaAdminClient

    address = bootstrap(settings)
    wanted = acls(settings, role)
    with explained(settings, address), KafkaAdminClient(**client_options(settings, address)) as admin:
        granted = _of_topics(admin, [a.name for a in wanted if a.resource == "topic"])
        granted |= _of_groups(admin, {a.name: a.operation for a in wanted if a.resource == "group"})
        if any(a.resource == "cluster" for a in wanted):
            found = admin.describe_cluster()["authorized_operations"]
            granted |= {("cluster", a.name): set(found or ()) for a in wanted if a.resource == "cluster"}
    return [a for a in wanted if not granted[a.resource, a.name] & {a.operation, *implied_by(a.operation)}]


_Granted = dict[tuple[str, str], set[str]]


def _of_topics(admin: KafkaAdminClient, names: Sequence[str]) -> _Granted:
    # A topic that is not there is described as such, with what we may do with it.
    found = admin.describe_topics(list(dict.fromkeys(names)))
    return {("topic", topic["name"]): set(topic["authorized_operations"] or ()) for topic in found}


def _of_groups(admin: KafkaAdminClient, wanted: Mapping[str, Operation]) -> _Granted:
    from kafka.errors import GroupAuthorizationFailedError

    granted: _Granted = {}
    for name, operation in wanted.items():
        try:
            told = _coordinated(admin.describe_groups, [name])[name]["authorized_operations"]
            # Of a group that is not there yet Kafka says nothing but that it may be described.
            granted["group", name] = {"DESCRIBE"} if told is None else set(told)
            if told is None and operation == "READ":
                granted["group", name] |= _tried(admin, name)
        except GroupAuthorizationFailedError:
            granted["group", name] = set()
    return granted


def _tried(admin: KafkaAdminClient, group: str) -> set[str]:
    """READ, if it is granted: what nobody leaves does not change, and leaving needs the same right as taking part."""
    from kafka.admin import MemberToRemove
    from kafka.errors import GroupAuthorizationFailedError, UnknownMemberIdError

    try:
        _coordinated(admin.remove_group_members, group, [MemberToRemove(member_id="nobody")])
    except GroupAuthorizationFailedError:
        return set()
    except UnknownMemberIdError:
        pass
    return {"READ"}


def _coordinated(ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of a group's coordinator.

    The first question about any group makes a new cluster create the topic of the groups, which takes a moment.
    """
    from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

    deadline = time.monotonic() + _COORDINATOR_S
    while True:
        try:
            return ask(*arguments)
        except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
