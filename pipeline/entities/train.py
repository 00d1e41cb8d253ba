"""Training the entity model that ships: from corpora on disk to a model folder."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import __version__
from pipeline.entities import store, tokenizer
from pipeline.entities.corpora import CORPORA, FREE, Corpus, Example, Reader, read_corpus
from pipeline.entities.features import Layout, word_key
from pipeline.entities.learn import Plan, Trainer, WordTable, batches, new_network
from pipeline.entities.tags import N_TAGS
from pipeline.errors import SettingsError

MIN_COUNT = 2
"""A word seen less often has no row of its own: its n-grams, shape and classes must do, as for unseen words."""

FREQUENT = 15_000
"""Words as written whose vectors are ready when the model is loaded."""

WARM_UP_STEPS = 200
_LAST_RATE = 0.02

_Packed = tuple[NDArray[np.int64], NDArray[np.int64], float]


class _Masks:
    """The distinct sets of allowed tags, as rows of one table."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {FREE: 0}

    def row(self, mask: int) -> int:
        return self._rows.setdefault(mask, len(self._rows))

    def table(self) -> NDArray[np.bool_]:
        return np.array([[mask >> t & 1 == 1 for t in range(N_TAGS)] for mask in self._rows])


def read_examples(
    data: Path,
    say: Callable[[str], None],
    corpora: Sequence[Corpus] = CORPORA,
    texts: int | None = None,
    own_labels: bool = False,
) -> list[tuple[int, list[Example]]]:
    """The training examples of every corpus, with how often each is read per epoch.

    Args:
        texts: read at most so many texts of each corpus, evenly spread over it.
        own_labels: take what each corpus marks as it stands (corpora.py).

    Raises:
        SettingsError: a corpus is not there.
    """
    reader = Reader(tokenizer.blank(), own_labels)
    found = []
    for corpus in corpora:
        rows, held = read_corpus(data, corpus)
        if not rows:
            raise SettingsError(f"{data / corpus.name}: no {' or '.join(corpus.files)} of corpus {corpus.name}")
        if texts is not None and len(rows) > texts:
            rows = [rows[i * len(rows) // texts] for i in range(texts)]
        examples = [example for row in rows for example in reader.examples(corpus, row)]
        words = sum(len(example.words) for example in examples)
        say(f"{corpus.name}: {len(rows)} texts, {words} tokens to learn from, {len(held)} texts held out")
        found.append((corpus.repeat, examples))
    return found


def _noisy(example: Example, random: np.random.Generator, share: float) -> Example | None:
    # Headlines and old wires are in capitals; a few such copies keep the network from trusting case alone.
    u = random.random()
    if u >= share:
        return None
    change = str.upper if u < share / 2 else str.title
    return replace(example, words=tuple(change(w) for w in example.words), weight=example.weight / 2)


def train(
    data: Path,
    fixed: Path,
    plan: Plan,
    say: Callable[[str], None],
    corpora: Sequence[Corpus] = CORPORA,
    texts: int | None = None,
    own_labels: bool = False,
) -> store.Model:
    """Train a model.

    Args:
        data: folder with one folder per corpus (corpora.py says which files).
        fixed: folder with the fixed word vectors (fixed.npz, fixed.txt).
        say: receives lines of progress.
        corpora: what to learn from.
        texts: at most so many texts of each corpus.
        own_labels: learn what each corpus marks as it stands. Such a model is used without the rules.

    Raises:
        SettingsError: a corpus is not there.
    """
    found = read_examples(data, say, corpora, texts, own_labels)
    seen = Counter(word for _, examples in found for e in examples for word in e.words)
    keys: Counter[str] = Counter()
    for word, count in seen.items():
        keys[word_key(word)] += count
    layout = Layout({word: i for i, word in enumerate(sorted(w for w, n in keys.items() if n >= MIN_COUNT and w), 1)})
    vectors, fixed_rows = store.load_fixed(fixed)

    table, masks = WordTable(layout, fixed_rows), _Masks()
    random = np.random.default_rng(plan.seed)
    packed: list[_Packed] = []
    once: list[int] = []
    for repeat, examples in found:
        first = len(packed)
        for example in examples:
            for e in (example, _noisy(example, random, plan.noise)):
                if e is not None:
                    words = np.array([table.number(w) for w in e.words], np.int64)
                    packed.append((words, np.array([masks.row(m) for m in e.allowed], np.int64), e.weight))
        once += [i for i in range(first, len(packed)) for _ in range(repeat)]

    network = new_network(layout, vectors, plan)
    trainer = Trainer(network, table, masks.table(), plan)
    gap = max(abs(o) for offsets in plan.offsets for o in offsets)
    tokens = sum(len(packed[i][0]) + gap for i in once)
    steps, step = plan.epochs * tokens / plan.batch_tokens, 0
    say(f"{tokens} tokens per epoch, {len(layout.words)} words in the vocabulary")
    start = time.monotonic()
    for epoch in range(1, plan.epochs + 1):
        losses = []
        for batch in batches(packed, random.permutation(once), plan.batch_tokens, gap):
            step += 1
            rate = plan.rate * min(1.0, step / WARM_UP_STEPS) * max(_LAST_RATE, 1 - step / steps)
            losses.append(trainer.step(batch, rate))
        say(f"epoch {epoch} of {plan.epochs}: loss {np.mean(losses):.4f}, {time.monotonic() - start:.0f} s")

    meta: dict[str, Any] = {
        "name": "wirefuse_en",
        "version": __version__,
        "plan": asdict(plan),
        **({} if texts is None else {"texts_per_corpus": texts}),
        **({"own_labels": True} if own_labels else {}),
        "corpora": {c.name: {"weight": c.weight, "repeat": c.repeat} for c in corpora},
    }
    frequent = tuple(sorted(sorted(seen, key=lambda w: (-seen[w], w))[:FREQUENT]))
    frequent = tuple(w for w in frequent if w.strip())
    return store.Model(meta, network, layout, fixed_rows, frequent, np.empty((0, network.width), np.float32))
