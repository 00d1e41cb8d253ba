"""Grants rights on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.broker.acls import Acl, Role
from pipeline.broker.client import bootstrap, client_options, explained
from pipeline.broker.errors import AccessDenied, BrokerError
from pipeline.broker.security import identity
from pipeline.settings import Settings


def grant(settings: Settings, wanted: Sequence[Acl], names: Mapping[Role, str]) -> None:
    """Create ACLs; one that is there already stays.

    Args:
        names: principal of each role, as Kafka names it.

    Raises:
        AccessDenied: we are not the cluster's administrator.
        BrokerError: the cluster cannot be reached, refuses, or knows no rights.
    """
    from kafka import KafkaAdminClient
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
    from kafka.errors import ClusterAuthorizationFailedError, SecurityDisabledError

    rows = [
        ACL(
            names[acl.role],
            "*",
            ACLOperation[acl.operation],
            ACLPermissionType.ALLOW,
            ResourcePattern(ResourceType[acl.resource.upper()], acl.name),
        )
        for acl in wanted
    ]
    address = bootstrap(settings)
    with explained(settings, address), KafkaAdminClient(**client_options(settings, address)) as admin:
        failed = admin.create_acls(rows)["failed"]
    if ClusterAuthorizationFailedError in failed:
        raise AccessDenied(
            f"{identity(settings)} is not allowed to ALTER the cluster at {address}; its administrator grants rights"
        )
    if SecurityDisabledError in failed:
        raise BrokerError(f"the Kafka cluster at {address} has no authorizer: everybody may do everything there")
    if failed:
        raise BrokerError(f"the Kafka cluster at {address} did not grant {len(failed)} rights: {failed[0]()}")
