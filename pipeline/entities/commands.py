"""Command line of the entities: `wirefuse annotate`, `wirefuse train entities`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from pipeline.codec import decode_json, encode
from pipeline.errors import InvalidEvent
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.entities.annotator import Annotator


def _rows(file: BinaryIO) -> Iterator[tuple[int, Any, str | InvalidEvent]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = decode_json(line)
        except InvalidEvent as e:
            yield number, None, e
            continue
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("id"), str | int)
            or not isinstance(row.get("text"), str)
        ):
            yield number, None, InvalidEvent("schema", 'needs "id" (text or number) and "text" (text)')
        else:
            yield number, row["id"], row["text"]


@click.command()
@click.argument("source", metavar="IN", type=click.File("rb"))
@click.argument("target", metavar="[OUT.jsonl]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--pipeline",
    "models",
    metavar="NAME",
    multiple=True,
    help="A spaCy package or folder, `rules`, or `ours`. May be repeated. Default: the setting entities.model.",
)
@click.option("--html", "as_html", is_flag=True, help="A web page instead, to OUT or standard output.")
@click.pass_obj
def annotate(settings: Settings, source: BinaryIO, target: Path | None, models: tuple[str, ...], as_html: bool) -> None:
    """Find the entities in texts.

    IN has one {"id", "text"} a line; a file whose name ends in .txt is one text. OUT.jsonl gets {"id", "entities":
    [[start, end, label], ...]}, half-open character offsets into the text as given. A line that cannot be read is
    reported and left out; the exit code is then 1.

    Without OUT.jsonl the entities are shown. With several pipelines they stand side by side, and what not all of them
    found alike is marked with ≠:

    \b
        wirefuse annotate page.txt --pipeline ours --pipeline rules --pipeline ./my_model
        wirefuse annotate page.txt --pipeline ours --pipeline en_core_web_lg --html > page.html

    Labels of another pipeline that are not ours are mapped by the setting entities.labels.
    """
    from pipeline.entities.annotator import Annotator  # spaCy takes a second to import: not for --help

    if target is not None and len(models) > 1 and not as_html:
        raise click.UsageError("OUT.jsonl holds the entities of one pipeline; leave it out to see several side by side")
    if target is not None and target.exists() and Path(source.name).exists() and target.samefile(source.name):
        raise click.UsageError("OUT.jsonl is IN, which would be emptied before it is read")
    names = list(dict.fromkeys(models)) or [settings.entities.model]
    annotators = [Annotator(replace(settings.entities, model=name)) for name in names]
    texts = _Texts(source)
    if as_html or target is None:
        _show(texts, _columns(names, annotators), target, as_html)
    else:
        _write(texts, annotators[0], target)
    if texts.bad:
        raise click.exceptions.Exit(1)


class _Texts:
    """The texts of a file; bad lines are reported and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bad = 0

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        name = self._file.name
        if name.endswith(".txt"):
            yield Path(name).name, self._file.read().decode("utf-8", "replace")
            return
        for number, id, text in _rows(self._file):
            if isinstance(text, InvalidEvent):
                click.echo(f"{name}, line {number}: {text.detail}", err=True)
                self.bad += 1
            else:
                yield id, text


def _write(texts: _Texts, annotator: Annotator, target: Path) -> None:
    done = 0
    with target.open("wb") as out:
        for id, text in texts:
            out.write(encode({"id": id, "entities": [list(span) for span in annotator.spans(text)]}) + b"\n")
            done += 1
    left_out = f", {texts.bad} lines left out" if texts.bad else ""
    click.echo(f"{done} texts annotated by {annotator.version}{left_out}", err=True)


def _columns(names: Sequence[str], annotators: Sequence[Annotator]) -> dict[str, Annotator]:
    """Annotators by name and version; two models may bear the same ones, and then stand under the name given too."""
    versions = Counter(annotator.version for annotator in annotators)
    return {
        annotator.version if versions[annotator.version] == 1 else f"{annotator.version} ({name})": annotator
        for name, annotator in zip(names, annotators, strict=True)
    }


def _show(texts: _Texts, annotators: Mapping[str, Annotator], target: Path | None, as_html: bool) -> None:
    from pipeline.entities.side_by_side import Comparison, terminal, web_page
    from pipeline.sink.render import console

    compared = (
        Comparison(str(id), text, tuple(annotators), tuple(tuple(a.spans(text)) for a in annotators.values()))
        for id, text in texts
    )
    if not as_html:
        out = console()
        for each in compared:
            out.print(terminal(each, out.width))
        return
    page = web_page(list(compared)).encode()
    if target is None:
        click.get_binary_stream("stdout").write(page)
    else:
        target.write_bytes(page)


@click.group()
def train() -> None:
    """Train the models that ship with Wirefuse."""


@train.command("entities")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with one folder per corpus; docs/model-card.md says where each comes from.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Model folder to write. Default: the one that ships.",
)
@click.option("--corpus", "names", metavar="NAME", multiple=True, help="Only this one; may be repeated. Default: all.")
@click.option("--texts", type=click.IntRange(1), help="At most so many texts of each corpus: for a quick try.")
@click.option("--epochs", type=click.IntRange(1), help="Default: that of the shipped model.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--own-labels", is_flag=True, help="Learn what a corpus marks as it stands; needs --corpus and --out.")
def train_entities(
    data: Path,
    out: Path | None,
    names: tuple[str, ...],
    texts: int | None,
    epochs: int | None,
    seed: int,
    own_labels: bool,
) -> None:
    """Train the entity model: minutes on one core.

    The same data, seed and machine give the same weights; their hash is printed and stored in the model's meta.json. A
    model in a folder of its own is used with `--set entities.model=FOLDER`, and scored with `wirefuse evaluate entities
    --pipeline FOLDER`.

    With --own-labels labels are mapped by name and nothing is read into them: a yardstick of what a corpus teaches on
    its own terms, scored with `wirefuse evaluate entities --own-spans`. Such a model is used without our rules.
    """
    from pipeline.entities import store
    from pipeline.entities.conventions import convention
    from pipeline.entities.corpora import CORPORA
    from pipeline.entities.learn import Plan
    from pipeline.entities.train import train as train_model

    plan = Plan(seed=seed)
    plan = plan if epochs is None else replace(plan, epochs=epochs)
    known = {corpus.name: corpus for corpus in CORPORA}
    if unknown := sorted(set(names) - set(known)):
        raise click.BadParameter(
            f"no corpus is called {unknown[0]}; there are {', '.join(known)}", param_hint="--corpus"
        )
    corpora = [corpus for name, corpus in known.items() if not names or name in names]
    if own_labels:
        if out is None:
            raise click.UsageError("--own-labels is for comparison and not for the model that ships: give --out")
        if mixed := [corpus.name for corpus in corpora if not convention(corpus.convention).own]:
            raise click.BadParameter(
                f"the labels of {', '.join(mixed)} have no namesakes in ours; name others with --corpus",
                param_hint="--own-labels",
            )
    folder = out or store.shipped_folder()
    model = train_model(data, store.shipped_folder(), plan, click.echo, corpora, texts, own_labels)
    store.save(folder, model)
    if folder != store.shipped_folder():
        store.copy_fixed(store.shipped_folder(), folder)
    click.echo(f"{folder}: weights {store.weights_hash(model.network)}")


@train.command("vectors")
@click.option(
    "--minilm",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of all-MiniLM-L6-v2 (model.safetensors, tokenizer.json).",
)
@click.option(
    "--words", type=click.File("r", encoding="utf-8"), help="One word a line. Default: those of the shipped vectors."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Model folder to write.")
def train_vectors(minilm: Path, words: TextIO | None, out: Path) -> None:
    """Make the fixed word vectors that the entity model builds on: ten minutes on one core.

    Needs `pip install tokenizers`. Only a new list of words calls for it.
    """
    from pipeline.entities import store
    from pipeline.entities.fixed_vectors import build

    known = store.fixed_words(store.shipped_folder()) if words is None else [line.strip() for line in words]
    build([word for word in known if word], minilm, out, click.echo)
