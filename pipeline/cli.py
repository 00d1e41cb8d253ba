"""The command line: `wirefuse COMMAND`. Each command lives beside the code that it drives and is loaded when used."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from pipeline import __version__, interrupts
from pipeline.broker.errors import EXIT_REFUSED, AccessDenied
from pipeline.errors import SettingsError, WirefuseError
from pipeline.settings import catalogue, load

EXIT_USAGE = 2
EXIT_FAILED = 1

# command -> module:attribute, and the line that --help shows. Loading one command must not import Faust or spaCy
# for another.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("agents.commands:demo", "Run the whole chain on the demo wire and show what comes out."),
    "up": ("agents.commands:up", "Run everything on this machine, with a live status."),
    "worker": ("agents.commands:worker", "Run one stage: dedup, entities, incidents or sink."),
    "publish": ("pipeline.sources.commands:publish", "Publish files or folders of articles."),
    "feeds": ("pipeline.sources.commands:feeds", "Follow RSS and Atom feeds and watched folders."),
    "broker": ("pipeline.broker.commands:broker", "Start, stop or look at the local Kafka broker."),
    "topics": ("pipeline.broker.commands:topics", "Create or describe the topics."),
    "acls": ("pipeline.broker.acl_commands:acls", "Show or set the rights that each stage needs on a cluster."),
    "offline": ("pipeline.offline:offline", "Run the same decisions on files, without Kafka."),
    "evaluate": ("pipeline.evaluate.commands:evaluate", "Score dedup, entities or incidents against labelled data."),
    "annotate": ("pipeline.entities.commands:annotate", "Find the entities in texts."),
    "train": ("pipeline.train_commands:train", "Train what ships: entities, vectors, incidents."),
    "incidents": ("pipeline.editor_commands:incidents", "List, show and edit incidents."),
    "articles": ("pipeline.sink.commands:articles", "Show articles."),
    "copies": ("pipeline.sink.commands:copies", "Show who carried a text, and with which edits."),
    "dead-letters": ("pipeline.dead_letter_commands:dead_letters", "List, show, replay or drop dead letters."),
    "state": ("agents.state_commands:state", "Check what the stages remember, or make it anew."),
    "health": ("pipeline.health_command:health", "Ask the running processes how they are."),
    "doctor": ("agents.doctor:doctor", "Look at everything that the chain needs, and say what to do."),
    "config": ("pipeline.config_commands:config", "Show the settings in force and where each came from."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wirefuse")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file (TOML). Default: $WIREFUSE_CONFIG, else ./wirefuse.toml if it is there.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    help="Override one setting, e.g. --set broker.bootstrap=host:9092. May be repeated.",
)
@click.pass_context
def root(ctx: click.Context, config_file: Path | None, overrides: tuple[str, ...]) -> None:
    """Wirefuse: live news wires in, incidents out.

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 70 a worker that stopped itself, 77 the cluster does not
    let us in or does not allow it.
    """
    secrets = {info.name: info.env for info in catalogue().values() if info.secret == "all"}
    flags = {}
    for text in overrides:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"--set {text}: write NAME=VALUE")
        if name.strip() in secrets:
            raise click.UsageError(
                f"--set {name}: everybody on this machine can read a command line; use {secrets[name.strip()]} or, "
                f"better, {name}_file"
            )
        flags[name.strip()] = value
    ctx.obj = load(config_file, flags=flags)


def main() -> None:
    """Entry point of the `wirefuse` command."""
    _heed_sigterm()
    interrupts.heed(signal.SIGINT)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding, and text of any wire
    try:
        # A command that calls `ctx.exit(code)` returns the code here.
        code = root(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except SettingsError as e:
        click.echo(f"settings: {e}", err=True)
        sys.exit(EXIT_USAGE)
    except AccessDenied as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(EXIT_REFUSED)
    except WirefuseError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(EXIT_FAILED)


def _heed_sigterm() -> None:
    """As process 1 of a container, end on SIGTERM also where no command has a handler of its own (yet).

    The kernel spares process 1 the signals that it has not asked for, and the container would be killed much later.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


if __name__ == "__main__":
    main()
