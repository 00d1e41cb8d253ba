"""The file of `wirefuse feeds`: which feeds and folders to follow.

[[feed]]
name = "norr"                        # required; names must differ
url = "https://norr.example/atom"    # required
interval_s = 120                     # default: producer.poll_interval_s
quiet_after_s = 14400                # silence that raises an alert; default: producer.quiet_after_s; 0: never
provider = "Norr"                    # the wire of its articles; default: the name

[[folder]]
name = "drop"
path = "incoming"                    # relative to the file's own folder
interval_s = 5
provider = "Desk"                    # of items that say neither provider nor source; default: producer.provider
links = true                         # also files that are symbolic links; default: false
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from pipeline.errors import SettingsError
from pipeline.settings import Producer
from pipeline.toml_file import read_toml

_KEYS = {
    "feed": ("name", "url", "interval_s", "quiet_after_s", "provider"),
    "folder": ("name", "path", "interval_s", "quiet_after_s", "provider", "links"),
}
_SHORTEST_S = 0.1


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """A feed to follow; it is looked at every `interval_s` seconds."""

    name: str
    url: str
    interval_s: float
    provider: str
    quiet_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """A folder to watch; it is looked at every `interval_s` seconds.

    Attributes:
        links: files that are symbolic links are published too: whoever may write to the folder can then have any file
            published that this process may read.
    """

    name: str
    path: Path
    interval_s: float
    provider: str
    quiet_after_s: float = 0.0
    links: bool = False


@dataclass(frozen=True, slots=True)
class SourcesConfig:
    """All of them, in the order of the file."""

    feeds: tuple[FeedConfig, ...]
    folders: tuple[FolderConfig, ...]


def load_sources(file: Path, settings: Producer) -> SourcesConfig:
    """Read the file.

    Raises:
        SettingsError: it cannot be read, or a key is unknown, missing or of the wrong kind; the message says where.
    """
    tree = read_toml(file)
    for key in tree:
        if key not in _KEYS:
            raise SettingsError(f"{file}: {_unknown(key, list(_KEYS))}")
    entries = {kind: [_entry(file, kind, n, raw) for n, raw in _tables(file, tree, kind)] for kind in _KEYS}
    names = [entry.text("name") for kind in _KEYS for entry in entries[kind]]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{file}: two sources are called {name!r}: what was read of them is kept by name")
    if not names:
        raise SettingsError(f"{file}: no source: write at least one [[feed]] or [[folder]]")
    return SourcesConfig(
        tuple(
            FeedConfig(
                e.text("name"),
                e.url(),
                e.seconds("interval_s", settings.poll_interval_s, _SHORTEST_S),
                e.text("provider", e.text("name")),
                e.seconds("quiet_after_s", settings.quiet_after_s),
            )
            for e in entries["feed"]
        ),
        tuple(
            FolderConfig(
                e.text("name"),
                file.absolute().parent / Path(e.text("path")).expanduser(),
                e.seconds("interval_s", settings.poll_interval_s, _SHORTEST_S),
                e.text("provider", settings.provider),
                e.seconds("quiet_after_s", settings.quiet_after_s),
                e.flag("links"),
            )
            for e in entries["folder"]
        ),
    )


def _tables(file: Path, tree: dict[str, Any], kind: str) -> list[tuple[int, dict[str, Any]]]:
    tables = tree.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise SettingsError(f"{file}: write [[{kind}]] above each {kind}")
    return list(enumerate(tables, start=1))


def _entry(file: Path, kind: str, number: int, raw: dict[str, Any]) -> _Entry:
    entry = _Entry(f"{file}: {kind} {raw.get('name', number)}", raw)
    for key in raw:
        if key not in _KEYS[kind]:
            raise SettingsError(f"{entry.where}: {_unknown(key, list(_KEYS[kind]))}")
    return entry


def _unknown(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"{key} is unknown; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One table of the file, and what it is called in messages."""

    where: str
    raw: dict[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if value is None:
            raise SettingsError(f"{self.where}: {key} is missing")
        if not isinstance(value, str) or (not value.strip() and key in self.raw):
            raise SettingsError(f"{self.where}: {key} must be text, not {value!r}")
        return value

    def flag(self, key: str) -> bool:
        value = self.raw.get(key, False)
        if not isinstance(value, bool):
            raise SettingsError(f"{self.where}: {key} must be true or false, not {value!r}")
        return value

    def url(self) -> str:
        text = self.text("url")
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as e:
            raise SettingsError(f"{self.where}: url {text!r}: {e}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise SettingsError(f"{self.where}: url must begin with http:// or https://, not {text!r}")
        return text

    def seconds(self, key: str, default: float, least: float = 0.0) -> float:
        value = self.raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise SettingsError(f"{self.where}: {key} must be a number of seconds, not {value!r}")
        if value < least:
            raise SettingsError(f"{self.where}: {key} must be at least {least:g}, not {value!r}")
        return float(value)
