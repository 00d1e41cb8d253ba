"""Words of a text, as they are compared: cheap, and the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    for count, match in enumerate(_WORD.finditer(text)):
        if count >= limit:
            return
        yield _POSSESSIVE.sub("", match[0].lower())


def stems(text: str, limit: int) -> Iterator[str]:
    """Stems of the words that carry meaning among the first `limit`."""
    for word in words(text, limit):
        if word not in STOPWORDS and (len(word) > 1 or word.isdigit()):
            yield stem(word)
