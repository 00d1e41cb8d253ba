"""Words per second of the shipped pipeline beside spaCy's default NER, on the same texts and core, in one run.

    python benchmarks/entities.py TEXTS.jsonl [--texts N] [--rounds N] [--memory ARTICLES]

TEXTS.jsonl has one {"text"} a line, gzipped or not. The default NER is what `nlp.add_pipe("ner")` gives
(`spacy.HashEmbedCNN`, width 96, depth 4, and the transition-based parser), with our labels. It is not trained: its
speed is that of its shape. Times are processor time, the best of the rounds; run with OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import string
import time
from collections.abc import Callable
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.training import Example

from pipeline.entities.annotator import Annotator
from pipeline.entities.labels import LABELS
from pipeline.entities.load import load_pipeline
from pipeline.records import Article
from pipeline.settings import Entities


def read(path: Path, limit: int) -> list[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as f:
        return [text for line in f if (text := json.loads(line).get("text"))][:limit]


def default_ner() -> Language:
    """spaCy's default, with random weights and our labels."""
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    for label in LABELS:
        ner.add_label(label)  # type: ignore[attr-defined]
    text = "Ann Lee left Oslo."
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(text), {"entities": [(0, 7, "PERSON")]})])
    return nlp


def best(run: Callable[[], object], rounds: int) -> float:
    """Processor seconds of the fastest of several runs."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def piped(nlp: Language, texts: list[str]) -> Callable[[], None]:
    def run() -> None:
        with nlp.memory_zone():
            for _ in nlp.pipe(texts):
                pass

    return run


def article(text: str) -> Article:
    return Article(
        provider="benchmark",
        native_id="1",
        source=None,
        title=None,
        text=text,
        published=None,
        published_precision="time",
        url=None,
        language="en",
        version=None,
        version_created=None,
    )


def memory(annotator: Annotator, texts: list[str], articles: int) -> None:
    """Print resident memory and vocabulary while articles with ever new words go through."""
    rng = random.Random(0)
    nlp = annotator._nlp
    for done in range(0, articles + 1, 64):
        if done % (64 * max(1, articles // 640)) == 0:
            kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(f"{done:8} articles: {kilobytes / 1024:.0f} MB at most, {len(nlp.vocab)} lexemes", flush=True)
        batch = [article(f"{rng.choice(texts)} {''.join(rng.choices(string.ascii_letters, k=9))}") for _ in range(64)]
        annotator.annotate(batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0, metavar="ARTICLES", help="also watch memory over so many")
    args = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        print("note: OPENBLAS_NUM_THREADS is not 1: processor time then counts every thread")
    texts = read(args.file, args.texts)
    words = sum(len(text.split()) for text in texts)
    start = time.perf_counter()
    ours = load_pipeline("")
    load = time.perf_counter() - start
    annotator = Annotator(Entities())
    articles = [article(text) for text in texts]
    for _ in range(2):
        annotator.annotate(articles)
    theirs = default_ner()
    rows = [
        ("tokenizer alone", best(lambda: [ours.make_doc(text) for text in texts], args.rounds)),
        ("shipped pipeline", best(piped(ours, texts), args.rounds)),
        ("annotate(), with names folded", best(lambda: annotator.annotate(articles), args.rounds)),
        ("rules", best(piped(load_pipeline("rules"), texts), args.rounds)),
        ("spaCy's default NER", best(piped(theirs, texts), args.rounds)),
    ]
    reference = rows[-1][1]
    print(f"{len(texts)} texts, {words} words; the shipped pipeline loads in {load:.2f} s")
    for name, seconds in rows:
        print(f"{name:32}{words / seconds:12,.0f} words/s{reference / seconds:8.2f} x default")
    if args.memory:
        memory(annotator, texts, args.memory)


if __name__ == "__main__":
    main()
