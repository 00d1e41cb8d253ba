"""`wirefuse doctor`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import orjson

from agents.progress import watching
from pipeline.broker.acls import ROLES, Role
from pipeline.broker.client import bootstrap, explained
from pipeline.broker.errors import BrokerError
from pipeline.doctor import cluster, machine
from pipeline.doctor.finding import Finding, fail, skip
from pipeline.settings import Settings

_OF_CLUSTER = ("topics", "rights", "clock", "groups")
_MARKS = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "skip"}


@click.command()
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES),
              help="Ask for the rights of this role, with the login of the settings. May be repeated.")  # fmt: skip
@click.option("--feeds", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.toml",
              help="Look at a file of `wirefuse feeds`, too.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array: check, status, text, advice.")
@click.pass_context
def doctor(context: click.Context, roles: Sequence[Role], feeds: Path | None, as_json: bool) -> None:
    """Look at everything that the chain needs, and say what is wrong and what to do. Changes nothing.

    Settings, disk, entity model, sink, broker with TLS and login, topics, rights, clock, workers and their lag.

    \b
    Exit codes: 0 nothing fails (warnings included), 1 something does, 2 wrong usage or settings.
    """
    settings: Settings = context.obj
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it finds, the findings say
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = []
    for finding in examine(settings, roles, feeds):
        found.append(finding)
        if not as_json:
            click.echo(_line(finding))
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    if any(finding.status == "fail" for finding in found):
        context.exit(1)


def examine(settings: Settings, roles: Sequence[Role] = (), feeds: Path | None = None) -> Iterator[Finding]:
    """All findings, each as soon as it is there."""
    yield from machine.check_settings(settings)
    yield from machine.check_disk(settings)
    yield from machine.check_model(settings)
    yield from machine.check_sink(settings)
    if feeds is not None:
        yield from machine.check_feeds(settings, feeds)
    reached = False
    for finding in cluster.check_broker(settings):
        reached = reached or finding.status == "ok"
        yield finding
    if not reached:
        for check in _OF_CLUSTER:
            yield skip(check, "no broker lets us in")
        return
    try:
        yield from _of_cluster(settings, roles)
    except BrokerError as e:
        yield fail("broker", str(e), "see whether it is still there, and look again")


def _of_cluster(settings: Settings, roles: Sequence[Role]) -> Iterator[Finding]:
    complete = True
    for finding in cluster.check_topics(settings):
        complete = complete and finding.status in ("ok", "warn")
        yield finding
    yield from cluster.check_rights(settings, roles)
    yield from cluster.check_clock(settings)
    if complete:
        with explained(settings, bootstrap(settings)), watching(settings) as progress:
            waiting = {stage.stage: stage.waiting for stage in progress.stages()}
        yield from cluster.check_groups(settings, waiting)
    else:
        yield skip("groups", "lag can be told when the topics are right")


def _line(finding: Finding) -> str:
    advice = f". To do: {finding.advice}" if finding.advice else ""
    return f"{_MARKS[finding.status]:4}  {finding.check:8}  {finding.text}{advice}"
