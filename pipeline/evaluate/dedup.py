"""Scoring copies: labelled pairs, clusters of reports, and wire edits generated from any articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from pipeline.codec import decode_json, encode
from pipeline.dedup.decision import Decision
from pipeline.dedup.state import Dedup
from pipeline.errors import InvalidEvent
from pipeline.evaluate.edits import ALL_AT_ONCE, Edit, Report, edits, report
from pipeline.evaluate.rows import lines
from pipeline.records import RawArticle
from pipeline.settings import Dedup as DedupSettings
from pipeline.settings import Producer, Settings
from pipeline.sources.jsonl import parse_line
from pipeline.text.clean import clean

POSITIVE = "duplicate"
LEFT_OUT = "ambiguous"
_PAIR = frozenset({"label", "a", "b"})

_MIN_WORDS, _MIN_SENTENCES = 60, 4
"""A shorter article cannot be abridged to 30 % and still be a text."""

_SHOWN = 100
_LATEST = datetime.max.replace(tzinfo=UTC)
_START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Result:
    """What was found on one file.

    Attributes:
        kind: pairs, clusters or edits.
        counts: inputs by label and outcome, (label, "copy" | "not") for pairs.
        figures: the scores.
        errors: each wrong or doubtful decision, with its evidence.
    """

    file: str
    kind: str
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    figures: dict[str, float] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a JSON-lines file, gzipped or not.

    Raises:
        InvalidEvent: a line is no JSON object; says which.
    """
    for number, line in lines(path):
        try:
            row = decode_json(line)
        except InvalidEvent as e:
            raise InvalidEvent(e.kind, f"{path}, line {number}: {e.detail}") from None
        if not isinstance(row, dict):
            raise InvalidEvent("schema", f"{path}, line {number}: not an object")
        yield row


def article(row: dict[str, Any]) -> RawArticle:
    """The article that a row describes, as the JSON-lines wire reads it.

    Raises:
        InvalidEvent: it describes none.
    """
    if not isinstance(row, dict):
        raise InvalidEvent("schema", "an article must be an object")
    known = {k: v for k, v in row.items() if v is not None}
    return parse_line(encode(known), settings=Producer(provider="gold", max_item_bytes=1 << 30))


def evaluate(path: Path, settings: DedupSettings, seed: int, make_edits: bool = False) -> Result:
    """Score the copies that are found on one file; its rows say what kind of file it is.

    Pairs: {"label", "a", "b"}. Clusters: articles with "cluster". Anything else is articles, from which wire edits are
    made.

    Args:
        make_edits: make wire edits of articles with "cluster" too.

    Raises:
        InvalidEvent: a line that is none of these.
    """
    rows = list(read_rows(path))
    if not rows:
        raise InvalidEvent("schema", f"{path}: no lines")
    first = rows[0]
    try:
        if first.keys() >= _PAIR:
            result = score_pairs(_with(_PAIR, rows), settings)
        elif "cluster" in first and not make_edits:
            result = score_clusters(_with({"cluster"}, rows), settings)
        else:
            result = score_edits([article(row) for row in rows if row.get("text")], settings, seed)
    except InvalidEvent as e:
        raise InvalidEvent(e.kind, f"{path}: {e.detail}") from None
    result.file = str(path)
    return result


def _with(fields: AbstractSet[str], rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The rows, if all are of the kind that the first one is."""
    for row in rows:
        if missing := sorted(fields - row.keys()):
            raise InvalidEvent("schema", f"the first line has {', '.join(missing)}, and another has not: {_start(row)}")
        if not isinstance(row.get("label", ""), str):
            raise InvalidEvent("schema", f"label must be text: {_start(row)}")
    return rows


def _start(row: dict[str, Any]) -> str:
    """Enough of a row to find its line."""
    return encode(row).decode()[:_SHOWN]


def _found(decision: Decision) -> dict[str, Any]:
    return {"kind": decision.copy_kind, **decision.copy_why}


def score_pairs(rows: Iterable[dict[str, Any]], settings: DedupSettings) -> Result:
    """Each pair is a wire of its own: is one of the two called a copy of the other?

    Figures: F1 of "copy" over the pairs that are not ambiguous, and the share of each label that is called a copy.
    """
    result = Result("", "pairs")
    for row in rows:
        label = row["label"]
        both = sorted((article(row["a"]), article(row["b"])), key=lambda a: (a.published or _START, a.native_id))
        state = Dedup(0, settings)
        state.decide(0, both[0])
        decision = state.decide(1, both[1])
        # Published at the same time, the later in the wire may still be the origin.
        is_copy = decision.copy_of is not None or bool(decision.regrouped)
        result.counts[label, "copy" if is_copy else "not"] += 1
        if label != LEFT_OUT and is_copy != (label == POSITIVE):
            result.errors.append({"id": row.get("id"), "label": label, **_found(decision)})
    right = result.counts[POSITIVE, "copy"]
    missed = result.counts[POSITIVE, "not"]
    wrong = sum(n for (label, said), n in result.counts.items() if said == "copy" and label not in (POSITIVE, LEFT_OUT))
    result.figures["f1"] = 2 * right / max(1, 2 * right + missed + wrong)
    for label in sorted({label for label, _ in result.counts}):
        copies, others = result.counts[label, "copy"], result.counts[label, "not"]
        result.figures[f"called copies: {label}"] = copies / (copies + others)
    return result


def score_clusters(rows: Sequence[dict[str, Any]], settings: DedupSettings) -> Result:
    """All articles as one wire, in time order: which are called copies of another outlet's article?

    The labels say which articles report one event, not which are copies, so every such copy is listed to be looked at.
    Figures: shares of all articles.
    """
    result = Result("", "clusters")
    articles = [article(row) for row in rows]
    cluster = {a.native_id: row["cluster"] for a, row in zip(articles, rows, strict=True)}
    wire = sorted(articles, key=lambda a: (a.published or datetime.max.replace(tzinfo=UTC), a.native_id))
    # Labelled sets span years; a pair that lies farther apart than the time to live is still worth a look.
    state = Dedup(0, replace(settings, ttl_days=36_500, max_entries=len(wire) + 1))
    by_id: dict[str | None, RawArticle] = {}
    for seq, item in enumerate(wire):
        decision = state.decide(seq, item)
        by_id[decision.article_id] = item
        # An article published before what came ahead of it makes copies of those.
        pairs: list[tuple[str | None, str | None]] = [(old, decision.article_id) for old in decision.regrouped]
        if decision.copy_of is not None:
            pairs.append((decision.article_id, decision.copy_of))
        for copy, source in ((by_id[copy], by_id[source]) for copy, source in pairs):
            event = "one event" if cluster[copy.native_id] == cluster[source.native_id] else "two events"
            outlet = "one outlet" if copy.source == source.source else "two outlets"
            result.counts[f"{event}, {outlet}", "copy"] += 1
            if event == "two events" or outlet == "two outlets":
                pair = {"id": copy.native_id, "of": source.native_id, "sources": f"{copy.source} <- {source.source}"}
                result.errors.append({"label": f"{event}, {outlet}", **pair, **_found(decision)})
    for (label, _), copies in result.counts.items():
        result.figures[label] = copies / len(wire)
    return result


def score_edits(articles: Sequence[RawArticle], settings: DedupSettings, seed: int) -> Result:
    """Edited copies of the articles, each published a day after all of them and withdrawn before the next.

    Figures: recall by kind of edit (found in the copy group of a source that it was made from) and over all single
    edits; precision over all edits that are called copies; share of the articles that are called copies of each other.
    """
    result = Result("", "edits")
    reports = [report(a.native_id, a.title, clean(a).text) for a in articles]
    reports = [r for r in reports if r.words >= _MIN_WORDS and len(r.sentences) >= _MIN_SENTENCES]
    if len(reports) < 2:
        raise InvalidEvent("schema", f"wire edits need two articles of at least {_MIN_WORDS} words")
    state = Dedup(0, settings)
    source_of: dict[str | None, str] = {}
    group_of: dict[str, str | None] = {}
    for n, source in enumerate(reports):
        decision = state.decide(state.last_seq + 1, _published(source, n))
        source_of[decision.article_id] = source.id
        group_of[source.id] = decision.copy_group
        if decision.copy_of is not None:
            result.counts["sources", "copy"] += 1
            pair = {"id": source.id, "of": source_of[decision.copy_of]}
            result.errors.append({"label": "source called a copy", **pair, **_found(decision)})
    hits: Counter[tuple[str, str]] = Counter()
    for n, edit in enumerate(edits(reports, seed)):
        item = _edited(edit, n)
        decision = state.decide(state.last_seq + 1, item)
        right = decision.copy_group in {group_of[source] for source in edit.sources}
        hits[edit.kind, "right" if right else "missed" if decision.copy_of is None else "wrong"] += 1
        if not right:
            made_from = {"id": "+".join(edit.sources), "kept": round(edit.kept, 2)}
            found = source_of.get(decision.copy_of)
            result.errors.append({"label": edit.kind, **made_from, "of": found, **_found(decision)})
        state.decide(state.last_seq + 1, replace(item, text=None, pub_status="canceled"))
    result.counts.update(hits)
    single = [kind for kind in dict.fromkeys(kind for kind, _ in hits) if kind != ALL_AT_ONCE]
    for kind in [*single, ALL_AT_ONCE]:
        result.figures[f"recall: {kind}"] = _share(hits, [kind], ("right", "missed", "wrong"))
    result.figures["recall: one edit"] = _share(hits, single, ("right", "missed", "wrong"))
    result.figures["precision"] = _share(hits, [*single, ALL_AT_ONCE], ("right", "wrong"))
    result.figures["sources called copies"] = result.counts["sources", "copy"] / len(reports)
    return result


def _share(hits: Counter[tuple[str, str]], kinds: Sequence[str], of: Sequence[str]) -> float:
    return sum(hits[k, "right"] for k in kinds) / max(1, sum(hits[k, outcome] for k in kinds for outcome in of))


def _published(source: Report, n: int) -> RawArticle:
    text = "\n\n".join(" ".join(p) for p in source.paragraphs)
    when = _START + timedelta(seconds=n)
    return RawArticle(provider="source", native_id=source.id, title=source.title, text=text, published=when)


def _edited(edit: Edit, n: int) -> RawArticle:
    when = _START + timedelta(days=1, seconds=n)
    return RawArticle(provider="copy", native_id=str(n), title=edit.title, text=edit.text, published=when)


def _print(result: Result, show: bool) -> None:
    click.echo(f"\n{result.file}: {result.kind}")
    for name, value in result.figures.items():
        click.echo(f"  {name:48}{value:8.4f}")
    if show:
        for error in result.errors[:_SHOWN]:
            click.echo("  " + "  ".join(f"{k}={v}" for k, v in error.items()))
        if len(result.errors) > _SHOWN:
            click.echo(f"  and {len(result.errors) - _SHOWN} more")
    elif result.errors:
        click.echo(f"  {len(result.errors)} to look at: --show")


@click.command("dedup")
@click.option(
    "--gold",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    required=True,
    help="JSON lines: labelled pairs, articles with a cluster each, or any articles (wire edits are made of them).",
)
@click.option("--edits", "make_edits", is_flag=True, help="Make wire edits of clustered articles too.")
@click.option("--seed", default=1, show_default=True, help="Seed of the generated wire edits.")
@click.option("--show", is_flag=True, help="List every wrong or doubtful decision with its evidence.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.pass_obj
def dedup_command(
    settings: Settings, files: tuple[Path, ...], make_edits: bool, seed: int, show: bool, as_json: bool
) -> None:
    """Score the copies that dedup finds."""
    for path in files:
        result = evaluate(path, settings.dedup, seed, make_edits)
        if as_json:
            counts = [{"label": label, "said": said, "n": n} for (label, said), n in result.counts.items()]
            line = {"file": result.file, "kind": result.kind, "figures": result.figures, "counts": counts}
            click.echo(encode(line | {"errors": result.errors}))
        else:
            _print(result, show)
