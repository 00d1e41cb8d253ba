"""`wirefuse config`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import orjson

from pipeline.errors import SettingsError
from pipeline.settings import DEFAULT_FILE, SettingInfo, Settings, catalogue, masked, settings_file

_DEFAULT = "default"


@click.group()
def config() -> None:
    """Show the settings in force and where each came from.

    \b
    A setting comes from, the later over the earlier:
      its default
      the settings file: --config FILE, else $WIREFUSE_CONFIG, else ./wirefuse.toml
      its variable, WIREFUSE_SECTION_NAME
      --set section.name=VALUE
    """


@config.command()
@click.option("--changed", is_flag=True, help="Only those that a file, a variable or a flag sets.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: name -> value, origin, variable, ...")
@click.pass_obj
def show(settings: Settings, changed: bool, as_json: bool) -> None:
    """Print every setting: its value in force, and where that came from. Passwords are masked."""
    chosen = [info for info in catalogue().values() if not changed or info.name in settings.origin]
    if as_json:
        found = {info.name: _described(info, settings) for info in chosen}
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    rows = [(info.name, _text(info, settings), settings.origin.get(info.name, _DEFAULT)) for info in chosen]
    name, value = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    for row in rows:
        click.echo(f"{row[0]:{name}}  {row[1]:{value}}  {row[2]}")
    if not rows:
        click.echo("no file, variable or flag sets anything", err=True)


@config.command()
@click.pass_context
def path(context: click.Context) -> None:
    """Print the path of the settings file in force. Exit code 2: there is none."""
    file = settings_file(context.find_root().params.get("config_file"))
    if file is None:
        raise SettingsError(
            f"no settings file: write {DEFAULT_FILE} here, or name one with --config or WIREFUSE_CONFIG"
        )
    click.echo(str(file.absolute()))


@config.command()
def template() -> None:
    """Print a settings file with every setting, its meaning and its default, to begin your own with."""
    for line in _template():
        click.echo(line)


def _described(info: SettingInfo, settings: Settings) -> dict[str, Any]:
    value = info.value(settings)
    return {
        "value": value if info.secret == "no" else masked(info, value),
        "origin": settings.origin.get(info.name, _DEFAULT),
        "default": info.default,
        "variable": info.env,
        "help": info.help,
    }


def _text(info: SettingInfo, settings: Settings) -> str:
    value = info.value(settings)
    # As it is written in the settings file, so that text is told from a number and "" from nothing.
    return _toml(value if info.secret == "no" else masked(info, value))


def _toml(value: Any) -> str:
    # JSON's text, numbers and truth values are TOML's, too.
    return orjson.dumps(value).decode()


def _template() -> Iterator[str]:
    section = ""
    for info in catalogue().values():
        here, _, key = info.name.partition(".")
        if here != section:
            yield f"{chr(10) if section else ''}[{here}]"
            section = here
        yield f"# {info.help}"
        yield f"# {key} = {_toml(info.default)}"
