"""The contract of every sink: what it takes, what it promises, and how it is read.

A sink keeps the newest word on every article and incident. Kafka delivers at least once and keeps order within a
partition only, so the content of a sink is a function of the *set* of records written, never of their order, their
number of deliveries or their division into batches:

- An article is the event with the highest (edition, seq). `seq` orders one edition; an article that was published
  into several editions belongs to the highest of them, because offsets of two editions cannot be compared.
- `stale` and `void` events change no article. They are accounted for in `inputs`, as every event is.
- A kill or a withheld version erases title, text and all that was derived from them. An assignment to an incident
  that is not younger than it counts for nothing.
- An incident is the record with the highest version, without the reports that were taken back after they had been put
  there (`cut`): of an article that it has forgotten the ledger cannot say where it was.
- An article is in one incident at most: that of the assignment with the highest (edition, seq). The reports of every
  version of an incident's record are assignments, and so is what the article's own event says. A record that no longer
  lists a report takes nothing back: the ledger forgets old reports, a store does not.
- `regrouped` renames the copy groups that older events said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from pipeline.errors import SettingsError, WirefuseError
from pipeline.records import ArticleEvent, IncidentChange, IncidentRecord, IncidentStatus, Verdict

ArticleStatus = Literal["usable", "withheld", "killed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTombstone:
    """The end of an incident on the compacted topic: its last report was taken back.

    `version` is the seq of the decision that withdrew it. Without it, a late tombstone would also hide an incident
    that the same article founded again.
    """

    incident_id: str
    version: int


SinkRecord: TypeAlias = ArticleEvent | IncidentRecord | IncidentChange | IncidentTombstone


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What a batch changed.

    Attributes:
        articles: article rows inserted or replaced.
        incidents: incident rows inserted or replaced.
        changes: entries added to the stream of changes.
        inputs: inputs accounted for, which had not been before.
        ignored: records that changed nothing: written before, or older than what is there.
        kills: kills carried out, by provider; each kill is counted once in the life of the store.
    """

    articles: int = 0
    incidents: int = 0
    changes: int = 0
    inputs: int = 0
    ignored: int = 0
    kills: Mapping[str, int] = field(default_factory=dict)


class Sink(Protocol):
    """Keeps final articles and incidents.

    One call at a time, from any thread.
    """

    name: str
    """Kind of sink, a metric label."""

    def open(self) -> None:
        """Make ready to write; creates the store, or brings an older one up to date. No-op when open.

        Raises:
            RetryableError: another process holds the store, or the disk is full.
            FatalError: the store cannot be used; the message says which, why, and what to do.
        """
        ...

    def write(self, batch: Sequence[SinkRecord]) -> WriteResult:
        """Write a batch in one transaction: after an error nothing of it is there.

        Raises:
            RetryableError: the store is busy, locked or full; the same batch may succeed later.
            FatalError: the store is damaged or has another schema.
        """
        ...

    def clear(self) -> None:
        """Forget everything that was ever written, in one transaction.

        Raises:
            RetryableError, FatalError: as `write`; then everything is still there.
        """
        ...

    def close(self) -> None:
        """Release the store. No-op when closed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Sizes of a store.

    Attributes:
        inputs: inputs of the wire accounted for, by verdict.
        articles: articles by status.
        incidents: incidents by status.
        memberships: articles that are in an incident.
        changes: entries of the stream of changes.
    """

    inputs: Mapping[str, int]
    articles: Mapping[str, int]
    incidents: Mapping[str, int]
    memberships: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInput:
    """One input of the wire, and what became of it."""

    edition: int
    seq: int
    article_id: str | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """An article as it stands. Times are cut to whole seconds; `record` has them exactly.

    Attributes:
        native_id: the wire's own id.
        copy_group: root of its copy group after all regroupings.
        incident_id: the incident that it is in now; None while it is killed or withheld.
        record: the article event (see `ArticleEvent`) as JSON data, with the present copy_group and incident_id; of an
            article taken back also with its id and provider, as an earlier event said them.
    """

    article_id: str
    edition: int
    seq: int
    provider: str | None
    source: str | None
    native_id: str | None
    status: ArticleStatus
    verdict: Verdict
    copy_of: str | None
    copy_group: str | None
    incident_id: str | None
    published: datetime | None
    title: str | None
    record: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIncident:
    """An incident as it stands. Times are cut to whole seconds; `record` has them exactly.

    Attributes:
        reports, copies, independent_origins: the counts of its record.
        record: the incident record (see `IncidentRecord`) as JSON data; after a tombstone, id, version and status only.
    """

    incident_id: str
    version: int
    status: IncidentStatus
    merged_into: str | None
    title: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    reports: int
    copies: int
    independent_origins: int
    record: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleQuery:
    """Which articles to list; every condition given must hold. Newest first, by time of publication.

    Attributes:
        since: published at or after.
        limit: at most so many; None: all.
    """

    status: ArticleStatus | None = None
    incident_id: str | None = None
    copy_group: str | None = None
    since: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Which incidents to list; every condition given must hold. Newest first, by their latest report.

    Attributes:
        statuses: any of these; empty: all.
        since: latest report at or after.
        limit: at most so many; None: all.
    """

    statuses: tuple[IncidentStatus, ...] = ()
    since: datetime | None = None
    min_reports: int = 0
    limit: int | None = None


class Reader(Protocol):
    """Reads a store, also while a sink writes it.

    Every method raises RetryableError when the store is locked and FatalError when it is damaged.
    """

    def counts(self) -> Counts: ...

    def articles(self, query: ArticleQuery) -> list[StoredArticle]: ...

    def article(self, article_id: str) -> StoredArticle | None: ...

    def find_articles(self, text: str, limit: int = 10) -> list[str]:
        """Ids of articles whose id begins with the text, or whose native id is exactly the text; in order."""
        ...

    def incidents(self, query: IncidentQuery) -> list[StoredIncident]: ...

    def incident(self, incident_id: str) -> StoredIncident | None: ...

    def find_incidents(self, prefix: str, limit: int = 10) -> list[str]:
        """Ids of incidents that begin so; in order."""
        ...

    def memberships(self) -> Iterator[tuple[str, str]]:
        """(incident id, article id) of every article that is in an incident, in order."""
        ...

    def inputs(self) -> Iterator[StoredInput]:
        """Every input of the wire exactly once, by edition and seq."""
        ...

    def changes(
        self, *, after: int = 0, incident_id: str | None = None, last: int | None = None
    ) -> list[tuple[int, IncidentChange]]:
        """The stream of changes with the position of each, in the order of their arrival.

        Args:
            after: only those behind this position.
            incident_id: only those of this incident.
            last: only so many of the newest.
        """
        ...

    def close(self) -> None: ...


class NoStoreError(WirefuseError):
    """Nothing has been written yet."""


def open_sink(url: str) -> Sink:
    """The open sink that a URL names: `sqlite:///PATH`, `jsonl:///DIR` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        SettingsError: no such kind of sink. The message never holds the URL, which may have a password in it.
        RetryableError, FatalError: see `Sink.open`.
    """
    kind, path = sink_kind(url)
    sink: Sink
    if kind == "sqlite":
        from pipeline.sink.sqlite import SqliteSink

        sink = SqliteSink(path)
    elif kind == "jsonl":
        from pipeline.sink.jsonl import JsonLinesSink

        sink = JsonLinesSink(path)
    else:
        from pipeline.sink.postgres import PostgresSink

        sink = PostgresSink(url)
    sink.open()
    return sink


def open_reader(url: str) -> Reader:
    """A reader of the store that a URL names.

    Raises:
        SettingsError: no such kind of sink.
        NoStoreError: nothing has been written there yet.
        RetryableError: the store does not answer.
        FatalError: the store cannot be read.
    """
    kind, path = sink_kind(url)
    if kind == "sqlite":
        from pipeline.sink.sqlite_reader import SqliteReader

        return SqliteReader(path)
    if kind == "jsonl":
        from pipeline.sink.jsonl_reader import JsonLinesReader

        return JsonLinesReader(path)
    from pipeline.sink.postgres_reader import PostgresReader

    return PostgresReader(url)


def sink_kind(url: str) -> tuple[Literal["sqlite", "jsonl", "postgresql"], Path]:
    """The kind of sink that a URL names, and the path of a file or folder; a database has none.

    Raises:
        SettingsError: no such kind of sink. The message never holds the URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise SettingsError("sink.url: write sqlite:///PATH, jsonl:///DIR or postgresql://USER@HOST/DATABASE")
    if scheme == "sqlite" or scheme == "jsonl":
        host, slash, path = rest.partition("/")
        if host or not slash or not path:
            raise SettingsError(f"sink.url: {scheme}:// takes a path: write {scheme}:///PATH (three slashes)")
        if path == ":memory:":
            raise SettingsError("sink.url: a store in memory is gone with its process: write sqlite:///PATH")
        return ("sqlite" if scheme == "sqlite" else "jsonl"), Path(path).expanduser()
    if scheme in ("postgresql", "postgres"):
        return "postgresql", Path()
    raise SettingsError("sink.url: no such kind of sink; use sqlite:///PATH, jsonl:///DIR or postgresql://...")


def display_url(url: str) -> str:
    """The URL for logs and messages: without user, password and query."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return "(unreadable sink URL)"
    if scheme in ("sqlite", "jsonl"):
        return url
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{scheme}://..."
    return f"{scheme}://{parts.hostname or ''}{port}{parts.path}"
