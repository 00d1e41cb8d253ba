"""Which outlets have one publisher: their reports count as one independent origin.

A TOML file, named by the setting `incidents.publishers`:

    [[publisher]]
    name = "Norr Media"
    outlets = ["Norr Post", "Norr Radio"]   # as `source` has them; case does not matter

None is shipped: who owns whom changes, and what counts as independent is for the desk to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.errors import SettingsError
from pipeline.toml_file import read_toml

Publishers = Mapping[str, str]
"""outlet, folded -> publisher, folded."""


@dataclass(frozen=True, slots=True)
class _Publisher:
    name: str
    outlets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    publisher: tuple[_Publisher, ...] = ()


def load_publishers(file: str) -> Publishers:
    """The table of a file; empty where no file is named.

    Raises:
        SettingsError: the file cannot be read, is no such table, or gives an outlet to two publishers.
    """
    if not file:
        return {}
    path = Path(file).expanduser()
    data = read_toml(path, f"incidents.publishers: {path}")
    for key in data.keys() - {"publisher"}:
        raise SettingsError(f"incidents.publishers: {path} has {key}: write [[publisher]] with name and outlets")
    try:
        found = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise SettingsError(f"incidents.publishers: {path}: {error}") from None
    table: dict[str, str] = {}
    for publisher in found.publisher:
        for outlet in publisher.outlets:
            other = table.setdefault(outlet.casefold(), publisher.name.casefold())
            if other != publisher.name.casefold():
                raise SettingsError(f"incidents.publishers: {path} gives {outlet} to {other} and to {publisher.name}")
    return table
