"""Every setting: its name, default, meaning, and where its value came from.

One TOML file, environment variables `WIREFUSE_*` over it, flags over both. An unknown key is an error with a
suggestion, because a typo that is silently ignored costs a night.

A setting `section.name` is `name` under `[section]` in the file, `WIREFUSE_SECTION_NAME` in the environment and
`--set section.name=VALUE` on the command line. `broker.bootstrap` may also be given as `WIREFUSE_BROKER`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from pipeline.errors import SettingsError
from pipeline.settings_check import check
from pipeline.toml_file import read_toml

ENV_PREFIX = "WIREFUSE_"
CONFIG_ENV = "WIREFUSE_CONFIG"
"""Path of the TOML file; unset: `wirefuse.toml` in the working directory, if it is there; empty: no file."""
DEFAULT_FILE = "wirefuse.toml"

_ALIASES = {"WIREFUSE_BROKER": "broker.bootstrap", "WIREFUSE_DATA_DIR": "data.dir"}
_NOT_SETTINGS = {CONFIG_ENV, "WIREFUSE_PARENT_PID", "WIREFUSE_WORKER"}


Secret = Literal["no", "in url", "all"]
"""How much of a setting's value must never be shown: nothing, the password in a URL, or all of it."""


def _setting(default: Any, help: str, *, secret: Secret = "no") -> Any:
    return field(default=default, repr=secret == "no", metadata={"help": help, "secret": secret})


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
    security_protocol: str = _setting("PLAINTEXT", "PLAINTEXT, SSL (TLS, mTLS with a certificate) or SASL_SSL")
    sasl_mechanism: str = _setting("SCRAM-SHA-512", "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, with SASL_SSL")
    sasl_user: str = _setting("", "user of SASL; each stage should have one of its own (wirefuse acls show)")
    sasl_password: str = _setting("", "its password; better in a file", secret="all")
    sasl_password_file: str = _setting("", "file that holds the password; read when a process starts")
    tls_ca_file: str = _setting("", "certificates (PEM) that sign the brokers' own; empty: the system's")
    tls_cert_file: str = _setting("", "this client's certificate chain (PEM), for mTLS")
    tls_key_file: str = _setting("", "its private key (PEM)")
    tls_key_password: str = _setting("", "password of the key, if it has one; better in a file", secret="all")
    tls_key_password_file: str = _setting("", "file that holds the password of the key")
    tls_check_hostname: bool = _setting(True, "refuse a broker whose certificate is for another host name")


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
    quiet_after_s: float = _setting(86_400.0, "a source without a new item for so long raises an alert; 0: never")
    fetch_timeout_s: float = _setting(20.0, "an HTTP fetch takes no longer")
    fetch_max_bytes: int = _setting(16 * 1024 * 1024, "an HTTP answer is no larger, after decompression")
    fetch_private: bool = _setting(False, "fetch from loopback and private addresses too")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedup:
    ttl_days: float = _setting(14.0, "an article is remembered for so long in event time")
    max_entries: int = _setting(2_000_000, "remembered articles per edition; the oldest go first")
    max_ahead: int = _setting(20_000, "articles that may wait for NER before dedup waits too")
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
    ttl_days: float = _setting(3_650.0, "an article is remembered for so long in event time, if there is room")
    young_hours: float = _setting(48.0, "an incident this young, in event time, may still be re-decided")
    close_after_days: float = _setting(14.0, "an incident without a new report for so long is closed")
    publishers: str = _setting("", "TOML file of outlets that have one publisher ([[publisher]] name, outlets)")
    snapshot_every: int = _setting(
        20_000, "seqs after which the ledger's state is saved in the data dir, for a faster restart; 0: never"
    )
    max_words: int = _setting(10_000, "editors' words in force per edition; more are refused until some are undone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    url: str = _setting(
        "", "sqlite:///PATH, jsonl:///DIR or postgresql://...; empty: SQLite in the data dir", secret="in url"
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
    secret: Secret

    @property
    def env(self) -> str:
        return ENV_PREFIX + self.name.upper().replace(".", "_")

    def value(self, settings: Settings) -> Any:
        """Its value in `settings`."""
        section, _, key = self.name.partition(".")
        return getattr(getattr(settings, section), key)


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
    section, dot, leaf = name.rpartition(".")
    close = (
        # The right name in the wrong section, a typo in the right section, anything alike.
        [k for k in known if k.endswith("." + leaf)]
        or _alike(name, [k for k in known if dot and k.startswith(section + dot)])
        or _alike(name, known)
    )
    hint = f"; did you mean {close[0]}?" if close else "; `wirefuse config show` lists all"
    return SettingsError(f"{what}: no setting is called {name}{hint}")


def _alike(name: str, known: list[str]) -> list[str]:
    # What all begin with says nothing about how alike they are.
    common = len(os.path.commonprefix([name, *known]))  # noqa: RUF071 - characters are meant, these are no paths
    found = difflib.get_close_matches(name[common:], [k[common:] for k in known], n=1)
    return [name[:common] + rest for rest in found]


def _from_file(path: Path, known: Mapping[str, SettingInfo]) -> Iterator[tuple[str, Any, str]]:
    tree = read_toml(path)
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


_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _from_flags(flags: Mapping[str, Any], known: Mapping[str, SettingInfo]) -> Iterator[tuple[str, Any, str]]:
    for name, value in flags.items():
        if name not in known:
            raise _unknown("--set", name, list(known))
        yield name, value, "--set"


def _typed(info: SettingInfo, value: Any, where: str, *, text: bool) -> Any:
    """The value in the setting's type; `text`: a string may stand for a number or a truth value."""
    try:
        return msgspec.convert(value, info.type, strict=not (text and isinstance(value, str)))
    except msgspec.ValidationError:
        shown = repr(value) if info.secret == "no" else "(secret)"
        raise SettingsError(f"{where}: {info.name} must be {_KINDS[info.type]}, not {shown}") from None


def settings_file(file: Path | None = None, env: Mapping[str, str] | None = None) -> Path | None:
    """The TOML file that `load` reads with the same arguments; None: it reads none."""
    if file is not None:
        return file
    named = (os.environ if env is None else env).get(CONFIG_ENV)
    if named is not None:
        return Path(named) if named else None
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


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
    path = settings_file(file, env)
    layers = [
        (_from_file(path, known) if path else (), False),
        (_from_env(env, known), True),
        (_from_flags(flags or {}, known), True),
    ]
    for layer, text in layers:
        for name, value, where in layer:
            values[name] = _typed(known[name], value, where, text=text)
            origin[name] = where
    check(values, origin, known)
    hints = get_type_hints(Settings)
    sections = {}
    for section in {name.partition(".")[0] for name in known}:
        given = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(section + ".")}
        sections[section] = hints[section](**given)
    return Settings(**sections, origin=origin)


def with_values(settings: Settings, values: Mapping[str, Any], where: str) -> Settings:
    """The same settings with some values replaced.

    Args:
        values: by dotted name; already of the setting's type.
        where: what the origin of these values is said to be.
    """
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    replaced: dict[str, Any] = {s: replace(getattr(settings, s), **given) for s, given in sections.items()}
    return replace(settings, **replaced, origin=settings.origin | dict.fromkeys(values, where))


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process exactly these settings, whatever files it finds where it starts."""
    found = {
        info.env: str(info.value(settings))
        for name, info in catalogue().items()
        if name in settings.origin or info.value(settings) != info.default
    }
    return found | {CONFIG_ENV: ""}


_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:]*):.*@")
_PASSWORD_IN_QUERY = re.compile(r"(?<=[?&])(password|sslpassword|passfile)=[^&]*", re.IGNORECASE)


def masked(info: SettingInfo, value: Any) -> str:
    """A value as it may be shown: a secret URL without its password, nothing of a password."""
    text = str(value)
    if info.secret == "no":
        return text
    if info.secret == "all":
        return "***" if text else ""
    return _PASSWORD_IN_QUERY.sub(r"\1=***", _PASSWORD_IN_URL.sub(r"\1:***@", text))
