"""What can be computed of an article before anything is decided: clean text, shingles, sketch, numbers, headline.

A function of the article alone, and computed for many articles at once, because the cost of numpy is per call: the
words of a batch are hashed as one text. What comes out does not depend on what else is in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

import msgspec
import numpy as np

from pipeline.dedup.credits import may_credit
from pipeline.dedup.decision import NO_WORDS
from pipeline.dedup.figures import figures
from pipeline.dedup.headline import headlines
from pipeline.dedup.sketch import U32, WIDTH, Sketch, shingle_hashes, sketches
from pipeline.records import EditorWord, RawArticle, Void
from pipeline.text.clean import Cleaned, clean
from pipeline.text.words import I32, U64, Words, words

_SHORT = 12
"""The words of a shorter text count together with its title: "Results below." is no copy of "Results below."."""

_LEAD = 12
"""So many words of a text stand in for a headline that it has not."""

_MIN_WORDS = 5
"""Fewer words are nobody's property, even when they are exactly the same."""

_TOGETHER = 1 << 14
"""Longer texts (characters) are hashed on their own."""


class Prepared(msgspec.Struct, gc=False):
    """An article ready to be decided.

    Attributes:
        cleaned: its title and text.
        exact: hash of its words in order, 24 hex digits; NO_WORDS when there are too few.
        sketch: of the text.
        ordered: the hashes of the sketch, sorted.
        figures: its numbers in their places.
        headline: hashes of the words of its headline.
        batch: the words of all texts of a batch.
        place: first and past-the-last of them that are compared: the text's, those of a short text with its title's.
        shingles: their shingle hashes, in text order.
        offset: where the text begins in what the offsets of `words` count from.
        short: the words of the title are among `words`.
        may_credit: the text may have a credit line.
    """

    cleaned: Cleaned
    exact: str
    sketch: Sketch
    ordered: U32
    figures: U32
    headline: U32
    batch: Words
    place: tuple[int, int]
    shingles: U32
    offset: int
    short: bool
    may_credit: bool

    @property
    def words(self) -> Words:
        """The words that are compared."""
        start, end = self.place
        return self.batch[start:end]

    @property
    def starts(self) -> I32:
        """Those of `words`."""
        start, end = self.place
        return self.batch.starts[start:end]

    @property
    def hashes(self) -> U64:
        """Those of `words`."""
        start, end = self.place
        return self.batch.hashes[start:end]


def prepare(items: Sequence[RawArticle | EditorWord | Void]) -> list[Prepared | None]:
    """Prepare a batch; None for what has no text to decide on (voids, kills, withheld articles, editors' words)."""
    prepared: list[Prepared | None] = [None] * len(items)
    together: list[int] = []
    cleaned: list[Cleaned] = []
    for n, item in enumerate(items):
        if not isinstance(item, RawArticle) or item.pub_status != "usable":
            continue
        one = clean(item)
        if len(one.text) > _TOGETHER:
            prepared[n] = _prepare([one])[0]
        else:
            together.append(n)
            cleaned.append(one)
    for n, done in zip(together, _prepare(cleaned), strict=True):
        prepared[n] = done
    return prepared


def _prepare(batch: Sequence[Cleaned]) -> list[Prepared]:
    if not batch:
        return []
    titles = [c.title or "" for c in batch]
    told = [f"{title}\n{c.text}\n" for title, c in zip(titles, batch, strict=True)]
    begins = [0, *accumulate(map(len, told))]
    every = words("".join(told))
    bodies = [begin + len(title) + 1 for begin, title in zip(begins, titles, strict=False)]
    firsts = every.starts.searchsorted(np.array(begins, np.int32))
    first, ends = firsts[:-1], firsts[1:]
    first_in_body = every.starts.searchsorted(np.array(bodies, np.int32))
    is_short = ends - first_in_body < _SHORT
    starts = np.where(is_short, first, first_in_body)
    head_ends = np.where(first_in_body > first, first_in_body, np.minimum(first + _LEAD, ends))
    shingles = shingle_hashes(every.hashes)
    numbers = figures(every, starts, ends)
    headline = headlines(every, first, head_ends)
    ranges = list(zip(starts.tolist(), ends.tolist(), strict=True))
    shorts = (starts < first_in_body).tolist()
    # The last shingles of a text reach into the next one.
    own = [
        shingles[start : end - WIDTH + 1] if end - start >= WIDTH else shingle_hashes(every.hashes[start:end])
        for start, end in ranges
    ]
    kept = sketches(own, (ends - starts).tolist())
    credited = may_credit(every.hashes, ends, [c.text for c in batch])
    told_bytes = memoryview(every.hashes.astype("<u8", copy=False).tobytes())
    return [
        Prepared(
            batch[n],
            _exact(told_bytes[8 * start : 8 * end]),
            *kept[n],
            numbers[n],
            headline[n],
            every,
            (start, end),
            own[n],
            bodies[n],
            shorts[n],
            credited[n],
        )
        for n, (start, end) in enumerate(ranges)
    ]


def _exact(hashes: memoryview) -> str:
    """Hash of the hashes of words."""
    return NO_WORDS if len(hashes) < 8 * _MIN_WORDS else blake2b(hashes, digest_size=12).hexdigest()
