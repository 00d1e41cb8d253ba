"""Scoring entities against labelled text: exact and overlapping spans, precision, recall and F1 per type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.codec import decode_json, encode
from pipeline.entities.conventions import Convention, convention_of, mapped
from pipeline.entities.meanings import known_label
from pipeline.errors import InvalidEvent
from pipeline.evaluate.rows import lines
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.entities.annotator import Annotator

Span = tuple[int, int, str]

_ARTICLES = ("the ", "a ", "an ")


@dataclass(slots=True)
class Score:
    """Counts of one type: spans in gold, found, and right (same start, end and group)."""

    gold: int = 0
    found: int = 0
    exact: int = 0
    found_overlapping: int = 0
    """Found spans that share a character with a gold span of their group."""
    gold_overlapped: int = 0

    @property
    def precision(self) -> float:
        return self.exact / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.exact / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.exact / (self.gold + self.found) if self.gold + self.found else 0.0

    @property
    def overlap_f1(self) -> float:
        precision = self.found_overlapping / self.found if self.found else 0.0
        recall = self.gold_overlapped / self.gold if self.gold else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def add(self, other: Score) -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without a leading article: corpora disagree on it, and it is no part of a name."""
    for article in _ARTICLES:
        if text[start:end].lower().startswith(article) and end - start > len(article):
            return start + len(article), end
    return start, end


def compare(
    text: str,
    gold: Sequence[Span],
    found: Sequence[Span],
    convention: Convention,
    articles: bool = False,
    own_spans: bool = False,
) -> dict[str, Score]:
    """Score one text by type.

    A gold span is right when a span with the same ends and one of the labels that it may have in ours is found. What
    is found where the gold has something that is not compared, or of a type that the corpus does not mark, is no error.

    Args:
        gold: (start, end, label) with the corpus's labels.
        found: the same with ours.
        articles: compare leading articles too.
        own_spans: take the gold as it stands: every span of a label that has a counterpart counts, and so does
            everything found of those types.
    """
    scores: dict[str, Score] = {}

    def ends(start: int, end: int) -> tuple[int, int]:
        return (start, end) if articles else trim(text, start, end)

    wanted: dict[tuple[int, int], tuple[str, ...]] = {}
    unclear: list[tuple[int, int]] = []
    for start, end, label in [] if own_spans else gold:
        for first, last, meaning in convention.meaning(text, start, end, label):
            if meaning:
                wanted[ends(first, last)] = meaning
            elif meaning is not None:
                unclear.append((first, last))

    def group(label: str) -> str:
        return convention.groups.get(label, label)

    given: dict[tuple[int, int], str] = {}
    goal = {place: group(labels[0]) for place, labels in wanted.items()}
    if own_spans:
        goal = {ends(start, end): convention.own[label] for start, end, label in gold if label in convention.own}
    for start, end, label in found:
        place = ends(start, end)
        if own_spans:
            if group(label) in convention.own.values():
                given[place] = group(label)
        elif label in wanted.get(place, ()):
            given[place] = group(wanted[place][0])
        elif (
            label in convention.marks
            and not any(start < b and a < end for a, b in unclear)
            and not (convention.whole_words and _part_of_word(text, start, end))
        ):
            given[place] = group(label)
    for place, kind in goal.items():
        score = scores.setdefault(kind, Score())
        score.gold += 1
        score.gold_overlapped += _touches(place, kind, given)
    for place, kind in given.items():
        score = scores.setdefault(kind, Score())
        score.found += 1
        score.exact += goal.get(place) == kind
        score.found_overlapping += _touches(place, kind, goal)
    return scores


def as_ours(text: str, gold: Sequence[Span], convention: Convention) -> list[Span]:
    """What a pipeline without error finds by our conventions: known names as what they are, others as marked."""
    found = []
    for start, end, label in gold:
        for first, last, meaning in convention.meaning(text, start, end, label):
            if meaning:
                known, own = known_label(text[first:last]), convention.namesake(label)
                found.append((first, last, next((ours for ours in (known, own) if ours in meaning), meaning[0])))
    return found


def _part_of_word(text: str, start: int, end: int) -> bool:
    """Whether a hyphen ties a span to a word: the "U.S." of "U.S.-led", the "Israel" of "anti-Israel"."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return (before[-1:] == "-" and before[0].isalpha()) or (after[:1] == "-" and after[1:].isalpha())


def _touches(place: tuple[int, int], kind: str, others: Mapping[tuple[int, int], str]) -> bool:
    return any(k == kind and a < place[1] and place[0] < b for (a, b), k in others.items())


@dataclass(slots=True)
class Result:
    """Scores of one gold file."""

    file: str
    pipeline: str
    convention: str
    texts: int = 0
    not_compared: int = 0
    """Gold spans that are no entity for us, or of which the corpus does not tell what they are."""
    types: dict[str, Score] = field(default_factory=dict)

    @property
    def all(self) -> Score:
        total = Score()
        for score in self.types.values():
            total.add(score)
        return total


def read_gold(path: Path) -> Iterator[tuple[str, list[Span]]]:
    """Texts and their gold spans from JSON lines {"text", "entities": [[start, end, label], ...]}, gzipped or not.

    Raises:
        InvalidEvent: a line is not of this form; says which.
    """
    for number, line in lines(path):
        try:
            row = decode_json(line)
            entities = [(int(s), int(e), str(label)) for s, e, label in row["entities"]]
            yield row["text"], entities + _unnamed_materiel(row.get("mentions"), entities)
        except (InvalidEvent, KeyError, TypeError, ValueError) as e:
            raise InvalidEvent(
                "schema", f'{path}, line {number}: needs "text" and "entities" [[start, end, label]]: {e}'
            ) from None


def _unnamed_materiel(mentions: Any, entities: list[Span]) -> list[Span]:
    # WikiEvents lists named things under `entities`; its weapons and vehicles, which we mark also by kind ("a bomb"),
    # are under `mentions`.
    found = [(int(m[0]), int(m[1]), str(m[2])) for m in mentions or () if m[2] in ("WEA", "VEH")]
    return [m for m in found if not any(m[0] < e and s < m[1] for s, e, _ in entities)]


def _convention(used: Set[str], table: Mapping[str, str | None]) -> Convention:
    if not table:
        return convention_of(used)
    if missing := sorted(used - set(table)):
        raise ValueError(f"--labels says nothing of {', '.join(missing)}")
    return mapped(table)


def evaluate(
    path: Path,
    annotator: Annotator,
    limit: int | None = None,
    articles: bool = False,
    own_spans: bool = False,
    labels: Mapping[str, str | None] | None = None,
    ceiling: bool = False,
) -> Result:
    """Score an annotator on a gold file.

    Args:
        labels: what the file's labels are in ours (None: not compared); default: of a convention that we know.
        ceiling: score the gold as our conventions read it, and not the annotator: what they cost by own spans.

    Raises:
        InvalidEvent: a line is not gold, or the file has labels of no convention that we know; or own spans are asked
            for and none of its labels has a counterpart in ours.
    """
    rows = list(read_gold(path))[:limit]
    try:
        convention = _convention({label for _, gold in rows for _, _, label in gold}, labels or {})
    except ValueError as e:
        raise InvalidEvent("schema", f"{path}: {e}") from None
    if own_spans and not convention.own:
        raise InvalidEvent("schema", f"{path}: the labels of {convention.name} cannot be scored by their own spans")
    pipeline = "the gold by our conventions" if ceiling else annotator.version
    result = Result(file=str(path), pipeline=pipeline, convention=convention.name, texts=len(rows))
    for text, gold in rows:
        if own_spans:
            result.not_compared += sum(label not in convention.own for _, _, label in gold)
        else:
            result.not_compared += sum(
                not meaning for s, e, label in gold for _, _, meaning in convention.meaning(text, s, e, label)
            )
        found = as_ours(text, gold, convention) if ceiling else annotator.spans(text)
        for kind, score in compare(text, gold, found, convention, articles, own_spans).items():
            result.types.setdefault(kind, Score()).add(score)
    result.types = {k: s for k, s in sorted(result.types.items()) if s.gold}
    return result


def _report(result: Result) -> dict[str, Any]:
    def figures(s: Score) -> dict[str, Any]:
        return asdict(s) | {name: round(getattr(s, name), 4) for name in ("precision", "recall", "f1", "overlap_f1")}

    return {
        "file": result.file,
        "pipeline": result.pipeline,
        "convention": result.convention,
        "texts": result.texts,
        "not_compared": result.not_compared,
        "types": {group: figures(score) for group, score in result.types.items()},
        "all": figures(result.all),
    }


_OWN = "entities/conventions.py says why"
_WHY = {"mapped": "--labels maps them to nothing"}


def _print(result: Result) -> None:
    click.echo(f"\n{result.file}: {result.texts} texts, labels of {result.convention}, {result.pipeline}")
    if result.not_compared:
        click.echo(f"{result.not_compared} gold spans are not compared: {_WHY.get(result.convention, _OWN)}")
    click.echo(f"{'type':18}{'gold':>7}{'found':>7}{'P':>8}{'R':>8}{'F1':>8}{'overlap F1':>12}")
    for group, s in [*result.types.items(), ("all", result.all)]:
        click.echo(f"{group:18}{s.gold:7}{s.found:7}{s.precision:8.3f}{s.recall:8.3f}{s.f1:8.3f}{s.overlap_f1:12.3f}")


@click.command("entities")
@click.option(
    "--gold",
    "files",
    metavar="FILE...",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON lines {"text", "entities": [[start, end, label], ...]}, gzipped or not. May be repeated.',
)
@click.argument("more", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--pipeline", "model", metavar="NAME", help="A spaCy package or path, or `rules`. Default: entities.model."
)
@click.option("--limit", type=click.IntRange(1), help="Only the first N texts of each file.")
@click.option("--articles", is_flag=True, help="Count a leading the, a or an as part of a span.")
@click.option("--own-spans", is_flag=True, help="Every gold span counts as it stands; labels are mapped, nothing else.")
@click.option("--ceiling", is_flag=True, help="With --own-spans: the gold by our conventions in a pipeline's place.")
@click.option("--labels", metavar="TABLE", default="", help='What the gold\'s labels are in ours: "PER=PERSON,MISC=".')
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file instead of tables.")
@click.pass_obj
def entities_command(
    settings: Settings,
    files: tuple[Path, ...],
    more: tuple[Path, ...],
    model: str | None,
    limit: int | None,
    articles: bool,
    own_spans: bool,
    ceiling: bool,
    labels: str,
    as_json: bool,
) -> None:
    """Score entities against labelled text.

    A gold file uses our labels or those of a corpus that entities/conventions.py knows, which are compared by meaning;
    for others, --labels says what each is in ours, or nothing where it is not to be compared.
    Exact: same start and end, leading articles aside. Overlap: one character in common.
    """
    from pipeline.entities.annotator import Annotator
    from pipeline.entities.load import parse_label_map

    if ceiling and not own_spans:
        raise click.UsageError("--ceiling says what our conventions cost by own spans: give --own-spans too")
    table = parse_label_map(labels, "--labels")
    chosen = settings.entities if model is None else replace(settings.entities, model=model)
    annotator = Annotator(chosen)
    for path in (*files, *more):
        result = evaluate(path, annotator, limit, articles, own_spans, table, ceiling)
        if as_json:
            click.echo(encode(_report(result)))
        else:
            _print(result)
