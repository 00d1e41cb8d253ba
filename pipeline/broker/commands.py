"""`wirefuse broker` and `wirefuse topics`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
import orjson

from pipeline.broker.jars import KAFKA_VERSION, Progress
from pipeline.broker.local import LocalBroker
from pipeline.settings import Settings

EXIT_NOT_RUNNING = 3
"""As service managers count: the program is not running."""
EXIT_NOT_ANSWERING = 1


@click.group()
def broker() -> None:
    """Start, stop or look at the local Kafka broker.

    A real Apache Kafka of one node, for a machine that has no other: it listens on 127.0.0.1 alone and keeps its data
    under the data directory (setting data.dir). The first start downloads Kafka, 44 MB, into the user's cache.

    To use another cluster, set WIREFUSE_BROKER=host:port[,host:port]; then no local broker is needed.
    """


@broker.command()
@click.pass_obj
def start(settings: Settings) -> None:
    """Start it, and return when it answers.

    It runs until `wirefuse broker stop`. Starting one that runs is no error. Settings: broker.local_port, broker.java,
    topics.max_message_bytes, data.dir.
    """
    local = LocalBroker.from_settings(settings, detached=True)
    address = local.address()
    if address is not None:
        click.echo(f"Kafka is running already at {address}.")
    else:
        with show_progress() as progress:
            local.progress = progress
            address = local.start()
        click.echo(f"Kafka {KAFKA_VERSION} runs at {address}; its data is in {local.directory}.")
    if settings.broker.bootstrap:
        click.echo(
            f"Note: broker.bootstrap is {settings.broker.bootstrap} ({settings.origin['broker.bootstrap']}), so "
            "Wirefuse does not use this broker.",
            err=True,
        )


@broker.command()
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="Then it is killed.")
@click.pass_obj
def stop(settings: Settings, timeout: float) -> None:
    """Stop it, after it has written everything down.

    Its data stays and is there at the next start. Stopping one that does not run is no error.
    """
    local = LocalBroker.from_settings(settings)
    click.echo("Kafka has stopped." if local.stop(timeout) else f"No broker runs in {local.directory}.")


@broker.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Say whether it runs, where, and whether it answers.

    \b
    Exit codes: 0 it answers, 1 it runs and does not answer, 3 it does not run.
    """
    found = LocalBroker.from_settings(context.obj).status()
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    elif not found.running:
        click.echo(f"No broker runs in {found.directory}; `wirefuse broker start` starts one.")
    else:
        state = "answers" if found.answering else "DOES NOT ANSWER"
        click.echo(f"Kafka {found.kafka_version} {state} at {found.bootstrap} (process {found.pid}, {found.directory})")
    if not found.answering:
        context.exit(EXIT_NOT_ANSWERING if found.running else EXIT_NOT_RUNNING)


@click.group()
def topics() -> None:
    """Create or describe the topics.

    Their names begin with topics.prefix; partitions and retention come from the settings in [topics]. The commands that
    run the chain create what is missing by themselves.
    """


@topics.command()
@click.option("--alter", is_flag=True, help="Also set the configuration of existing topics to what the settings say.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def create(settings: Settings, alter: bool, as_json: bool) -> None:
    """Create the topics that are missing.

    Existing ones are left as they are, unless --alter is given; differences to the settings are told. Another number
    of editions than the settings say is an error: it cannot be changed once the topics are there.
    """
    from pipeline.broker.admin import ensure_topics

    report = ensure_topics(settings, alter=alter)
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    for name in report.created:
        click.echo(f"created {name}")
    for name in report.altered:
        click.echo(f"altered {name}")
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if not report.created and not report.altered:
        click.echo(f"all {len(report.topics)} topics are there")


@topics.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.pass_obj
def describe(settings: Settings, as_json: bool) -> None:
    """Show each topic: partitions, replicas, clean-up, retention, records, and what a record is."""
    from pipeline.broker.admin import describe_topics

    states = describe_topics(settings)
    if as_json:
        click.echo(orjson.dumps([dataclasses.asdict(s) for s in states], option=orjson.OPT_INDENT_2))
        return
    rows = [("TOPIC", "PARTITIONS", "REPLICAS", "CLEAN-UP", "RETENTION", "RECORDS", "KEY", "VALUE")]
    for s in states:
        if s.exists:
            how = (str(s.partitions), str(s.replication), s.config["cleanup.policy"], _retention(s.config))
            rows.append((s.name, *how, str(s.records), s.key, s.record))
        else:
            rows.append((s.name, "missing", "", "", "", "", s.key, s.record))
    for line in _aligned(rows):
        click.echo(line)


def _retention(config: dict[str, str]) -> str:
    """In days, or "-" where compaction alone decides."""
    return f"{int(config['retention.ms']) / 86_400_000:g} d" if "retention.ms" in config else "-"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Shows the download and start of Kafka on standard error: live on a terminal, plain lines elsewhere."""
    if sys.stderr.isatty():
        yield from _live()
    else:
        yield _say


def _say(done: int, total: int, name: str) -> None:
    # A line for every file would fill a log; the first tells that something is going on.
    if done == 1 or done % 10 == 0 or done == total:
        click.echo(f"downloading Kafka {KAFKA_VERSION}: {done} of {total} files ({name})", err=True)


def _live() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting Kafka", total=None)

        def progress(done: int, total: int, name: str) -> None:
            described = f"downloading Kafka {KAFKA_VERSION}" if done < total else "starting Kafka"
            bar.update(task, description=described, completed=done, total=total)

        yield progress
