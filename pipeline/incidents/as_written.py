"""How an article writes what it was compared by: "warehouses" for the stem "warehous", "RSF" for "rsf"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from pipeline.facts.spellings import spelt
from pipeline.incidents.words import stem

_WORD = re.compile(r"[^\W_][\w’'-]*")
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")


def as_written(text: str) -> Callable[[str], str | None]:
    """A function from a stem or a folded name to the first word of the text that it stands for; None: there is none.

    A name is rather the first word with a capital than the first one.
    """

    @cache
    def forms() -> tuple[dict[str, str], dict[str, str]]:
        names: dict[str, str] = {}
        stems: dict[str, str] = {}
        for match in _WORD.finditer(text):
            _note(names, match[0], _folded(match[0]))
        for match in _PART.finditer(text):
            stems.setdefault(stem(_folded(match[0])), _POSSESSIVE.sub("", match[0]))
            _note(names, match[0], _folded(match[0]))
        return names, stems

    def find(compared: str) -> str | None:
        names, stems = forms()
        return names.get(compared) or stems.get(compared)

    return find


def _folded(word: str) -> str:
    return spelt(_POSSESSIVE.sub("", word).lower())


def _note(names: dict[str, str], written: str, folded: str) -> None:
    if folded not in names or (written[0].isupper() and not names[folded][0].isupper()):
        names[folded] = _POSSESSIVE.sub("", written)
