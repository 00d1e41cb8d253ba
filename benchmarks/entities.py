"""Words per second of the shipped pipeline beside spaCy's default NER, on the same texts and core, in one run.

    python benchmarks/entities.py TEXTS.jsonl [--texts N] [--rounds N]
        [--train CORPORA [--train-texts N] [--train-epochs N] [--corpus NAME [--own-labels]] [--gold FILE]...]
        [--memory ARTICLES [--memory-words N]]

TEXTS.jsonl has one {"text"} a line, gzipped or not. The default NER is what `nlp.add_pipe("ner")` gives
(`spacy.HashEmbedCNN`, width 96, depth 4, and the transition-based parser), with our labels and tokenizer.

Without --train its weights are random: its speed is that of its shape. With --train it learns what our network learns
from the same examples, in the same order of corpora and for as many epochs, and so does a network of ours; both, and
the shipped pipeline, are then scored on the held-out parts as `wirefuse evaluate entities` does. The default gets one
label where ours gets a set: the first of the set, which is what most of such spans are. With --own-labels both learn
what a corpus marks as it stands, and are scored by that.

Times are processor time, the best of the rounds; run with OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example as SpacyExample
from spacy.training.batchers import minibatch_by_words
from thinc.api import compounding, fix_random_seed

from pipeline.entities import store, tokenizer, train
from pipeline.entities.annotator import Annotator
from pipeline.entities.corpora import CORPORA, OUTSIDE, Corpus, Example, read_corpus
from pipeline.entities.labels import LABELS
from pipeline.entities.learn import Plan
from pipeline.entities.load import load_pipeline
from pipeline.entities.tags import N_TAGS, TAGS
from pipeline.evaluate.entities import evaluate
from pipeline.records import Article
from pipeline.settings import Entities

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def read(path: Path, limit: int) -> list[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as f:
        return [text for line in f if (text := json.loads(line).get("text"))][:limit]


def default_ner() -> Language:
    """spaCy's default, with random weights and our labels."""
    nlp = tokenizer.blank()
    ner = nlp.add_pipe("ner")
    for label in LABELS:
        ner.add_label(label)  # type: ignore[attr-defined]
    text = "Ann Lee left Oslo."
    nlp.initialize(lambda: [SpacyExample.from_dict(nlp.make_doc(text), {"entities": [(0, 7, "PERSON")]})])
    return nlp


def biluo(example: Example) -> list[str]:
    """One tag a token: the first of those that are allowed; "-" (spaCy's "unknown") where their kinds differ."""
    tags = []
    for mask in example.allowed:
        allowed = [TAGS[t] for t in range(N_TAGS) if mask >> t & 1]
        tags.append("O" if mask == OUTSIDE else allowed[0] if len({tag[0] for tag in allowed}) == 1 else "-")
    whole: set[int] = set()
    for i, tag in enumerate(tags):
        kind, _, label = tag.partition("-")
        end = i
        while kind == "B" and end + 1 < len(tags) and tags[end + 1] == f"I-{label}":
            end += 1
        if kind == "U" or (kind == "B" and end + 1 < len(tags) and tags[end + 1] == f"L-{label}"):
            whole.update(range(i, i + 1 if kind == "U" else end + 2))
    return [tag if tag == "O" or i in whole else "-" for i, tag in enumerate(tags)]


def train_default(corpora: list[tuple[int, list[Example]]], epochs: int, seed: int) -> Language:
    """spaCy's default, trained as the configuration of `spacy init config` does: dropout, batches, optimizer."""
    fix_random_seed(seed)
    nlp = default_ner()
    examples = [
        SpacyExample.from_dict(Doc(nlp.vocab, words=list(e.words)), {"entities": biluo(e)})
        for repeat, found in corpora
        for e in found * repeat
        if e.words and any(word.strip() for word in e.words)
    ]
    optimizer = nlp.create_optimizer()  # type: ignore[no-untyped-call]
    shuffle = random.Random(seed)
    start, sizes = time.process_time(), compounding(100.0, 1000.0, 1.001)
    for epoch in range(1, epochs + 1):
        shuffle.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch_by_words(examples, size=sizes):  # type: ignore[arg-type]
            nlp.update(batch, drop=0.1, sgd=optimizer, losses=losses)
        say(f"default NER, epoch {epoch} of {epochs}: {time.process_time() - start:.0f} s of processor time")
    return nlp


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def held_out(data: Path, folder: Path, corpora: list[Corpus]) -> list[Path]:
    """The held-out part of each corpus, as gold files."""
    files = []
    for corpus in corpora:
        _, held = read_corpus(data, corpus)
        files.append(folder / f"{corpus.name}.jsonl")
        files[-1].write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in held))
    return files


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


def speed(texts: list[str], rounds: int, theirs: Language) -> None:
    words = sum(len(text.split()) for text in texts)
    start = time.perf_counter()
    ours = load_pipeline("")
    load = time.perf_counter() - start
    annotator = Annotator(Entities())
    articles = [article(text) for text in texts]
    for _ in range(2):
        annotator.annotate(articles)
    rows = [
        ("tokenizer alone", best(lambda: [ours.make_doc(text) for text in texts], rounds)),
        ("shipped pipeline", best(piped(ours, texts), rounds)),
        ("annotate(), with names folded", best(lambda: annotator.annotate(articles), rounds)),
        ("rules", best(piped(load_pipeline("rules"), texts), rounds)),
        ("spaCy's default NER", best(piped(theirs, texts), rounds)),
    ]
    reference = rows[-1][1]
    print(f"{len(texts)} texts, {words} words; the shipped pipeline loads in {load:.2f} s")
    for name, seconds in rows:
        print(f"{name:32}{words / seconds:12,.0f} words/s{reference / seconds:8.2f} x default")


def trained(
    data: Path, texts: int, epochs: int, gold: list[Path], limit: int, corpora: list[Corpus], own_labels: bool
) -> Language:
    """Train the default and ours on the same examples, print their F1, and return the default."""
    found = train.read_examples(data, say, corpora, texts, own_labels)
    tokens = sum(repeat * len(e.words) for repeat, examples in found for e in examples)
    own = ", labels and spans of the corpora's own" if own_labels else ""
    print(f"at most {texts} texts a corpus, {tokens:,} tokens an epoch, {epochs} epochs, seed 0{own}")
    start = time.process_time()
    default = train_default(found, epochs, seed=0)
    middle = time.process_time()
    plan = Plan(epochs=epochs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fixed = store.shipped_folder()
        store.save(folder / "ours", train.train(data, fixed, plan, say, corpora, texts, own_labels))
        store.copy_fixed(fixed, folder / "ours")
        print(f"trained in {middle - start:.0f} s (default) and {time.process_time() - middle:.0f} s (ours)")
        default.to_disk(folder / "default")
        pipelines = {
            "default, same data": Annotator(Entities(model=str(folder / "default"))),
            "ours, same data": Annotator(Entities(model=str(folder / "ours"))),
            "ours, tagger alone": Annotator(Entities(model=str(folder / "ours"))),
            "ours, as shipped": Annotator(Entities()),
        }
        if own_labels:
            del pipelines["ours, tagger alone"]  # a model of own labels is used without rules
        else:
            pipelines["ours, tagger alone"]._nlp.disable_pipe("wirefuse_repair")
        for path in [*held_out(data, folder, corpora), *gold]:
            scores = {
                name: evaluate(path, annotator, limit, own_spans=own_labels) for name, annotator in pipelines.items()
            }
            compared = next(iter(scores.values()))
            print(
                f"\n{path.name.partition('.')[0]}: F1, exact spans, {compared.texts} texts, {compared.all.gold} spans"
            )
            types = [*compared.types, "all"]
            print(f"{'':22}" + "".join(f"{t:>17}" for t in types))
            for name, result in scores.items():
                row = [result.all if t == "all" else result.types[t] for t in types]
                print(f"{name:22}" + "".join(f"{score.f1:17.3f}" for score in row), flush=True)
    print()
    return default


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 2**20


def memory(texts: list[str], articles: int, words: int) -> None:
    """Print resident memory and vocabulary while articles with ever new words go through."""
    rng = random.Random(0)
    annotator = Annotator(Entities())
    vocab = annotator._nlp.vocab
    cut = [piece for text in texts for piece in _pieces(text, words)]
    start = time.process_time()
    print(f"{len(cut)} different texts of {words} words, two words nobody has seen in each")
    for done in range(0, articles + 1, 64):
        if done % (64 * max(1, articles // 640)) == 0:
            # len(vocab) counts every lexeme that there ever was.
            lexemes, strings = sum(1 for _ in vocab), len(vocab.strings)
            line = f"{done:8} articles: {resident_mb():5.0f} MB, {lexemes:7} lexemes, {strings:7} strings"
            print(f"{line}, {time.process_time() - start:5.0f} s", flush=True)
        new = ["".join(rng.choices(string.ascii_lowercase, k=9)) for _ in range(128)]
        batch = [f"{rng.choice(cut)} {a.title()} {b}." for a, b in zip(new[::2], new[1::2], strict=True)]
        annotator.annotate([article(text) for text in batch])


def _pieces(text: str, words: int) -> Iterator[str]:
    all_words = text.split()
    for i in range(0, max(1, len(all_words) - words + 1), words):
        yield " ".join(all_words[i : i + words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3, help="0: no speed")
    parser.add_argument("--train", type=Path, metavar="CORPORA", help="train the default on these, and score it")
    parser.add_argument("--train-texts", type=int, default=5000, metavar="N", help="of each corpus")
    parser.add_argument("--train-epochs", type=int, default=3, metavar="N")
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        metavar="NAME",
        choices=[c.name for c in CORPORA],
        help="only this one; may be repeated",
    )
    parser.add_argument("--own-labels", action="store_true", help="learn, and score by, what a corpus marks itself")
    parser.add_argument("--score-texts", type=int, default=2000, metavar="N", help="of each held-out part, the first")
    parser.add_argument(
        "--gold", type=Path, action="append", default=[], help="a gold file to score beside the held out"
    )
    parser.add_argument("--memory", type=int, default=0, metavar="ARTICLES", help="also watch memory over so many")
    parser.add_argument("--memory-words", type=int, default=500, metavar="N", help="words of an article of --memory")
    args = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        print("note: OPENBLAS_NUM_THREADS is not 1: processor time then counts every thread")
    texts = read(args.file, args.texts)
    if args.train is None:
        theirs = default_ner()
    else:
        corpora = [corpus for corpus in CORPORA if not args.corpus or corpus.name in args.corpus]
        theirs = trained(
            args.train, args.train_texts, args.train_epochs, args.gold, args.score_texts, corpora, args.own_labels
        )
    if args.rounds:
        speed(texts, args.rounds, theirs)
    if args.memory:
        memory(texts, args.memory, args.memory_words)


if __name__ == "__main__":
    main()
