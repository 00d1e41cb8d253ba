"""spaCy component `wirefuse_tagger`: the trained network over a document's words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span

from pipeline.entities.labels import LABELS
from pipeline.entities.names import plain
from pipeline.entities.network import Floats, scores, word_vectors
from pipeline.entities.store import Model, load, shipped_folder
from pipeline.entities.tags import decode


class WordVectors:
    """Vectors of words, each computed when first met and kept.

    A word's vector is a function of the word alone, so what is kept changes nothing but the speed. Those of frequent
    words come with the model, rounded, and are never computed again.
    """

    # 200,000 vectors of 96 numbers are 77 MB. A stream with ever new words starts again from the frequent ones.
    MAX_WORDS = 200_000

    def __init__(self, model: Model, keys: Sequence[int]) -> None:
        self._model = model
        self._frequent = dict(zip(keys, range(len(keys)), strict=True))
        self._rows = self._frequent.copy()
        self._vectors: Floats = np.concatenate(
            [model.frequent_vectors, np.empty((1024, model.network.width), np.float32)]
        )

    def __call__(self, doc: Doc) -> Floats:
        """Vectors of a document's tokens (tokens, width)."""
        keys = doc.to_array("ORTH").tolist()
        rows = self._rows
        try:
            return self._vectors[[rows[key] for key in keys]]
        except KeyError:
            self.learn({t.orth: t.orth_ for t in doc if t.orth not in rows})
            return self._vectors[[self._rows[key] for key in keys]]

    def learn(self, words: dict[int, str]) -> None:
        """Compute and keep the vectors of new words, given by spaCy's hash of each."""
        if len(self._rows) + len(words) > self.MAX_WORDS:
            self._rows = self._frequent.copy()
        known, model = len(self._rows), self._model
        bags = [model.layout.bag(word) for word in words.values()]
        fixed = [model.fixed_rows.get(plain(word), 0) for word in words.values()]
        new = word_vectors(model.network, bags, fixed)
        while known + len(new) > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[known : known + len(new)] = new
        self._rows |= {key: known + i for i, key in enumerate(words)}


class Tagger:
    """The component. Sets `doc.ents`."""

    labels = LABELS

    def __init__(self, nlp: Language, folder: Path) -> None:
        self.model = load(folder)
        self._vectors = WordVectors(self.model, [nlp.vocab.strings.add(word) for word in self.model.frequent])

    @property
    def weights(self) -> str:
        """SHA-256 of the model's weights."""
        return str(self.model.meta["weights_sha256"])

    def spans(self, doc: Doc) -> list[tuple[int, int, str]]:
        """Entities as (first token, end token, label)."""
        return decode(scores(self.model.network, self._vectors(doc))) if len(doc) else []

    def __call__(self, doc: Doc) -> Doc:
        doc.set_ents([Span(doc, start, end, label) for start, end, label in self.spans(doc)])
        return doc


def _make(nlp: Language, name: str, folder: str) -> Tagger:
    return Tagger(nlp, Path(folder) if folder else shipped_folder())


def register() -> None:
    """Make the component known to spaCy, once. Its setting `folder` is the model's; empty: the one that ships."""
    if not Language.has_factory("wirefuse_tagger"):
        Language.factory("wirefuse_tagger", assigns=["doc.ents"], default_config={"folder": ""}, func=_make)
