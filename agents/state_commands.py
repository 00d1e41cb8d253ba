"""`wirefuse state`."""

from __future__ import annotations

import asyncio
import dataclasses

import click
import orjson

from agents import state_check, state_rebuild
from pipeline.cli import EXIT_FAILED
from pipeline.settings import Settings
from pipeline.sink.base import display_url

_CLEAR = click.option(
    "--clear-store",
    is_flag=True,
    help="Empty the sink's store first. Without it, what is there stays: of an input it takes the first decision.",
)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def state() -> None:
    """Check what the stages remember, or make it anew.

    Dedup and the ledger are nothing but the fold of their decision logs (topics dedup-log and incident-log).
    """


@state.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: figures, problems, notes.")
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Read the decision logs and say whether they are whole and agree with each other and with the sink.

    Changes nothing and may run beside the stages. The sink is compared when nothing is on its way to it. Exit code 1
    when there is a problem.
    """
    settings: Settings = context.obj
    report = asyncio.run(state_check.verify(settings))
    if as_json:
        click.echo(orjson.dumps(dataclasses.asdict(report), option=orjson.OPT_INDENT_2))
    else:
        for line in report.figures:
            click.echo(line)
        for line in report.notes:
            click.echo(f"note: {line}")
        for line in report.problems:
            click.echo(f"PROBLEM: {line}")
        click.echo(f"{len(report.problems)} problems" if report.problems else "no problem found")
    context.exit(EXIT_FAILED if report.problems else 0)


@state.command()
@_CLEAR
@_YES
@click.pass_obj
def rebuild(settings: Settings, clear_store: bool, yes: bool) -> None:
    """Forget every decision and let the stages decide anew about all articles that are still in raw.

    For a decision log that was lost or damaged, and for a version that decides otherwise: that one needs --clear-store,
    or the store becomes a mixture of old and new decisions. Stop all stages first, and start them again afterwards.
    Editors' words are in raw, too, and act again. Dead letters stay, and inputs that cannot be read become dead letters
    once more.
    """
    for edition, first in state_rebuild.first_of_raw(settings).items():
        if first > 0:
            click.echo(
                f"note: edition {edition}: what was before seq {first} is no longer in raw and will be forgotten",
                err=True,
            )
    _confirm(settings, "Forget every decision", clear_store, yes)
    state_rebuild.rebuild(settings, clear_store=clear_store)
    click.echo("Every decision is forgotten. Start the stages: they begin with the oldest article in raw.")


@state.command("replay-sink")
@_CLEAR
@_YES
@click.pass_obj
def replay_sink(settings: Settings, clear_store: bool, yes: bool) -> None:
    """Let the sink write everything again that the ledger has said: into a new store, or over a damaged one.

    Stop the sink first, and start it again afterwards. Older versions of articles that Kafka has compacted away are
    not written again; the newest of each are.
    """
    _confirm(settings, "Read the sink's inputs from their start", clear_store, yes)
    state_rebuild.replay_sink(settings, clear_store=clear_store)
    click.echo("Start the sink: it reads its inputs from their start.")


def _confirm(settings: Settings, what: str, clear_store: bool, yes: bool) -> None:
    if yes:
        return
    emptied = f", and empty {display_url(settings.sink_url)}" if clear_store else ""
    click.confirm(f"{what} (topics {settings.topics.prefix}*){emptied}?", abort=True)
