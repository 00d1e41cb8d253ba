"""Wire edits: what outlets do to a report that they take from a wire, done to any articles with a fixed seed.

Each edit keeps a known part of its source, so that what a copy detector finds can be scored without labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from pipeline.dedup.evidence import sentences

ALL_AT_ONCE = "all at once"
"""The one kind that is several edits together: half of the text, another lead, names, quotes, a paragraph more."""

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Report:
    """A source article, in sentences."""

    id: str
    title: str
    paragraphs: tuple[tuple[str, ...], ...]

    @property
    def sentences(self) -> list[str]:
        return [s for p in self.paragraphs for s in p]

    @property
    def words(self) -> int:
        return sum(count_words(s) for s in self.sentences)


@dataclass(frozen=True, slots=True)
class Edit:
    """An edited copy.

    Attributes:
        kind: which edit.
        sources: ids of the reports that it was made from; finding any of them is right.
        title, text: the copy.
        kept: share of the (best kept) source's words that is in the copy.
    """

    kind: str
    sources: tuple[str, ...]
    title: str
    text: str
    kept: float


def count_words(text: str) -> int:
    return len(_WORD.findall(text))


def report(id: str, title: str | None, text: str) -> Report:
    """Split an article into paragraphs and sentences."""
    paragraphs = []
    for paragraph in text.split("\n"):
        found = tuple(paragraph[a:b] for a, b in sentences(paragraph))
        if found:
            paragraphs.append(found)
    return Report(id, title or "", tuple(paragraphs))


def _text(paragraphs: Sequence[Sequence[str]]) -> str:
    return "\n\n".join(" ".join(p) for p in paragraphs if p)


def _first_part(source: Report, share: float) -> list[list[str]]:
    """The beginning of a report: what an outlet short of space prints."""
    goal = share * source.words
    kept: list[list[str]] = []
    words = 0
    for paragraph in source.paragraphs:
        kept.append([])
        for sentence in paragraph:
            if words >= goal:
                return kept
            kept[-1].append(sentence)
            words += count_words(sentence)
    return kept


def _some_sentences(source: Report, share: float, random: Random) -> list[list[str]]:
    """The lead and a choice of the other sentences, in order."""
    goal = share * source.words
    flat = [(i, j) for i, p in enumerate(source.paragraphs) for j in range(len(p))]
    order = [flat[0], *random.sample(flat[1:], len(flat) - 1)]
    chosen: set[tuple[int, int]] = set()
    words = 0
    for i, j in order:
        if words >= goal:
            break
        chosen.add((i, j))
        words += count_words(source.paragraphs[i][j])
    return [[s for j, s in enumerate(p) if (i, j) in chosen] for i, p in enumerate(source.paragraphs)]


def _whole(source: Report) -> list[list[str]]:
    return [list(p) for p in source.paragraphs]


def _respell(word: str, random: Random) -> str:
    """Another spelling of a name, as two desks would transliterate it."""
    changes: list[Callable[[str], str]] = [
        lambda w: w.replace("y", "i") if "y" in w else w + "e",
        lambda w: w.replace("k", "q") if "k" in w else w.replace("c", "k", 1),
        lambda w: re.sub(r"([bdfglmnprst])", r"\1\1", w, count=1),
        lambda w: re.sub(r"[aeo]", lambda m: {"a": "e", "e": "i", "o": "ou"}[m[0]], w, count=1),
    ]
    changed = random.choice(changes)(word)
    return changed if changed != word else word + "h"


def _names_respelt(text: str, random: Random) -> str:
    names = sorted(set(_NAME.findall(text)))
    for name in random.sample(names, min(len(names), 5)):
        text = re.sub(rf"\b{name}\b", _respell(name, random), text)
    return text


_QUOTES = [
    str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "…": "..."}),
    str.maketrans({"“": "«", "”": "»", '"': "'", "’": "'", "—": " - "}),
    str.maketrans({"“": "„", "”": "“", '"': "”", "'": "’", "-": "–"}),
]


def edits(reports: Sequence[Report], seed: int) -> Iterator[Edit]:
    """One copy of every kind for every report; the same for the same reports and seed.

    Added leads, paragraphs and captions are sentences of other reports.
    """
    for at, source in enumerate(reports):
        random = Random(f"{seed} {source.id}")
        other = reports[(at + 1 + random.randrange(len(reports) - 1)) % len(reports)]
        foreign = other.sentences
        words = source.words

        def made(
            kind: str, text: str, kept: float, sources: tuple[str, ...] = (source.id,), title: str = source.title
        ) -> Edit:
            return Edit(kind, sources, title, text, kept)

        def share(paragraphs: list[list[str]], words: int = words) -> float:
            return sum(count_words(s) for p in paragraphs for s in p) / words

        for part in (0.5, 0.3):
            cut = _first_part(source, part)
            yield made(f"first {part:.0%}", _text(cut), share(cut))
            cut = _some_sentences(source, part, random)
            yield made(f"abridged to {part:.0%}", _text(cut), share(cut))
        whole = _whole(source)
        lead = random.choice(foreign)
        body = [whole[0][1:], *whole[1:]]
        yield made("new lead", _text([[lead], *body]), share(body), title=other.title)
        yield made("appended paragraph", _text([*whole, foreign[:3]]), 1.0)
        middle = random.randrange(len(whole) + 1)
        caption = [f"{random.choice(foreign)} (Photo: {other.title or 'agency'})"]
        yield made("caption inserted", _text([*whole[:middle], caption, *whole[middle:]]), 1.0)
        yield made("names respelt", _names_respelt(_text(whole), random), 1.0)
        yield made("quotes", _text(whole).translate(random.choice(_QUOTES)), 1.0)
        yield made("two stitched", _text([*whole, *_whole(other)]), 1.0, (source.id, other.id))
        halves = _first_part(source, 0.5), _first_part(other, 0.5)
        stitched = _text([*halves[0], *halves[1]])
        yield made("two halves stitched", stitched, max(share(halves[0]), 0.5), (source.id, other.id))
        cut = _some_sentences(source, 0.5, random)
        changed = _names_respelt(_text(cut).translate(random.choice(_QUOTES)), random)
        yield made(ALL_AT_ONCE, f"{lead}\n\n{changed}\n\n{foreign[-1]}", share(cut), title=other.title)
