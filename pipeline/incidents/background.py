"""How common words are in news at large: document frequencies from openly licensed text.

The table makes the first articles of an edition comparable, before it has frequencies of its own. Each line of
`background.txt` is a stem and the number of documents that have it; the first line is the number of documents.
`docs/quality/incidents.md` names the texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources

from pipeline.incidents.words import stems

_WORDS = 400


def count(texts: Iterable[str], least: int = 2) -> str:
    """The table's text from documents; stems in fewer than `least` of them are left out."""
    found: Counter[str] = Counter()
    total = 0
    for text in texts:
        found.update(set(stems(text, _WORDS)))
        total += 1
    rows = sorted((stem, n) for stem, n in found.items() if n >= least)
    return f"{total}\n" + "".join(f"{stem} {n}\n" for stem, n in rows)


@cache
def table() -> tuple[dict[str, int], int]:
    """(documents by stem, number of documents)."""
    text = resources.files("pipeline.incidents").joinpath("background.txt").read_text(encoding="utf-8")
    total, *rows = text.splitlines()
    frequencies = {}
    for row in rows:
        stem, _, number = row.partition(" ")
        frequencies[stem] = int(number)
    return frequencies, int(total)
