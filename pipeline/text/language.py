"""The language of an article: what it says itself, else what its words look like."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# The start of a text is enough: on news, more than this changes no answer, and cost grows with it (0.2 ms for this).
_START = 400
# Below so many letters a guess is a coin toss.
_MIN_LETTERS = 24
# One-sentence news items in English were called something else below this, never above.
_MIN_PROBABILITY = 0.7
# Small words of English that no other language of news has. Of texts with so many of them the classifier calls nearly
# all English, and those that it does not are English too, in capitals; looking for them costs a twentieth.
_ENGLISH = frozenset(
    ["the", "and", "with", "said", "this", "from", "has", "been", "which", "their", "they", "that", "were", "would"]
)
_LEAST_ENGLISH = 3
_WORDS_TO_ENGLISH = 10
_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*\Z")


def normalise_tag(tag: str | None) -> str | None:
    """A BCP 47 tag in its usual case ("EN_us" -> "en-US"); None when it is no tag or says "undetermined"."""
    if tag is None or not _TAG.match(tag.strip()):
        return None
    language, *rest = re.split("[-_]", tag.strip())
    language = language.lower()
    if language in ("und", "zxx", "mul", "mis"):
        return None
    parts = [language]
    for part in rest:
        if len(part) == 4 and part.isalpha():
            parts.append(part.title())  # script
        elif len(part) == 2:
            parts.append(part.upper())  # region
        else:
            parts.append(part.lower())
    return "-".join(parts)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language of a text; None when it is too short or the classifier is unsure."""
    start = text[:_START]
    words = _WORD.findall(start.lower())
    if sum(map(len, words)) < _MIN_LETTERS:
        return None
    english = sum(word in _ENGLISH for word in words)
    if english >= _LEAST_ENGLISH and english * _WORDS_TO_ENGLISH >= len(words):
        return "en"
    language, probability = _identifier().classify(start)
    return str(language) if probability >= _MIN_PROBABILITY else None


def language_of(stated: str | None, title: str | None, text: str) -> str | None:
    """The language an article says it has, else the detected one.

    Args:
        stated: the wire's own tag.
        title: helps where the text is short.
        text: the cleaned text.
    """
    return normalise_tag(stated) or detect(text if len(text) >= _START or not title else f"{title}\n{text}")
