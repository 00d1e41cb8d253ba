"""Whether the state of a chain is whole: its decision logs by themselves, against each other, and against the sink."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from agents.decided import Decided
from agents.ledger_log import LedgerLog
from agents.offsets import Offsets
from agents.progress import watching
from pipeline.broker.client import bootstrap
from pipeline.broker.security import security_arguments
from pipeline.dedup.decision import Decision as DedupDecision
from pipeline.dedup.state import Dedup
from pipeline.errors import FatalError
from pipeline.incidents.ledger import Ledger
from pipeline.records import IncidentStatus
from pipeline.settings import Settings, with_values
from pipeline.sink.base import NoStoreError, Reader, open_reader
from pipeline.topics import group, topic

_GONE = ("merged", "withdrawn")


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        figures: what is there, in words, one line each.
        problems: what is wrong and what to do, one line each.
        notes: what could not be checked, and why.
    """

    figures: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is compared of an incident's record."""

    version: int
    status: IncidentStatus
    merged_into: str | None
    reports: tuple[str, ...]


_Incidents = dict[str, _Said]
"""By id."""


async def verify(settings: Settings) -> Report:
    """Fold the decision logs of every edition and hold them against each other and the sink. Changes nothing.

    Raises:
        WirefuseError: the cluster or the store does not answer.
    """
    report = Report()
    offsets = Offsets(
        bootstrap(settings), "wirefuse-verify", settings.topics.max_message_bytes, security_arguments(settings)
    )
    editions: list[_Incidents] = []
    await offsets.start()
    try:
        for edition in range(settings.topics.editions):
            said = await _edition(settings, edition, offsets, report)
            if said is not None:
                editions.append(said)
    finally:
        await offsets.stop()
    _against_sink(settings, editions, report)
    return report


async def _edition(settings: Settings, edition: int, offsets: Offsets, report: Report) -> _Incidents | None:
    raw, annotated = topic(settings, "raw"), topic(settings, "annotated")
    dedup_log, incident_log = topic(settings, "dedup-log"), topic(settings, "incident-log")
    dedup = Decided(edition, partial(Dedup, edition, settings.dedup), DedupDecision, "dedup-log", dedup_log)
    ledger = LedgerLog(edition, with_values(settings, {"incidents.snapshot_every": 0}, "verify"))
    if not await _restored(dedup, offsets, report) or not await _restored(ledger, offsets, report):
        return None
    copies, incidents = dedup.engine, ledger.engine
    report.figures.append(f"{dedup_log}[{edition}]: last seq {copies.last_seq}, {copies.entries:,} articles remembered")
    report.figures.append(
        f"{incident_log}[{edition}]: last seq {incidents.last_seq}, {incidents.entries:,} articles remembered"
    )
    if incidents.last_seq > copies.last_seq:
        report.problems.append(
            f"edition {edition}: the ledger has decided seq {incidents.last_seq}, dedup only {copies.last_seq}: the "
            f"end of {dedup_log} was lost. Stop the stages and run `wirefuse state rebuild`"
        )
    done = (await offsets.committed(group(settings, "dedup"))).get((raw, edition), 0)
    if done > copies.last_seq + 1 and done > await offsets.begin(raw, edition):
        report.problems.append(
            f"edition {edition}: dedup has acknowledged {raw} up to offset {done}, and its log ends at seq "
            f"{copies.last_seq}: the log was lost. Stop the stages and run `wirefuse state rebuild`"
        )
    through = (await offsets.committed(group(settings, "incidents"))).get((annotated, edition), 0)
    if through and incidents.last_seq < 0:
        report.problems.append(
            f"edition {edition}: the ledger has acknowledged {through} records and its log is empty: it was lost. "
            "Stop the stages and run `wirefuse state rebuild`"
        )
    said = _said(incidents)
    report.problems += (f"edition {edition}: {wrong}" for wrong in _invariants(incidents, said, report))
    await _against_snapshot(settings, incidents, offsets, report)
    return said


async def _restored(decided: Decided[Dedup, DedupDecision] | LedgerLog, offsets: Offsets, report: Report) -> bool:
    try:
        await decided.restore(offsets, lambda: None)
    except FatalError as error:
        report.problems.append(f"{error}. Start the version that wrote it, or run `wirefuse state rebuild`")
        return False
    return True


def _said(ledger: Ledger) -> _Incidents:
    found = {}
    for incident_id in ledger.incident_ids():
        record = ledger.record(incident_id)
        assert record is not None
        listed = tuple(r.article_id for r in record.reports)
        found[incident_id] = _Said(record.version, record.status, record.merged_into, listed)
    return found


def _invariants(ledger: Ledger, said: _Incidents, report: Report) -> Iterator[str]:
    """What must hold of every state; a breach is a fault of the program."""
    home: dict[str, str] = {}
    live = 0
    for incident_id, record in said.items():
        live += record.status not in _GONE
        if record.status in _GONE and record.reports:
            yield f"incident {incident_id} is {record.status} and has reports"
        if record.status not in _GONE and not record.reports:
            yield f"incident {incident_id} is {record.status} and has no reports"
        for article_id in record.reports:
            other = home.setdefault(article_id, incident_id)
            if other != incident_id:
                yield f"article {article_id} is in incident {other} and in {incident_id}"
            if ledger.incident_of(article_id) != incident_id:
                yield f"incident {incident_id} lists article {article_id}, which is not in it"
        target = said.get(record.merged_into) if record.merged_into is not None else None
        if target is not None and target.status == "merged":
            yield f"incident {incident_id} was merged into {record.merged_into}, which was merged too"
    report.figures.append(f"ledger {ledger.edition}: {live:,} incidents with {len(home):,} reports")


async def _against_snapshot(settings: Settings, folded: Ledger, offsets: Offsets, report: Report) -> None:
    """Hold the snapshot of this data directory, with the log behind it, against the fold of the whole log."""
    other = LedgerLog(folded.edition, settings)
    if not settings.incidents.snapshot_every or not other.snapshots.path.exists():
        return
    if not await other.resume(offsets):
        report.notes.append(f"{other.snapshots.path} is not used, see above; the next one takes its place")
        return
    if not await _restored(other, offsets, report):
        return
    if other.engine.last_seq != folded.last_seq:
        report.notes.append(f"{other.snapshots.path} was not compared: the ledger went on meanwhile")
    elif other.engine.snapshot() != folded.snapshot():
        report.problems.append(
            f"{other.snapshots.path} is not what the log says, a fault of the program: delete it and restart the ledger"
        )
    else:
        report.figures.append(f"{other.snapshots.path}: what the log says")


def _against_sink(settings: Settings, editions: list[_Incidents], report: Report) -> None:
    with watching(settings) as progress:
        waiting = {stage.stage: stage.waiting for stage in progress.stages() if stage.waiting}
    if waiting:
        shown = ", ".join(f"{count:,} for {stage}" for stage, count in waiting.items())
        report.notes.append(f"the sink was not compared: records are on their way ({shown})")
        return
    try:
        reader = open_reader(settings.sink_url)
    except NoStoreError as error:
        if any(editions):
            report.notes.append(f"the sink was not compared: {error}")
        return
    with closing(reader):
        home = {article: incident for incident, article in reader.memberships()}
        for said in editions:
            report.problems += _differences(said, reader, home)
        report.figures.append(f"sink: {len(home):,} reports in incidents")


def _differences(said: _Incidents, reader: Reader, home: dict[str, str]) -> Iterator[str]:
    fix = (
        "; `wirefuse state replay-sink` writes everything again (with --clear-store if the store still has what was "
        "decided before a rebuild)"
    )
    for incident_id, record in said.items():
        stored = reader.incident(incident_id)
        if stored is None:
            yield f"the sink has no incident {incident_id}, which the ledger has{fix}"
        elif (stored.version, stored.status) != (record.version, record.status):
            yield (
                f"the sink has incident {incident_id} in version {stored.version} ({stored.status}), the ledger "
                f"{record.version} ({record.status}){fix}"
            )
        for article_id in record.reports:
            if (there := home.get(article_id)) != incident_id:
                yield f"the sink has article {article_id} in {there}, the ledger in {incident_id}{fix}"
