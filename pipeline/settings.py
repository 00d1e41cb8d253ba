"""Every setting: its name, default, meaning, and where its value came from.

One TOML file, environment variables `WIREFUSE_*` over it, flags over both. An unknown key is an error with a
suggestion, because a typo that is silently ignored costs a night.

A setting `section.name` is `name` under `[section]` in the file, `WIREFUSE_SECTION_NAME` in the environment and
`--set section.name=VALUE` on the command line. `broker.bootstrap` may also be given as `WIREFUSE_BROKER`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from pipeline.errors import SettingsError

ENV_PREFIX = "WIREFUSE_"
CONFIG_ENV = "WIREFUSE_CONFIG"
"""Path of the TOML file; default `wirefuse.toml` in the working directory, if it is there."""
DEFAULT_FILE = "wirefuse.toml"

_ALIASES = {"WIREFUSE_BROKER": "broker.bootstrap", "WIREFUSE_DATA_DIR": "data.dir"}
_NOT_SETTINGS = {CONFIG_ENV, "WIREFUSE_PARENT_PID", "WIREFUSE_WORKER"}


def _setting(default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret})


def default_data_dir() -> str:
    """`$XDG_DATA_HOME/wirefuse`, or `~/.local/share/wirefuse`."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return str(Path(base) / "wirefuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    dir: str = _setting("", "where state, the local broker and the sink live; empty: the XDG data directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    bootstrap: str = _setting("", "host:port[,host:port] of a Kafka cluster; empty: the local broker")
    local_port: int = _setting(9092, "port of the local broker's listener on 127.0.0.1; 0: any free one")
    java: str = _setting("", "Java executable (17 or later) for the local broker; empty: the packaged one")
    session_timeout_s: float = _setting(10.0, "a worker unheard of for so long loses its partitions")
    request_timeout_s: float = _setting(60.0, "a request to the broker fails after so long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    prefix: str = _setting("wirefuse.", "put before every topic and consumer group name")
    editions: int = _setting(1, "partitions of raw, annotated and the decision logs; each has its own ledger")
    unique_partitions: int = _setting(12, "partitions of unique: upper bound of entity workers")
    output_partitions: int = _setting(12, "partitions of enriched, incidents and incident-changes")
    dead_letter_partitions: int = _setting(6, "partitions of dead-letter")
    replication: int = _setting(1, "replication factor of created topics; 3 in production")
    raw_retention_days: float = _setting(30.0, "how long raw articles can be replayed")
    work_retention_days: float = _setting(7.0, "retention of unique and annotated")
    output_retention_days: float = _setting(365.0, "retention of enriched and incident-changes")
    dead_letter_retention_days: float = _setting(90.0, "retention of dead letters")
    max_message_bytes: int = _setting(8 * 1024 * 1024, "largest record that a topic takes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    batch_size: int = _setting(256, "records taken at once by dedup, incidents and sink")
    batch_wait_s: float = _setting(0.05, "wait for a batch to fill")
    linger_ms: int = _setting(5, "the output producer waits so long to fill its batches")
    max_attempts: int = _setting(3, "an input that crashed a stage so often becomes a dead letter")
    retry_attempts: int = _setting(8, "tries of a retryable failure before the process stops")
    retry_base_s: float = _setting(0.25, "first wait between tries; doubles up to 30 s")
    commit_interval_s: float = _setting(0.5, "consumer offsets are committed so often")
    watchdog_s: float = _setting(120.0, "input waiting and no progress for so long: stack dump and exit 70")


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    host: str = _setting("127.0.0.1", "address that /metrics, /livez and /readyz listen on")
    port: int = _setting(0, "their port; 0: any free one, written to <data dir>/run/<process>.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    level: str = _setting("info", "debug, info, warning or error")
    format: str = _setting("auto", "json, human, or auto: human on a terminal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    edition: int = _setting(0, "edition (partition of raw) that articles are published into")
    provider: str = _setting("", "wire name of items that say neither provider nor source; empty: unknown")
    max_item_bytes: int = _setting(1024 * 1024, "a larger item becomes a dead letter")
    max_in_flight: int = _setting(500, "items sent and not yet acknowledged")
    poll_interval_s: float = _setting(60.0, "how often a feed or a watched folder is looked at")
    fetch_timeout_s: float = _setting(20.0, "an HTTP fetch takes no longer")
    fetch_max_bytes: int = _setting(16 * 1024 * 1024, "an HTTP answer is no larger, after decompression")
    fetch_private: bool = _setting(False, "fetch from loopback and private addresses too")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedup:
    ttl_days: float = _setting(14.0, "an article is remembered for so long in event time")
    max_entries: int = _setting(2_000_000, "remembered articles per edition; the oldest go first")
    future_tolerance_hours: float = _setting(
        48.0, "a publication time so far ahead of every earlier one does not move the watermark"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    model: str = _setting("", "spaCy package or path, or rules; empty: the pipeline that ships with Wirefuse")
    processes: int = _setting(1, "worker processes of the pool")
    batch_size: int = _setting(64, "articles taken at once; they are spread over the processes")
    max_chars: int = _setting(100_000, "a longer text is annotated in windows of this size")
    labels: str = _setting("", "labels of another spaCy pipeline in ours: THEIRS=OURS,THEIRS=OURS; OURS empty: dropped")
    aliases: str = _setting("", "TOML file of your own names and their forms ([[name]] name, label, forms)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidents:
    max_articles: int = _setting(500_000, "remembered articles per edition; the oldest go first")
    ttl_days: float = _setting(400.0, "an article is remembered for so long in event time")
    young_hours: float = _setting(48.0, "an incident this young, in event time, may still be re-decided")
    close_after_days: float = _setting(14.0, "an incident without a new report for so long is closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    url: str = _setting(
        "", "sqlite:///PATH, jsonl:///DIR or postgresql://...; empty: SQLite in the data dir", secret=True
    )
    batch_size: int = _setting(500, "records written in one transaction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; each section is a frozen dataclass."""

    data: Data = field(default_factory=Data)
    broker: Broker = field(default_factory=Broker)
    topics: Topics = field(default_factory=Topics)
    runner: Runner = field(default_factory=Runner)
    http: Http = field(default_factory=Http)
    log: Log = field(default_factory=Log)
    producer: Producer = field(default_factory=Producer)
    dedup: Dedup = field(default_factory=Dedup)
    entities: Entities = field(default_factory=Entities)
    incidents: Incidents = field(default_factory=Incidents)
    sink: Sink = field(default_factory=Sink)
    origin: dict[str, str] = field(default_factory=dict, repr=False)
    """Where each value that is not a default came from: setting name -> file, variable or flag."""

    @property
    def data_dir(self) -> Path:
        return Path(self.data.dir or default_data_dir()).expanduser()

    @property
    def state_dir(self) -> Path:
        """Small files of the running processes: crash marks, ports, publish cursors."""
        return self.data_dir / "run"

    @property
    def sink_url(self) -> str:
        return self.sink.url or f"sqlite:///{self.data_dir / 'wirefuse.db'}"


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting as documentation and `config show` need it."""

    name: str
    type: type
    default: Any
    help: str
    secret: bool

    @property
    def env(self) -> str:
        return ENV_PREFIX + self.name.upper().replace(".", "_")


def catalogue() -> dict[str, SettingInfo]:
    """All settings by dotted name, in declaration order."""
    found: dict[str, SettingInfo] = {}
    sections = get_type_hints(Settings)
    for section in fields(Settings):
        if section.name == "origin":
            continue
        kind = sections[section.name]
        types = get_type_hints(kind)
        leaf: Field[Any]
        for leaf in fields(kind):
            name = f"{section.name}.{leaf.name}"
            found[name] = SettingInfo(
                name, types[leaf.name], leaf.default, leaf.metadata["help"], leaf.metadata["secret"]
            )
    return found


def _unknown(what: str, name: str, known: list[str]) -> SettingsError:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]}?" if close else "; `wirefuse config show` lists all"
    return SettingsError(f"{what}: no setting is called {name}{hint}")


def _from_file(path: Path, known: Mapping[str, SettingInfo]) -> Iterator[tuple[str, Any, str]]:
    try:
        with path.open("rb") as f:
            tree = tomllib.load(f)
    except OSError as e:
        raise SettingsError(f"{path}: cannot be read: {e.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(f"{path}: not TOML: {e}") from None
    sections = list(dict.fromkeys(name.partition(".")[0] for name in known))
    for section, values in tree.items():
        if section not in sections:
            raise _unknown(str(path), f"[{section}]", [f"[{s}]" for s in sections])
        if not isinstance(values, dict):
            raise SettingsError(f"{path}: {section} is a section: write [{section}] above its settings")
        for key, value in values.items():
            name = f"{section}.{key}"
            if name not in known:
                raise _unknown(str(path), name, list(known))
            yield name, value, str(path)


def _from_env(env: Mapping[str, str], known: Mapping[str, SettingInfo]) -> Iterator[tuple[str, Any, str]]:
    by_env = {info.env: name for name, info in known.items()} | _ALIASES
    for variable, value in sorted(env.items()):
        if not variable.startswith(ENV_PREFIX) or variable in _NOT_SETTINGS:
            continue
        if variable not in by_env:
            raise _unknown("environment", variable, list(by_env))
        yield by_env[variable], value, variable


def _typed(info: SettingInfo, value: Any, where: str) -> Any:
    try:
        # Text from the environment or a flag may stand for a number or a truth value; a value from TOML may not.
        return msgspec.convert(value, info.type, strict=not isinstance(value, str) or info.type is str)
    except msgspec.ValidationError:
        shown = "(secret)" if info.secret else repr(value)
        raise SettingsError(f"{where}: {info.name} must be {info.type.__name__}, not {shown}") from None


def load(
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings in force.

    Args:
        file: the TOML file; default: `$WIREFUSE_CONFIG`, else `wirefuse.toml` here, if there is one.
        env: the environment; default: the process's own.
        flags: values from the command line by dotted name.

    Raises:
        SettingsError: an unknown name, a value of the wrong kind, a file that cannot be read.
    """
    env = os.environ if env is None else env
    known = catalogue()
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if file is None:
        named = env.get(CONFIG_ENV)
        file = Path(named) if named else Path(DEFAULT_FILE)
        if not named and not file.exists():
            file = None
    layers = [_from_file(file, known)] if file else []
    layers.append(_from_env(env, known))
    for layer in layers:
        for name, value, where in layer:
            values[name] = _typed(known[name], value, where)
            origin[name] = where
    for name, value in (flags or {}).items():
        if name not in known:
            raise _unknown("--set", name, list(known))
        values[name] = _typed(known[name], value, "--set")
        origin[name] = "--set"
    _check(values, origin)
    hints = get_type_hints(Settings)
    sections = {}
    for section in {name.partition(".")[0] for name in known}:
        given = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(section + ".")}
        sections[section] = hints[section](**given)
    return Settings(**sections, origin=origin)


_POSITIVE = (
    "topics.editions",
    "topics.unique_partitions",
    "topics.output_partitions",
    "topics.dead_letter_partitions",
    "topics.replication",
    "runner.batch_size",
    "runner.max_attempts",
    "entities.processes",
    "entities.batch_size",
    "entities.max_chars",
    "sink.batch_size",
    "producer.max_item_bytes",
    "producer.max_in_flight",
)


def _check(values: Mapping[str, Any], origin: Mapping[str, str]) -> None:
    for name in _POSITIVE:
        if name in values and values[name] < 1:
            raise SettingsError(f"{origin[name]}: {name} must be at least 1, not {values[name]}")
    level = values.get("log.level", "info")
    if level not in ("debug", "info", "warning", "error"):
        raise SettingsError(f"{origin['log.level']}: log.level must be debug, info, warning or error, not {level!r}")


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process exactly these settings."""
    return {
        info.env: str(getattr(getattr(settings, section), key))
        for name, info in catalogue().items()
        for section, _, key in [name.partition(".")]
        if name in settings.origin
    }
