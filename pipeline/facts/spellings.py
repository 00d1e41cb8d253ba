"""Places that newsrooms write in several ways, as one word: Kharkov is Kharkiv, Raqqah is Raqqa."""

from __future__ import annotations

from functools import cache

from pipeline.entities.gazetteer import shipped


def spelt(word: str) -> str:
    """A word in small letters; of a place's spellings the one that the shipped gazetteer gives first.

    A user's own names have no part in it: what is decided about an article must not change with them.
    """
    return _spellings().get(word, word)


@cache
def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in shipped().names:
        first, *others = (form.lower() for form in name.forms)
        if name.label in ("GPE", "LOC") and _is_word(first):
            found |= {other: first for other in others if _is_word(other) and len(other) > 3}
    return found


def _is_word(text: str) -> bool:
    return text.replace("'", "").replace("-", "").isalpha()
