"""`wirefuse worker`, `wirefuse up` and `wirefuse demo`."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path

import click

from agents import demo as demo_run
from agents import up as up_run
from agents.supervisor import end_with_parent
from pipeline import interrupts
from pipeline.process_name import checked_option
from pipeline.settings import Settings, as_environment

STAGES = ("dedup", "entities", "incidents", "sink")


@click.command()
@click.argument("stage", type=click.Choice(STAGES))
@click.option("--name", callback=checked_option, help="Name of this worker among those of its stage. Default: STAGE-0.")
@click.pass_obj
def worker(settings: Settings, stage: str, name: str | None) -> None:
    """Run one stage until it is told to stop (SIGTERM, Ctrl-C).

    The same as `faust -A agents.STAGE worker -l info`. Workers of one stage on one machine need names of their own.

    \b
    dedup, incidents   one works per edition, others stand by
    entities           as many as topics.unique_partitions
    sink               one
    """
    os.environ.update(as_environment(settings))
    if name:
        os.environ["WIREFUSE_WORKER"] = name
    end_with_parent()
    module = importlib.import_module(f"agents.{stage}")
    # Faust must be told info: at any calmer level its spinner sets the root logger to debug. Ours is in logs.config.
    sys.argv = ["wirefuse", "--quiet", "worker", "-l", "info", "--without-web"]
    try:
        module.app.main()
    except SystemExit:
        if module.app.refusal is not None:
            raise module.app.refusal from None
        raise


@click.command()
@click.option("--entity-workers", default=1, show_default=True, help="Processes that run the entities stage.")
@click.pass_obj
def up(settings: Settings, entity_workers: int) -> None:
    """Run everything on this machine: a local broker unless one is configured, all stages, the sink.

    Shows a live status; Ctrl-C stops all of it in good order. A worker that dies is started again, with growing waits.
    """
    interrupts.heed(signal.SIGTERM)  # as Ctrl-C: what was started is stopped
    interrupts.check()
    up_run.run(settings, entity_workers)


@click.command()
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path), default=Path(".wirefuse/demo"),
              show_default=True, help="Where the demo keeps its data; emptied first.")  # fmt: skip
@click.option("--wire", "wires", multiple=True, type=click.Path(exists=True, path_type=Path),
              help="Publish these files instead of the demo wire. May be repeated.")  # fmt: skip
@click.pass_obj
def demo(settings: Settings, directory: Path, wires: tuple[Path, ...]) -> None:
    """Run the whole chain on the demo wire and show what comes out.

    Starts a Kafka broker of its own and every stage, publishes real and written articles, waits until the sink holds
    everything, shows the incidents, and stops all that it started.
    """
    interrupts.heed(signal.SIGTERM)  # as Ctrl-C: what was started is stopped
    interrupts.check()
    demo_run.run(settings, directory, wires)
