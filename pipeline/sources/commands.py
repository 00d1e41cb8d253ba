"""`wirefuse publish` and `wirefuse feeds`."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

import click

from pipeline.codec import encode
from pipeline.settings import Settings


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
    skipped, one that has grown is continued, one that was interrupted goes on.

    \b
    Exit codes: 0 done (dead letters included), 1 a file or the broker failed,
    2 wrong usage or settings, 130 interrupted with Ctrl-C.
    """
    from pipeline.sources.cursor import Cursors
    from pipeline.sources.destination import Stopped, destination
    from pipeline.sources.files import FilePublisher, FileReport
    from pipeline.sources.formats import files
    from pipeline.sources.pace import Pacer
    from pipeline.sources.progress import display
    from pipeline.sources.publisher import Counts, Publisher
    from pipeline.sources.signals import stop_on_signals

    _quiet_kafka()
    started = time.monotonic()
    counts, report, unsent = Counts(), FileReport(), 0
    edition = settings.producer.edition if edition is None else edition
    with stop_on_signals() as stop:
        sizes = {file: file.stat().st_size for path in paths for file in files(path) if file.exists()}
        with display(sizes, counts) as shown:
            try:
                target = destination(settings, edition, say=shown.say, stop=stop)
                cursors = Cursors.of(settings, target)
                publisher = Publisher(
                    settings, cursors.commit, edition=edition, say=shown.say, stop=stop, counts=counts
                )
                try:
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
                finally:
                    unsent = publisher.close()
                    cursors.close()
            except Stopped:
                pass
    seconds = time.monotonic() - started
    if as_json:
        summary = {
            "sent": counts.sent,
            "dead_letters": dict(sorted(counts.dead_letters.items())),
            "ignored_fields": dict(sorted(counts.problems.items())),
            "files": {"published": report.published, "skipped": report.skipped, "failed": report.failed},
            "not_acknowledged": unsent,
            "seconds": round(seconds, 3),
        }
        click.echo(encode(summary).decode())
    else:
        for line in _summary(counts, report, unsent, seconds):
            click.echo(line)
    sys.exit(stop.exit_code or (1 if report.failed else 0))


def _summary(counts: Any, report: Any, unsent: int, seconds: float) -> list[str]:
    from pipeline.sources.progress import rate

    lines = [f"{rate(counts, seconds)} ({seconds:.1f} s)"]
    if counts.dead_letters:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.dead_letters.items()))
        lines.append(f"dead letters: {kinds}; see `wirefuse dead-letters list`")
    if counts.problems:
        names = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.problems.items()))
        lines.append(f"fields left out because their value could not be used: {names}")
    if report.skipped:
        lines.append(f"{report.skipped:,} files skipped: published before; --again publishes them again")
    for name, reason in report.failed.items():
        lines.append(f"failed: {name}: {reason}")
    if unsent:
        lines.append(f"{unsent:,} items were not acknowledged; they are sent again next time")
    return lines


def _quiet_kafka() -> None:
    # It logs every failed try at error; what a person must know, the publisher says.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
