"""Articles in, entities out: one spaCy pipeline in one process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from pipeline import settings
from pipeline.entities.aliases import fold
from pipeline.entities.gazetteer import Gazetteer, Name, gazetteer
from pipeline.entities.labels import LABELS
from pipeline.entities.load import label_map, load_pipeline
from pipeline.entities.mentions import mentions_of
from pipeline.entities.repair import Repair
from pipeline.entities.windows import windows
from pipeline.errors import InvalidEvent
from pipeline.records import Annotation, Article, Entity

# What a component of a user's own pipeline may throw at a text that it does not like.
_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_BATCH_CHARS = 100_000
"""Texts given to `nlp.pipe` at once: enough to keep it busy, few enough to keep memory low."""

_LONGEST_COMMON = 30
_WORDS_AT_ONCE = 10_000

_Span = tuple[int, int, str]


class _CommonWords:
    """Tokenises common words once and for all.

    What is met inside a memory zone is forgotten at its end, the tokenizer's cache included; without this, "the" would
    be cut anew in every batch, and tokenising would cost more than the rest. A word is common when it is met in a
    second batch; so many are kept and no more, so memory stays flat.
    """

    MAX_COMMON = 50_000
    MAX_ONCE = 200_000

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._common: set[str] = set()
        self._once: set[str] = set()

    def meet(self, texts: Iterable[str]) -> None:
        """Note the words of a batch; call it outside the memory zone."""
        if len(self._common) >= self.MAX_COMMON:
            return
        new = {word for text in texts for word in text.split()} - self._common
        again = [word for word in sorted(new & self._once) if len(word) <= _LONGEST_COMMON]
        for i in range(0, len(again), _WORDS_AT_ONCE):
            self._nlp.make_doc(" ".join(again[i : i + _WORDS_AT_ONCE]))
        self._common.update(again)
        self._once |= new
        if len(self._once) > self.MAX_ONCE:
            self._once.clear()


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
        SettingsError: no such pipeline, one with labels that we do not know, or a wrong file of aliases.
    """

    def __init__(self, settings: settings.Entities) -> None:
        self._nlp = load_pipeline(settings.model, settings.aliases)
        self._label_map = label_map(self._nlp, settings.labels)
        self._max_chars = settings.max_chars
        self._gazetteer = gazetteer(settings.aliases)
        self._words = _CommonWords(self._nlp)
        ours = set(self._label_map.values())
        self.labels: tuple[str, ...] = tuple(label for label in LABELS if label in ours)
        self.version = f"{self._nlp.meta['name']} {self._nlp.meta['version']}"

    def use_names(self, own: tuple[Name, ...]) -> None:
        """Know these names of the user's own instead of those known before, from the next batch on."""
        if own == self._gazetteer.own:
            return
        self._gazetteer = Gazetteer(own)
        for name in self._nlp.pipe_names:
            component = self._nlp.get_pipe(name)
            if isinstance(component, Repair):
                component.use(self._gazetteer)

    def annotate(self, articles: Sequence[Article]) -> list[Annotation | InvalidEvent]:
        """One annotation per article, in their order; an article that the pipeline refuses gives its error instead."""
        self._words.meet(article.text for article in articles)
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
            _annotation(article.title or "", title, article.text, body, self._gazetteer)
            for article, body, title in zip(articles, bodies, titles, strict=True)
        ]

    def _speaks(self, language: str | None) -> bool:
        if not language or self._nlp.lang == "xx":
            return True
        return language.lower().replace("_", "-").partition("-")[0] == self._nlp.lang

    def _spans(self, doc: Doc, offset: int) -> list[_Span]:
        found = []
        text = doc.text  # joins the tokens at every call
        for span in doc.ents:
            label = self._label_map.get(span.label_)
            start, end = trimmed(text, span.start_char, span.end_char)
            if label is not None and start < end:
                found.append((offset + start, offset + end, label))
        return found


_AFTER_NAME = re.compile(r"[\s.,;:]*(?:\[(?:\d{1,3}|edit)\]|\|)+$")  # "George Chen.[9]", "Mars |"
_BLANK_LINE = re.compile(r"\n\s*\n")


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without white space and footnotes' numbers at its ends, and not beyond a blank line: no name goes over two
    paragraphs."""
    name = text[start:end]
    start += len(name) - len(name.lstrip())
    name = name.strip()
    if name.endswith(("]", "|")):
        name = _AFTER_NAME.sub("", name)
    if (blank := _BLANK_LINE.search(name)) is not None:
        name = name[: blank.start()]
    return start, start + len(name)


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


def _annotation(title: str, titles: list[_Span], text: str, spans: list[_Span], gazetteer: Gazetteer) -> Annotation:
    """Entities with their ids: one id for all that the article calls one thing."""
    mentions = mentions_of(title, titles) + mentions_of(text, spans)
    ids = {member: group.entity_id for group in fold(mentions, gazetteer) for member in group.members}

    def entities(text: str, spans: list[_Span]) -> tuple[Entity, ...]:
        return tuple(
            Entity(start=start, end=end, label=label, text=text[start:end], entity_id=ids[text[start:end], label])
            for start, end, label in spans
        )

    return Annotation(entities=entities(text, spans), title_entities=entities(title, titles))
