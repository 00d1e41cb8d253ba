"""The name of a process: files in the data directory bear it, and so do its log and its metrics."""

from __future__ import annotations

import re

import click

from pipeline.errors import SettingsError

_NAME = re.compile(r"\w[\w.-]{0,63}", re.ASCII)
_MUST = "letters, digits, dot, dash and underscore, 64 at most"


def checked(name: str, where: str) -> str:
    """The name, if a file may have it.

    Args:
        where: what gives it.

    Raises:
        SettingsError: it has other characters, or too many.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: {name!r} is no name of a process: {_MUST}")
    return name


def checked_option(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """The same of an option of a command; None where it is not given."""
    if name is not None and not _NAME.fullmatch(name):
        raise click.BadParameter(_MUST, context, option)
    return name
