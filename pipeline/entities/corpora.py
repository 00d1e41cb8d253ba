"""Training corpora: which labels each marks, and what its spans mean in ours.

No corpus marks all our labels, and none says so token by token. So every token gets the *set* of tags that its corpus
allows (tags.py): one tag where the corpus is sure, several where it is not ("geo" may be GPE, LOC or FAC), and tags of
labels that the corpus does not mark wherever a rule sees a candidate for one. Training then asks only that the true tag
is in the set: what a corpus does not mark is missing there, not negative.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.entities.conventions import Convention, convention
from pipeline.entities.gazetteer import shipped
from pipeline.entities.meanings import Labels
from pipeline.entities.names import is_title
from pipeline.entities.rules import ClassString, Match, matches, resolve
from pipeline.entities.tags import N_TAGS, first_tag, span_tags

FREE = (1 << N_TAGS) - 1
"""Allowed set (bit per tag) of a token that teaches nothing."""
OUTSIDE = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus and how to read it.

    Attributes:
        files: glob patterns under the corpus's folder; `held_files` are held out whole.
        convention: name of what its labels mean (conventions.py).
        weight: of each of its tokens in the loss.
        repeat: how often it is read per epoch.
        held_out: share of documents held out by a hash of `group(row)`.
    """

    name: str
    files: tuple[str, ...]
    convention: str
    weight: float = 1.0
    repeat: int = 1
    held_files: tuple[str, ...] = ()
    held_out: float = 0.0
    group: Callable[[dict[str, Any]], str] = field(default=lambda row: str(row["id"]))


@dataclass(frozen=True, slots=True)
class Example:
    """One text for training: its words, the set of allowed tags of each, and its weight."""

    words: tuple[str, ...]
    allowed: tuple[int, ...]
    weight: float


CORPORA: tuple[Corpus, ...] = (
    Corpus("gmb_voa", ("train.jsonl.gz",), "gmb", held_files=("dev.jsonl.gz",)),
    Corpus("re3d", ("*.jsonl",), "re3d", repeat=10, held_out=0.25),
    Corpus("gum_v11", ("train.jsonl.gz",), "gum", weight=0.7, held_files=("dev.jsonl",)),
    Corpus("wikigold", ("*.jsonl",), "coarse", weight=0.7, held_out=0.2, group=lambda row: _twenty(row["id"])),
    Corpus("crossner_politics", ("train.jsonl", "dev.jsonl"), "coarse", weight=0.7, held_files=("test.jsonl",)),
    Corpus(
        "uner_english_ewt",
        ("*.jsonl",),
        "coarse",
        weight=0.5,
        held_out=0.2,
        group=lambda row: row["id"].rpartition("-")[0],
    ),
)


def _twenty(id: str) -> str:
    # The corpus does not say where its documents begin; twenty sentences in a row are about one.
    return str(int(id.rpartition("-")[2]) // 20)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON-lines file, gzipped or not."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as f:
        for line in f:
            yield orjson.loads(line)


def is_held_out(corpus: Corpus, row: dict[str, Any]) -> bool:
    """Whether a row belongs to the part that training never sees: by document, the same on every run."""
    return zlib.crc32(f"{corpus.name} {corpus.group(row)}".encode()) % 1000 < corpus.held_out * 1000


def read_corpus(folder: Path, corpus: Corpus) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows for training and rows held out."""
    train: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for pattern in corpus.files:
        for path in sorted((folder / corpus.name).glob(pattern)):
            for row in rows(path):
                (held if is_held_out(corpus, row) else train).append(row)
    for name in corpus.held_files:
        held += rows(folder / corpus.name / name)
    return train, held


def _mask(tags: Iterable[int]) -> int:
    return sum(1 << t for t in set(tags))


def _all_tags(label: str) -> int:
    return 0b1111 << first_tag(label)


class Reader:
    """Turns rows of a corpus into examples.

    Args:
        own_labels: learn what the corpus marks as it stands, its labels by name, and that all else is no entity.
    """

    # Context beyond a few sentences is out of the network's sight; short pieces mix better.
    MAX_TOKENS = 200

    def __init__(self, nlp: Language, own_labels: bool = False) -> None:
        self._nlp = nlp
        self._own_labels = own_labels
        self._classes = ClassString()

    def examples(self, corpus: Corpus, row: dict[str, Any]) -> Iterator[Example]:
        """The examples of a row: pieces of at most 200 tokens, cut after a sentence where there is one."""
        doc = self._nlp.make_doc(row["text"])
        allowed = self.allowed(corpus, doc, row["entities"])
        words = [t.text for t in doc]
        start = 0
        while start < len(words):
            end = min(len(words), start + self.MAX_TOKENS)
            if end < len(words):
                cuts = [
                    i for i in range(start + self.MAX_TOKENS // 2, end) if words[i - 1] in (".", "!", "?", "\n", "\n\n")
                ]
                end = cuts[-1] if cuts else end
            yield Example(tuple(words[start:end]), tuple(allowed[start:end]), corpus.weight)
            start = end

    def allowed(self, corpus: Corpus, doc: Doc, entities: list[list[Any]]) -> list[int]:
        """The set of allowed tags of every token."""
        allowed = [OUTSIDE] * len(doc)
        marking = convention(corpus.convention)
        if not self._own_labels:
            self._allow_unmarked(marking.marks, doc, allowed)
        for first_char, end_char, meaning in self._meanings(marking, doc.text, entities):
            span = doc.char_span(first_char, end_char, alignment_mode="expand")
            if meaning is None or span is None:
                continue
            exact = span.start_char == first_char and span.end_char == end_char
            first, last = span.start, span.end
            if not meaning or not exact:
                allowed[first:last] = [FREE] * (last - first)
                continue
            outside = _ARTICLES if self._own_labels else _NO_PART_OF_A_NAME
            while first < last - 1 and doc[first].lower_ in outside:
                allowed[first] = OUTSIDE
                first += 1
            masks = [0] * (last - first)
            for ours in meaning:
                for i, tag in enumerate(span_tags(first, last, ours)):
                    masks[i] |= 1 << tag
            allowed[first:last] = masks
            if meaning == ("PERSON",) and corpus.convention == "coarse" and not self._own_labels:
                # These leave out titles; ours has them.
                self._allow_title(doc, first, allowed)
        return allowed

    def _meanings(
        self, marking: Convention, text: str, entities: list[list[Any]]
    ) -> Iterator[tuple[int, int, Labels | None]]:
        for start, end, label in entities:
            if self._own_labels:
                ours = marking.namesake(label)
                yield start, end, None if ours is None else (ours,)
            else:
                yield from marking.meaning(text, start, end, label)

    def _allow_unmarked(self, marks: frozenset[str], doc: Doc, allowed: list[int]) -> None:
        for m in resolve(m for m in matches(self._classes(doc)) if m.label not in marks):
            self._silver(m, allowed)
        for i, token in enumerate(doc):
            # A known name that the corpus passes over: a nationality is sure, the rest may have been missed.
            known = shipped().find(token.text) if token.text[:1].isupper() and allowed[i] == OUTSIDE else None
            if known is not None:
                allowed[i] = 1 << (first_tag("NORP") + 3) if known.label == "NORP" else FREE

    @staticmethod
    def _silver(m: Match, allowed: list[int]) -> None:
        for i, tag in enumerate(span_tags(m.start, m.end, m.label), m.start):
            allowed[i] = 1 << tag if m.label in _RULES_KNOW else FREE

    @staticmethod
    def _allow_title(doc: Doc, first: int, allowed: list[int]) -> None:
        i = first
        while i > 0 and is_title(doc[i - 1].text) and allowed[i - 1] == OUTSIDE:
            i -= 1
            allowed[i] = FREE
        if i < first:
            allowed[first] = _all_tags("PERSON")


_RULES_KNOW = frozenset({"MONEY", "QUANTITY", "TIME", "WEAPON", "PLATFORM", "DATE"})
"""Labels for which a match of a rule counts as gold where a corpus does not mark them."""

_ARTICLES = frozenset({"the", "a", "an"})
_NO_PART_OF_A_NAME = _ARTICLES | {"one", "two", "three", "several", "some"}
