"""Training the network: gradients by hand, Adam (Kingma and Ba 2015). Numpy alone; one core; seeded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.entities.features import Layout
from pipeline.entities.names import plain
from pipeline.entities.network import Floats, Layer, Network, neighbours, normalise
from pipeline.entities.tags import N_TAGS


@dataclass(frozen=True, slots=True)
class Plan:
    """Hyper-parameters."""

    width: int = 96
    offsets: tuple[tuple[int, ...], ...] = ((-1, 0, 1), (-1, 0, 1), (-2, 0, 2))
    epochs: int = 5
    batch_tokens: int = 1500
    rate: float = 0.003
    word_dropout: float = 0.15
    dropout: float = 0.2
    noise: float = 0.04
    seed: int = 0


def new_network(layout: Layout, fixed: Floats, plan: Plan) -> Network:
    """Random parameters."""
    random = np.random.default_rng(plan.seed)
    d = plan.width

    def normal(*shape: int, scale: float) -> Floats:
        return random.normal(0.0, scale, shape).astype(np.float32)

    layers = [
        Layer(
            offsets,
            normal(len(offsets) * d, 2 * d, scale=(2.0 / (len(offsets) * d)) ** 0.5),
            np.zeros(2 * d, np.float32),
            np.ones(d, np.float32) * np.float32(0.7),
            np.zeros(d, np.float32),
        )
        for offsets in plan.offsets
    ]
    return Network(
        table=normal(layout.rows, d, scale=0.3),
        fixed=fixed,
        project=normal(fixed.shape[1], d, scale=(1.0 / fixed.shape[1]) ** 0.5),
        scale=np.ones(d, np.float32),
        shift=np.zeros(d, np.float32),
        layers=layers,
        output=np.zeros((d, N_TAGS), np.float32),
        output_bias=np.zeros(N_TAGS, np.float32),
    )


def dense(net: Network) -> list[Floats]:
    """The parameters that every batch changes."""
    found = [net.project, net.scale, net.shift, net.output, net.output_bias]
    for layer in net.layers:
        found += [layer.weights, layer.bias, layer.scale, layer.shift]
    return found


def _normalise_back(grad: Floats, normal: Floats, inverse: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Gradients of layer normalisation: of its input, scale and shift."""
    to_scale, to_shift = (grad * normal).sum(axis=0), grad.sum(axis=0)
    g = grad * scale
    back = inverse * (g - g.mean(axis=1, keepdims=True) - normal * (g * normal).mean(axis=1, keepdims=True))
    return back, to_scale, to_shift


def _neighbours_back(grad: Floats, offsets: tuple[int, ...], width: int) -> Floats:
    n = len(grad)
    out = np.zeros((n, width), dtype=grad.dtype)
    for k, offset in enumerate(offsets):
        part = grad[:, k * width : (k + 1) * width]
        if offset == 0:
            out += part
        elif offset < 0:
            out[: n + offset] += part[-offset:]
        else:
            out[offset:] += part[: n - offset]
    return out


class WordTable:
    """Bags of the words of all examples, by number."""

    def __init__(self, layout: Layout, fixed_rows: dict[str, int]) -> None:
        self.layout = layout
        self._fixed_rows = fixed_rows
        self._numbers: dict[str, int] = {}
        self.ids: list[NDArray[np.int32]] = []
        self.weights: list[Floats] = []
        self.fixed: list[int] = []

    def number(self, word: str) -> int:
        known = self._numbers.get(word)
        if known is None:
            ids, weights = self.layout.bag(word)
            known = self._numbers[word] = len(self.ids)
            self.ids.append(np.asarray(ids, np.int32))
            self.weights.append(np.asarray(weights, np.float32))
            self.fixed.append(self._fixed_rows.get(plain(word), 0))
        return known


@dataclass(slots=True)
class Batch:
    """Several examples in one array, `gap` empty rows between them.

    words: (n,) numbers in the word table, -1 in gaps. allowed: (n,) rows of the mask table. weight: (n,), 0 in gaps.
    """

    words: NDArray[np.int64]
    allowed: NDArray[np.int64]
    weight: Floats


@dataclass(slots=True)
class Gradients:
    """Of the parameters in the order of `dense`, and of the rows that a batch used of the embedding table."""

    loss: float
    dense: list[Floats]
    rows: NDArray[np.int32]
    row_gradients: Floats


class Trainer:
    """One training run."""

    def __init__(self, net: Network, table: WordTable, masks: NDArray[np.bool_], plan: Plan) -> None:
        self.net = net
        self._words = table
        self._masks = masks
        self._plan = plan
        self._random = np.random.default_rng(plan.seed + 1)
        self._step = 0
        self._moments = [(np.zeros_like(p), np.zeros_like(p)) for p in dense(net)]
        self._row_moments = (np.zeros_like(net.table), np.zeros_like(net.table))

    def step(self, batch: Batch, rate: float) -> float:
        """Learn from a batch; the mean loss per token."""
        found = self.gradients(batch)
        self._step += 1
        self._adam_dense(found.dense, rate)
        self._adam_rows(found.rows, found.row_gradients, rate)
        return found.loss

    def gradients(self, batch: Batch) -> Gradients:
        """Mean loss per token of a batch, and its gradients."""
        net, plan, random = self.net, self._plan, self._random
        real = batch.words >= 0
        live = real[:, None].astype(np.float32)
        unique, inverse_index = np.unique(batch.words[real], return_inverse=True)

        # One flat bag for the batch: a token's vector is computed once per distinct word, with or without its own row.
        keep_word = random.random(len(unique)) >= plan.word_dropout
        lengths = np.array([len(self._words.ids[w]) for w in unique])
        flat = np.concatenate([self._words.ids[w] for w in unique])
        weights = np.concatenate([self._words.weights[w] for w in unique])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        weights = weights.copy()
        weights[starts[~keep_word]] = 0.0
        fixed = net.fixed[np.array(self._words.fixed)[unique]]
        fixed = fixed * (random.random(len(unique)) >= plan.word_dropout)[:, None]
        raw = np.add.reduceat(net.table[flat] * weights[:, None], starts, axis=0) + fixed @ net.project
        vectors, normal0, inverse0 = normalise(raw, net.scale, net.shift)

        x = np.zeros((len(batch.words), net.width), np.float32)
        x[real] = vectors[inverse_index]
        drop = (random.random(x.shape, dtype=np.float32) >= plan.dropout).astype(np.float32) / np.float32(
            1 - plan.dropout
        )
        x *= drop
        kept = []
        for layer in net.layers:
            wide = neighbours(x, layer.offsets)
            pre = (wide @ layer.weights + layer.bias).reshape(len(x), 2, net.width)
            first = pre[:, 0] >= pre[:, 1]
            best = np.where(first, pre[:, 0], pre[:, 1])
            out, normal, inverse = normalise(best, layer.scale, layer.shift)
            mask = (random.random(x.shape, dtype=np.float32) >= plan.dropout).astype(np.float32) / np.float32(
                1 - plan.dropout
            )
            mask *= live
            x = x + out * mask
            kept.append((wide, first, normal, inverse, mask))
        logits = x @ net.output + net.output_bias

        # Loss: minus the log of the summed probability of the allowed tags (partial labels).
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        target = p * self._masks[batch.allowed]
        inside = target.sum(axis=1, keepdims=True) + np.float32(1e-9)
        target /= inside
        total = float(batch.weight.sum()) + 1e-9
        loss = -float((np.log(inside[:, 0]) * batch.weight).sum()) / total
        grad = (p - target) * (batch.weight / np.float32(total))[:, None]

        to_output, to_output_bias = x.T @ grad, grad.sum(axis=0)
        back = grad @ net.output.T
        layer_grads: list[list[Floats]] = []
        for layer, (wide, first, normal, inverse, mask) in zip(reversed(net.layers), reversed(kept), strict=True):
            g, to_scale, to_shift = _normalise_back(back * mask, normal, inverse, layer.scale)
            wide_grad = np.concatenate([g * first, g * ~first], axis=1)
            layer_grads.append([wide.T @ wide_grad, wide_grad.sum(axis=0), to_scale, to_shift])
            back = back + _neighbours_back(wide_grad @ layer.weights.T, layer.offsets, net.width)
        back = (back * drop)[real]
        order = np.argsort(inverse_index, kind="stable")
        firsts = np.flatnonzero(np.diff(inverse_index[order], prepend=-1))
        per_word = np.add.reduceat(back[order], firsts, axis=0)
        raw_grad, to_scale0, to_shift0 = _normalise_back(per_word, normal0, inverse0, net.scale)
        grads = [fixed.T @ raw_grad, to_scale0, to_shift0, to_output, to_output_bias]
        for found in reversed(layer_grads):
            grads += found

        return Gradients(loss, grads, flat, np.repeat(raw_grad, lengths, axis=0) * weights[:, None])

    def _adam_dense(self, grads: list[Floats], rate: float) -> None:
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in grads)))
        clip = np.float32(min(1.0, 5.0 / (norm + 1e-9)))
        beta1, beta2 = 0.9, 0.999
        correct = (1 - beta2**self._step) ** 0.5 / (1 - beta1**self._step)
        for p, g, (m, v) in zip(dense(self.net), grads, self._moments, strict=True):
            g = g * clip
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            p -= np.float32(rate * correct) * m / (np.sqrt(v) + np.float32(1e-8))

    def _adam_rows(self, flat: NDArray[np.int32], grads: Floats, rate: float) -> None:
        """Adam on the rows that the batch used (lazy: the moments of the others stand still)."""
        order = np.argsort(flat, kind="stable")
        rows, firsts = np.unique(flat[order], return_index=True)
        g = np.add.reduceat(grads[order], firsts, axis=0)
        m, v = self._row_moments
        mr = m[rows] * np.float32(0.9) + np.float32(0.1) * g
        vr = v[rows] * np.float32(0.999) + np.float32(0.001) * g * g
        m[rows], v[rows] = mr, vr
        correct = (1 - 0.999**self._step) ** 0.5 / (1 - 0.9**self._step)
        self.net.table[rows] -= np.float32(rate * correct) * mr / (np.sqrt(vr) + np.float32(1e-8))


def batches(
    examples: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], float]],
    order: NDArray[np.int64],
    tokens: int,
    gap: int,
) -> Iterator[Batch]:
    """Examples in the given order, packed into batches of about `tokens` tokens."""
    chosen: list[int] = []
    size = 0
    for i in order:
        chosen.append(int(i))
        size += len(examples[int(i)][0]) + gap
        if size >= tokens:
            yield _pack([examples[k] for k in chosen], gap)
            chosen, size = [], 0
    if chosen:
        yield _pack([examples[k] for k in chosen], gap)


def _pack(chosen: list[tuple[NDArray[np.int64], NDArray[np.int64], float]], gap: int) -> Batch:
    pad = np.full(gap, -1, np.int64)
    words = np.concatenate([a for w, _, _ in chosen for a in (w, pad)])
    allowed = np.concatenate([a for _, t, _ in chosen for a in (t, np.zeros(gap, np.int64))])
    weight = np.concatenate([np.concatenate([np.full(len(w), s), np.zeros(gap)]) for w, _, s in chosen])
    return Batch(words, allowed, weight.astype(np.float32))
