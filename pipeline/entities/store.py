"""The trained model on disk: one folder of plain arrays and word lists, read without pickle.

meta.json      name, version, layers, seed, corpora, scores
network.npz    parameters, half precision
words.txt      the vocabulary, one word a line: word n has row n of the embedding table
fixed.npz      fixed word vectors, 8 bits; fixed.txt their words
frequent.txt   frequent words as written, whose vectors are computed when the model is loaded
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pipeline.entities.features import Layout
from pipeline.entities.names import plain
from pipeline.entities.network import Floats, Layer, Network, word_vectors
from pipeline.entities.tags import TAGS
from pipeline.errors import SettingsError

FIXED_SCALE = np.float32(1 / 24)
"""A fixed vector's component is its byte times this: unit variance leaves room for five deviations."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network, the words it knows, and what it says about itself."""

    meta: dict[str, Any]
    network: Network
    layout: Layout
    fixed_rows: dict[str, int]
    frequent: tuple[str, ...]
    frequent_vectors: Floats
    """(frequent words, width)."""


def shipped_folder() -> Path:
    """The folder of the model that ships; it need not exist in a checkout that is being trained."""
    return Path(str(resources.files("pipeline.entities"))) / "model"


def is_model(folder: Path) -> bool:
    """Whether a folder is one of ours, and not of a spaCy pipeline, which has a meta.json too."""
    return (folder / "network.npz").is_file()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _write_lines(path: Path, words: list[str]) -> None:
    path.write_text("".join(word + "\n" for word in words), encoding="utf-8")


def fixed_words(folder: Path) -> list[str]:
    """The words that have a fixed vector, in the order of their rows."""
    return _lines(folder / "fixed.txt")


def load_fixed(folder: Path) -> tuple[Floats, dict[str, int]]:
    """Fixed word vectors with a row of zeros in front, and each word's row."""
    with np.load(folder / "fixed.npz", allow_pickle=False) as z:
        vectors = z["vectors"].astype(np.float32) * FIXED_SCALE
    rows = {word: i for i, word in enumerate(fixed_words(folder), 1)}
    return np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors]), rows


def save(folder: Path, model: Model) -> None:
    """Write all but the fixed vectors, which training does not change."""
    net = model.network
    arrays: dict[str, Any] = {"table": net.table, "project": net.project, "scale": net.scale, "shift": net.shift}
    arrays |= {"output": net.output, "output_bias": net.output_bias}
    for i, layer in enumerate(net.layers):
        arrays |= {f"weights{i}": layer.weights, f"bias{i}": layer.bias}
        arrays |= {f"scale{i}": layer.scale, f"shift{i}": layer.shift}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "network.npz", **{name: a.astype(np.float16) for name, a in arrays.items()})
    loaded = _load_network(folder, net.fixed, [layer.offsets for layer in net.layers])
    bags = [model.layout.bag(word) for word in model.frequent]
    vectors = word_vectors(loaded, bags, [model.fixed_rows.get(plain(word), 0) for word in model.frequent])
    np.savez_compressed(folder / "frequent.npz", vectors=vectors.astype(np.float16))
    _write_lines(folder / "words.txt", sorted(model.layout.words, key=model.layout.words.__getitem__))
    _write_lines(folder / "frequent.txt", list(model.frequent))
    meta = model.meta | {
        "tags": list(TAGS),
        "layers": [list(layer.offsets) for layer in net.layers],
        "weights_sha256": weights_hash(net),
        "word_lists_sha256": word_lists_hash(),
    }
    (folder / "meta.json").write_bytes(orjson.dumps(meta, option=orjson.OPT_INDENT_2) + b"\n")


def copy_fixed(source: Path, target: Path) -> None:
    """Put the fixed vectors into another model folder."""
    for name in ("fixed.npz", "fixed.txt"):
        shutil.copyfile(source / name, target / name)


def weights_hash(net: Network) -> str:
    """SHA-256 of the trained parameters as they are stored: the same for the same data, seed and machine."""
    digest = hashlib.sha256()
    for a in (net.table, net.project, net.output, *(layer.weights for layer in net.layers)):
        digest.update(np.ascontiguousarray(a.astype(np.float16)).tobytes())
    return digest.hexdigest()


def word_lists_hash() -> str:
    """SHA-256 of the shipped word lists: the features of a model are made of them (features.py)."""
    digest = hashlib.sha256()
    for name in ("lexicon.toml", "gazetteer.txt", "cities.txt", "first_names.txt"):
        digest.update((resources.files("pipeline.entities") / "data" / name).read_bytes())
    return digest.hexdigest()


def _load_network(folder: Path, fixed: Floats, offsets: Sequence[Sequence[int]]) -> Network:
    with np.load(folder / "network.npz", allow_pickle=False) as z:
        a = {name: z[name].astype(np.float32) for name in z.files}
    layers = [
        Layer(tuple(o), a[f"weights{i}"], a[f"bias{i}"], a[f"scale{i}"], a[f"shift{i}"]) for i, o in enumerate(offsets)
    ]
    return Network(a["table"], fixed, a["project"], a["scale"], a["shift"], layers, a["output"], a["output_bias"])


def load(folder: Path) -> Model:
    """Read a model.

    Raises:
        SettingsError: the folder has no model, or one of other tags or word lists than this version's.
    """
    try:
        meta = orjson.loads((folder / "meta.json").read_bytes())
        fixed, fixed_rows = load_fixed(folder)
        net = _load_network(folder, fixed, meta["layers"])
        words = {word: i for i, word in enumerate(_lines(folder / "words.txt"), 1)}
        frequent = tuple(_lines(folder / "frequent.txt"))
        with np.load(folder / "frequent.npz", allow_pickle=False) as z:
            vectors = z["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError) as e:
        raise SettingsError(f"no entity model in {folder}: {e}. `wirefuse train entities` makes one") from None
    layout = Layout(words)
    if meta["tags"] != list(TAGS) or len(net.table) != layout.rows or len(vectors) != len(frequent):
        raise SettingsError(f"the entity model in {folder} was made by another version of Wirefuse: train it again")
    return Model(meta, net, layout, fixed_rows, frequent, vectors)
