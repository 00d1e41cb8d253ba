"""Words of a text, as they are compared: cheap, and the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from pipeline.facts.spellings import spelt
from pipeline.facts.stopwords import STOPWORDS

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")


def stem(word: str) -> str:
    """Fold plurals and the commonest verb endings: a light suffix stripper, wrong sometimes but always alike."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def words(text: str, limit: int) -> Iterator[str]:
    """The first `limit` words of a text, lower case, without possessives; stopwords included."""
    return (_fold(match[0]) for match in islice(_WORD.finditer(text), limit))


def stems(text: str, limit: int) -> list[str]:
    """Stems of the words that carry meaning among the first `limit`."""
    return [stem for stem in stem_by_word(text, limit) if stem]


def stem_by_word(text: str, limit: int) -> list[str]:
    """The stem of each of the first `limit` words; nothing for a word that carries no meaning."""
    return list(map(_stem_of, _WORD.findall(text)[:limit]))


def _fold(written: str) -> str:
    return _POSSESSIVE.sub("", written.lower())


@lru_cache(maxsize=1 << 16)
def _stem_of(written: str) -> str:
    """The stem of a word as written; nothing for one that carries no meaning."""
    word = spelt(_fold(written))
    if word in STOPWORDS or (len(word) < 2 and not word.isdigit()):
        return ""
    return stem(word)
