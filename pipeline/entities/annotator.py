"""Articles in, entities out: one spaCy pipeline in one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spacy.tokens import Doc

from pipeline import settings
from pipeline.entities.labels import IDENTITY_CLASS, LABELS
from pipeline.entities.load import label_map, load_pipeline
from pipeline.entities.names import normalise
from pipeline.entities.windows import windows
from pipeline.errors import InvalidEvent
from pipeline.ids import entity_id
from pipeline.records import Annotation, Article, Entity

# What a component of a user's own pipeline may throw at a text that it does not like.
_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_BATCH_CHARS = 100_000
"""Texts given to `nlp.pipe` at once: enough to keep it busy, few enough to keep memory low."""

_Span = tuple[int, int, str]


class Annotator:
    """Finds the entities of articles.

    The same text gives the same entities whatever else is in the batch. A pipeline annotates texts of its own
    language and those that do not say theirs; others get no entities.

    Args:
        settings: section `entities`.

    Attributes:
        labels: the labels that may come out.
        version: name and version of the pipeline, for `build_info`.

    Raises:
        SettingsError: no such pipeline, or one with labels that we do not know.
    """

    def __init__(self, settings: settings.Entities) -> None:
        self._nlp = load_pipeline(settings.model)
        self._label_map = label_map(self._nlp, settings.labels)
        self._max_chars = settings.max_chars
        ours = set(self._label_map.values())
        self.labels: tuple[str, ...] = tuple(label for label in LABELS if label in ours)
        self.version = f"{self._nlp.meta['name']} {self._nlp.meta['version']}"

    def annotate(self, articles: Sequence[Article]) -> list[Annotation | InvalidEvent]:
        """One annotation per article, in their order; an article that the pipeline refuses gives its error instead."""
        with self._nlp.memory_zone():
            try:
                return self._annotate(articles)
            except _REFUSALS:
                # Rare, and the batch does not say whose fault it was: each alone.
                return [self._annotate_alone(article) for article in articles]

    def spans(self, text: str) -> list[_Span]:
        """The entities of one text as (start, end, label); offsets into the text as given."""
        with self._nlp.memory_zone():
            pieces = list(windows(text, self._max_chars))
            docs = self._nlp.pipe(piece for _, piece in pieces)
            return [span for (offset, _), doc in zip(pieces, docs, strict=True) for span in self._spans(doc, offset)]

    def _annotate_alone(self, article: Article) -> Annotation | InvalidEvent:
        try:
            return self._annotate([article])[0]
        except _REFUSALS as e:
            return InvalidEvent("processing", f"{self.version} refused the article: {type(e).__name__}: {e}")

    def _annotate(self, articles: Sequence[Article]) -> list[Annotation | InvalidEvent]:
        bodies: list[list[_Span]] = [[] for _ in articles]
        titles: list[list[_Span]] = [[] for _ in articles]
        pieces: list[tuple[str, tuple[list[_Span], int]]] = []
        for article, body, title in zip(articles, bodies, titles, strict=True):
            if not self._speaks(article.language):
                continue
            pieces += [(piece, (title, offset)) for offset, piece in windows(article.title or "", self._max_chars)]
            pieces += [(piece, (body, offset)) for offset, piece in windows(article.text, self._max_chars)]
        for batch in _batches(pieces):
            for doc, (spans, offset) in self._nlp.pipe(batch, as_tuples=True, batch_size=len(batch)):
                spans += self._spans(doc, offset)
        return [
            Annotation(entities=_entities(article.text, body), title_entities=_entities(article.title or "", title))
            for article, body, title in zip(articles, bodies, titles, strict=True)
        ]

    def _speaks(self, language: str | None) -> bool:
        if not language or self._nlp.lang == "xx":
            return True
        return language.lower().replace("_", "-").partition("-")[0] == self._nlp.lang

    def _spans(self, doc: Doc, offset: int) -> list[_Span]:
        found = []
        for span in doc.ents:
            label = self._label_map.get(span.label_)
            if label is not None:
                found.append((offset + span.start_char, offset + span.end_char, label))
        return found


def _batches(pieces: list[tuple[str, tuple[list[_Span], int]]]) -> Iterator[list[tuple[str, tuple[list[_Span], int]]]]:
    batch: list[tuple[str, tuple[list[_Span], int]]] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece[0])
        if size >= _BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _entities(text: str, spans: list[_Span]) -> tuple[Entity, ...]:
    return tuple(
        Entity(
            start=start,
            end=end,
            label=label,
            text=text[start:end],
            entity_id=entity_id(IDENTITY_CLASS[label], normalise(text[start:end])),
        )
        for start, end, label in spans
    )
