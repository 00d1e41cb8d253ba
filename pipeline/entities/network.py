"""The tagger's network, in numpy: word vectors, a few convolutions over neighbouring words, one score per tag.

A word's vector is the weighted sum of its rows of the embedding table (features.py) plus a projection of its fixed
vector (word_vectors.py), layer-normalised. Each layer reads a word and its neighbours, takes the larger of two linear
maps (maxout, Goodfellow et al. 2013), normalises, and adds the result to its input. The shape of spaCy's
`HashEmbedCNN`, but word vectors are computed once per word, and no state is kept while tags are chosen.

Each document is computed alone, so its scores do not depend on what else is in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

EPSILON = np.float32(1e-5)


@dataclass(slots=True)
class Layer:
    """One convolution: `offsets` of the words it reads, weights (len(offsets) * width, 2 * width), scale, shift."""

    offsets: tuple[int, ...]
    weights: Floats
    bias: Floats
    scale: Floats
    shift: Floats


@dataclass(slots=True)
class Network:
    """All parameters.

    Attributes:
        table: (rows, width) embedding table.
        fixed: (words, size) fixed word vectors, unit variance; row 0 is zero, for words without one.
        project: (size, width) their projection.
        scale, shift: (width,) of the normalisation of word vectors.
        output: (width, tags); output_bias: (tags,).
    """

    table: Floats
    fixed: Floats
    project: Floats
    scale: Floats
    shift: Floats
    layers: list[Layer]
    output: Floats
    output_bias: Floats

    @property
    def width(self) -> int:
        return int(self.table.shape[1])


def normalise(x: Floats, scale: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
    """Layer normalisation (Ba et al. 2016). Returns the result, the normalised input and 1/deviation."""
    centred = x - x.mean(axis=1, keepdims=True)
    inverse = 1.0 / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + EPSILON)
    normal = centred * inverse
    return normal * scale + shift, normal, inverse


def neighbours(x: Floats, offsets: tuple[int, ...]) -> Floats:
    """For each row the rows at `offsets` from it, side by side; zeros beyond the ends. (n, width) -> (n, k * width)."""
    n, width = x.shape
    out = np.zeros((n, len(offsets) * width), dtype=x.dtype)
    for k, offset in enumerate(offsets):
        target = out[:, k * width : (k + 1) * width]
        if offset == 0:
            target[:] = x
        elif offset < 0:
            target[-offset:] = x[: n + offset] if n > -offset else x[:0]
        elif n > offset:
            target[: n - offset] = x[offset:]
    return out


def word_vectors(net: Network, bags: list[tuple[list[int], list[float]]], fixed_rows: list[int]) -> Floats:
    """Vectors of words, one row each, each computed alone."""
    out = np.empty((len(bags), net.width), dtype=np.float32)
    for i, ((ids, weights), row) in enumerate(zip(bags, fixed_rows, strict=True)):
        raw = np.asarray(weights, dtype=np.float32) @ net.table[ids] + net.fixed[row] @ net.project
        out[i] = normalise(raw[None, :], net.scale, net.shift)[0][0]
    return out


def scores(net: Network, x: Floats) -> Floats:
    """Scores (n, tags) of the n words of one document from their word vectors (n, width)."""
    for layer in net.layers:
        pre = neighbours(x, layer.offsets) @ layer.weights + layer.bias
        pieces = pre.reshape(len(x), 2, net.width)
        best = np.maximum(pieces[:, 0], pieces[:, 1])
        x = x + normalise(best, layer.scale, layer.shift)[0]
    return x @ net.output + net.output_bias
