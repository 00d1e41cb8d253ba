"""`wirefuse acls`."""

from __future__ import annotations

from collections.abc import Sequence

import click
import orjson

from pipeline.broker.acls import ROLES, Acl, Role, kafka_acls_commands, principals
from pipeline.broker.acls import acls as acls_of
from pipeline.settings import Settings

_NO_ADDRESS = "HOST:PORT"


@click.group()
def acls() -> None:
    """Show or set the rights that each stage needs on a cluster.

    One principal per role, and exactly the rights that its code uses: producer, dedup, entities, incidents, sink, and
    operator, who creates topics, looks after dead letters, publishes editors' words and runs `wirefuse doctor`.
    """


def _options(command: click.decorators.FC) -> click.decorators.FC:
    for decorate in (
        click.argument("roles", nargs=-1, type=click.Choice(ROLES), metavar="[ROLE]..."),
        click.option(
            "--principal",
            "given",
            multiple=True,
            metavar="ROLE=NAME",
            help="Name of a role's principal, e.g. sink=CN=sink,O=Norr.  [default: wirefuse-ROLE]",
        ),
    ):
        command = decorate(command)
    return command


@acls.command()
@_options
@click.option("--format", "form", type=click.Choice(["kafka-acls", "json"]), default="kafka-acls", show_default=True)
@click.pass_obj
def show(settings: Settings, roles: Sequence[Role], given: Sequence[str], form: str) -> None:
    """Print the rights of ROLEs, of all without any: as commands of Kafka's own kafka-acls, or as a JSON array.

    The names of topics and groups begin with topics.prefix. Nothing is asked of the cluster.
    """
    wanted, names = _wanted(settings, roles), _names(given)
    if form == "json":
        rows = [
            {
                "role": a.role,
                "principal": names[a.role],
                "resource": a.resource,
                "name": a.name,
                "pattern": "literal",
                "operation": a.operation,
                "host": "*",
            }
            for a in wanted
        ]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    for line in kafka_acls_commands(wanted, names, settings.broker.bootstrap or _NO_ADDRESS):
        click.echo(line)


@acls.command()
@_options
@click.pass_obj
def apply(settings: Settings, roles: Sequence[Role], given: Sequence[str]) -> None:
    """Grant the rights of ROLEs, of all without any, on the cluster.

    Needs the right to ALTER the cluster, which no role has: run it as the cluster's administrator. Rights that are
    there already are left; none is taken away.
    """
    from pipeline.broker.acl_admin import grant

    wanted = _wanted(settings, roles)
    grant(settings, wanted, _names(given))
    click.echo(f"{len(wanted)} rights of {', '.join(roles or ROLES)} are granted")


def _wanted(settings: Settings, roles: Sequence[Role]) -> list[Acl]:
    return [acl for role in roles or ROLES for acl in acls_of(settings, role)]


def _names(given: Sequence[str]) -> dict[Role, str]:
    named: dict[Role, str] = {}
    for text in given:
        name, _, principal = text.partition("=")
        role = next((r for r in ROLES if r == name), None)
        if role is None or not principal:
            raise click.UsageError(f"--principal {text}: write ROLE=NAME; the roles are {', '.join(ROLES)}")
        named[role] = principal
    return principals(named)
