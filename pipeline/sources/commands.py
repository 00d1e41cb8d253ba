"""`wirefuse publish` and `wirefuse feeds`."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.claim import claim
from pipeline.codec import encode
from pipeline.process_name import checked_option
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.health import HealthServer
    from pipeline.metrics import Metrics
    from pipeline.sources.files import FileReport
    from pipeline.sources.session import Outcome


class _Speed(click.ParamType):
    name = "N|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or value == "max":
            return None
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(f"{value!r} is neither a number above 0 nor max", param, ctx)
        return speed


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH...")
@click.option(
    "--speed",
    type=_Speed(),
    default="max",
    show_default=True,
    help="Replay with the gaps between publication times divided by N, or as fast as possible.",
)
@click.option("--again", is_flag=True, help="Publish files from their beginning, even if they were published before.")
@click.option("--follow", is_flag=True, help="Do not end: publish what is added to the files and folders.")
@click.option("--edition", type=click.IntRange(min=0), help="Edition to publish into.  [default: producer.edition]")
@click.option("--json", "as_json", is_flag=True, help="Write the summary as JSON to standard output.")
@click.pass_obj
def publish(
    settings: Settings,
    paths: tuple[Path, ...],
    speed: float | None,
    again: bool,
    follow: bool,
    edition: int | None,
    as_json: bool,
) -> None:
    """Publish files, or all files of folders, in the order of their names.

    Understood are JSON lines (.jsonl, .ndjson, .json), plain text (.txt: one file, one article), RSS and Atom (.rss,
    .atom, .xml), each also compressed with gzip. docs/wire-formats.md says what becomes of every field.

    \b
    An item that cannot be read becomes a dead letter with its file and line.
    What the broker has acknowledged is remembered: a file that was published is
    skipped, one that has grown is continued, one that was interrupted goes on. With --follow, /metrics is served.

    \b
    Exit codes: 0 done (dead letters included), 1 a file or the broker failed,
    2 wrong usage or settings, 130 interrupted with Ctrl-C, 143 with SIGTERM
    (which is how --follow ends, with 0).
    """
    from pipeline.metrics import Metrics
    from pipeline.sources.destination import Stopped
    from pipeline.sources.files import FilePublisher, FileReport, sizes
    from pipeline.sources.pace import Pacer
    from pipeline.sources.progress import display
    from pipeline.sources.session import Outcome, publishing
    from pipeline.sources.signals import stop_on_signals

    _quiet_kafka()
    started = time.monotonic()
    outcome, report, metrics = Outcome(), FileReport(), Metrics()
    unfinished = False
    serving = _served(settings, "publish", metrics) if follow else nullcontext()
    with stop_on_signals() as stop, serving, display(sizes(paths), outcome.counts) as shown:
        try:
            with publishing(settings, edition, outcome=outcome, say=shown.say, stop=stop, metrics=metrics) as (
                publisher,
                cursors,
            ):
                job = FilePublisher(
                    publisher,
                    cursors,
                    settings.producer,
                    Pacer(speed, time.monotonic),
                    report=report,
                    again=again,
                    follow=follow,
                    on_item=shown.item,
                    on_file=shown.file,
                    say=shown.say,
                )
                job.follow(paths) if follow else job.publish(paths)
        except Stopped:
            unfinished = not follow  # what was acknowledged is remembered
    if as_json:
        files_ = {"published": report.published, "skipped": report.skipped, "failed": report.failed}
        click.echo(encode(_totals(outcome, started) | {"files": files_}).decode())
    else:
        for line in _lines(outcome, started) + _file_lines(report):
            click.echo(line)
    if unfinished and stop.signal is not None:
        sys.exit(128 + stop.signal)  # a job that was told to end before it was done must not look done
    sys.exit(stop.exit_code or (1 if report.failed else 0))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.toml")
@click.option("--once", is_flag=True, help="Look at every source once, publish what is new, and end.")
@click.option("--edition", type=click.IntRange(min=0), help="Edition to publish into.  [default: producer.edition]")
@click.option("--json", "as_json", is_flag=True, help="Write a summary as JSON to standard output at the end.")
@click.option("--name", default="feeds", show_default=True, callback=checked_option, help="Name of this process.")
@click.pass_obj
def feeds(settings: Settings, file: Path, once: bool, edition: int | None, as_json: bool, name: str) -> None:
    """Follow RSS and Atom feeds and watched folders until stopped.

    \b
    FILE.toml lists them:
        [[feed]]
        name = "norr"
        url = "https://norr.example/atom.xml"
        interval_s = 120      # default: producer.poll_interval_s
        quiet_after_s = 14400 # alert after this silence; default: producer.quiet_after_s
        provider = "Norr"     # default: the name
        [[folder]]
        name = "drop"
        path = "incoming"     # relative to the folder of FILE.toml
        interval_s = 5
        links = true          # also files that are symbolic links; default: false

    An entry is published when it is new or its content has changed; a file when it has stopped changing. What was
    acknowledged is remembered by the source's name. Processes that follow different lists with one data directory need
    names of their own.

    \b
    Exit codes: 0 stopped with SIGTERM, or --once and all sources were read; 1 the broker failed, or --once and a
    source failed; 2 wrong usage or settings; 130 interrupted with Ctrl-C.
    """
    from pipeline.metrics import Metrics
    from pipeline.sources.destination import Stopped
    from pipeline.sources.feed_config import load_sources
    from pipeline.sources.following import Following
    from pipeline.sources.session import Outcome, publishing
    from pipeline.sources.signals import stop_on_signals

    _quiet_kafka()
    config = load_sources(file, settings.producer)
    started = time.monotonic()
    outcome, failed, metrics = Outcome(), set[str](), Metrics()
    say = partial(click.echo, err=True)
    taken = f"{name} runs already with this data directory; give this one another --name"
    alone = nullcontext() if once else claim(settings.state_dir / f"{name}.lock", taken)
    with stop_on_signals() as stop, alone, nullcontext() if once else _served(settings, name, metrics):
        try:
            with publishing(settings, edition, outcome=outcome, say=say, stop=stop, metrics=metrics) as (
                publisher,
                cursors,
            ):
                following = Following(config, publisher, cursors, settings, metrics=metrics, say=say)
                failed = following.failed
                following.run(once=once)
        except Stopped:
            pass  # what was acknowledged is remembered
    if as_json:
        click.echo(encode(_totals(outcome, started) | {"failed": sorted(failed)}).decode())
    else:
        for line in _lines(outcome, started):
            click.echo(line)
    sys.exit(stop.exit_code or (1 if once and failed else 0))


def _totals(outcome: Outcome, started: float) -> dict[str, Any]:
    """What both commands report, for a program."""
    counts = outcome.counts
    return {
        "sent": counts.sent,
        "dead_letters": dict(sorted(counts.dead_letters.items())),
        "ignored_fields": dict(sorted(counts.problems.items())),
        "not_acknowledged": outcome.unsent,
        "seconds": round(time.monotonic() - started, 3),
    }


def _lines(outcome: Outcome, started: float) -> list[str]:
    """The same for a person."""
    from pipeline.sources.progress import rate

    counts, seconds = outcome.counts, time.monotonic() - started
    lines = [f"{rate(counts, seconds)} ({seconds:.1f} s)"]
    if counts.dead_letters:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.dead_letters.items()))
        lines.append(f"dead letters: {kinds}; see `wirefuse dead-letters list`")
    if counts.problems:
        names = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.problems.items()))
        lines.append(f"fields left out because their value could not be used: {names}")
    if outcome.unsent:
        lines.append(f"{outcome.unsent:,} items were not acknowledged; they are sent again next time")
    return lines


def _file_lines(report: FileReport) -> list[str]:
    lines = [f"failed: {name}: {reason}" for name, reason in report.failed.items()]
    if report.skipped:
        were = "file was" if report.skipped == 1 else "files were"
        lines.append(f"{report.skipped:,} {were} published before and skipped; --again publishes them again")
    return lines


def _served(settings: Settings, name: str, metrics: Metrics) -> HealthServer:
    """The HTTP side of a producer that runs on; it has no state, so its health is that it answers."""
    from pipeline import __version__
    from pipeline.health import HealthServer
    from pipeline.sources.messages import STAGE

    metrics.gauge("build_info").labels(__version__, STAGE).set(1)
    metrics.gauge("ready").labels(STAGE).set(1)
    return HealthServer(settings, name, metrics, lambda: None, lambda: None)


def _quiet_kafka() -> None:
    # It logs every failed try at error; what a person must know, the publisher says.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
