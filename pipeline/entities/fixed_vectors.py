"""Fixed word vectors: what a sentence model knows of each single word, squeezed into 64 bytes.

Names that training never saw still have neighbours among those it did. Each word goes alone through all-MiniLM-L6-v2
(Wang et al. 2020, Apache 2.0); the mean of its last layer is centred, scaled to length one, projected on the first
principal components and rounded to 8 bits. Run once; training and the shipped pipeline only read the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from pipeline.entities.network import Floats
from pipeline.entities.store import FIXED_SCALE

SIZE = 64
_HEADS = 12
_LONGEST = 14
"""Word pieces of a word that are looked at; more are a URL or a slip."""
_BATCH = 256
_SAMPLE = 5
"""The principal components come from every fifth word."""


class MiniLM:
    """The six transformer layers of all-MiniLM-L6-v2, forward only.

    Args:
        folder: with model.safetensors.
    """

    def __init__(self, folder: Path) -> None:
        data = (folder / "model.safetensors").read_bytes()
        size = int.from_bytes(data[:8], "little")
        self._weights: dict[str, Floats] = {}
        for name, entry in orjson.loads(data[8 : 8 + size]).items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                start, end = entry["data_offsets"]
                flat = np.frombuffer(data[8 + size + start : 8 + size + end], dtype=np.float32)
                self._weights[name] = flat.reshape(entry["shape"])

    def _linear(self, x: Floats, name: str) -> Floats:
        out: Floats = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return out

    def _normalise(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        out: Floats = centred / np.sqrt(centred.var(-1, keepdims=True) + 1e-12)
        return out * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def means(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Mean of the last layer over the pieces of each input; all inputs have equally many pieces."""
        pieces = np.array(ids)
        n, length = pieces.shape
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][pieces] + w["embeddings.position_embeddings.weight"][:length]
        x = self._normalise(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        size = x.shape[-1] // _HEADS
        for layer in range(6):
            at = f"encoder.layer.{layer}"
            q, k, v = (
                self._linear(x, f"{at}.attention.self.{part}").reshape(n, length, _HEADS, size).transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            attention = q @ k.transpose(0, 1, 3, 2) / size**0.5
            attention = np.exp(attention - attention.max(-1, keepdims=True))
            attention /= attention.sum(-1, keepdims=True)
            mixed = (attention @ v).transpose(0, 2, 1, 3).reshape(n, length, -1)
            x = self._normalise(
                x + self._linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm"
            )
            inner = self._linear(x, f"{at}.intermediate.dense")
            inner = 0.5 * inner * (1 + np.tanh(0.7978845608 * (inner + 0.044715 * inner**3)))
            x = self._normalise(x + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        out: Floats = x.mean(1)
        return out


def word_means(model: MiniLM, encoded: Sequence[Sequence[int]], say: Callable[[str], None]) -> Floats:
    """Vectors of words from their pieces, computed in batches of equal length."""
    order = sorted(range(len(encoded)), key=lambda i: (len(encoded[i]), i))
    out = np.zeros((len(encoded), 384), np.float32)
    at = 0
    while at < len(order):
        length = len(encoded[order[at]])
        batch = [i for i in order[at : at + _BATCH] if len(encoded[i]) == length]
        out[batch] = model.means([encoded[i] for i in batch])
        at += len(batch)
        if at // 10_000 != (at - len(batch)) // 10_000:
            say(f"{at} of {len(order)} words")
    return out


def squeeze(vectors: Floats) -> NDArray[np.int8]:
    """Principal components of unit vectors, at unit variance overall, as bytes."""
    centred = vectors - vectors.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    _, _, components = np.linalg.svd(centred[::_SAMPLE], full_matrices=False)
    projected = centred @ components[:SIZE].T
    rounded: NDArray[np.int8] = np.clip(np.round(projected / projected.std() / FIXED_SCALE), -127, 127).astype(np.int8)
    return rounded


def build(words: Sequence[str], minilm: Path, out: Path, say: Callable[[str], None]) -> None:
    """Write fixed.npz and fixed.txt into a model folder.

    Args:
        words: plain lower case, without white space.
        minilm: folder of all-MiniLM-L6-v2 with model.safetensors and tokenizer.json.
    """
    from tokenizers import Tokenizer  # needed for this alone, so not a dependency

    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = [tokenizer.encode(word).ids[:_LONGEST] for word in words]
    vectors = squeeze(word_means(MiniLM(minilm), encoded, say))
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "fixed.npz", vectors=vectors)
    (out / "fixed.txt").write_text("".join(word + "\n" for word in words), encoding="utf-8")
