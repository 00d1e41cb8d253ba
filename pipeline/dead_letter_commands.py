"""`wirefuse dead-letters`."""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import orjson

from pipeline.broker.errors import BrokerError
from pipeline.dead_letters import Letter, drop, letters, read, replay
from pipeline.settings import Settings

_PREVIEW_BYTES = 4000
_DETAIL_CHARS = 80
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class LetterId(click.ParamType):
    """`partition:offset`."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"\d+:\d+", str(value), re.ASCII):
            self.fail(f"{value!r} is no id of a dead letter, which looks like 3:17", param, ctx)
        return str(value)


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--kind", help="Only this kind of error, e.g. schema or crash_loop.")(command)
    return click.option("--stage", help="Only those of this stage, e.g. dedup or producer.")(command)


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, replay or drop dead letters.

    An input that cannot be processed does not stop the chain: its bytes go to the topic dead-letter with the reason,
    and wait there for a person (topics.dead_letter_retention_days). Each has an id, partition:offset.
    """


@dead_letters.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Show this many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def list_(settings: Settings, stage: str | None, kind: str | None, limit: int, as_json: bool) -> None:
    """List them, oldest first. Replayed and dropped ones are left out."""
    found = _select(settings, stage, kind)
    shown = found[-limit:]
    if as_json:
        for letter in shown:
            click.echo(orjson.dumps(_plain(letter)))
        return
    for line in _table(shown):
        click.echo(line)
    if len(shown) < len(found):
        click.echo(f"{len(found)} dead letters, the newest {len(shown)} shown", err=True)
    elif not found:
        click.echo("no dead letters", err=True)


@dead_letters.command()
@click.argument("id", type=LetterId())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the value in base64.")
@click.option("--raw", is_flag=True, help="Print the value's bytes as they are and nothing else.")
@click.pass_obj
def show(settings: Settings, id: str, as_json: bool, raw: bool) -> None:
    """Show one: what went wrong, its headers, and the beginning of its value."""
    if as_json and raw:
        raise click.UsageError("--json or --raw, not both")
    letter = _find(settings, [id])[0]
    record = read(settings, letter)
    value: bytes = record.value or b""
    if raw:
        click.echo(value, nl=False)
        return
    if as_json:
        whole = _plain(letter) | {
            "key": None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
            "headers": [[name, (data or b"").decode("utf-8", "backslashreplace")] for name, data in record.headers],
            "value_base64": base64.b64encode(value).decode(),
        }
        click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
        return
    for name, field in _plain(letter).items():
        if field is not None:
            click.echo(f"{name:17} {printable(str(field))}")
    click.echo(f"{'key':17} {printable((record.key or b'').decode('utf-8', 'backslashreplace'))}")
    for name, data in record.headers:
        click.echo(f"{'header':17} {printable(name)}: {printable((data or b'').decode('utf-8', 'backslashreplace'))}")
    click.echo()
    click.echo(printable(value[:_PREVIEW_BYTES].decode("utf-8", "backslashreplace")))
    if len(value) > _PREVIEW_BYTES:
        click.echo(f"... {len(value) - _PREVIEW_BYTES} more bytes; --raw prints them all")


@dead_letters.command("replay")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=LetterId())
@click.option("--all", "every", is_flag=True, help="All of them, or all that --stage and --kind choose.")
@_filters
@click.pass_obj
@click.pass_context
def replay_(
    context: click.Context, settings: Settings, ids: tuple[str, ...], every: bool, stage: str | None, kind: str | None
) -> None:
    """Give them back to the chain: publish the original into raw again, in its edition.

    Do so when the reason is gone, e.g. after an upgrade. Only what came from raw can be replayed: an item that was
    refused before it got there is mended in its file and published again. Exit code 1: one of the given IDs was
    not replayed.
    """
    chosen = _chosen(settings, ids, every, stage, kind)
    result = replay(settings, chosen)
    for id, why in result.refused:
        click.echo(f"{id} not replayed: {printable(why)}", err=True)
    click.echo(f"replayed {len(result.replayed)} of {len(chosen)}")
    if ids and result.refused:
        context.exit(1)


@dead_letters.command("drop")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=LetterId())
@click.option("--all", "every", is_flag=True, help="All of them, or all that --stage and --kind choose.")
@_filters
@click.pass_obj
def drop_(settings: Settings, ids: tuple[str, ...], every: bool, stage: str | None, kind: str | None) -> None:
    """Set them aside as dealt with: they are not listed any more.

    Their bytes stay in the topic until its retention takes them (topics.dead_letter_retention_days).
    """
    chosen = _chosen(settings, ids, every, stage, kind)
    if chosen:
        drop(settings, chosen)
    click.echo(f"dropped {len(chosen)}")


def printable(text: str) -> str:
    """Text of unknown origin with control characters spelled out: it must not steer the terminal it is shown on."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _select(settings: Settings, stage: str | None, kind: str | None) -> list[Letter]:
    return [x for x in letters(settings) if stage in (None, x.stage) and kind in (None, x.kind)]


def _chosen(
    settings: Settings, ids: Sequence[str], every: bool, stage: str | None, kind: str | None
) -> Sequence[Letter]:
    if bool(ids) == every:
        raise click.UsageError("name the ids of dead letters, or --all")
    if every:
        return _select(settings, stage, kind)
    if stage or kind:
        raise click.UsageError("--stage and --kind choose among --all; ids are chosen already")
    return _find(settings, ids)


def _find(settings: Settings, ids: Sequence[str]) -> list[Letter]:
    known = {letter.id: letter for letter in letters(settings)}
    missing = [id for id in ids if id not in known]
    if missing:
        raise BrokerError(
            f"no dead letter {', '.join(missing)}: unknown, expired, or replayed or dropped already "
            "(`wirefuse dead-letters list` shows what there is)"
        )
    return [known[id] for id in dict.fromkeys(ids)]


def _plain(letter: Letter) -> dict[str, Any]:
    return {"id": letter.id} | dataclasses.asdict(letter)


def _table(found: Sequence[Letter]) -> Iterator[str]:
    if not found:
        return
    rows: list[Sequence[str]] = [("ID", "TIME", "STAGE", "KIND", "TRIES", "BYTES", "FROM", "DETAIL")]
    for x in found:
        detail = x.detail if len(x.detail) <= _DETAIL_CHARS else x.detail[: _DETAIL_CHARS - 1] + "…"
        time = f"{x.time:%Y-%m-%d %H:%M:%S}Z"
        cells = (x.id, time, x.stage, x.kind, str(x.attempts), str(x.size), x.origin, " ".join(detail.split()))
        rows.append([printable(cell) for cell in cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
