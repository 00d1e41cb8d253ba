"""Training: the gradients are those of the loss, the same seed gives the same weights, and a network can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from pipeline.entities import store, tokenizer
from pipeline.entities.corpora import FREE, OUTSIDE, Corpus, Reader
from pipeline.entities.features import Layout
from pipeline.entities.learn import Batch, Plan, Trainer, WordTable, dense, new_network
from pipeline.entities.network import neighbours, scores, word_vectors
from pipeline.entities.tags import N_TAGS, decode, first_tag, span_tags

WORDS = ["Gen.", "Erik", "Kurilla", "visited", "Al-Omar", "on", "Friday", "."]
TAGS = [*span_tags(0, 3, "PERSON"), 0, *span_tags(0, 1, "GPE"), 0, *span_tags(0, 1, "DATE"), 0]
PLAN = Plan(width=16, offsets=((-1, 0, 1), (-2, 0, 2)), dropout=0.0, word_dropout=0.0)


def setup(plan: Plan = PLAN) -> tuple[Trainer, Batch, WordTable]:
    layout = Layout({"visited": 1, "on": 2})
    fixed = np.random.default_rng(3).normal(size=(4, 8)).astype(np.float32)
    fixed[0] = 0
    table = WordTable(layout, {"friday": 1, "kurilla": 2, "erik": 3})
    net = new_network(layout, fixed, plan)
    masks = np.zeros((len(TAGS) + 1, N_TAGS), bool)
    masks[np.arange(len(TAGS)), TAGS] = True
    masks[len(TAGS)] = True  # a token that teaches nothing
    rows = [*range(len(TAGS) - 1), len(TAGS)]
    batch = Batch(np.array([table.number(w) for w in WORDS]), np.array(rows), np.ones(len(WORDS), np.float32))
    return Trainer(net, table, masks, plan), batch, table


def test_gradients_are_those_of_the_loss() -> None:
    trainer, batch, _ = setup()
    random = np.random.default_rng(0)
    trainer.net.output[:] = random.normal(0, 0.3, trainer.net.output.shape)
    gradients = trainer.gradients(batch)
    base = [p.astype(np.float64) for p in dense(trainer.net)]
    for k, (parameter, gradient) in enumerate(zip(dense(trainer.net), gradients.dense, strict=True)):
        for flat in random.choice(parameter.size, 3, replace=False):
            at = np.unravel_index(flat, parameter.shape)
            losses = []
            for step in (1e-2, -1e-2):
                parameter[at] = base[k][at] + step
                losses.append(trainer.gradients(batch).loss)
            parameter[at] = base[k][at]
            assert (losses[0] - losses[1]) / 2e-2 == pytest.approx(float(gradient[at]), abs=2e-3, rel=0.05)


def test_a_network_learns_a_sentence_and_reads_it_alone_as_in_training() -> None:
    trainer, batch, table = setup()
    losses = [trainer.step(batch, 0.01) for _ in range(120)]
    assert losses[-1] < 0.05 < losses[0]
    x = word_vectors(
        trainer.net,
        list(zip([i.tolist() for i in table.ids], [w.tolist() for w in table.weights], strict=True)),
        table.fixed,
    )
    found = decode(scores(trainer.net, x[batch.words]))
    assert found[:3] == [(0, 3, "PERSON"), (4, 5, "GPE"), (6, 7, "DATE")]


def test_the_same_seed_gives_the_same_weights() -> None:
    hashes = set()
    for seed in (0, 0, 1):
        trainer, batch, _ = setup(Plan(width=16, seed=seed))
        for _ in range(5):
            trainer.step(batch, 0.01)
        hashes.add((seed, store.weights_hash(trainer.net)))
    assert len({h for _, h in hashes}) == 2
    assert len(hashes) == 2


@pytest.mark.parametrize("offsets", [(-1, 0, 1), (-2, 0, 2), (0,)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_neighbours_are_zero_beyond_the_ends(n: int, offsets: tuple[int, ...]) -> None:
    x = np.arange(1, 2 * n + 1, dtype=np.float32).reshape(n, 2)
    wide = neighbours(x, offsets)
    for i in range(n):
        for k, o in enumerate(offsets):
            expected = x[i + o] if 0 <= i + o < n else np.zeros(2)
            assert wide[i, 2 * k : 2 * k + 2].tolist() == list(expected)


def test_missing_is_not_negative() -> None:
    corpus = Corpus("wikigold", (), "coarse")
    text = "President Ivan Petrov paid $5 million for 3 tanks near Oslo on Friday."
    row = {"id": "x-1", "text": text, "entities": [[10, 21, "PER"], [55, 59, "LOC"]]}
    (example,) = Reader(tokenizer.blank()).examples(corpus, row)
    allowed = dict(zip(example.words, example.allowed, strict=True))
    assert allowed["President"] == FREE  # the corpus leaves titles out, we do not
    assert allowed["paid"] == OUTSIDE
    assert allowed["million"] == 1 << (first_tag("MONEY") + 2)  # not marked by the corpus, sure by rule
    assert allowed["tanks"] == 1 << (first_tag("PLATFORM") + 3)
    assert allowed["Friday"] == 1 << (first_tag("DATE") + 3)
    assert allowed["Oslo"] >> (first_tag("GPE") + 3) & 1


def test_own_labels_are_learnt_as_they_stand() -> None:
    corpus = Corpus("gmb_voa", (), "gmb")
    text = "Singapore paid $5 million two days after the past 24 hours."
    row = {"id": "x-1", "text": text, "entities": [[0, 9, "org"], [26, 29, "tim"], [45, 52, "tim"]]}
    (example,) = Reader(tokenizer.blank(), own_labels=True).examples(corpus, row)
    allowed = dict(zip(example.words, example.allowed, strict=True))
    assert allowed["Singapore"] == 1 << (first_tag("ORG") + 3)  # a place by our conventions
    assert allowed["two"] == 1 << (first_tag("DATE") + 3)  # no date by ours
    assert allowed["past"] == 1 << first_tag("DATE")
    assert allowed["million"] == OUTSIDE  # not marked, so no entity


def test_the_shipped_model_belongs_to_the_shipped_word_lists() -> None:
    meta = orjson.loads((store.shipped_folder() / "meta.json").read_bytes())
    assert meta["word_lists_sha256"] == store.word_lists_hash()
    assert meta["weights_sha256"] == store.weights_hash(store.load(store.shipped_folder()).network)
    assert sum(f.stat().st_size for f in store.shipped_folder().iterdir()) < 20e6


def test_a_model_survives_the_disk(tmp_path: Path) -> None:
    model = store.load(store.shipped_folder())
    store.save(tmp_path, model)
    store.copy_fixed(store.shipped_folder(), tmp_path)
    again = store.load(tmp_path)
    assert again.layout == model.layout
    assert (again.network.table == model.network.table).all()
    assert (again.frequent_vectors == model.frequent_vectors).all()
