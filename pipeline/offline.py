"""The chain without Kafka: the same decision code on files, in one process. How quality is measured.

The order of the input stands in for the offsets of `raw`, so the same input gives the same verdicts, copy groups and
incidents here and on the live chain.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from pipeline import codec
from pipeline.dedup.decision import annotated
from pipeline.dedup.prepare import prepare
from pipeline.dedup.state import Dedup
from pipeline.entities.annotator import Annotator
from pipeline.entities.gazetteer import gazetteer
from pipeline.errors import InvalidEvent, WirefuseError
from pipeline.incidents.ledger import Ledger
from pipeline.intake import raw_record
from pipeline.records import (
    CHANGES_NOTHING,
    NEEDS_ENTITIES,
    Annotated,
    ArticleEvent,
    EditorWord,
    IncidentRecord,
    RawArticle,
    Verdict,
    Void,
)
from pipeline.settings import Settings
from pipeline.sources import Item, read_path

NO_SEQ = -1
"""`seq` of a line that never entered the wire: its reader could make nothing of it."""

_FILES = ("decided", "states", "articles", "incidents", "changes", "dead-letters")
"""What a run writes; the first two are gone at its end."""

_TAKEN_BACK: frozenset[Verdict] = frozenset({"kill", "withheld"})
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        verdicts: inputs by verdict; lines that could not be read count as void.
        incidents: incidents that are open or closed at the end.
        dead_letters: inputs given up.
        seconds: wall time.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    dead_letters: int = 0
    seconds: float = 0.0

    @property
    def inputs(self) -> int:
        return self.verdicts.total()


def run(
    paths: Sequence[Path],
    out: Path,
    settings: Settings,
    *,
    sort: str | None = None,
    annotator: Annotator | None = None,
) -> Summary:
    """Run the chain's decisions over files or folders of articles.

    Writes to the folder `out`: articles.jsonl (one line per input, in input order, in its final state),
    incidents.jsonl, changes.jsonl, dead-letters.jsonl.

    Args:
        sort: None takes the input as it stands; "published" by publication time, undated articles last.
        annotator: a loaded pipeline; default: the one of the settings.

    Raises:
        WirefuseError: an unknown sort, a folder that cannot be written, or one with files that are to be read.
    """
    _keep_apart(paths, out)
    items = (item for path in paths for item in read_path(path, settings.producer))
    return run_items(items, out, settings, sort=sort, annotator=annotator)


def _keep_apart(paths: Sequence[Path], out: Path) -> None:
    """Refuse to read what will be written: it would be emptied first, and could then grow without end."""
    for path in map(Path.resolve, paths):
        for target in ((out / f"{name}.jsonl").resolve() for name in _FILES):
            is_read = target == path
            if target.is_relative_to(path) and path.is_dir():
                is_read = not any(part.startswith(".") for part in target.relative_to(path).parts)
            if is_read:
                raise WirefuseError(f"{target} would be written while {path} is read: choose another --out")


def run_items(
    items: Iterable[Item],
    out: Path,
    settings: Settings,
    *,
    sort: str | None = None,
    annotator: Annotator | None = None,
) -> Summary:
    """As `run`, for items that were read already."""
    if sort not in (None, "published"):
        raise WirefuseError(f"cannot sort by {sort}; published is what there is")
    started = time.perf_counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WirefuseError(f"{out}: cannot be written: {error.strerror}") from None
    chain = _Chain(settings, annotator or Annotator(settings.entities))
    with ExitStack() as stack:
        files = {name: stack.enter_context((out / f"{name}.jsonl").open("w+b")) for name in _FILES}
        order = chain.take(items, files, sort)
        chain.write_incidents(files["states"], files["incidents"])
        chain.write_articles(files["decided"], order, files["articles"])
    for name in ("decided", "states"):
        (out / f"{name}.jsonl").unlink()
    chain.summary.seconds = time.perf_counter() - started
    return chain.summary


@dataclass(frozen=True, slots=True)
class _Input:
    """One input line: where it stood, and what there is to decide about."""

    index: int
    item: Item


class _Chain:
    """Dedup, entities and the ledger of one edition, joined by function calls."""

    def __init__(self, settings: Settings, annotator: Annotator) -> None:
        edition = settings.producer.edition
        self.summary = Summary()
        self._edition = edition
        self._annotator = annotator
        self._batch_size = settings.entities.batch_size
        self._dedup = Dedup(edition, settings.dedup)
        self._ledger = Ledger(edition, settings.incidents, names=gazetteer(settings.entities.aliases))
        self._seq = 0
        self._regrouped: dict[str, str] = {}
        self._last_state: dict[str, int] = {}  # incident -> where its newest record stands in the file "states"
        self._incident_of: dict[str, str] = {}
        self._taken_back: set[str] = set()

    def take(self, items: Iterable[Item], files: Mapping[str, BinaryIO], sort: str | None) -> list[int]:
        """Decide about everything.

        Returns:
            For each line of the file "decided", the index of its input.
        """
        inputs: Iterable[_Input] = (_Input(n, item) for n, item in enumerate(items))
        if sort == "published":
            inputs = sorted(inputs, key=_published)
        order: list[int] = []
        batch: list[_Input] = []
        for one in inputs:
            batch.append(one)
            if len(batch) == self._batch_size:
                self._finish(batch, order, files)
                batch = []
        self._finish(batch, order, files)
        return order

    def _deduplicate(self, batch: Sequence[_Input], letters: BinaryIO) -> list[Annotated | None]:
        """What dedup makes of a batch; None for what no reader understood."""
        read = [self._read(one.item, letters) for one in batch]
        raws = [raw for raw in read if raw is not None]
        prepared = prepare(raws)
        decisions = self._dedup.decide_all(range(self._seq, self._seq + len(raws)), raws, prepared)
        self._dedup.drain_tombstones()
        self._seq += len(raws)
        found = iter(
            annotated(decision, raw, self._edition, None if own is None else own.cleaned)
            for decision, raw, own in zip(decisions, raws, prepared, strict=True)
        )
        return [None if raw is None else next(found) for raw in read]

    def _read(self, item: Item, letters: BinaryIO) -> RawArticle | EditorWord | Void | None:
        if item.record is None:
            assert item.error is not None
            self._give_up(letters, "producer", item, item.error)
            return None
        try:
            # Through bytes, as on the wire: what cannot be told there must not be told here.
            return raw_record(codec.encode(item.record))
        except InvalidEvent as error:
            self._give_up(letters, "dedup", item, error)
            return Void(reason=error.kind)

    def _finish(self, inputs: Sequence[_Input], order: list[int], files: Mapping[str, BinaryIO]) -> None:
        batch = list(zip(inputs, self._deduplicate(inputs, files["dead-letters"]), strict=True))
        articles = [
            r.article for _, r in batch if r is not None and r.verdict in NEEDS_ENTITIES and r.article is not None
        ]
        found = iter(self._annotator.annotate(articles))
        for one, record in batch:
            order.append(one.index)
            if record is None:
                event = _unread(one.item, self._edition)
            else:
                if record.verdict in NEEDS_ENTITIES and record.article is not None:
                    record = self._with_entities(one.item, record, next(found), files["dead-letters"])
                event = self._settle(record, files)
            self.summary.verdicts[event.verdict] += 1
            _write(files["decided"], event)

    def _with_entities(self, item: Item, record: Annotated, found: Any, letters: BinaryIO) -> Annotated:
        if not isinstance(found, InvalidEvent):
            return replace(record, annotation=found)
        self._give_up(letters, "entities", item, found)
        return Annotated(
            edition=record.edition,
            seq=record.seq,
            prev_seq=record.prev_seq,
            article_id=record.article_id,
            verdict="void",
            reason=found.kind,
            event_time=None,
            provider=record.provider,
            native_id=record.native_id,
        )

    def _settle(self, record: Annotated, files: Mapping[str, BinaryIO]) -> ArticleEvent:
        decision = self._ledger.decide(record)
        self._ledger.drain_tombstones()
        for change in self._ledger.changes(decision):
            _write(files["changes"], change)
        for incident_id in self._ledger.touched(decision):
            state = self._ledger.written(incident_id)
            if state is not None:
                self._last_state[incident_id] = files["states"].tell()
                files["states"].write(state.data + b"\n")
        if decision.article_id is not None and decision.incident_id is not None:
            self._incident_of[decision.article_id] = decision.incident_id
        for placed in decision.placements:
            if placed.assigned_seq == decision.seq:
                self._incident_of[placed.article_id] = placed.incident_id
        self._regrouped.update(record.regrouped)
        if record.article_id is not None and record.verdict not in CHANGES_NOTHING:
            if record.verdict in _TAKEN_BACK:
                self._taken_back.add(record.article_id)
            else:
                self._taken_back.discard(record.article_id)
        return self._ledger.event(decision, record)

    def write_incidents(self, states: BinaryIO, file: BinaryIO) -> None:
        """Every incident as it was last said, those long forgotten too; merged ones point to where they went."""
        for start in self._last_state.values():
            states.seek(start)
            line = states.readline()
            file.write(line)
            self.summary.incidents += codec.decode(line, IncidentRecord).status in ("open", "closed")

    def write_articles(self, decided: BinaryIO, order: Sequence[int], file: BinaryIO) -> None:
        """The events in input order, with what later decisions changed of them."""
        decided.seek(0)
        starts = [0]
        for line in decided:
            starts.append(starts[-1] + len(line))
        for position in sorted(range(len(order)), key=order.__getitem__):
            decided.seek(starts[position])
            event = codec.decode(decided.readline(), ArticleEvent)
            _write(file, self._final(event))

    def _final(self, event: ArticleEvent) -> ArticleEvent:
        if event.article_id is None or event.verdict in CHANGES_NOTHING:
            return event
        group = event.copy_group
        while group is not None and group in self._regrouped:
            group = self._regrouped[group]
        if event.article_id in self._taken_back:
            return replace(
                event, title=None, text=None, entities=(), side_spans=(), facts={}, tolls={}, why={},
                incident_id=None, copy_group=group,
            )  # fmt: skip
        return replace(event, incident_id=self._incident_of.get(event.article_id), copy_group=group)

    def _give_up(self, letters: BinaryIO, stage: str, item: Item, error: InvalidEvent) -> None:
        self.summary.dead_letters += 1
        letter = {
            "stage": stage,
            "kind": error.kind,
            "detail": error.detail,
            "file": item.file,
            "line": item.line,
            "size": item.size,
            "sha256": item.sha256,
            "value": item.raw.decode(errors="replace"),
        }
        _write(letters, letter)


def _published(one: _Input) -> tuple[datetime, int]:
    article = one.item.article
    when = article.published if article is not None else None
    return (when or _LATEST, one.index)


def _unread(item: Item, edition: int) -> ArticleEvent:
    assert item.error is not None
    return ArticleEvent(
        id=None, article_id=None, edition=edition, seq=NO_SEQ, provider=None, source=None, title=None, text=None,
        url=None, published=None, language=None, version=None, verdict="void", reason=item.error.kind, copy_of=None,
        copy_kind=None, copy_group=None, regrouped={}, incident_id=None, why={}, entities=(), side_spans=(), facts={},
        tolls={},
    )  # fmt: skip


def _write(file: BinaryIO, record: object) -> None:
    file.write(codec.encode(record) + b"\n")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="IN...")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--sort", type=click.Choice(["published"]), help="Take the articles by publication time.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def offline(settings: Settings, paths: tuple[Path, ...], out: Path, sort: str | None, as_json: bool) -> None:
    """Run the same decisions as the live chain on files or folders, without Kafka.

    Writes articles.jsonl (one line per input, in input order), incidents.jsonl, changes.jsonl and dead-letters.jsonl.
    The decisions are those of the live chain for the same input in the same order.
    """
    summary = run(paths, out, settings, sort=sort)
    if as_json:
        found = {
            "inputs": summary.inputs,
            "verdicts": dict(summary.verdicts.most_common()),
            "incidents": summary.incidents,
            "dead_letters": summary.dead_letters,
            "seconds": round(summary.seconds, 3),
        }
        sys.stdout.write(json.dumps(found) + "\n")
        return
    verdicts = ", ".join(f"{count} {name}" for name, count in summary.verdicts.most_common())
    click.echo(f"{summary.inputs} inputs in {summary.seconds:.1f} s: {verdicts}")
    click.echo(f"{summary.incidents} incidents, {summary.dead_letters} dead letters, in {out}/")
