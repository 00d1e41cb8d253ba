"""What the network sees of a word: a weighted bag of rows of one embedding table.

A word's bag depends on the word alone, so its sum is computed once and kept (network.py). That is why the features may
be rich at no cost in speed: the word itself, its character n-grams (Bojanowski et al. 2017), its shape, its token
classes (classes.py), and whether it is a known name or a city.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pipeline.entities.classes import SHAPES, classes, lexicon
from pipeline.entities.gazetteer import cities, shipped
from pipeline.entities.labels import LABELS
from pipeline.entities.names import plain

GRAM_ROWS = 16384
SHAPE_ROWS = 512
_GRAM_SIZES = (2, 3, 4, 5)
# A chemical name or a URL has hundreds of n-grams; the first few dozen tell what it is.
_MAX_WORD = 24


@lru_cache(maxsize=1)
def class_names() -> tuple[str, ...]:
    """Every class of classes.py, then the classes that only known names give, in a fixed order."""
    lower, cased = lexicon()
    listed = {c for table in (lower, cased) for found in table.values() for c in found}
    known = [f"known_{label}" for label in LABELS] + ["part_of_name", "city", "part_of_city"]
    return (*sorted(set(SHAPES) | listed | {"facility_name"}), *known)


@lru_cache(maxsize=1)
def _known_words() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}

    def add(forms: Iterator[str], whole: str, part: str) -> None:
        for form in forms:
            words = form.replace("-", " ").split()
            for word in words:
                if len(words) == 1 or word[:1].isupper():
                    found.setdefault(word, set()).add(whole if len(words) == 1 else part)
            found.setdefault(form, set()).add(whole)

    for name in shipped().names:
        add(iter(name.forms), f"known_{name.label}", "part_of_name")
    add(iter(cities()), "city", "part_of_city")
    return {word: frozenset(c) for word, c in found.items()}


def shape(word: str) -> str:
    """The word with X, x and d for its letters and digits, runs of over two cut short: "F-16" is "X-dd"."""
    mapped = "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word[:_MAX_WORD]
    )
    return re.sub(r"(.)\1{2,}", r"\1\1", mapped)


def grams(word: str) -> list[str]:
    """Character n-grams of the lower-cased word between < and >."""
    marked = f"<{word[:_MAX_WORD].lower()}>"
    return [marked[i : i + n] for n in _GRAM_SIZES for i in range(len(marked) - n + 1)]


def word_key(word: str) -> str:
    """The form under which a word is in the vocabulary: plain lower case, digits alike; white space has none."""
    return re.sub(r"\d", "0", plain(word))


def _row(text: str, rows: int) -> int:
    # CRC-32: the same on every machine and run, unlike hash().
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % rows


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each kind of feature has its rows in the embedding table."""

    words: dict[str, int]

    @property
    def rows(self) -> int:
        return 1 + len(self.words) + GRAM_ROWS + SHAPE_ROWS + len(class_names())

    def bag(self, word: str) -> tuple[list[int], list[float]]:
        """Rows of a word and their weights. The first row is that of the word itself (0: not in the vocabulary)."""
        start = 1 + len(self.words)
        ids = [self.words.get(word_key(word), 0)]
        weights = [1.0]
        parts = grams(word)
        ids += [start + _row(g, GRAM_ROWS) for g in parts]
        weights += [1.0 / max(1, len(parts)) ** 0.5] * len(parts)
        start += GRAM_ROWS
        ids.append(start + _row(shape(word), SHAPE_ROWS))
        weights.append(1.0)
        start += SHAPE_ROWS
        found = classes(word) | _known_words().get(word, frozenset())
        table = _class_rows()
        ids += [start + table[c] for c in sorted(found)]
        weights += [1.0] * len(found)
        return ids, weights


@lru_cache(maxsize=1)
def _class_rows() -> dict[str, int]:
    return {name: i for i, name in enumerate(class_names())}
