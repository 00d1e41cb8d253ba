"""Whole numbers as news writes them: digits, words, dozens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"

_VALUES: dict[str, int] = {word: n for n, word in enumerate(_UNITS.split())}
_VALUES |= {word: 10 * n for n, word in enumerate(_TENS.split(), start=2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "dozen": 12}

_SMALL = "|".join(sorted(_VALUES, key=len, reverse=True))
_COUNT = rf"(?:{_SMALL})(?:[- ](?:{_SMALL}))?"
_WORDED = rf"(?:{_COUNT}|a|an)\s(?:hundred|thousand|million|dozen)|(?:{_SMALL})(?:-(?:{_SMALL}))?"
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}}|{_WORDED})"
"""Regular expression of a number; use with re.IGNORECASE and word boundaries of your own."""

_MOST_DIGITS = 18
"""A longer row of digits counts nothing, and might not fit into the 64 bits that records have for a number."""

_FIND = re.compile(rf"(?<![\w.,$€£]){NUMBER}(?![\w%]|[.,]\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in a text: `text[start:end]`."""

    start: int
    end: int
    value: int


def parse(text: str) -> int | None:
    """Value of a number that NUMBER matched; None where it is none ("forty ninety") or has over 18 digits."""
    folded = text.lower().replace(",", "")
    if folded.isdecimal():
        return int(folded) if len(folded) <= _MOST_DIGITS else None
    total = 0
    for word in re.split(r"[\s-]+", folded):
        if word in ("a", "an"):
            total += 1
        elif word in _SCALES:
            total = max(total, 1) * _SCALES[word]
        elif word not in _VALUES or (total and (total % 10 or _VALUES[word] > 9)):
            return None
        else:
            total += _VALUES[word]
    return total


def numbers(text: str) -> Iterator[Number]:
    """Whole numbers of a text, in order. Money, percentages, decimals and parts of words are left out."""
    for match in _FIND.finditer(text):
        value = parse(match[0])
        if value is not None:
            yield Number(match.start(), match.end(), value)
