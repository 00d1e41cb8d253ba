"""Command line of the entities: `wirefuse annotate`, `wirefuse train entities`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from pipeline.codec import decode_json, encode
from pipeline.errors import InvalidEvent
from pipeline.settings import Settings


def _texts(file: BinaryIO) -> Iterator[tuple[int, Any, str | InvalidEvent]]:
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
@click.argument("source", metavar="IN.jsonl", type=click.File("rb"))
@click.argument("target", metavar="OUT.jsonl", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--pipeline",
    "model",
    metavar="NAME",
    help="A spaCy package or path, or `rules`. Default: the setting entities.model.",
)
@click.pass_obj
def annotate(settings: Settings, source: BinaryIO, target: Path, model: str | None) -> None:
    """Find the entities in texts.

    IN.jsonl has one {"id", "text"} a line; OUT.jsonl gets {"id", "entities": [[start, end, label], ...]}, half-open
    character offsets into the text as given. A line that cannot be read is reported and left out; the exit code is
    then 1.
    """
    from pipeline.entities.annotator import Annotator  # spaCy takes a second to import: not for --help

    chosen = settings.entities if model is None else replace(settings.entities, model=model)
    annotator = Annotator(chosen)
    bad = done = 0
    with target.open("wb") as out:
        for number, id, text in _texts(source):
            if isinstance(text, InvalidEvent):
                click.echo(f"{source.name}, line {number}: {text.detail}", err=True)
                bad += 1
                continue
            out.write(encode({"id": id, "entities": [list(span) for span in annotator.spans(text)]}) + b"\n")
            done += 1
    click.echo(f"{done} texts annotated by {annotator.version}" + (f", {bad} lines left out" if bad else ""), err=True)
    if bad:
        raise click.exceptions.Exit(1)


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
@click.option("--epochs", type=click.IntRange(1), help="Default: that of the shipped model.")
@click.option("--seed", type=int, default=0, show_default=True)
def train_entities(data: Path, out: Path | None, epochs: int | None, seed: int) -> None:
    """Train the entity model: minutes on one core.

    The same data, seed and machine give the same weights; their hash is printed and stored.
    """
    from pipeline.entities import store
    from pipeline.entities.learn import Plan
    from pipeline.entities.train import train as train_model

    plan = Plan(seed=seed)
    plan = plan if epochs is None else replace(plan, epochs=epochs)
    folder = out or store.shipped_folder()
    model = train_model(data, store.shipped_folder(), plan, click.echo)
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
